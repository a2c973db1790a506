/** Finding calls by the filter language, for "Go to Call…". */
import type { ExchangeRow } from '../engine/row.ts';
import type { Filter } from '../filter/parser.ts';
import { searchText } from '../filter/subject.ts';

/** Calls offered at once: more cannot be read, and each costs time to show. */
export const MAX_MATCHES = 500;

export interface Matches {
  /** Newest first. */
  readonly rows: readonly ExchangeRow[];
  /** All that match, shown or not. */
  readonly total: number;
}

/** @param found what the details of calls say, by id; calls without are left out where details decide. */
export function matchCalls(
  rows: ReadonlyMap<number, ExchangeRow>,
  filter: Filter,
  found: ReadonlyMap<number, number> = new Map(),
): Matches {
  const { matches, details } = filter;
  const shown: ExchangeRow[] = [];
  let total = 0;
  for (const row of [...rows.values()].reverse()) {
    const bits = found.get(row.id);
    if (matches !== null) {
      if (details.length > 0 && bits === undefined) continue;
      if (!matches({ row, text: searchText(row), found: bits ?? 0 })) continue;
    }
    total += 1;
    if (shown.length < MAX_MATCHES) shown.push(row);
  }
  return { rows: shown, total };
}

/** Calls whose details decide, newest first. */
export function callsToSearch(rows: ReadonlyMap<number, ExchangeRow>, filter: Filter): number[] {
  if (filter.details.length === 0) return [];
  return [...rows.values()]
    .reverse()
    .filter((row) => filter.possible({ row, text: searchText(row) }))
    .map(({ id }) => id);
}
