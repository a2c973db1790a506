/** Every command of the extension: one table, each entry a few lines. */

import * as vscode from 'vscode';
import { breakOnCalls, breakOnRow, editBreak, removeBreak } from '../breaks/breakCommands.ts';
import type { BreakList } from '../breaks/breakList.ts';
import type { Trace } from '../capture/trace.ts';
import { Command, type CommandId, focusCommand, MANAGE_TRUST, TITLES, View } from '../contributions.ts';
import type { DebugSessions } from '../debug/debugSessions.ts';
import type { TraceControl } from '../debug/traceControl.ts';
import { isCall } from '../engine/row.ts';
import { copiedLine } from '../escape/copied.ts';
import type { CopyFormat } from '../export/copyAs.ts';
import type { BodyPart } from '../views/bodyDocument.ts';
import type { CallsView } from '../views/callsView.ts';
import { choose } from '../views/choose.ts';
import type { Documents } from '../views/documents.ts';
import { pickCall } from '../views/goToCall.ts';
import { reasonOf, showError, showNote } from '../views/notify.ts';
import { openMoment, type Story } from '../views/openMoment.ts';
import { openSource } from '../views/openSource.ts';
import type { PanelProvider } from '../views/panel.ts';
import type { SelectedCall } from '../views/selectedCall.ts';
import { type Remedy, whyNothing } from '../views/whyNothing.ts';
import { completeUrl } from '../words/address.ts';
import { t } from '../words/translate.ts';
import { notificationText } from '../words/visible.ts';
import type { Comparison } from './compare.ts';
import { COPY_COMMANDS, copyAs, copyResponse } from './copyAs.ts';
import { exportHar } from './exportHar.ts';
import { type Narrowing, narrow } from './narrow.ts';
import { askAndOpen, isFileToOpen, openFile, openUri } from './openFile.ts';
import { editAndResend, openHttp, resend, type Sending } from './resend.ts';
import { saveBody } from './saveBody.ts';
import { saveTrace } from './saveTrace.ts';
import { systemCheck } from './systemCheck.ts';
import { installLoader, removeLoader } from './trustedLoader.ts';

/** What the commands work on. */
export interface CommandContext extends Sending {
  readonly extensionPath: string;
  /** Of the extension. */
  readonly version: string;
  readonly supported: boolean;
  readonly control: TraceControl;
  readonly sessions: DebugSessions;
  readonly calls: CallsView;
  readonly panel: PanelProvider;
  readonly story: Story;
  readonly selected: SelectedCall;
  readonly documents: Documents;
  readonly comparison: Comparison;
  readonly breaks: BreakList;
}

