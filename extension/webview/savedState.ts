/** Validates the panel state saved before a reload of the window. */
import { AS_USUAL, type ColumnChoice, type ColumnId } from './columnChoice.ts';
import { COLUMNS, NATURAL, type Sort } from './columns.ts';
import { TABS, type TabId } from './details/tabs.ts';

/** The saved call count. */
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

/** Columns that no longer exist and duplicates are left out. */
export function knownChoice(choice: unknown): ColumnChoice {
  if (typeof choice !== 'object' || choice === null) return AS_USUAL;
  const ids = (part: keyof ColumnChoice): ColumnId[] => {
    const list: unknown = (choice as Record<string, unknown>)[part];
    if (!Array.isArray(list)) return [];
    return COLUMNS.map(({ id }) => id)
      .filter((id) => list.includes(id))
      .sort((a, b) => list.indexOf(a) - list.indexOf(b));
  };
  return { order: ids('order'), shown: ids('shown'), hidden: ids('hidden') };
}
