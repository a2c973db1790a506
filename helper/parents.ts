/**
 * Who started whom, from /proc. A trace that is being armed before a launch needs it at once: `stat` costs 20 µs for each
 * process, `status` six times as much.
 */
import { closeSync, openSync, readdirSync, readSync } from 'node:fs';
import { statAfterName } from './procStat.ts';

/** Longer than any: the name, which may hold anything, has at most 64 bytes, the numbers 20 digits each. */
const MAX_STAT = 2_048;
const buffer = Buffer.allocUnsafe(MAX_STAT);

export class Parents {
  readonly #proc: string;
  readonly #known = new Map<number, number>();

  constructor(proc = '/proc') {
    this.#proc = proc;
  }

  /**
   * The parent of every process. Processes read before are not read again, so use this object only briefly: a second
   * later an id may belong to another process, and an orphan to another parent.
   */
  refresh(): ReadonlyMap<number, number> {
    const present = new Set<number>();
    for (const name of readdirSync(this.#proc)) {
      const pid = Number(name);
      if (!Number.isSafeInteger(pid)) continue;
      present.add(pid);
      if (this.#known.has(pid)) continue;
      const parent = parentOf(`${this.#proc}/${name}/stat`);
      if (parent !== null) this.#known.set(pid, parent);
    }
    for (const pid of this.#known.keys()) if (!present.has(pid)) this.#known.delete(pid);
    return this.#known;
  }
}

/** proc_pid_stat(5): the fourth field; null when the process has ended. */
function parentOf(path: string): number | null {
  try {
    const file = openSync(path, 'r');
    try {
      const text = buffer.toString('latin1', 0, readSync(file, buffer, 0, MAX_STAT, 0));
      const parent = Number(statAfterName(text).split(' ', 2)[1]);
      return Number.isSafeInteger(parent) ? parent : null;
    } finally {
      closeSync(file);
    }
  } catch {
    return null;
  }
}
