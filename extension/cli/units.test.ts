import { describe, expect, it } from 'vitest';
import { formatDuration, formatSize, parseDuration, parseSize } from './units.ts';

describe('durations', () => {
  it.each([
    ['50ms', 50],
    ['1.5s', 1500],
    ['2m', 120_000],
    ['1H', 3_600_000],
    ['250us', 0.25],
    ['0s', 0],
  ])('%s', (text, milliseconds) => expect(parseDuration(text)).toBeCloseTo(milliseconds, 9));
  it.each(['', '50', 'ms', '-1s', '1 s', '1e3s', '1s2', '5parsecs', '1constructor', '９s'])(
    'not %j',
    (text) => expect(parseDuration(text)).toBeNull(),
  );
  it.each([
    [0, '0.00ms'],
    [0.4215, '0.42ms'],
    [12.34, '12.3ms'],
    [999.4, '999ms'],
    [999.6, '1.00s'],
    [59_940, '59.9s'],
    [185_000, '3m05s'],
  ])('%d ms as %s', (ms, text) => expect(formatDuration(ms)).toBe(text));
});

describe('sizes', () => {
  it.each([
    ['4096', 4096],
    ['64KiB', 65_536],
    ['1MB', 1_000_000],
    ['1.5KiB', 1536],
    ['0', 0],
  ])('%s', (text, bytes) => expect(parseSize(text)).toBe(bytes));
  it.each(['', '64k i b', '-1', '1.0001KB2', '0.3', '9999999GiB', 'none', '1toString'])('not %j', (text) =>
    expect(parseSize(text)).toBeNull(),
  );
  it.each([
    [0, '0'],
    [812, '812B'],
    [1024, '1K'],
    [1300, '1.3K'],
    [65_536, '64K'],
    [3 * 1024 * 1024, '3M'],
    [1_048_575, '1M'],
  ])('%d bytes as %s', (bytes, text) => expect(formatSize(bytes)).toBe(text));
});
