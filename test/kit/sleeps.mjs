import { existsSync, readdirSync, readFileSync } from 'node:fs';

/** Whether all threads of the process sleep, so that nothing waits for it; of one that has ended, true. */
export function sleeps(pid) {
  try {
    return readdirSync(`/proc/${pid}/task`).every((thread) => {
      const stat = readFileSync(`/proc/${pid}/task/${thread}/stat`, 'latin1');
      return stat.slice(stat.lastIndexOf(')') + 2).startsWith('S');
    });
  } catch {
    return !existsSync(`/proc/${pid}`);
  }
}
