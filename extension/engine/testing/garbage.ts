import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collect: () => void = runInNewContext('gc');

/**
 * Before memory is measured: test files share a process, and what others left would be freed while one measures, so
 * that growth is not seen.
 */
export function collectGarbage(): void {
  // What the first collection finds is freed at the second.
  collect();
  collect();
}
