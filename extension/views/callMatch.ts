/** Finding calls by words, for "Go to Call…". */
import type { ExchangeRow } from '../engine/row.ts';
import { urlOf } from '../words/address.ts';

/** Calls offered at once: more cannot be read, and each costs time to show. */
export const MAX_MATCHES = 500;

export interface Matches {
  /** Newest first. */
  readonly rows: readonly ExchangeRow[];
  /** All that match, shown or not. */
  readonly total: number;
}

/**
 * Every word must occur in the call's method, URL, operation, status, process name or process id, whatever the case. A
 * number of one to three digits, or one such as `5xx`, also means a status by its beginning.
 */
export function matchCalls(rows: ReadonlyMap<number, ExchangeRow>, query: string): Matches {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  const found: ExchangeRow[] = [];
  let total = 0;
  const newestFirst = [...rows.values()].reverse();
  for (const row of newestFirst) {
    if (!words.every((word) => matches(row, word))) continue;
    total += 1;
    if (found.length < MAX_MATCHES) found.push(row);
  }
  return { rows: found, total };
}

function matches(row: ExchangeRow, word: string): boolean {
  const statusClass = /^([1-5])xx$/.exec(word)?.[1];
  if (statusClass !== undefined)
    return row.status !== null && Math.floor(row.status / 100) === Number(statusClass);
  return (
    contains(row.method, word) ||
    contains(urlOf(row) ?? row.path, word) ||
    contains(row.operation, word) ||
    contains(row.statusText, word) ||
    contains(row.processName, word) ||
    (row.status !== null && String(row.status).startsWith(word)) ||
    (row.pid !== null && String(row.pid) === word)
  );
}

function contains(text: string | null, word: string): boolean {
  return text?.toLowerCase().includes(word) ?? false;
}
