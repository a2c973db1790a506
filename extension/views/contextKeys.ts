/** Keeps the context keys that menus, key bindings and welcome views ask for. */
import * as vscode from 'vscode';
import type { Trace } from '../capture/trace.ts';
import { Context, type ProblemKind } from '../contributions.ts';

export class ContextKeys implements vscode.Disposable {
  private readonly known = new Map<string, unknown>();
  private readonly listeners: readonly { dispose(): void }[];

  constructor(
    private readonly trace: Trace,
    supported: boolean,
  ) {
    this.set(Context.unsupported, !supported);
    this.update();
    this.listeners = [
      trace.onDidChangeStatus(() => this.update()),
      trace.onDidChangeRows(() => this.update()),
    ];
  }

  /** Says what stood in the way of the last start; null when nothing did. */
  setProblem(kind: ProblemKind | null): void {
    this.set(Context.problem, kind ?? undefined);
  }

  dispose(): void {
    for (const listener of this.listeners) listener.dispose();
  }

  private update(): void {
    const { phase } = this.trace.status;
    if (phase === 'failed')
      this.setProblem((this.known.get(Context.problem) as ProblemKind | undefined) ?? 'other');
    this.set(Context.phase, phase);
    this.set(Context.running, phase === 'running' || phase === 'stopping');
    this.set(Context.hasCalls, this.trace.rows.size > 0);
  }

  private set(key: string, value: unknown): void {
    if (this.known.has(key) && this.known.get(key) === value) return;
    this.known.set(key, value);
    void vscode.commands.executeCommand('setContext', key, value);
  }
}
