import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { displayText, withoutIcons } from './displayText.ts';

describe('displayText', () => {
  test('keeps what is visible', () => {
    expect(displayText('/orders?q=é 日本 🙂')).toBe('/orders?q=é 日本 🙂');
  });

  test('shows controls as pictures', () => {
    expect(displayText('a\r\nb\u001b[31m\u007f')).toBe('a␍␊b␛[31m␡');
  });

  test('a label cannot be turned round or hidden', () => {
    expect(displayText('/a\u202egnp.exe\u200b\u2066')).toBe('/a�gnp.exe��');
    expect(displayText('\ud800x\udc00')).toBe('�x�');
  });

  test('is cut where a character would be cut in two', () => {
    expect(displayText('abc🙂def', 5)).toBe('abc�…');
  });

  test('is never longer than the limit and never more than one line', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary', maxLength: 500 }),
        fc.integer({ min: 1, max: 300 }),
        (text, limit) => {
          const shown = displayText(text, limit);
          expect(shown.length).toBeLessThanOrEqual(limit);
          expect(shown).not.toMatch(/[\p{Cc}\u2028\u2029]/u);
        },
      ),
    );
  });
});

test('withoutIcons: no pictures out of captured text', () => {
  expect(withoutIcons('/$(flame)?a=$(b')).toBe('/\\$(flame)?a=\\$(b');
});
