/** Rows of candidates: held back until their process is proved, then shown, or left out for good. */
import { type ExchangeRow, isError, isRunning } from '../engine/row.ts';
import type { Standing } from './candidates.ts';

export class HeldRows {
  /** The latest state of every row that is not shown. Bounded: the engine tells which rows it no longer holds. */
  readonly #held = new Map<number, ExchangeRow>();
  readonly #leftOut = new Map<number, ExchangeRow>();

  /**
   * Of these rows, those that are to be shown, with those that had to wait until now; and which are to be shown no more,
   * as the other side of the call is left out.
   */
  pass(
    rows: readonly ExchangeRow[],
    standing: (pid: number) => Standing,
  ): { readonly shown: ExchangeRow[]; readonly removed: number[] } {
    if (this.#held.size === 0 && this.#leftOut.size === 0 && rows.every((row) => standingOf(row) === 'shown'))
      return { shown: [...rows], removed: [] };
    for (const row of rows) {
      if (this.#leftOut.has(row.id)) this.#leftOut.set(row.id, row);
      else this.#held.set(row.id, row);
    }
    const passing: ExchangeRow[] = [];
    for (const [id, row] of this.#held) {
      const where = standingOf(row);
      if (where === 'candidate') continue;
      this.#held.delete(id);
      if (where === 'left-out') this.#leftOut.set(id, row);
      else passing.push(row);
    }
    const shown: ExchangeRow[] = [];
    const removed: number[] = [];
    for (const row of passing) {
      if (row.file !== null || row.peer === null || !this.#leftOut.has(row.peer)) shown.push(row);
      else {
        this.#leftOut.set(row.id, row);
        removed.push(row.id);
      }
    }
    // What waited is older than what did not.
    return { shown: shown.sort((a, b) => a.id - b.id), removed };

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

  /** To be taken off the engine's sums. A pair counts only if both rows are shown. */
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
