import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { notificationText } from '../words/visible.ts';
import { copiedLine, copiedText } from './copied.ts';
import { jsonLine } from './jsonLine.ts';
import { visible, visibleLines, visibleMessage } from './terminal.ts';

/** Every character that acts on a terminal or turns a line around. */
const codes = (from: number, to: number): string[] =>
  Array.from({ length: to - from + 1 }, (_, i) => String.fromCharCode(from + i));
const CONTROLS = [...codes(0, 0x1f), ...codes(0x7f, 0x9f)];
const DIRECTIONAL = [...codes(0x202a, 0x202e), ...codes(0x2066, 0x2069), '\u200e', '\u200f', '\u061c'];
const SEPARATORS = ['\u2028', '\u2029'];
const ACTING = [...CONTROLS, ...DIRECTIONAL, ...SEPARATORS];
const holdsActing = (text: string): boolean => ACTING.some((character) => text.includes(character));

describe('what is copied', () => {
  it('has no control character: they are percent-encoded', () => {
    expect(copiedLine('http://a/\r\n\x1b]0;x\x07\u202e?q=ä b')).toBe(
      'http://a/%0D%0A%1B]0;x%07%E2%80%AE?q=ä b',
    );
    for (const character of ACTING) {
      expect(copiedLine(`a${character}b`)).toBe(`a${encodeURIComponent(character)}b`);
    }
    expect(copiedText('a\r\n\tb\rc\x1b[2Jd\x9b\n')).toBe('a\n\tb%0Dc%1B[2Jd%C2%9B\n');
  });

  it('is otherwise unchanged, whatever it is', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const line = copiedLine(text);
        expect(holdsActing(line)).toBe(false);
        expect(holdsActing(copiedText(text).replace(/[\n\t]/g, ''))).toBe(false);
        if (!holdsActing(text)) expect(line).toBe(text);
      }),
    );
    expect(copiedLine('\ud800')).toBe('\ud800');
  });
});

describe('a JSON line', () => {
  it('is one line without a control character, and the same value', () => {
    const value = { [`a${ACTING.join('')}`]: ACTING.join('x'), b: ['ä€😀', 1, null] };
    const line = jsonLine(value);
    expect(holdsActing(line.slice(0, -1))).toBe(false);
    expect(line.endsWith('}\n')).toBe(true);
    expect(JSON.parse(line)).toEqual(value);
    expect(jsonLine('\u007f\u009f\u2028')).toBe('"\\u007f\\u009f\\u2028"\n');
  });
});

describe('a terminal', () => {
  it('gets nothing that acts on it', () => {
    for (const character of [...ACTING, '\ufeff', '\u200b', '\ud800']) {
      for (const text of [visible(`a${character}b`), visibleMessage(`a${character}b`)]) {
        expect(text).toMatch(/^a\\(?:x[0-9a-f]{2}|u\{[0-9a-f]+\})b$/);
      }
    }
    expect(visibleLines('a\x1b[2J\nb\u202e')).toBe('a\\x1b[2J\nb\\u{202e}');
  });

  it('gets names in any language in messages, and ASCII in columns', () => {
    expect(visibleMessage('/home/jürgen/日本…')).toBe('/home/jürgen/日本…');
    expect(visible('jürgen')).toBe('j\\xfcrgen');
  });
});

describe('a notification', () => {
  it('has only our links, and one line', () => {
    const text = notificationText('node\n[Fix it](command:workbench.action.quit) \x1b\u202e');
    expect(text).not.toMatch(/\]\(/);
    expect(holdsActing(text)).toBe(false);
    expect(notificationText('x'.repeat(100_000)).length).toBeLessThanOrEqual(1_000);
  });
});
