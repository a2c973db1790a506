import * as vscode from 'vscode';
import type { Trace } from '../capture/trace.ts';
import type { ExchangeRow } from '../engine/row.ts';
import { parseFilter } from '../filter/parser.ts';
import { addressText } from '../words/address.ts';
import { methodText, rowDurationText, rowProcessText, statusText } from '../words/exchange.ts';
import { counted, numberText } from '../words/numbers.ts';
import { t } from '../words/translate.ts';
import { labelText, withoutIcons } from '../words/visible.ts';
import { callsToSearch, type Matches, matchCalls } from './callMatch.ts';
import { LATE_FOCUS } from './choose.ts';
import { joinsBothEnds } from './listSettings.ts';
import { CALLS_PER_SEARCH } from './panelFeed.ts';

interface CallItem extends vscode.QuickPickItem {
  readonly id: number;
}

/** Lets the user choose a call; undefined when they cancel. @param but a call that is not offered. */
export function pickCall(trace: Trace, title: string, but?: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const pick = vscode.window.createQuickPick<CallItem>();
    // As in choose(); after that, a click elsewhere closes it.
    pick.ignoreFocusOut = true;
    const focused = setTimeout(() => {
      pick.ignoreFocusOut = false;
    }, LATE_FOCUS);
    const heading = title.replace(/…$/, '');
    const search = async () => {
      const query = pick.value;
      const filter = parseFilter(query);
      const found = new Map<number, number>();
      const show = () => {
        const matches = matchCalls(trace.rows, filter, { found, joins: joinsBothEnds() });
        pick.items = matches.rows.filter(({ id }) => id !== but).map(callItem);
        pick.title = `${heading}: ${filter.errors[0]?.message ?? summary(matches, query)}`;
      };
      show();
      const ids = callsToSearch(trace.rows, filter);
      pick.busy = ids.length > 0;
      for (let at = 0; at < ids.length; at += CALLS_PER_SEARCH) {
        const results = await trace.search(query, ids.slice(at, at + CALLS_PER_SEARCH)).catch(() => []);
        if (closed || pick.value !== query) return;
        for (const [id, bits] of results) found.set(id, bits);
        if (results.length > 0) show();
      }
      pick.busy = false;
    };
    let closed = false;
    pick.placeholder = t(
      'As in the filter, for example: POST orders, 5xx, process:worker, body:"out of stock"',
    );
    pick.onDidChangeValue(() => void search());
    pick.onDidAccept(() => {
      resolve(pick.activeItems[0]?.id);
      pick.hide();
    });
    pick.onDidHide(() => {
      closed = true;
      clearTimeout(focused);
      resolve(undefined);
      pick.dispose();
    });
    void search();
    pick.show();
  });
}

function summary({ rows, total }: Matches, query: string): string {
  const all =
    query.trim() === ''
      ? counted(total, '{0} call', '{0} calls')
      : counted(total, '{0} match', '{0} matches');
  return rows.length === total ? all : t('{0}, showing the newest {1}', all, numberText(rows.length));
}

function callItem(row: ExchangeRow): CallItem {
  const address = labelText(addressText(row) ?? t('unknown address'), 300);
  const operation = row.operation === null ? '' : ` (${labelText(row.operation, 100)})`;
  return {
    id: row.id,
    label: withoutIcons(`${methodText(row)} ${address}${operation}`),
    description: withoutIcons(
      `${statusText(row)}${row.duration === null ? '' : ` · ${rowDurationText(row)}`}`,
    ),
    detail: withoutIcons(
      row.side === 'server'
        ? t('answered by {0}', rowProcessText(row))
        : t('made by {0}', rowProcessText(row)),
    ),
    // Already matched, against more than what is shown here.
    alwaysShow: true,
  };
}
