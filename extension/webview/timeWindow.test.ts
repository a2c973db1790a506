import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { pan, ticks, timeWindow, toPixels, toTime, zoom } from './timeWindow.ts';

const microseconds = fc.integer({ min: 0, max: 1e11 }).map((us) => us / 1000);
const windows = fc.tuple(microseconds, microseconds).map(([from, span]) => timeWindow(from, from + span));

it('maps time to pixels and back', () => {
  expect(toPixels({ from: 10, to: 30 }, 200, 20)).toBe(100);
  expect(toTime({ from: 10, to: 30 }, 200, 50)).toBe(15);
  expect(toPixels(timeWindow(5, 5), 100, 5)).toBe(0);
});

it('zooms around the pointer, which stays over the same moment, and never to nothing', () => {
  const zoomed = zoom({ from: 0, to: 100 }, 25, 0.5);
  expect(zoomed).toEqual({ from: 12.5, to: 62.5 });
  expect(toPixels(zoomed, 100, 25)).toBe(25);
  let window = timeWindow(0, 100);
  for (let i = 0; i < 200; i++) window = zoom(window, 50, 0.5);
  expect(window.to).toBeGreaterThan(window.from);
  expect(pan({ from: 0, to: 10 }, -3)).toEqual({ from: -3, to: 7 });
});

it('has few, evenly spaced ticks within the window for any window', () => {
  fc.assert(
    fc.property(windows, fc.integer({ min: 1, max: 3000 }), (window, width) => {
      const { step, times } = ticks(window, width, 70);
      expect(step).toBeGreaterThan(0);
      expect(times.length).toBeLessThanOrEqual(width / 70 + 2);
      for (const time of times) {
        expect(time).toBeGreaterThanOrEqual(window.from);
        expect(time).toBeLessThanOrEqual(window.to);
      }
    }),
  );
});

it('prefers round steps, and those of a clock from a minute on', () => {
  expect(ticks({ from: 0, to: 100 }, 1000, 100).step).toBe(10);
  expect(ticks({ from: 0, to: 0.05 }, 1000, 100).step).toBeCloseTo(0.005);
  expect(ticks({ from: 0, to: 600_000 }, 1000, 100).step).toBe(60_000);
  expect(ticks({ from: 0, to: 3_600_000 }, 1000, 100).step).toBe(600_000);
});
