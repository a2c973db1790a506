import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { allSleep, untilReturned } from './returning.ts';

const children: ChildProcess[] = [];

/** A process that waits for input, or that computes. */
async function started(script: string): Promise<number> {
  const child = spawn(process.execPath, ['-e', `console.log('here'); ${script}`], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  children.push(child);
  await once(child.stdout, 'data');
  return child.pid as number;
}

const waiting = (): Promise<number> => started('process.stdin.resume()');
const computing = (): Promise<number> => started('for (;;);');

afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

describe('calls that are about to return', () => {
  it('there are none where every thread waits', async () => {
    const pid = await waiting();
    await vi.waitFor(() => expect(allSleep([pid])).toBe(true), 10_000);
    await untilReturned(() => [pid]);
  });

  it('there may be one where a thread runs, also one that waits for a processor', async () => {
    const pids = [await waiting(), await computing(), await computing(), await computing()];
    expect(allSleep(pids)).toBe(false);
  });

  it('a process that has ended has none', async () => {
    const pid = await waiting();
    const child = children[0] as ChildProcess;
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(allSleep([pid])).toBe(true);
  });

  it('is looked for again while one may be', async () => {
    const pid = await computing();
    let looks = 0;
    await untilReturned(() => {
      looks++;
      return looks < 3 ? [pid] : [];
    }, 60_000);
    expect(looks).toBe(4);
  });

  it('ends the wait also where processes are not known, or never stop running', async () => {
    let looks = 0;
    await untilReturned(() => {
      looks++;
      return null;
    });
    expect(looks).toBe(1);
    const pid = await computing();
    await untilReturned(() => [pid]);
  });
});
