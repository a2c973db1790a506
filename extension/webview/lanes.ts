/**
 * The overview's drawing. Few calls: each is a line in one of several lanes. Many: their density over time, since
 * lanes would be one solid block in which each error hides the calls around it. Pure.
 */
import type { ExchangeRow } from '../engine/row.ts';
import { isCall, isError, isRunning } from '../engine/row.ts';
import { extent } from './bars.ts';
import { type TimeWindow, toPixels } from './timeWindow.ts';

/** What a pixel shows, the most important last: it wins where calls overlap. */
export enum Mark {
  None = 0,
  Done = 1,
  Running = 2,
  Error = 3,
}

export interface Run {
  readonly lane: number;
  readonly from: number;
  readonly to: number;
  readonly mark: Mark;
}

/**
 * Runs of equal pixels, lane by lane. Work is bounded by rows × the pixels that they span, each visited once per
 * row; there are no more runs than pixels, however many calls there are.
 */
export function lanes(
  rows: Iterable<ExchangeRow>,
  window: TimeWindow,
  width: number,
  count: number,
  now: number,
): readonly Run[] {
  const pixels = Array.from({ length: count }, () => new Uint8Array(width));
  /** Where the last call of each lane ends, in pixels. */
  const ends = new Array<number>(count).fill(Number.NEGATIVE_INFINITY);
  for (const row of rows) {
    // A connection that is open all the time would hide the calls.
    if (!isCall(row)) continue;
    const { from, to } = extent(row, now);
    const left = Math.max(0, Math.floor(toPixels(window, width, from)));
    const right = Math.min(width, Math.max(left + 2, Math.ceil(toPixels(window, width, to))));
    if (left >= right) continue;
    let lane = ends.findIndex((end) => end < left);
    // All lanes are taken: calls overlap, spread by id.
    if (lane < 0) lane = row.id % count;
    ends[lane] = Math.max(ends[lane] ?? 0, right);
    const mark = isError(row) ? Mark.Error : isRunning(row) ? Mark.Running : Mark.Done;
    const line = pixels[lane];
    if (line === undefined) continue;
    for (let x = left; x < right; x++) if ((line[x] ?? 0) < mark) line[x] = mark;
  }
  const runs: Run[] = [];
  pixels.forEach((line, lane) => {
    let from = 0;
    for (let x = 1; x <= width; x++) {
      const mark = line[from] ?? Mark.None;
      if (x < width && line[x] === mark) continue;
      if (mark !== Mark.None) runs.push({ lane, from, to: x, mark });
      from = x;
    }
  });
  return runs;
}

export interface Density {
  /** Calls that began in this column, and those of them that failed or still run. */
  readonly calls: number;
  readonly errors: number;
  readonly running: number;
}

/** Calls by start time, in `columns` equal parts of the window. */
export function density(
  rows: Iterable<ExchangeRow>,
  window: TimeWindow,
  columns: number,
): readonly Density[] {
  const calls = new Uint32Array(columns);
  const errors = new Uint32Array(columns);
  const running = new Uint32Array(columns);
  for (const row of rows) {
    if (!isCall(row)) continue;
    const column = Math.min(columns - 1, Math.floor(toPixels(window, columns, row.start)));
    if (column < 0) continue;
    calls[column] = (calls[column] ?? 0) + 1;
    if (isError(row)) errors[column] = (errors[column] ?? 0) + 1;
    else if (isRunning(row)) running[column] = (running[column] ?? 0) + 1;
  }
  return Array.from(calls, (count, i) => ({
    calls: count,
    errors: errors[i] ?? 0,
    running: running[i] ?? 0,
  }));
}
