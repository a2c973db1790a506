/** Decides when hooks for source lines run in debugged programs: while a trace runs, if the user has agreed. Asks once. */
import * as vscode from 'vscode';
import type { Trace } from '../../capture/trace.ts';
import { Setting } from '../../contributions.ts';
import { askForHooks, hookConsent } from '../hookConsent.ts';
import type { SourceLines } from './sourceLines.ts';

/** Set once the question was asked: tracing alone does not ask again. */
const ASKED = 'sourceLinesAsked';

export class SourceLineControl implements vscode.Disposable {
  readonly #sources: SourceLines;
  readonly #trace: Trace;
  readonly #memory: vscode.Memento;
  readonly #disposables: vscode.Disposable[];
  #wanted = false;
  #asking = false;

  constructor(sources: SourceLines, trace: Trace, memory: vscode.Memento) {
    this.#sources = sources;
    this.#trace = trace;
    this.#memory = memory;
    const status = trace.onDidChangeStatus(() => this.#follow());
    this.#disposables = [
      new vscode.Disposable(() => status.dispose()),
      sources.onDidBecomeReady(() => this.#follow()),
      vscode.workspace.onDidChangeConfiguration((change) => {
        if (change.affectsConfiguration(Setting.hooks)) this.#follow();
      }),
    ];
    this.#follow();
  }

  dispose(): void {
    for (const disposable of this.#disposables) disposable.dispose();
  }

  #follow(): void {
    const consent = hookConsent();
    const { phase } = this.#trace.status;
    const wanted = consent === true && (phase === 'running' || phase === 'starting');
    if (wanted !== this.#wanted) {
      this.#wanted = wanted;
      void this.#sources.want(wanted);
    }
    if (phase === 'running' && consent === null && this.#sources.canHook) void this.#ask();
  }

  async #ask(): Promise<void> {
    if (this.#asking || this.#memory.get(ASKED) === true) return;
    this.#asking = true;
    await askForHooks();
    // The answer is stored in the setting, which is watched.
    await this.#memory.update(ASKED, true);
  }
}
