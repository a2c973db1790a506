import { existsSync, readdirSync, readFileSync } from 'node:fs';

/** Whether all threads of the process sleep, or are stopped (by a debugger), so that no work is pending; true if it has ended. */
export function sleeps(pid) {
  try {
    return readdirSync(`/proc/${pid}/task`).every((thread) => {
      const stat = readFileSync(`/proc/${pid}/task/${thread}/stat`, 'latin1');
      return 'StT'.includes(stat.charAt(stat.lastIndexOf(')') + 2));
    });
  } catch {
    return !existsSync(`/proc/${pid}`);
  }
}
