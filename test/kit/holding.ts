/** What a helper holds: kernel objects, descriptors and memory, to compare with what it held earlier. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { childrenOf, type Held, heldBy, heldIfRunning, stillThere } from './kernel.ts';
import { sleeps } from './sleeps.mjs';

/** Consecutive checks that find the helper idle. */
const IDLE_LOOKS = 4;

/** Samples taken of a process that is still working. */
const LOOKS = 5;
const BETWEEN_LOOKS = 10;
const BETWEEN_TRIES = 100;

export interface Holding {
  readonly held: Held;
  readonly descriptors: number;
  /** Resident, in KiB. */
  readonly memory: number;
}

/** The minimum of several samples: a file that happens to be open for a moment does not count. */
export async function holdingOf(pid: number): Promise<Holding> {
  let least = look(pid);
  for (let i = 1; i < LOOKS; i++) {
    await sleep(BETWEEN_LOOKS);
    const now = look(pid);
    if (now.descriptors < least.descriptors) least = now;
  }
  return least;
}

/** Waits until it is as expected, at most for the patience in milliseconds. @returns what it holds then */
export async function holdingOnce(
  pid: number,
  expected: (holding: Holding) => boolean,
  patience: number,
): Promise<Holding> {
  const limit = performance.now() + patience;
  for (;;) {
    const now = await holdingOf(pid);
    if (expected(now) || performance.now() > limit) return now;
    await sleep(BETWEEN_TRIES);
  }
}

/**
 * Waits until a helper and its broker have nothing left to do: in several looks, a tenth of a second apart, all their threads
 * sleep and nothing more was attached. @throws after the patience, in milliseconds
 */
export async function untilIdle(helper: number, patience: number): Promise<void> {
  const limit = performance.now() + patience;
  let links = -1;
  for (let looks = 0; looks < IDLE_LOOKS && existsSync(`/proc/${helper}`); await sleep(BETWEEN_TRIES)) {
    if (performance.now() > limit) throw new Error(`helper ${helper} is still busy`);
    const both = [helper, ...childrenOf(helper)];
    const now = both.reduce((sum, pid) => sum + heldIfRunning(pid).links.length, 0);
    looks = now === links && both.every(sleeps) ? looks + 1 : 0;
    links = now;
  }
}

/** The kernel frees objects shortly after the last descriptor closes. @throws after the patience, in milliseconds */
export async function expectGone(held: Held, patience: number): Promise<void> {
  const limit = performance.now() + patience;
  for (;;) {
    const left = stillThere(held);
    if (left.programs.length + left.maps.length + left.links.length === 0) return;
    if (performance.now() > limit) throw new Error(`left in the kernel: ${JSON.stringify(left)}`);
    await sleep(BETWEEN_TRIES);
  }
}

function look(pid: number): Holding {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1');
  return {
    held: heldBy(pid),
    descriptors: readdirSync(`/proc/${pid}/fd`).length,
    memory: Number(/^VmRSS:\s*(\d+)/m.exec(status)?.[1]),
  };
}
