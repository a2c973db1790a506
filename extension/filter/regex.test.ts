import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runs } from '../../test/kit/runs.ts';
import { compileRegex, RegexError } from './regex.ts';

const TEXTS = [
  '',
  'a',
  'b',
  'ab',
  'aab',
  'abab',
  'foo bar',
  'a-b_c',
  '/orders/17?x=1',
  'foo\nbar',
  '42',
  'x.y',
  'ä',
];
const PATTERNS = [
  'a',
  'a|b',
  '^a$',
  'a*b',
  '(ab)+$',
  '(?:ab){2}',
  'a{2,}',
  'a{0,1}b',
  '[ab]c',
  '[^ab]',
  '[a-c_-]+',
  '\\d+',
  '\\D',
  '\\bbar\\b',
  'o\\b',
  '\\Bar',
  '\\/orders\\/\\d{1,3}',
  'orders/[^/]+x',
  '.+',
  'x\\.y',
  '(a|ab)(c|bcd)*',
  '(a*)*b',
  '(|a)b',
  'a{',
  'a{,3}',
  '\\x61\\u0062',
  '[]a]',
  '(?<year>\\d)',
  'foo.bar',
  'foo\\sbar',
  'a??b',
  '[\\w.]+y',
];

describe('a pattern', () => {
  it('occurs in the texts in which it does for the RegExp of the language', () => {
    for (const pattern of PATTERNS) {
      // An empty class, in other dialects a class with a bracket, matches nothing there.
      const native = new RegExp(pattern, 'i');
      const occurs = compileRegex(pattern);
      for (const text of TEXTS) {
        expect(`${pattern} ${text} ${occurs(text)}`).toBe(`${pattern} ${text} ${native.test(text)}`);
      }
    }
  });

  it('is the same as that RegExp for patterns and texts made at random', () => {
    const atom = fc.constantFrom(
      'a',
      'b',
      'c',
      '.',
      '[ab]',
      '[^a]',
      '\\w',
      '\\d',
      '\\b',
      '^',
      '$',
      '(a|b)',
      '(?:bc)',
    );
    const count = fc.constantFrom('', '', '*', '+', '?', '{2}', '{1,2}');
    const piece = fc.tuple(atom, count).map(([one, many]) => (/^(\\b|\^|\$)$/.test(one) ? one : one + many));
    const pattern = fc
      .array(fc.oneof(piece, fc.constant('|')), { maxLength: 7 })
      .map((pieces) => pieces.join(''));
    const text = fc.string({ unit: fc.constantFrom('a', 'b', 'c', '1', ' '), maxLength: 8 });
    fc.assert(
      fc.property(pattern, text, (made, read) => {
        expect(compileRegex(made)(read)).toBe(new RegExp(made).test(read));
      }),
      { numRuns: runs(500) },
    );
  });

  it('that repeats nothing, in as many brackets as there may be, takes no time', () => {
    let nothing = '()';
    for (let depth = 0; depth < 40; depth++) nothing = `(${nothing}{200})`;
    expect(compileRegex(`a${nothing}b`)('xaby')).toBe(true);
    expect(compileRegex(`a${nothing}b`)('axb')).toBe(false);
  });

  it('ignores case: the text is in lower case, the pattern in any', () => {
    expect(compileRegex('ORDERS')('/orders')).toBe(true);
    expect(compileRegex('[A-F]+9')('x/beef9')).toBe(true);
    expect(compileRegex('Ä')('ä')).toBe(true);
  });

  it('says what is wrong or not supported, and where', () => {
    for (const [pattern, at] of [
      ['a(b', 1],
      ['a)', 1],
      ['[a', 0],
      ['*a', 0],
      ['ab\\', 2],
      ['(?=a)', 0],
      ['(a)\\1', 3],
      ['[z-a]', 0],
      ['a{3,2}', 0],
      ['a{999}', 1],
      ['\\p{L}', 0],
    ] as const) {
      try {
        compileRegex(pattern);
        expect.fail(pattern);
      } catch (error) {
        expect(error, pattern).toBeInstanceOf(RegexError);
        expect((error as RegexError).at, pattern).toBe(at);
      }
    }
    for (const huge of ['((a{50}){50}){50}', '('.repeat(10_000), 'a'.repeat(10_000)]) {
      expect(() => compileRegex(huge)).toThrow(RegexError);
    }
  });
});

it('takes time that grows with the text only, whatever the pattern', () => {
  const text = 'a'.repeat(200_000);
  for (const pattern of [
    '(a+)+$b',
    '(a|a)*b',
    '(a|aa)+c',
    'a*a*a*a*a*a*b',
    '([a-z]+)*1',
    '(.*)*x',
    '(a?){40}a{40}b',
  ]) {
    expect(compileRegex(pattern)(text)).toBe(false);
  }
  // Every position begins a state of its own: the automaton does not fit, and is made again and again.
  const random = Array.from({ length: 20_000 }, (_, i) => (((i * 7919) >> 3) & 1 ? 'a' : 'b')).join('');
  expect(compileRegex('a[ab]{100}c')(random)).toBe(false);
});
