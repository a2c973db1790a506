/** Where VS Code enters: builds the house and nothing more. No worker, no helper until the first start. */
import * as vscode from 'vscode';
import type { Trace } from './capture/trace.ts';
import { type TraceSettings, WorkerTrace } from './capture/workerTrace.ts';
import { askForRoot } from './commands/askForRoot.ts';
import { registerCommands } from './commands/commands.ts';
import { problemKind, showProblem } from './commands/problems.ts';
import { Command, Setting, View } from './contributions.ts';
import { DebugSessions } from './debug/debugSessions.ts';
import { startWithDebugging } from './debug/startWithDebugging.ts';
import { TraceControl } from './debug/traceControl.ts';
import { WorkspaceProtos } from './protos/workspaceProtos.ts';
import { CallsView } from './views/callsView.ts';
import { ContextKeys } from './views/contextKeys.ts';
import { notificationText } from './views/displayText.ts';
import { Documents } from './views/documents.ts';
import { PanelProvider } from './views/panel.ts';
import { StatusItem } from './views/statusItem.ts';

/** Set once the tree has been shown by itself: VS Code starts it collapsed at the bottom of the side bar. */
const TREE_SHOWN = 'treeShown';

/** Bytes; as package.json says. */
const DEFAULT_BODY_LIMIT = 64 * 1024;

/** What the suite inside the extension host looks at; nobody else gets it. */
export interface Insight {
  readonly trace: Trace;
  readonly calls: CallsView;
  readonly sessions: DebugSessions;
}

export function activate(context: vscode.ExtensionContext): Insight | undefined {
  const { extensionPath, extensionUri, subscriptions } = context;
  const supported = process.platform === 'linux' && process.arch === 'x64';
  // First of all and synchronously: adapters tell the process early and only once.
  const sessions = new DebugSessions();
  const trace = new WorkerTrace(extensionPath, readSettings, askForRoot);
  const keys = new ContextKeys(trace, supported);
  const report = (error: unknown, pids: readonly number[]) => {
    keys.setProblem(problemKind(error));
    void showProblem(error, pids, extensionPath);
  };
  const control = new TraceControl(trace, sessions, report);
  const calls = new CallsView(trace);
  const panel = new PanelProvider(extensionUri, trace);
  const documents = new Documents(trace);
  subscriptions.push(
    sessions,
    keys,
    control,
    calls,
    panel,
    documents,
    new StatusItem(trace),
    new WorkspaceProtos(trace),
    vscode.window.registerWebviewViewProvider(View.panel, panel),
    registerCommands({ extensionPath, supported, trace, control, sessions, calls, panel, documents }),
    control.onDidStart((choice) => {
      keys.setProblem(null);
      void showViews(context, choice === 'debugging');
    }),
    startWithDebugging(sessions, trace, control),
    offerRestart(trace),
    trace,
  );
  return context.extensionMode === vscode.ExtensionMode.Test ? { trace, calls, sessions } : undefined;
}

function readSettings(): TraceSettings {
  const configuration = vscode.workspace.getConfiguration();
  const limit = configuration.get<unknown>(Setting.bodyLimit);
  return {
    bodyLimit: limit === null ? null : isLimit(limit) ? limit : DEFAULT_BODY_LIMIT,
    children: configuration.get(Setting.followChildren) !== false,
  };
}

/** Settings are written by hand: what is no size is not used as one. */
function isLimit(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

/** A trace that fails while it runs has not been asked for: says why, and offers to start again. */
function offerRestart(trace: Trace): vscode.Disposable {
  let before = trace.status.phase;
  const listener = trace.onDidChangeStatus(async ({ phase, problem }) => {
    const failed = phase === 'failed' && before === 'running';
    before = phase;
    if (!failed) return;
    const restart = 'Start Again';
    const text = `HTTP Trace has stopped by itself; what was captured is kept. ${problem ?? ''}`;
    if ((await vscode.window.showErrorMessage(notificationText(text), restart)) === restart) {
      await vscode.commands.executeCommand(Command.start);
    }
  });
  return new vscode.Disposable(() => listener.dispose());
}

/** Brings the panel to the front, and the tree once, without taking the cursor from the editor. */
async function showViews(context: vscode.ExtensionContext, debugging: boolean): Promise<void> {
  await vscode.commands.executeCommand(`${View.panel}.focus`, { preserveFocus: true });
  if (!debugging || context.globalState.get(TREE_SHOWN) === true) return;
  await vscode.commands.executeCommand(`${View.calls}.focus`, { preserveFocus: true });
  await context.globalState.update(TREE_SHOWN, true);
}
