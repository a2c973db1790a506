/** What the panel has kept of itself from before the window was loaded again; all of it is checked. */
import { COLUMNS, NATURAL, type Sort } from './columns.ts';
import { TABS, type TabId } from './details/tabs.ts';

/** Calls that were held. */
export function heldCalls(held: unknown): number {
  const calls = typeof held === 'object' && held !== null && 'calls' in held ? held.calls : null;
  return typeof calls === 'number' && Number.isSafeInteger(calls) && calls > 0 ? calls : 0;
}

export function knownTab(tab: unknown): TabId {
  return TABS.find(({ id }) => id === tab)?.id ?? 'summary';
}

export function isSort(sort: unknown): sort is Sort {
  if (typeof sort !== 'object' || sort === null) return false;
  const { column, ascending } = sort as Partial<Sort>;
  return (
    COLUMNS.some(({ id }) => id === column) && typeof ascending === 'boolean' && column !== NATURAL.column
  );
}

export function share<T>(value: unknown, fallback: T): number | T {
  return typeof value === 'number' && value >= 0.15 && value <= 0.85 ? value : fallback;
}
