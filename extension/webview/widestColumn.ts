/** How wide a column may become. */
import type { ColumnChoice, ColumnId } from './columnChoice.ts';
import { COLUMNS, type Layout, layout } from './columns.ts';

/** The requested width, reduced until no other column is hidden. */
export function widestColumn(
  room: number,
  others: Partial<Record<ColumnId, number>>,
  column: ColumnId,
  wanted: number,
  { visible }: Layout,
  choice: ColumnChoice,
): number {
  const fits = (width: number): boolean =>
    layout(
      room,
      { ...others, [column]: width },
      visible.some(({ id }) => id === 'source'),
      choice,
    ).visible.length >= visible.length;
  let width = wanted;
  const least = COLUMNS.find(({ id }) => id === column)?.minWidth ?? 0;
  while (width > least && !fits(width)) width = Math.max(least, width - 4);
  return width;
}
