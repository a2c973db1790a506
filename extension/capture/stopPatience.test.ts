import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { StopPatience } from './stopPatience.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** No process has this id, so none is at work. */
const NOBODY = 2 ** 22 + 1;

it('gives up after 30 s of silence', () => {
  const giveUp = vi.fn();
  const patience = new StopPatience(NOBODY, giveUp);
  vi.advanceTimersByTime(29_000);
  patience.heard();
  vi.advanceTimersByTime(29_000);
  expect(giveUp).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1_000);
  expect(giveUp).toHaveBeenCalledOnce();
});

it('waits for five minutes for one that is at work', () => {
  const giveUp = vi.fn();
  // This process works between two looks.
  const patience = new StopPatience(process.pid, giveUp);
  for (let seconds = 30; seconds < 300; seconds += 30) {
    const { user, system } = process.cpuUsage();
    for (let used = 0; used < 30_000; ) {
      const now = process.cpuUsage();
      used = now.user + now.system - user - system;
    }
    vi.advanceTimersByTime(30_000);
    expect(giveUp, String(seconds)).not.toHaveBeenCalled();
  }
  vi.advanceTimersByTime(30_000);
  expect(giveUp).toHaveBeenCalledOnce();
  patience.end();
});
