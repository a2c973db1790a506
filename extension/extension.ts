/** Entry of the extension: creates its parts and connects them. No worker and no helper before the first start. */
import './language.ts';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { BreakList } from './breaks/breakList.ts';
import { BreaksView } from './breaks/breaksView.ts';
import { CallBreaks } from './breaks/callBreaks.ts';
import type { Trace } from './capture/trace.ts';
import type { TraceSettings } from './capture/workerProtocol.ts';
import { DEFAULT_BACKLOG, MAX_PAUSE_MS, WorkerTrace } from './capture/workerTrace.ts';
import { askForRoot } from './commands/askForRoot.ts';
import { registerCommands } from './commands/commands.ts';
import { Comparison } from './commands/compare.ts';
import { registerLanguageModelTools } from './commands/languageModelTools.ts';
import { LiveOtlp } from './commands/liveOtlp.ts';
import { openUri } from './commands/openFile.ts';
import { problemKind, showProblem } from './commands/problems.ts';
import { RequestDocuments } from './commands/requestDocuments.ts';
import { Responses } from './commands/responses.ts';
import { Command, FileEditors, focusCommand, Setting, View } from './contributions.ts';
import { Arming } from './debug/arming.ts';
import { DebugAnnotations } from './debug/debugAnnotations.ts';
import { debuggerScripts } from './debug/debuggerScripts.ts';
import { DebugSessions } from './debug/debugSessions.ts';
import { LateStarts } from './debug/lateStarts.ts';
import { CodeLenses } from './debug/source/codeLenses.ts';
import { SourceLineControl } from './debug/source/sourceLineControl.ts';
import { SourceLines } from './debug/source/sourceLines.ts';
import { startWithDebugging } from './debug/startWithDebugging.ts';
import { Story } from './debug/story/story.ts';
import { type Report, TraceControl } from './debug/traceControl.ts';
import { DEFAULT_BODY_LIMIT } from './engine/limits.ts';
import { KeptTraces } from './keptTraces.ts';
import { WorkspaceProtos } from './protos/workspaceProtos.ts';
import { CallsView } from './views/callsView.ts';
import { ContextKeys } from './views/contextKeys.ts';
import { Documents } from './views/documents.ts';
import { FileEditor } from './views/fileEditor.ts';
import { showInStatusBar, showNote } from './views/notify.ts';
import { PanelProvider } from './views/panel.ts';
import { SelectedCall } from './views/selectedCall.ts';
import { StatusItem } from './views/statusItem.ts';
import { localized } from './words/localized.ts';
import { counted } from './words/numbers.ts';
import { t } from './words/translate.ts';
import { notificationText } from './words/visible.ts';

/** Set once the tree has been revealed: VS Code starts it collapsed at the bottom of the side bar. */
const TREE_SHOWN = 'treeShown';

/** For the tests that run inside the extension host; otherwise `activate` returns nothing. */
export interface Insight {
  readonly trace: Trace;
  readonly calls: CallsView;
  readonly sessions: DebugSessions;
  readonly control: TraceControl;
  readonly breaks: BreakList;
  readonly callBreaks: CallBreaks;
  readonly story: Story;
}

let spans: LiveOtlp | null = null;

