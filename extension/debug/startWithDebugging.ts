/** The setting `httpTrace.startWithDebugging`: a trace that starts by itself with a debug session. */

import * as vscode from 'vscode';
import type { Trace } from '../capture/trace.ts';
import { Setting, type StartWithDebugging } from '../contributions.ts';
import { t } from '../words/translate.ts';
import { notificationText } from '../words/visible.ts';
import { type DebugSessions, rootOf } from './debugSessions.ts';
import type { TraceControl } from './traceControl.ts';

export function startWithDebugging(
  sessions: DebugSessions,
  trace: Trace,
  control: TraceControl,
): vscode.Disposable {
  /** Root sessions that were considered already: a trace that the user stops stays stopped until the next session. */
  const decided = new Set<string>();
  return vscode.Disposable.from(
    sessions.onDidFindProcess(async ({ debuggee }) => {
      const root = rootOf(debuggee.session);
      if (decided.has(root.id)) return;
      decided.add(root.id);
      const wish = vscode.workspace
        .getConfiguration()
        .get<StartWithDebugging>(Setting.startWithDebugging, 'never');
      if (wish === 'never' || !vscode.workspace.isTrusted || control.isRefused) return;
      if (trace.status.phase === 'running' || trace.status.phase === 'starting') return;
      if (wish === 'ask' && !(await isWanted(root.name))) return;
      await control.start();
    }),
    sessions.onDidEnd((debuggee) => decided.delete(debuggee.session.id)),
  );
}

async function isWanted(name: string): Promise<boolean> {
  const start = t('Start');
  const always = t('Always');
  const never = t('Never');
  const picked = await vscode.window.showInformationMessage(
    notificationText(t('Trace the HTTP calls of “{0}”?', name)),
    start,
    always,
    never,
  );
  if (picked === always || picked === never) {
    const wish: StartWithDebugging = picked === always ? 'always' : 'never';
    await vscode.workspace
      .getConfiguration()
      .update(Setting.startWithDebugging, wish, vscode.ConfigurationTarget.Global);
  }
  return picked === start || picked === always;
}
