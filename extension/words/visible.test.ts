import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { labelText, shorten, visibleLine, visibleText, withoutIcons } from './visible.ts';

describe('visibleLine', () => {
  it('writes out control characters and bidirectional overrides', () => {
    expect(visibleLine('a\u0000b\u001b[31mc\u009b')).toBe('a\\x00b\\x1b[31mc\\x9b');
    expect(visibleLine('user\u202etxt.exe\u2066x\u2069')).toBe('user\\u202etxt.exe\\u2066x\\u2069');
    expect(visibleLine('a\tb\nc\u2028')).toBe('a\\x09b\\x0ac\\u2028');
  });

  it('writes out what is invisible, and unpaired surrogates', () => {
    expect(visibleLine('a\u200bb\u00adc\u2060d\ufeffe\ufff9')).toBe('a\\u200bb\\xadc\\u2060d\\ufeffe\\ufff9');
    expect(visibleLine('\ud800x\udc00')).toBe('\\ud800x\\udc00');
  });

  it('leaves words of every script and joined emoji alone', () => {
    const text = 'grüße 日本 עברית 👩\u200d💻';
    expect(visibleLine(text)).toBe(text);
  });
});

describe('visibleText', () => {
  it('keeps lines and tabs, and shows a lone carriage return', () => {
    expect(visibleText('a\r\nb\tc\rd\u0007')).toBe('a\nb\tc\\x0dd\\x07');
  });
});

describe('shorten', () => {
  it('cuts with an ellipsis and never within a surrogate pair', () => {
    expect(shorten('abc', 3)).toBe('abc');
    expect(shorten('abcd', 3)).toBe('ab…');
    expect(shorten('a💻bc', 3)).toBe('a…');
    expect(shorten('💻bcd', 3)).toBe('💻…');
  });
});

describe('labelText', () => {
  it('keeps what is visible', () => {
    expect(labelText('/orders?q=é 日本 🙂')).toBe('/orders?q=é 日本 🙂');
  });

  it('is never longer than the limit, never more than one line, and never hides anything', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary', maxLength: 500 }),
        fc.integer({ min: 1, max: 300 }),
        (text, limit) => {
          const shown = labelText(text, limit);
          expect(shown.length).toBeLessThanOrEqual(limit);
          expect(shown).not.toMatch(/[\p{Cc}\u2028\u2029\u200b\u202e]/u);
        },
      ),
    );
  });
});

it('withoutIcons: no icons out of captured text', () => {
  expect(withoutIcons('/$(flame)?a=$(b')).toBe('/\\$(flame)?a=\\$(b');
});
