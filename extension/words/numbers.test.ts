import { describe, expect, it } from 'vitest';
import { countText, durationText, parseDuration, parseSize, sizeText } from './numbers.ts';

describe('sizes', () => {
  it.each([
    [null, '—'],
    [0, '0 B'],
    [812, '812 B'],
    [1023, '1023 B'],
    [1024, '1.0 KiB'],
    [1300, '1.3 KiB'],
    [10_188, '9.9 KiB'],
    [10_189, '10 KiB'],
    [65_536, '64 KiB'],
    [1_048_063, '1023 KiB'],
    [1_048_064, '1.0 MiB'],
    [12 * 1024 ** 2, '12 MiB'],
    [3 * 1024 ** 4, '3.0 TiB'],
    [2 ** 60, '1024 PiB'],
  ])('%j bytes as %s', (bytes, text) => expect(sizeText(bytes)).toBe(text));

  it.each([
    ['4096', 4096],
    ['64KiB', 65_536],
    ['64kib', 65_536],
    ['1MB', 1_000_000],
    ['1.5KiB', 1536],
    ['0', 0],
  ])('%s', (text, bytes) => expect(parseSize(text)).toBe(bytes));

  it('an option reads what is shown', () => {
    for (const bytes of [1024, 65_536, 1024 ** 2, 512 * 1024 ** 2]) {
      expect(parseSize(sizeText(bytes).replace(' ', ''))).toBe(bytes);
    }
  });

  it.each(['', '64k i b', '64K', '-1', '1.0001KB2', '0.3', '9999999GiB', 'none', '1toString'])(
    'not %j',
    (text) => expect(parseSize(text)).toBeNull(),
  );
});

describe('durations', () => {
  it.each([
    [null, '—'],
    [0, '0 ms'],
    [0.0002, '1 µs'],
    [0.85, '850 µs'],
    [0.9996, '1.0 ms'],
    [12.34, '12.3 ms'],
    [99.96, '100 ms'],
    [999.6, '1.00 s'],
    [1_240, '1.24 s'],
    [9_996, '10.0 s'],
    [12_440, '12.4 s'],
    [59_960, '1m 0s'],
    [125_000, '2m 5s'],
    [3_599_900, '1h 0m'],
    [7_260_000, '2h 1m'],
  ])('%j ms as %s', (ms, text) => expect(durationText(ms)).toBe(text));

  it.each([
    ['50ms', 50],
    ['1.5s', 1500],
    ['2m', 120_000],
    ['1H', 3_600_000],
    ['250us', 0.25],
    ['250µs', 0.25],
    ['0s', 0],
  ])('%s', (text, milliseconds) => expect(parseDuration(text)).toBeCloseTo(milliseconds, 9));

  it.each(['', '50', 'ms', '-1s', '1 s', '1e3s', '1s2', '5parsecs', '1constructor', '９s'])(
    'not %j',
    (text) => expect(parseDuration(text)).toBeNull(),
  );
});

it('counts', () => {
  expect(countText(1, 'call')).toBe('1 call');
  expect(countText(12_340, 'call')).toBe('12,340 calls');
  expect(countText(0, 'match', 'matches')).toBe('0 matches');
});
