/** Maintains the context keys that menus, keybindings and welcome views use. */
import * as vscode from 'vscode';
import type { Trace } from '../capture/trace.ts';
import { Context, type ProblemKind } from '../contributions.ts';

export class ContextKeys implements vscode.Disposable {
  readonly #trace: Trace;
  readonly #known = new Map<string, unknown>();
  #problem: ProblemKind | null = null;
  readonly #listeners: readonly { dispose(): void }[];

  constructor(trace: Trace, supported: boolean) {
    this.#trace = trace;
    this.#set(Context.unsupported, !supported);
    this.#update();
    this.#listeners = [
      trace.onDidChangeStatus(() => this.#update()),
      trace.onDidChangeRows(() => this.#update()),
    ];
  }

  /** Sets why the last start failed; null if it did not, or if the reason is transient. */
  setProblem(kind: ProblemKind | null): void {
    this.#problem = kind;
    this.#update();
  }

  dispose(): void {
    for (const listener of this.#listeners) listener.dispose();
  }

  #update(): void {
    const { phase } = this.#trace.status;
    this.#set(Context.problem, this.#problem ?? (phase === 'failed' ? 'other' : undefined));
    this.#set(Context.phase, phase);
    this.#set(Context.running, phase === 'running' || phase === 'stopping');
    this.#set(Context.hasCalls, this.#trace.rows.size > 0);
  }

  #set(key: string, value: unknown): void {
    if (this.#known.has(key) && this.#known.get(key) === value) return;
    this.#known.set(key, value);
    void vscode.commands.executeCommand('setContext', key, value);
  }
}
