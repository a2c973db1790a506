import { describe, expect, it } from 'vitest';
import { exampleRow } from '../engine/testing/exampleRow.ts';
import { segments, withPauses } from './bars.ts';
import { bandsImage, Pauses } from './pauses.ts';
import { timeWindow } from './timeWindow.ts';

const facts = { session: 'Shop', script: null, waitPausedMs: 0, pausedPeer: null, source: null };
const pauses = new Pauses();
pauses.set([
  { pids: [1], session: 'Shop', from: 10, to: 20 },
  { pids: [2], session: 'Stock', from: 30, to: null },
]);

describe('pauses', () => {
  it('are bands where they lie in the window, wide enough to be seen', () => {
    const bands = pauses.bands(timeWindow(0, 100), 50, 90);
    expect(bands).toEqual([
      { left: 5, width: 5 },
      { left: 15, width: 30 },
    ]);
    expect(pauses.bands(timeWindow(21, 29), 50, 90)).toEqual([]);
    expect(pauses.bands(timeWindow(0, 1e6), 50, 90)[0]?.width).toBe(2);
    expect(bandsImage(bands)).toContain('transparent 5.0px, var(--pause-band) 5.0px 10.0px');
    expect(bandsImage([])).toBe('none');
  });

  it('are parts of the bars of calls whose process was stopped', () => {
    const row = exampleRow({ pid: 1, start: 5, duration: 20, debug: { ...facts, pausedMs: 10 } });
    const parts = withPauses(segments(row, 90), pauses.of(row, 90));
    expect(parts.filter(({ phase }) => phase === 'paused')).toEqual([{ phase: 'paused', from: 10, to: 20 }]);
    expect(parts[0]?.from).toBe(5);
    expect(parts.at(-1)?.to).toBe(25);
    expect(pauses.of(exampleRow({ pid: 3 }), 90)).toEqual([]);
    // Another thread of it was stopped.
    expect(pauses.of({ ...row, debug: { ...facts, pausedMs: 0 } }, 90)).toEqual([]);
  });

  it('do not count as the time that a call has been running', () => {
    const row = exampleRow({ pid: 2, start: 25, duration: null, state: 'running' });
    expect(pauses.pausedMs(row, 90)).toBe(60);
  });
});
