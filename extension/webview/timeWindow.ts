/** Maps a time range to a width in pixels. Pure; milliseconds since the trace's start. */

export interface TimeWindow {
  readonly from: number;
  readonly to: number;
}

/** A microsecond: the resolution at which zooming ends. */
const MIN_SPAN_MS = 0.001;

/** Never empty: its span is a divisor. */
export function timeWindow(from: number, to: number): TimeWindow {
  return to - from >= MIN_SPAN_MS ? { from, to } : { from, to: from + MIN_SPAN_MS };
}

/** Pixels from the left edge; outside the window below 0 or above `width`. */
export function toPixels(window: TimeWindow, width: number, time: number): number {
  return ((time - window.from) / (window.to - window.from)) * width;
}

export function toTime(window: TimeWindow, width: number, pixels: number): number {
  return window.from + (pixels / Math.max(1, width)) * (window.to - window.from);
}

/** `factor` below 1 zooms in; the moment under the pointer stays where it is. */
export function zoom(window: TimeWindow, around: number, factor: number): TimeWindow {
  const span = window.to - window.from;
  const scale = Math.max(factor, MIN_SPAN_MS / span);
  return timeWindow(around - (around - window.from) * scale, around + (window.to - around) * scale);
}

export function pan(window: TimeWindow, by: number): TimeWindow {
  return { from: window.from + by, to: window.to + by };
}

/** Ticks at round steps (1, 2 or 5 times a power of ten; above 20 s, clock steps) at least `gap` pixels apart. */
export function ticks(window: TimeWindow, width: number, gap: number): { step: number; times: number[] } {
  const least = ((window.to - window.from) / Math.max(1, width)) * gap;
  const step = roundStep(least);
  const times: number[] = [];
  for (let n = Math.ceil(window.from / step); n * step <= window.to && times.length < 200; n++) {
    times.push(n * step);
  }
  return { step, times };
}

const CLOCK_STEPS = [60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 43_200, 86_400].map((s) => s * 1000);

function roundStep(least: number): number {
  if (least > 20_000) {
    if (least <= 30_000) return 30_000;
    const clock = CLOCK_STEPS.find((step) => step >= least);
    if (clock !== undefined) return clock;
  }
  const power = 10 ** Math.floor(Math.log10(Math.max(least, MIN_SPAN_MS)));
  for (const factor of [1, 2, 5]) if (factor * power >= least) return factor * power;
  return 10 * power;
}
