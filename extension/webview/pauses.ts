/** When debuggers had paused a program: bands behind the waterfall and in the overview, and parts of bars. */
import type { ExchangeRow } from '../engine/row.ts';
import type { PauseSpan } from '../engine/traceStatus.ts';
import type { TimeRange } from './rowMatcher.ts';
import { type TimeWindow, toPixels } from './timeWindow.ts';

/** Minimum width of a band, in CSS pixels. */
const MIN_BAND = 2;
/** Bands that are drawn; more could not be distinguished. */
const MAX_BANDS = 60;

/** CSS pixels. */
export interface Band {
  readonly left: number;
  readonly width: number;
}

export class Pauses {
  #spans: readonly PauseSpan[] = [];
  /** Incremented on each change. */
  revision = 0;

  set(spans: readonly PauseSpan[]): void {
    if (spans.length === 0 && this.#spans.length === 0) return;
    this.#spans = spans;
    this.revision++;
  }

  /** The parts of a call during which its process was paused. @param now end of a pause that still lasts. */
  of(row: ExchangeRow, now: number): TimeRange[] {
    const { pid, debug } = row;
    // One of several threads was paused, not the process.
    if (pid === null || (row.state === 'ended' && (debug?.pausedMs ?? 0) === 0)) return [];
    const found: TimeRange[] = [];
    for (const { pids, from, to } of this.#spans) if (pids.includes(pid)) found.push({ from, to: to ?? now });
    return found;
  }

  /** For how long a running call's process has been paused. */
  pausedMs(row: ExchangeRow, now: number): number {
    return this.of(row, now).reduce(
      (sum, { from, to }) => sum + Math.max(0, Math.min(to, now) - Math.max(from, row.start)),
      0,
    );
  }

  /** The bands in the window. */
  bands(window: TimeWindow, width: number, now: number): Band[] {
    const bands: Band[] = [];
    for (const { from, to } of this.#spans) {
      const begin = toPixels(window, width, from);
      const end = Math.max(toPixels(window, width, to ?? now), begin + MIN_BAND);
      const left = Math.max(0, begin);
      const right = Math.min(width, end);
      if (left < right) bands.push({ left, width: right - left });
      if (bands.length === MAX_BANDS) break;
    }
    return bands;
  }
}

/** Bands as one background. */
export function bandsImage(bands: readonly Band[]): string {
  if (bands.length === 0) return 'none';
  return bands
    .map(({ left, width }) => {
      const from = `${left.toFixed(1)}px`;
      const to = `${(left + width).toFixed(1)}px`;
      return `linear-gradient(to right, transparent ${from}, var(--pause-band) ${from} ${to}, transparent ${to})`;
    })
    .join(', ');
}
