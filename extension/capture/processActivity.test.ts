import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';
import { ProcessActivity } from './processActivity.ts';

/** Its process id, once it has printed a line. */
async function started(script: string): Promise<number> {
  const child = spawn(process.execPath, ['-e', `console.log(1); ${script}`], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  return child.pid ?? 0;
}

/** Waits for a moment in which it does nothing; its start may take a while. */
async function expectIdle(activity: ProcessActivity): Promise<void> {
  const worksNow = async (): Promise<boolean> => {
    activity.isWorking();
    await sleep(50);
    return activity.isWorking();
  };
  await expect.poll(worksNow, { timeout: 60_000 }).toBe(false);
}

it('a process that computes is working, until it is stopped', async () => {
  const pid = await started('for (;;);');
  const activity = new ProcessActivity(pid);
  await expect.poll(() => activity.isWorking(), { timeout: 60_000 }).toBe(true);
  process.kill(pid, 'SIGSTOP');
  await expectIdle(activity);
});

it('one that waits for something is not, nor one that is not there', async () => {
  const activity = new ProcessActivity(await started('setTimeout(() => {}, 100_000)'));
  await expectIdle(activity);
  expect(new ProcessActivity(2 ** 22 + 1).isWorking()).toBe(false);
});

it('one that the kernel holds is working, whatever its name', () => {
  const stat = (state: string): string => `7 (a) R 1) ${state} 1 1 1 0 -1 4194560 100 0 0 0 12 34 0 0 20 0`;
  expect(new ProcessActivity(7, () => stat('D')).isWorking()).toBe(true);
  expect(new ProcessActivity(7, () => stat('S')).isWorking()).toBe(false);
});
