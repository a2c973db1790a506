/** What a helper holds on to, to be compared with what it held earlier. */
import { readdirSync, readFileSync } from 'node:fs';
import { type Held, heldBy, stillThere } from './kernel.ts';

/** Looks at a process that goes on working. */
const LOOKS = 5;
const BETWEEN_LOOKS = 10;
const BETWEEN_TRIES = 100;

export interface Holding {
  readonly held: Held;
  readonly descriptors: number;
  /** Resident, in KiB. */
  readonly memory: number;
}

/** The least of several looks: a file that is being read at one moment is not held. */
export async function holdingOf(pid: number): Promise<Holding> {
  let least = look(pid);
  for (let i = 1; i < LOOKS; i++) {
    await sleep(BETWEEN_LOOKS);
    const now = look(pid);
    if (now.descriptors < least.descriptors) least = now;
  }
  return least;
}

/** As soon as it is as it should be, or as it is when the patience is over, in milliseconds. */
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

/** The kernel frees them a moment after the last descriptor is closed. @throws when the patience is over */
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

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
