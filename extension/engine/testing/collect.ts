import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collectOnce: () => void = runInNewContext('gc');

/** Frees what nothing refers to. What the first collection finds outside of the heap is freed at the second. */
export function collect(): void {
  collectOnce();
  collectOnce();
}

/** What this process holds in the heap and outside of it, in bytes, without what nothing refers to any more. */
export function heldMemory(): number {
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
