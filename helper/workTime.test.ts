import { expect, it } from 'vitest';
import { WorkTime } from './workTime.ts';

const SOME_MS = 200;

it('counts work, and not the time that the thread waits', () => {
  const waiting = new WorkTime();
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, SOME_MS);
  const waited = waiting.ms;
  expect(waiting.exceeds(SOME_MS / 2)).toBe(false);

  const working = new WorkTime();
  const [begin, before] = [performance.now(), process.cpuUsage()];
  for (let used = 0; used < SOME_MS; ) {
    const { user, system } = process.cpuUsage(before);
    // Other threads of the process have processor time, too.
    used = Math.min((user + system) / 1_000, performance.now() - begin);
  }
  expect(working.ms).toBeGreaterThanOrEqual(SOME_MS);
  expect(working.exceeds(SOME_MS / 2)).toBe(true);
  expect(working.exceeds(60_000)).toBe(false);
  expect(waited).toBeLessThan(working.ms);
});