export function activate(context: vscode.ExtensionContext): Insight | undefined {
  const { extensionPath, extensionUri, subscriptions } = context;
  const supported = process.platform === 'linux' && process.arch === 'x64';
  // First and synchronously: debug adapters report their process early and only once.
  const sessions = new DebugSessions();
  const breaks = new BreakList(context.workspaceState);
  const kept = new KeptTraces(context, supported);
  const trace = new WorkerTrace(extensionPath, () => ({ ...readSettings(), keep: kept.options }), askForRoot);
  const callBreaks = new CallBreaks(breaks, trace, sessions);
  void kept.restore(trace);
  const sources = new SourceLines(join(extensionPath, 'dist', 'hooks'));
  const annotations = new DebugAnnotations(sessions, sources);
  trace.annotate(annotations);
  const keys = new ContextKeys(trace, supported);
  const report: Report = (error, pids, again) => {
    keys.setProblem(problemKind(error));
    void showProblem(error, pids, extensionPath, again);
  };
  const control = new TraceControl(trace, sessions, report);
  const lateStarts = new LateStarts(trace, control, sessions);
  const calls = new CallsView(trace);
  const story = new Story(sessions, trace);
  const panel = new PanelProvider(extensionUri, trace, supported, story);
  const selected = new SelectedCall(trace, panel, calls);
  const documents = new Documents(trace);
  const comparison = new Comparison(trace, documents);
  const responses = new Responses(documents);
  const requests = new RequestDocuments(trace, responses);
  const files = new FileEditor(async (uri) => {
    const opened = await openUri(trace, uri);
    if (opened === null) return t('This file was not opened.');
    await vscode.commands.executeCommand(focusCommand(View.panel));
    return `${counted(
      opened.calls,
      '{0} call, shown in the panel HTTP Trace.',
      '{0} calls, shown in the panel HTTP Trace.',
    )} ${localized(opened.note ?? '')}`;
  });
  const version = String(context.extension.packageJSON.version);
  spans = new LiveOtlp(trace, version);
  subscriptions.push(
    kept,
    sessions,
    breaks,
    callBreaks,
    new BreaksView(breaks, callBreaks),
    sources,
    new CodeLenses(trace),
    new SourceLineControl(sources, trace, context.globalState),
    annotations,
    story,
    keys,
    control,
    calls,
    panel,
    selected,
    documents,
    comparison,
    responses,
    requests,
    new StatusItem(trace),
    new WorkspaceProtos(trace),
    vscode.window.registerWebviewViewProvider(View.panel, panel),
    ...FileEditors.map((id) => vscode.window.registerCustomEditorProvider(id, files)),
    registerCommands({
      extensionPath,
      version,
      supported,
      trace,
      control,
      sessions,
      calls,
      panel,
      story,
      selected,
      documents,
      comparison,
      requests,
      responses,
      breaks,
    }),
    control.onDidStart((choice) => {
      keys.setProblem(null);
      void showViews(context, choice === 'debugging');
    }),
    registerLanguageModelTools(trace),
    spans,
    startWithDebugging(sessions, trace, control),
    new Arming(trace, control, sessions, lateStarts),
    lateStarts,
    control.onDidNote((text) => showNote(text)),
    control.onDidStartLate(() =>
      showInStatusBar(t('HTTP Trace: earlier calls of the debugged programs are not shown.'), 10_000),
    ),
    offerRestart(trace),
    vscode.workspace.onDidChangeConfiguration((change) => {
      if (change.affectsConfiguration(Setting.keepHelper)) trace.keepHelper();
    }),
    trace,
  );
  return context.extensionMode === vscode.ExtensionMode.Test
    ? { trace, calls, sessions, control, breaks, callBreaks, story }
    : undefined;
}

/** VS Code waits for this: queued spans are sent before the window closes. */
export async function deactivate(): Promise<void> {
  await spans?.close();
}

function readSettings(): Omit<TraceSettings, 'keep'> {
  const configuration = vscode.workspace.getConfiguration();
  const limit = configuration.get<unknown>(Setting.bodyLimit);
  const backlog = configuration.get<unknown>(Setting.backlog);
  const keepMinutes = configuration.get<unknown>(Setting.keepHelper);
  return {
    backlog: isLimit(backlog) ? backlog : DEFAULT_BACKLOG,
    bodyLimit: limit === null ? null : isLimit(limit) ? limit : DEFAULT_BODY_LIMIT,
    children: configuration.get(Setting.followChildren) !== false,
    keepMs: isLimit(keepMinutes) ? Math.min(keepMinutes * 60_000, MAX_PAUSE_MS) : 0,
    debuggerScripts: debuggerScripts(),
  };
}

/** Settings may be edited by hand: an invalid limit is ignored. */
function isLimit(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

/** When a running trace fails, says why and offers to start again. */
function offerRestart(trace: Trace): vscode.Disposable {
  let before = trace.status.phase;
  const listener = trace.onDidChangeStatus(async ({ phase, problem }) => {
    const failed = phase === 'failed' && before === 'running';
    before = phase;
    if (!failed) return;
    const restart = t('Start Again');
    const text = `${t('HTTP Trace stopped unexpectedly; what was captured is kept.')} ${localized(problem ?? '')}`;
    if ((await vscode.window.showErrorMessage(notificationText(text), restart)) === restart) {
      await vscode.commands.executeCommand(Command.start);
    }
  });
  return new vscode.Disposable(() => listener.dispose());
}

/** Brings the panel to the front, and the tree once, without taking the focus from the editor. */
async function showViews(context: vscode.ExtensionContext, debugging: boolean): Promise<void> {
  await vscode.commands.executeCommand(focusCommand(View.panel), { preserveFocus: true });
  if (!debugging || context.globalState.get(TREE_SHOWN) === true) return;
  await vscode.commands.executeCommand(focusCommand(View.calls), { preserveFocus: true });
  await context.globalState.update(TREE_SHOWN, true);
}
