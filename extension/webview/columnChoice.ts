/** Which columns of the list the user has chosen, and in which order. */

export type ColumnId =
  | 'id'
  | 'method'
  | 'status'
  | 'call'
  | 'protocol'
  | 'type'
  | 'size'
  | 'time'
  | 'process'
  | 'source'
  | 'requestSize'
  | 'start'
  | 'waterfall';

interface Identified {
  readonly id: ColumnId;
}

export interface ColumnChoice {
  /** Columns not listed stay after the column that they follow by default. */
  readonly order: readonly ColumnId[];
  /** Shown as long as there is any room. */
  readonly shown: readonly ColumnId[];
  /** Never shown. */
  readonly hidden: readonly ColumnId[];
}

/** The default columns. */
export const AS_USUAL: ColumnChoice = { order: [], shown: [], hidden: [] };

/** All columns, in the chosen order. @param columns in default order */
export function ordered<T extends Identified>({ order }: ColumnChoice, columns: readonly T[]): T[] {
  if (order.length === 0) return [...columns];
  const sorted = order.flatMap((id) => columns.find((column) => column.id === id) ?? []);
  columns.forEach((column, index) => {
    if (order.includes(column.id)) return;
    const previous = columns[index - 1];
    sorted.splice(previous === undefined ? 0 : sorted.indexOf(previous) + 1, 0, column);
  });
  return sorted;
}

export function withColumn(choice: ColumnChoice, id: ColumnId, shown: boolean): ColumnChoice {
  const others = (ids: readonly ColumnId[]): ColumnId[] => ids.filter((other) => other !== id);
  return {
    ...choice,
    shown: shown ? [...others(choice.shown), id] : others(choice.shown),
    hidden: shown ? others(choice.hidden) : [...others(choice.hidden), id],
  };
}

/** @param before null: to the end */
export function moved(
  choice: ColumnChoice,
  columns: readonly Identified[],
  id: ColumnId,
  before: ColumnId | null,
): ColumnChoice {
  if (id === before) return choice;
  const order = ordered(choice, columns)
    .map((column) => column.id)
    .filter((other) => other !== id);
  order.splice(before === null ? order.length : order.indexOf(before), 0, id);
  return { ...choice, order };
}
