import * as vscode from 'vscode';
import type { Trace } from '../capture/trace.ts';
import type { ExchangeRow } from '../engine/row.ts';
import { addressText } from '../words/address.ts';
import { methodText, rowProcessText, statusText } from '../words/exchange.ts';
import { countText, durationText } from '../words/numbers.ts';
import { labelText, withoutIcons } from '../words/visible.ts';
import { type Matches, matchCalls } from './callMatch.ts';

interface CallItem extends vscode.QuickPickItem {
  readonly id: number;
}

/** Lets the user choose a call; undefined when they cancel. */
export function pickCall(trace: Trace, title: string): Promise<number | undefined> {
  return new Promise((resolve) => {
    const pick = vscode.window.createQuickPick<CallItem>();
    const search = () => {
      const matches = matchCalls(trace.rows, pick.value);
      pick.items = matches.rows.map(callItem);
      pick.title = `${title.replace(/…$/, '')}: ${summary(matches, pick.value)}`;
    };
    pick.placeholder = 'Search by method, URL, status or process, for example: POST orders, 5xx, worker';
    pick.onDidChangeValue(search);
    pick.onDidAccept(() => {
      resolve(pick.activeItems[0]?.id);
      pick.hide();
    });
    pick.onDidHide(() => {
      resolve(undefined);
      pick.dispose();
    });
    search();
    pick.show();
  });
}

function summary({ rows, total }: Matches, query: string): string {
  const all = query.trim() === '' ? countText(total, 'call') : countText(total, 'match', 'matches');
  return rows.length === total ? all : `${all}, showing the newest ${rows.length}`;
}

function callItem(row: ExchangeRow): CallItem {
  const address = labelText(addressText(row) ?? 'unknown address', 300);
  const operation = row.operation === null ? '' : ` (${labelText(row.operation, 100)})`;
  return {
    id: row.id,
    label: withoutIcons(`${methodText(row)} ${address}${operation}`),
    description: withoutIcons(
      `${statusText(row)}${row.duration === null ? '' : ` · ${durationText(row.duration)}`}`,
    ),
    detail: withoutIcons(`${row.side === 'server' ? 'answered' : 'made'} by ${rowProcessText(row)}`),
    // The words have been matched already, by more than what is shown here.
    alwaysShow: true,
  };
}
