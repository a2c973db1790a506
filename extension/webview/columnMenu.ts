/** The menu of the list's header: which columns to show. */
import { t } from '../words/translate.ts';
import { type ColumnChoice, type ColumnId, ordered } from './columnChoice.ts';
import { COLUMNS, type Column } from './columns.ts';
import type { MenuItem } from './popupMenu.ts';

/** @param visible the columns that are shown: one may have been left out because there is no room for it */
export function columnMenuItems(
  choice: ColumnChoice,
  visible: readonly Column[],
  events: { readonly choose: (id: ColumnId, shown: boolean) => void; readonly reset: () => void },
): readonly MenuItem[] {
  const items = ordered(choice, COLUMNS)
    // Without status and URL a row would say nothing.
    .filter(({ dropRank }) => dropRank > 0)
    .map((column): MenuItem => {
      const checked = visible.includes(column);
      return {
        label: column.spoken ?? column.label,
        checked,
        run: () => events.choose(column.id, !checked),
      };
    });
  return [...items, { label: t('Reset Columns'), separated: true, run: events.reset }];
}
