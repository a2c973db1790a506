import { describe, expect, it } from 'vitest';
import { shorten, visibleLine, visibleText } from './text.ts';

describe('visibleLine', () => {
  it('writes out control characters and bidirectional overrides', () => {
    expect(visibleLine('a\u0000b\u001b[31mc\u009b')).toBe('a\\x00b\\x1b[31mc\\x9b');
    expect(visibleLine('user\u202etxt.exe\u2066x\u2069')).toBe('user\\u202etxt.exe\\u2066x\\u2069');
    expect(visibleLine('a\tb\nc\u2028')).toBe('a\\x09b\\x0ac\\u2028');
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
