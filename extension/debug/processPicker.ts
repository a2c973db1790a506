import * as vscode from 'vscode';
import { t } from '../words/translate.ts';
import { labelText, withoutIcons } from '../words/visible.ts';
import { traceableProcesses } from './processes.ts';

interface ProcessItem extends vscode.QuickPickItem {
  readonly pid: number;
}

/** Lets the user choose one of their processes, newest first; undefined when they choose none. */
export async function pickProcess(): Promise<number | undefined> {
  const items = traceableProcesses(process.pid).then((processes) =>
    processes.map(
      (entry): ProcessItem => ({
        pid: entry.pid,
        label: plain(entry.name),
        description: String(entry.pid),
        detail: plain(entry.command),
      }),
    ),
  );
  const picked = await vscode.window.showQuickPick(items, {
    title: t('Choose a process to trace'),
    placeHolder: t('Search by name, process id or command line. Child processes are traced too.'),
    matchOnDescription: true,
    matchOnDetail: true,
    ignoreFocusOut: true, // as in views/choose.ts
  });
  return picked?.pid;
}

function plain(text: string): string {
  return withoutIcons(labelText(text, 300));
}
