/** Show Only This …, Hide This …: a term is added to the filter of the panel, where it can be read and changed. */

import type { Trace } from '../capture/trace.ts';
import { exactly } from '../filter/edit.ts';
import { showNote } from '../views/notify.ts';
import type { PanelProvider } from '../views/panel.ts';
import { routeOf } from '../words/address.ts';
import { t } from '../words/translate.ts';

export type Narrowing = 'host' | 'path' | 'process';

export async function narrow(
  trace: Trace,
  panel: PanelProvider,
  id: number,
  by: Narrowing,
  hide: boolean,
): Promise<void> {
  const row = trace.rows.get(id);
  const value = row === undefined ? null : VALUES[by](row);
  if (value === null || value === '') {
    showNote(UNKNOWN[by]);
    return;
  }
  await panel.narrow(`${hide ? '-' : ''}${exactly(by, value)}`);
}

type Row = NonNullable<ReturnType<Trace['rows']['get']>>;

const UNKNOWN: Readonly<Record<Narrowing, string>> = {
  host: t('The host of this call is not known.'),
  path: t('The path of this call is not known.'),
  process: t('The process of this call is not known.'),
};

const VALUES: Readonly<Record<Narrowing, (row: Row) => string | null>> = {
  host: ({ host }) => host,
  path: ({ path }) => routeOf(path),
  // Many processes may have this name; calls from a file have no process.
  process: ({ pid, processName, file }) => (pid === null ? (processName ?? file) : String(pid)),
};
