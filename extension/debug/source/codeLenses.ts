/** Above lines that made calls: how many, how the last one ended, and how long the slowest took. Click shows the last one in the panel. */
import * as vscode from 'vscode';
import type { Trace } from '../../capture/trace.ts';
import { Command, Setting } from '../../contributions.ts';
import { callingLines, callingLineText } from './callingLines.ts';

/** Milliseconds between two updates of the lenses: text that changes all the time cannot be read. */
const UPDATE_INTERVAL = 1_000;

export class CodeLenses implements vscode.CodeLensProvider, vscode.Disposable {
  readonly #trace: Trace;
  readonly #changed = new vscode.EventEmitter<void>();
  readonly #disposables: { dispose(): unknown }[];
  #timer: NodeJS.Timeout | undefined;
  /** At least one source line is known; otherwise there is nothing to do. */
  #hasSources = false;

  readonly onDidChangeCodeLenses = this.#changed.event;

  constructor(trace: Trace) {
    this.#trace = trace;
    this.#disposables = [
      this.#changed,
      vscode.languages.registerCodeLensProvider({ scheme: 'file' }, this),
      trace.onDidChangeRows(({ rows, removed }) => {
        this.#hasSources ||= rows.some(({ debug }) => debug?.source != null);
        if (this.#hasSources && rows.length + removed.length > 0) this.#update();
      }),
      // VS Code does not request them if an editor loses focus soon after opening, to the panel that opened it.
      vscode.window.onDidChangeVisibleTextEditors(() => {
        if (this.#hasSources) this.#update();
      }),
      vscode.workspace.onDidChangeConfiguration((change) => {
        if (change.affectsConfiguration(Setting.sourceCodeLens)) this.#changed.fire();
      }),
    ];
  }

  provideCodeLenses(document: vscode.TextDocument): vscode.CodeLens[] {
    if (!this.#hasSources) return [];
    if (!vscode.workspace.getConfiguration().get<boolean>(Setting.sourceCodeLens, true)) return [];
    const lines = callingLines(this.#trace.rows.values(), document.uri.fsPath);
    return [...lines]
      .filter(([line]) => line <= document.lineCount)
      .map(([line, calls]) => {
        const range = new vscode.Range(line - 1, 0, line - 1, 0);
        return new vscode.CodeLens(range, {
          title: callingLineText(calls),
          command: Command.revealInTimeline,
          arguments: [calls.last.id],
        });
      });
  }

  dispose(): void {
    clearTimeout(this.#timer);
    for (const disposable of this.#disposables) disposable.dispose();
  }

  #update(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#changed.fire();
    }, UPDATE_INTERVAL);
  }
}
