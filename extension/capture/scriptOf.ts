/** The script that an interpreter was started with. */
import { readFileSync } from 'node:fs';

/** The first argument of a process's command line; null: it has none, or has ended. */
export function scriptOf(pid: number, proc = '/proc'): string | null {
  try {
    return readFileSync(`${proc}/${pid}/cmdline`, 'utf8').split('\0')[1] || null;
  } catch {
    return null;
  }
}
