/** Every command of the extension: one table, each entry a few lines. */
import * as vscode from 'vscode';
import type { Trace } from '../capture/trace.ts';
import { Command, type CommandId, View } from '../contributions.ts';
import type { DebugSessions } from '../debug/debugSessions.ts';
import type { TraceControl } from '../debug/traceControl.ts';
import { isCall } from '../engine/row.ts';
import { copiedLine } from '../escape/copied.ts';
import type { BodyPart } from '../views/bodyDocument.ts';
import type { CallsView } from '../views/callsView.ts';
import { notificationText } from '../views/displayText.ts';
import type { Documents } from '../views/documents.ts';
import { pickCall } from '../views/goToCall.ts';
import type { PanelProvider } from '../views/panel.ts';
import { urlOf } from '../views/rowText.ts';
import { type Remedy, whyNothing } from '../views/whyNothing.ts';
import { systemCheck } from './systemCheck.ts';
import { installLoader, removeLoader } from './trustedLoader.ts';

/** What the commands work on. */
export interface House {
  readonly extensionPath: string;
  readonly supported: boolean;
  readonly trace: Trace;
  readonly control: TraceControl;
  readonly sessions: DebugSessions;
  readonly calls: CallsView;
  readonly panel: PanelProvider;
  readonly documents: Documents;
}

export function registerCommands(house: House): vscode.Disposable {
  const { trace, control, calls, panel, documents } = house;

  /** Runs `act` on the call that the argument means, on the one selected in the tree, or on one that is picked. */
  const withCall = (title: string, act: (id: number, rest: readonly unknown[]) => unknown) => {
    return async (argument?: unknown, ...rest: unknown[]) => {
      const id = callId(argument) ?? (await calls.selected()) ?? (await pickCall(trace, title));
      if (id !== undefined) await act(id, rest);
    };
  };

  const table: Readonly<Record<CommandId, (...args: unknown[]) => unknown>> = {
    [Command.start]: () => control.start(),
    [Command.pickProcess]: () => control.pickAndStart(),
    [Command.stop]: () => control.stop(),
    [Command.clear]: () => trace.clear(),
    [Command.goToCall]: async () => {
      const id = await pickCall(trace, 'Go to Call');
      if (id !== undefined) await panel.reveal(id);
    },
    [Command.focusFilter]: () => panel.focusFilter(),
    [Command.revealInTimeline]: withCall('Reveal in Timeline', (id) => panel.reveal(id)),
    [Command.revealInTree]: withCall('Reveal in Tree', (id) => calls.reveal(id)),
    [Command.copyUrl]: withCall('Copy URL', (id) => copyUrl(trace, id)),
    [Command.openBody]: withCall('Open Body', async (id, [part]) => {
      const chosen = isBodyPart(part) ? part : await pickPart();
      if (chosen !== undefined) await documents.openBody(id, chosen);
    }),
    [Command.checkSystem]: () => checkSystem(house),
    [Command.installLoader]: () => installLoader(house.extensionPath),
    [Command.removeLoader]: () => removeLoader(house.extensionPath),
    [Command.whyNothing]: () => explain(house),
  };
  return vscode.Disposable.from(
    ...Object.entries(table).map(([id, run]) => vscode.commands.registerCommand(id, run)),
  );
}

/** An id, or a node of the tree. */
function callId(argument: unknown): number | undefined {
  if (typeof argument === 'number') return argument;
  if (typeof argument !== 'object' || argument === null || !('row' in argument)) return undefined;
  const { id } = argument.row as { readonly id?: unknown };
  return typeof id === 'number' ? id : undefined;
}

function isBodyPart(value: unknown): value is BodyPart {
  return value === 'request' || value === 'response';
}

async function pickPart(): Promise<BodyPart | undefined> {
  const picked = await vscode.window.showQuickPick(
    [
      { label: 'Response body', part: 'response' as const },
      { label: 'Request body', part: 'request' as const },
    ],
    { title: 'Open Body' },
  );
  return picked?.part;
}

async function copyUrl(trace: Trace, id: number): Promise<void> {
  const row = trace.rows.get(id);
  const url = row === undefined ? null : urlOf(row);
  if (url === null) {
    void vscode.window.showInformationMessage('The address of this call is not known in full.');
    return;
  }
  await vscode.env.clipboard.writeText(copiedLine(url));
}

async function checkSystem({ extensionPath, documents }: House): Promise<void> {
  try {
    const text = await vscode.window.withProgress(
      { location: vscode.ProgressLocation.Notification, title: 'HTTP Trace checks this system' },
      () => systemCheck(extensionPath),
    );
    await documents.openReport('HTTP Trace: system check', text);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    void vscode.window.showErrorMessage(notificationText(`The system check could not be run: ${reason}`));
  }
}

const REMEDIES: Readonly<Record<Remedy, readonly [title: string, command: string]>> = {
  start: ['Start HTTP Trace', Command.start],
  pickProcess: ['Choose a Process…', Command.pickProcess],
  checkSystem: ['Check This System', Command.checkSystem],
  showPanel: ['Show the Timeline', `${View.panel}.focus`],
  manageTrust: ['Manage Workspace Trust', 'workbench.trust.manage'],
};

async function explain({ trace, sessions, supported }: House): Promise<void> {
  const { text, remedies } = whyNothing(trace.status, {
    trusted: vscode.workspace.isTrusted,
    supported,
    sessions: sessions.all.length,
    remoteSessions: sessions.all.filter((one) => one.untraceable === 'remote').length,
    browserSessions: sessions.all.filter((one) => one.untraceable === 'browser').length,
    held: [...trace.rows.values()].filter(isCall).length,
  });
  const choices = remedies.map((remedy) => REMEDIES[remedy]);
  const picked = await vscode.window.showInformationMessage(
    notificationText(text),
    ...choices.map(([title]) => title),
  );
  const command = choices.find(([title]) => title === picked)?.[1];
  if (command !== undefined) await vscode.commands.executeCommand(command);
}
