/** Holds back the rows of candidates until a debugger names their process, then shows them, or drops them for good. */
import { type ExchangeRow, isError, isRunning } from '../engine/row.ts';
import type { Visibility } from './candidates.ts';

export class HeldRows {
  /** Rows of candidates, in their latest state. Bounded like `#leftOut`: the engine reports which rows it no longer holds. */
  readonly #held = new Map<number, ExchangeRow>();
  /** Rows that are left out for good, in their latest state. */
  readonly #leftOut = new Map<number, ExchangeRow>();

  /**
   * Filters new rows. Returns the rows to show, including those that were held back until now, and the rows to remove
   * because the other side of their call is left out.
   */
  pass(
    rows: readonly ExchangeRow[],
    visibility: (pid: number) => Visibility,
  ): { readonly shown: ExchangeRow[]; readonly removed: number[] } {
    if (
      this.#held.size === 0 &&
      this.#leftOut.size === 0 &&
      rows.every((row) => visibilityOf(row) === 'shown')
    )
      return { shown: [...rows], removed: [] };
    for (const row of rows) {
      if (this.#leftOut.has(row.id)) this.#leftOut.set(row.id, row);
      else this.#held.set(row.id, row);
    }
    const passing: ExchangeRow[] = [];
    for (const [id, row] of this.#held) {
      const where = visibilityOf(row);
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
    // Rows that were held back are older than the others.
    return { shown: shown.sort((a, b) => a.id - b.id), removed };

    function visibilityOf({ pid, file }: ExchangeRow): Visibility {
      // Processes in a file are not those of the trace, even if their ids are the same.
      return pid === null || file !== null ? 'shown' : visibility(pid);
    }
  }

  remove(ids: readonly number[]): void {
    for (const id of ids) {
      this.#held.delete(id);
      this.#leftOut.delete(id);
    }
  }

  /** Counts to subtract from the engine's. A pair counts only if both rows are shown. */
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
        // If both rows of a pair are held back, the first one counts.
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