export function registerCommands(context: CommandContext): vscode.Disposable {
  const { trace, control, calls, panel, story, selected, documents } = context;

  /**
   * Runs `act` on the call given by the argument, on the one selected in panel or tree, or on one that the user picks.
   */
  const withCall = (command: CommandId, act: (id: number, rest: readonly unknown[]) => unknown) => {
    return async (argument?: unknown, ...rest: unknown[]) => {
      const id = callId(argument) ?? (await selected.get()) ?? (await pickCall(trace, TITLES[command]));
      if (id !== undefined) await act(id, rest);
    };
  };

  const copyCommand = (format: CopyFormat) =>
    withCall(COPY_COMMANDS[format], (id) => copyAs(trace, id, format, panel.isRevealed(id)));

  const open = async (kind: 'recording' | 'archive', uri?: unknown) => {
    const opened =
      uri instanceof vscode.Uri
        ? (await openUri(trace, uri)) !== null
        : isFileToOpen(uri)
          ? (await openFile(trace, uri)) !== null
          : await askAndOpen(trace, kind);
    if (opened) await vscode.commands.executeCommand(focusCommand(View.panel));
  };

  const otherEndCommand = (view: { reveal(id: number): Promise<void> }) =>
    withCall(Command.goToOtherEnd, async (id) => {
      const peer = trace.rows.get(id)?.peer ?? null;
      if (peer !== null && trace.rows.has(peer)) await view.reveal(peer);
      else showNote(t('The other end of this call was not traced, or is no longer kept.'));
    });

  const narrowCommand = (command: CommandId, by: Narrowing, hide: boolean) =>
    withCall(command, (id) => narrow(trace, panel, id, by, hide));

  const table: Readonly<Record<CommandId, (...args: unknown[]) => unknown>> = {
    [Command.start]: () => control.start(),
    [Command.pickProcess]: () => control.pickAndStart(),
    // A second Stop does not wait for the remaining records.
    [Command.stop]: () => (trace.status.phase === 'stopping' ? trace.cutShort() : control.stop()),
    [Command.clear]: () => trace.clear(),
    [Command.goToCall]: async () => {
      const id = await pickCall(trace, TITLES[Command.goToCall]);
      if (id !== undefined) await panel.reveal(id);
    },
    [Command.focusFilter]: () => panel.focusFilter(),
    [Command.revealInTimeline]: withCall(Command.revealInTimeline, (id) => panel.reveal(id)),
    [Command.revealInTree]: withCall(Command.revealInTree, (id) => calls.reveal(id)),
    [Command.copyUrl]: withCall(Command.copyUrl, (id) => copyUrl(trace, id)),
    [Command.copyCurl]: copyCommand('curl'),
    [Command.copyFetch]: copyCommand('fetch'),
    [Command.copyHttp]: copyCommand('http'),
    [Command.copyPython]: copyCommand('python'),
    [Command.copyHttpie]: copyCommand('httpie'),
    [Command.copyResponse]: withCall(Command.copyResponse, (id) =>
      copyResponse(trace, id, panel.isRevealed(id)),
    ),
    [Command.saveBody]: withCall(Command.saveBody, async (id, [part]) => {
      const chosen = isBodyPart(part) ? part : await pickPart(Command.saveBody);
      if (chosen !== undefined) await saveBody(trace, id, chosen, panel.isRevealed(id));
    }),
    [Command.openBody]: withCall(Command.openBody, async (id, [part]) => {
      const chosen = isBodyPart(part) ? part : await pickPart(Command.openBody);
      if (chosen !== undefined) await documents.openBody(id, chosen);
    }),
    [Command.openMoment]: (id) =>
      openMoment(story, TITLES[Command.openMoment], typeof id === 'number' ? id : undefined),
    [Command.openSource]: withCall(Command.openSource, (id, [frame]) =>
      openSource(trace, id, typeof frame === 'number' ? frame : null),
    ),
    // From the tree, reveals it there.
    [Command.goToOtherEnd]: (argument) => otherEndCommand(isNode(argument) ? calls : panel)(argument),
    [Command.openHttp]: withCall(Command.openHttp, (id) => openHttp(context, id, panel.isRevealed(id))),
    [Command.resend]: withCall(Command.resend, (id) => resend(context, id)),
    [Command.editAndResend]: withCall(Command.editAndResend, (id) =>
      editAndResend(context, id, panel.isRevealed(id)),
    ),
    [Command.sendRequest]: (uri, line) =>
      context.requests.send(
        uri instanceof vscode.Uri ? uri : undefined,
        typeof line === 'number' ? line : undefined,
      ),
    [Command.toggleSecrets]: (uri) =>
      context.responses.toggleSecrets(uri instanceof vscode.Uri ? uri : undefined),
    [Command.pin]: withCall(Command.pin, (id) => trace.pin(id, true)),
    [Command.unpin]: withCall(Command.unpin, (id) => trace.pin(id, false)),
    [Command.onlyHost]: narrowCommand(Command.onlyHost, 'host', false),
    [Command.onlyPath]: narrowCommand(Command.onlyPath, 'path', false),
    [Command.onlyProcess]: narrowCommand(Command.onlyProcess, 'process', false),
    [Command.hideHost]: narrowCommand(Command.hideHost, 'host', true),
    [Command.hidePath]: narrowCommand(Command.hidePath, 'path', true),
    [Command.hideProcess]: narrowCommand(Command.hideProcess, 'process', true),
    [Command.selectForCompare]: withCall(Command.selectForCompare, (id) => context.comparison.select(id)),
    [Command.compareWithSelected]: withCall(Command.compareWithSelected, (id) =>
      context.comparison.withSelected(id),
    ),
    [Command.compareWith]: withCall(Command.compareWith, (id) => context.comparison.withPicked(id)),
    [Command.exportHar]: async (argument) =>
      exportHar(trace, {
        selected: callId(argument) ?? (await selected.get()),
        listed: () => panel.listed(),
        version: context.version,
      }),
    [Command.importHar]: () => open('archive'),
    [Command.openTrace]: (uri) => open('recording', uri),
    [Command.saveTrace]: () => saveTrace(trace),
    [Command.checkSystem]: () => checkSystem(context),
    [Command.installLoader]: () => installLoader(context.extensionPath),
    [Command.removeLoader]: () => removeLoader(context.extensionPath),
    [Command.whyNothing]: () => explain(context),
    [Command.breakOnCalls]: () => breakOnCalls(context.breaks),
    [Command.breakWhenCalledAgain]: withCall(Command.breakWhenCalledAgain, (id) =>
      breakOnRow(context.breaks, trace.rows.get(id)),
    ),
    [Command.editBreak]: (node) => editBreak(context.breaks, node),
    [Command.removeBreak]: (node) => removeBreak(context.breaks, node),
    [Command.removeAllBreaks]: () => context.breaks.remove(),
  };
  return vscode.Disposable.from(
    ...Object.entries(table).map(([id, run]) => vscode.commands.registerCommand(id, run)),
  );
}

