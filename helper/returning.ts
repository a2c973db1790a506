/**
 * Waits for system calls of traced processes that are about to return. A call's bytes are recorded when it returns. On a
 * busy machine that may be some milliseconds after the peer has received everything and the user has stopped the trace.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { statAfterName } from './procStat.ts';

/** The longest time that the end of a trace waits, in milliseconds. */
const LONGEST_MS = 100;
const LOOK_MS = 5;
/** Between two checks, one thread may have woken another one. */
const LOOKS = 2;
/** Threads that are examined: more would take longer than the wait. */
const MOST_THREADS = 500;

/**
 * Resolves when no thread of the processes is running: every call that has moved its bytes has returned.
 * @param traced process ids; null: not known, so it waits as long as it may.
 * @param longest milliseconds after which it no longer waits. A thread that runs all the time may be computing.
 */
export async function untilReturned(
  traced: () => readonly number[] | null,
  longest: number = LONGEST_MS,
): Promise<void> {
  const end = performance.now() + longest;
  for (let idle = 0; performance.now() < end; ) {
    const pids = traced();
    if (pids === null) {
      await sleep(end - performance.now());
      return;
    }
    idle = allSleep(pids) ? idle + 1 : 0;
    if (idle === LOOKS) return;
    await sleep(LOOK_MS);
  }
}

/** Whether all threads of the processes are waiting for something, or have ended. False when there are too many. */
export function allSleep(pids: readonly number[]): boolean {
  let threads = 0;
  for (const pid of pids) {
    for (const thread of threadsOf(pid)) {
      if (++threads > MOST_THREADS || isRunning(pid, thread)) return false;
    }
  }
  return true;
}

function threadsOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/task`);
  } catch {
    return []; // It has ended.
  }
}

/** Running, runnable, or in an uninterruptible wait (proc_pid_stat(5): R, D). */
function isRunning(pid: number, thread: string): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/task/${thread}/stat`, 'latin1');
    const state = statAfterName(stat)[0];
    return state === 'R' || state === 'D';
  } catch {
    return false;
  }
}
