/** Rows of candidates: held back until their process is proved, then shown, or left out for good. */
import { type ExchangeRow, isError, isRunning } from '../engine/row.ts';
import type { Standing } from './candidates.ts';

export class HeldRows {
  /** The latest state of every row that is not shown. Bounded: the engine tells which rows it no longer holds. */
  readonly #held = new Map<number, ExchangeRow>();
  readonly #leftOut = new Map<number, ExchangeRow>();

  /** Of these rows, those that are to be shown, with those that had to wait until now. */
  pass(rows: readonly ExchangeRow[], standing: (pid: number) => Standing): ExchangeRow[] {
    if (this.#held.size === 0 && this.#leftOut.size === 0 && rows.every((row) => standingOf(row) === 'shown'))
      return [...rows];
    const shown: ExchangeRow[] = [];
    for (const row of rows) {
      if (this.#leftOut.has(row.id)) this.#leftOut.set(row.id, row);
      else this.#held.set(row.id, row);
    }
    for (const [id, row] of this.#held) {
      const where = standingOf(row);
      if (where === 'candidate') continue;
      this.#held.delete(id);
      if (where === 'left-out') this.#leftOut.set(id, row);
      else shown.push(row);
    }
    // What waited is older than what did not.
    return shown.sort((a, b) => a.id - b.id);

    function standingOf({ pid, file }: ExchangeRow): Standing {
      // The processes of a file are others, even if their ids are the same.
      return pid === null || file !== null ? 'shown' : standing(pid);
    }
  }

  remove(ids: readonly number[]): void {
    for (const id of ids) {
      this.#held.delete(id);
      this.#leftOut.delete(id);
    }
  }

  /** To be taken off the engine's sums. A pair of which one row is not shown is none. */
  counts(): Counts {
    const sum = { calls: 0, errors: 0, running: 0, pairs: 0, failedPairs: 0 };
    for (const rows of [this.#held, this.#leftOut]) {
      for (const row of rows.values()) {
        const failed = isError(row);
        sum.calls++;
        if (failed) sum.errors++;
        if (isRunning(row)) sum.running++;
        if (row.peer === null) continue;
        const peer = this.#held.get(row.peer) ?? this.#leftOut.get(row.peer);
        // Of a pair both of whose rows are held back, the first counts.
        if (peer !== undefined && peer.id < row.id) continue;
        sum.pairs++;
        if (failed && (peer === undefined || isError(peer))) sum.failedPairs++;
      }
    }
    return sum;
  }
}

interface Counts {
  readonly calls: number;
  readonly errors: number;
  readonly running: number;
  readonly pairs: number;
  readonly failedPairs: number;
}
