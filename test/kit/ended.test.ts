import { expect, it } from 'vitest';
import { LATE, statusOf, troubleOf } from './ended.mjs';

const run = { status: 0, group: 'kprobe: pressure', limit: 1200, kernel: '' };
const OOM = '[  90.1] Out of memory: Killed process 263 (node) total-vm:900000kB, anon-rss:800000kB';

it('says nothing of a run that got to its end', () => {
  expect(troubleOf(run)).toBeNull();
  // A busy machine emulates slowly.
  const kernel = '[  596.9] watchdog: BUG: soft lockup - CPU#1 stuck for 22s! [V8Worker:263]';
  expect(troubleOf({ ...run, kernel })).toBeNull();
});

it('names the group in which a run was late, or was killed', () => {
  expect(troubleOf({ ...run, status: LATE })).toBe('not done within 1200 s, in the group "kprobe: pressure"');
  const killed = 'the runner was killed by SIGKILL, in the group "kprobe: pressure"';
  expect(troubleOf({ ...run, status: 137 })).toBe(killed);
  expect(troubleOf({ ...run, status: statusOf(null, 'SIGKILL') })).toBe(killed);
  expect(troubleOf({ ...run, status: statusOf(3, null), group: null })).toBe('the runner ended with 3');
});

it('quotes the kernel, also when the run ended well: another process was killed', () => {
  const kernel = ['[  1.0] Linux version 6.1', OOM, '[  90.2] oom_reaper: reaped process 263'].join('\n');
  expect(troubleOf({ ...run, kernel })).toBe(`the kernel's log: ${OOM}`);
  expect(troubleOf({ ...run, status: 137, kernel })).toBe(
    `the runner was killed by SIGKILL, in the group "kprobe: pressure"; the kernel's log: ${OOM}`,
  );
});

it('says why a run has no status', () => {
  expect(troubleOf({ ...run, status: null, group: null })).toBe('it did not run');
  const instead = '6.1.0: the machine ended too early.';
  const kernel = '[  7.0] Kernel panic - not syncing: Attempted to kill init!';
  expect(troubleOf({ ...run, status: null, kernel, instead })).toBe(
    `${instead}, in the group "kprobe: pressure"; the kernel's log: ${kernel}`,
  );
});
