/** Matches rows against the filter, the chip and the time range. */
import { type ExchangeRow, isError, isRunning } from '../engine/row.ts';
import type { Filter } from '../filter/parser.ts';
import { type Subject, searchText } from '../filter/subject.ts';

export type Chip = 'all' | 'errors' | 'running';

/** Milliseconds since the trace's start, both ends included. */
export interface TimeRange {
  readonly from: number;
  readonly to: number;
}

/** A row and what the filter knows about it. */
export interface Matchable {
  readonly row: ExchangeRow;
  /** Computed on first use. */
  text: string | null;
  /** Bits of the detail tests that match; undefined: not known yet. */
  found: number | undefined;
  /** The details were requested, or need not be. */
  asked: boolean;
}

export class RowMatcher {
  chip: Chip = 'all';
  /** null: the whole trace. */
  range: TimeRange | null = null;
  #filter: Filter | null = null;
  /** Calls whose details are needed. */
  #wanted = new Set<number>();

  /** Some rows may not match. */
  get narrows(): boolean {
    return this.#filter !== null || this.chip !== 'all' || this.range !== null;
  }

  setFilter(filter: Filter): void {
    this.#filter = filter.matches === null ? null : filter;
    this.#wanted.clear();
  }

  /** Calls not taken before whose details are needed. */
  takeWanted(): number[] {
    const ids = [...this.#wanted];
    this.#wanted.clear();
    return ids;
  }

  matches(item: Matchable): boolean {
    const { row } = item;
    if (this.chip === 'errors' && !isError(row)) return false;
    if (this.chip === 'running' && !isRunning(row)) return false;
    if (this.range !== null) {
      const { from, to } = this.range;
      if (row.start > to) return false;
      if (row.state !== 'running' && row.start + (row.duration ?? 0) < from) return false;
    }
    const filter = this.#filter;
    if (filter?.matches == null) return true;
    item.text ??= searchText(row);
    if (filter.details.length === 0) return filter.matches(item as Subject);
    if (!item.asked) {
      item.asked = true;
      if (filter.possible({ row, text: item.text })) this.#wanted.add(row.id);
      else item.found = 0;
    }
    return item.found !== undefined && filter.matches({ row, text: item.text, found: item.found });
  }
}
