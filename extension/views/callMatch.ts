/** Finding calls by the filter language, for "Go to Call…". */
import type { ExchangeRow } from '../engine/row.ts';
import type { Filter } from '../filter/parser.ts';
import { searchText } from '../filter/subject.ts';
import { otherEnd } from './otherEnd.ts';

/** Calls offered at once: more cannot be read, and each costs time to show. */
export const MAX_MATCHES = 500;

export interface Matches {
  /** Newest first. */
  readonly rows: readonly ExchangeRow[];
  /** All that match, shown or not. */
  readonly total: number;
}

/**
 * @param found what the details of calls say, by id; a filter on details leaves out calls without any
 * @param joins a call seen at both ends is offered once, as the client's, and matches if either end does
 */
export function matchCalls(
  rows: ReadonlyMap<number, ExchangeRow>,
  filter: Filter,
  { found = new Map(), joins = false }: { found?: ReadonlyMap<number, number>; joins?: boolean } = {},
): Matches {
  const { matches, details } = filter;
  const isMatch = (row: ExchangeRow): boolean => {
    if (matches === null) return true;
    const bits = found.get(row.id);
    if (details.length > 0 && bits === undefined) return false;
    return matches({ row, text: searchText(row), found: bits ?? 0 });
  };
  const shown: ExchangeRow[] = [];
  let total = 0;
  for (const row of [...rows.values()].reverse()) {
    const other = joins ? otherEnd(rows, row) : undefined;
    if (other !== undefined && row.side === 'server') continue;
    if (!isMatch(row) && (other === undefined || !isMatch(other))) continue;
    total += 1;
    if (shown.length < MAX_MATCHES) shown.push(row);
  }
  return { rows: shown, total };
}

/** Calls whose details to search, newest first. */
export function callsToSearch(rows: ReadonlyMap<number, ExchangeRow>, filter: Filter): number[] {
  if (filter.details.length === 0) return [];
  return [...rows.values()]
    .reverse()
    .filter((row) => filter.possible({ row, text: searchText(row) }))
    .map(({ id }) => id);
}
