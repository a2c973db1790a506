import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HarScanner, MAX_DEPTH, MAX_VALUES } from './harScanner.ts';

/** What is found, with the text cut into pieces of these sizes, again and again. */
function scan(text: string | Buffer, sizes: readonly number[] = [1 << 16]) {
  const bytes = Buffer.from(text as string);
  const scanner = new HarScanner();
  const found: string[] = [];
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const size = sizes[turn % sizes.length] as number;
    for (const piece of scanner.push(bytes.subarray(at, at + size))) {
      found.push('json' in piece ? `${piece.kind}:${piece.json}` : piece.kind);
    }
    at += size;
  }
  return { found, scanner };
}

describe('an archive in pieces', () => {
  it('has the same entries, wherever it is cut', () => {
    const json = fc.json({ maxDepth: 4, noUnicodeString: false });
    fc.assert(
      fc.property(
        fc.array(fc.dictionary(fc.string(), fc.jsonValue()), { maxLength: 4 }),
        json,
        fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }),
        fc.nat(3),
        (entries, other, sizes, space) => {
          const before = `"x":${other},"creator":{"name":"c{"},`;
          const text = `\ufeff {"a":${other}, "log" :{${before}"entries":${JSON.stringify(entries, null, space)},"y":${other}},"z":[${other}]}`;
          const { found, scanner } = scan(text, sizes);
          expect(found[0]).toBe('creator:{"name":"c{"}');
          expect(found.slice(1).map((one) => JSON.parse(one.slice('entry:'.length)))).toEqual(
            JSON.parse(JSON.stringify(entries)),
          );
          expect([scanner.complete, scanner.isObject, scanner.sawEntries]).toEqual([true, true, true]);
        },
      ),
    );
  });

  it('that is cut off has its complete entries', () => {
    const { found, scanner } = scan('{"log":{"entries":[{"a":1},{"b":"}');
    expect(found).toEqual(['entry:{"a":1}']);
    expect(scanner.complete).toBe(false);
  });

  it('may contain items that are not entries', () => {
    expect(scan('{"log":{"entries":[1,{"a":"\\"}"},[{"b":1}],"x",null]}}').found).toEqual([
      'foreign',
      'entry:{"a":"\\"}"}',
      'foreign',
      'foreign',
      'foreign',
    ]);
  });

  it.each([
    ['[1,2]', false],
    ['\x89PNG', false],
    ['', null],
    ['{}', true],
  ])('is an object: %j', (text, isObject) => {
    const { scanner } = scan(text);
    expect(scanner.isObject).toBe(isObject);
    expect(scanner.sawEntries).toBe(false);
  });

  it('finds entries only in the list of entries', () => {
    expect(scan('{"entries":[{"a":1}],"x":{"entries":[{"b":1}]},"log":[{"entries":[{}]}]}').found).toEqual(
      [],
    );
    expect(scan('{"log":{"x":{"entries":[{"b":1}]},"entries":{"c":{"d":1}}}}').found).toEqual([]);
  });

  it('holds no entry beyond its bound, and nothing that is nested endlessly', () => {
    const most = 1024;
    const scanner = new HarScanner(most);
    const push = (text: string) => [...scanner.push(Buffer.from(text))];
    push('{"log":{"entries":[{"a":"');
    for (let i = 0; i < 100; i++) push('x'.repeat(most));
    expect(push('"},{"b":1},')).toMatchObject([{ kind: 'too-large' }, { kind: 'entry' }]);
    expect(push(`${'['.repeat(100_000)}${']'.repeat(100_000)},`)).toEqual([{ kind: 'foreign' }]);
  });

  it.each([
    ['values', `{"a":[${'0,'.repeat(MAX_VALUES)}0]}`],
    ['objects', `{"a":[${'{},'.repeat(MAX_VALUES)}0]}`],
    ['nested values', `{"a":${'['.repeat(MAX_DEPTH)}${']'.repeat(MAX_DEPTH)}}`],
  ])('passes over an entry with too many %s, of which nothing is held, and goes on', (_, entry) => {
    expect(scan(`{"log":{"entries":[${entry},{"b":1}]}}`).found).toEqual([
      'too-many-values',
      'entry:{"b":1}',
    ]);
  });

  it('counts no brackets and commas in strings', () => {
    const entry = `{"a":"${'[,'.repeat(MAX_VALUES)}"}`;
    expect(scan(`{"log":{"entries":[${entry}]}}`).found).toEqual([`entry:${entry}`]);
  });
});
