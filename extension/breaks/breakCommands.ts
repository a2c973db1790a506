/** The commands of Break on Calls. */

import * as vscode from 'vscode';
import { Command, type CommandId, focusCommand, TITLES, View } from '../contributions.ts';
import { askAgain } from '../debug/hookConsent.ts';
import { exactly } from '../filter/edit.ts';
import { MASK } from '../privacy/secrets.ts';
import { showNote } from '../views/notify.ts';
import { routeOf } from '../words/address.ts';
import { t } from '../words/translate.ts';
import type { Break, BreakList } from './breakList.ts';
import { parseCondition } from './parseCondition.ts';

/** Fields read from a row. */
interface Called {
  readonly method: string | null;
  readonly host: string | null;
  readonly path: string | null;
}

/** Asks for a condition, and sets a break. */
export async function breakOnCalls(list: BreakList): Promise<void> {
  const text = await askForCondition(Command.breakOnCalls, '');
  if (text !== undefined) await add(list, text);
}

export async function breakOnRow(list: BreakList, row: Called | undefined): Promise<void> {
  const text = row === undefined ? null : conditionOfRow(row);
  if (text === null) showNote(t('Method and path of this call are not known.'));
  else await add(list, text);
}

export async function editBreak(list: BreakList, node: unknown): Promise<void> {
  const one = list.all.find(({ id }) => id === idOf(node));
  if (one === undefined) return;
  const text = await askForCondition(Command.editBreak, one.text);
  if (text !== undefined) list.change(one.id, { text, enabled: true });
}

export function removeBreak(list: BreakList, node: unknown): void {
  const id = idOf(node);
  if (id !== undefined) list.remove(id);
}

/** Method, host and path, in the filter's language; null: it is not a call. */
function conditionOfRow({ method, host, path }: Called): string | null {
  const route = routeOf(path);
  if (method === null || route === null || route === '') return null;
  const parts = [`method:${method}`];
  if (host !== null && host !== '') parts.push(exactly('host', host));
  // Secrets in a path are masked here.
  const pattern = route.split(MASK).join('*');
  parts.push(pattern === route ? exactly('path', route) : `path:"${pattern.replaceAll('"', '*')}"`);
  return parts.join(' ');
}

async function add(list: BreakList, text: string): Promise<void> {
  const [error] = parseCondition(text).errors;
  // Only sessions whose debugger needs a hook ask (callBreaks.ts): a user who debugs only Go is not asked.
  askAgain();
  if (error !== undefined) showNote(error.message);
  else if (!list.add(text)) showNote(t('There are too many breaks. Remove some that you do not need.'));
  else await vscode.commands.executeCommand(focusCommand(View.breaks), { preserveFocus: true });
}

async function askForCondition(command: CommandId, value: string): Promise<string | undefined> {
  const text = await vscode.window.showInputBox({
    title: TITLES[command],
    prompt: t(
      'The program stops before it makes such a call. Use the language of the filter; path:* means every call.',
    ),
    placeHolder: 'method:POST host:api.example.com path:/orders/*',
    value,
    ignoreFocusOut: true, // as in choose()
    validateInput: (typed) => {
      const { condition, errors } = parseCondition(typed);
      const [error] = errors;
      if (error !== undefined) return error.message;
      return condition === null && typed.trim() !== ''
        ? t('Specify which calls, for example method:POST path:/orders.')
        : null;
    },
  });
  return text === undefined || parseCondition(text).condition === null ? undefined : text.trim();
}

function idOf(node: unknown): number | undefined {
  return typeof node === 'object' && node !== null ? (node as Partial<Break>).id : undefined;
}
