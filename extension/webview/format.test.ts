import { expect, it } from 'vitest';
import { formatBytes, formatMs, formatTick, plural } from './format.ts';

it('formats sizes in decimal units and unknown ones as a dash', () => {
  const cases: [number | null, string][] = [
    [null, '—'],
    [0, '0 B'],
    [999, '999 B'],
    [1000, '1.0 kB'],
    [1234, '1.2 kB'],
    [9_949, '9.9 kB'],
    [9_950, '10 kB'],
    [64_000, '64 kB'],
    [999_499, '999 kB'],
    [999_500, '1.0 MB'],
    [2_100_000, '2.1 MB'],
    [5e15, '5.0 PB'],
    [5e18, '5000 PB'],
  ];
  for (const [bytes, text] of cases) expect(formatBytes(bytes)).toBe(text);
});

it('formats durations from microseconds to hours', () => {
  const cases: [number | null, string][] = [
    [null, '—'],
    [0, '0 ms'],
    [0.0002, '1 µs'],
    [0.004, '4 µs'],
    [0.04, '0.04 ms'],
    [0.2, '0.2 ms'],
    [9.94, '9.9 ms'],
    [18.2, '18 ms'],
    [999.6, '1.00 s'],
    [1730, '1.73 s'],
    [12_440, '12.4 s'],
    [59_980, '1 min 0 s'],
    [125_000, '2 min 5 s'],
    [3_599_900, '1 h 0 min'],
    [7_260_000, '2 h 1 min'],
  ];
  for (const [ms, text] of cases) expect(formatMs(ms)).toBe(text);
});

it('gives neighbouring ticks different labels', () => {
  for (const step of [0.01, 0.1, 0.5, 1, 2, 5, 10, 50, 100, 200, 500, 1000, 5000, 60_000]) {
    const labels = Array.from({ length: 200 }, (_, i) => formatTick(i * step, step));
    expect(new Set(labels).size).toBe(labels.length);
    const later = Array.from({ length: 200 }, (_, i) => formatTick(600_000 + i * step, step));
    expect(new Set(later).size).toBe(later.length);
  }
  expect(formatTick(720_500, 500)).toBe('12:00.5');
  expect(formatTick(24_000, 12_000)).toBe('24 s');
  expect(formatTick(90_000, 30_000)).toBe('1:30');
  expect(formatTick(3_690_000, 30_000)).toBe('1:01:30');
});

it('counts in words', () => {
  expect(plural(1, 'call')).toBe('1 call');
  expect(plural(1284, 'call')).toBe('1,284 calls');
  expect(plural(0, 'body', 'bodies')).toBe('0 bodies');
});