/** The call meant by an id, a tree node, or a panel element's `data-vscode-context`. */
function callId(argument: unknown): number | undefined {
  if (typeof argument === 'number') return argument;
  if (typeof argument !== 'object' || argument === null) return undefined;
  if ('callId' in argument) return typeof argument.callId === 'number' ? argument.callId : undefined;
  if (!('row' in argument)) return undefined;
  const { id } = argument.row as { readonly id?: unknown };
  return typeof id === 'number' ? id : undefined;
}

/** Of the tree. */
function isNode(argument: unknown): boolean {
  return typeof argument === 'object' && argument !== null && 'row' in argument;
}

function isBodyPart(value: unknown): value is BodyPart {
  return value === 'request' || value === 'response';
}

async function pickPart(command: CommandId): Promise<BodyPart | undefined> {
  const picked = await choose(
    [
      { label: t('Response body'), part: 'response' as const },
      { label: t('Request body'), part: 'request' as const },
    ],
    { title: TITLES[command] },
  );
  return picked?.part;
}

async function copyUrl(trace: Trace, id: number): Promise<void> {
  const row = trace.rows.get(id);
  const url = row === undefined ? null : completeUrl(row);
  if (url === null) {
    void vscode.window.showInformationMessage(t('The full URL of this call is unknown.'));
    return;
  }
  await vscode.env.clipboard.writeText(copiedLine(url));
}

async function checkSystem({ extensionPath, documents }: CommandContext): Promise<void> {
  try {
    const text = await vscode.window.withProgress(
      { location: vscode.ProgressLocation.Notification, title: t('HTTP Trace: checking this system') },
      () => systemCheck(extensionPath),
    );
    await documents.openReport(t('HTTP Trace: system check'), text);
  } catch (error) {
    showError(t('The system check could not run: {0}', reasonOf(error)));
  }
}

const REMEDIES: Readonly<Record<Remedy, readonly [title: string, command: string]>> = {
  start: [t('Start'), Command.start],
  pickProcess: [t('Choose a Process…'), Command.pickProcess],
  checkSystem: [TITLES[Command.checkSystem], Command.checkSystem],
  showPanel: [t('Show Timeline'), focusCommand(View.panel)],
  manageTrust: [t('Manage Workspace Trust'), MANAGE_TRUST],
};

async function explain({ trace, sessions, supported }: CommandContext): Promise<void> {
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
