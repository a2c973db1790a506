import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collectOnce: () => void = runInNewContext('gc');

/** Frees what nothing refers to. What the first collection finds outside of the heap is freed at the second. */
export function collect(): void {
  collectOnce();
  collectOnce();
}
