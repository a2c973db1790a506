import { expect, it } from 'vitest';
import { tickText } from './ticks.ts';

it('gives neighbouring ticks different labels', () => {
  for (const step of [0.01, 0.1, 0.5, 1, 2, 5, 10, 50, 100, 200, 500, 1000, 5000, 60_000]) {
    const labels = Array.from({ length: 200 }, (_, i) => tickText(i * step, step));
    expect(new Set(labels).size).toBe(labels.length);
    const later = Array.from({ length: 200 }, (_, i) => tickText(600_000 + i * step, step));
    expect(new Set(later).size).toBe(later.length);
  }
  // As everywhere below a millisecond.
  expect(tickText(0.25, 0.25)).toBe('250 µs');
  expect(tickText(720_500, 500)).toBe('12:00.5');
  expect(tickText(24_000, 12_000)).toBe('24 s');
  expect(tickText(90_000, 30_000)).toBe('1:30');
  expect(tickText(3_690_000, 30_000)).toBe('1:01:30');
});
