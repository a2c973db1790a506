/** Two calls in VS Code's diff editor: chosen one after the other, as in the Explorer, or from a list. */

import * as vscode from 'vscode';
import type { Trace } from '../capture/trace.ts';
import { Context } from '../contributions.ts';
import type { Documents } from '../views/documents.ts';
import { pickCall } from '../views/goToCall.ts';
import { showInStatusBar } from '../views/notify.ts';
import { rowName } from '../words/callName.ts';
import { t } from '../words/translate.ts';
import { labelText } from '../words/visible.ts';

/** Milliseconds: time to read it and find the other call. */
const HINT_MS = 10_000;

export class Comparison implements vscode.Disposable {
  readonly #trace: Trace;
  readonly #documents: Documents;
  readonly #listener: vscode.Disposable;
  #first: number | null = null;
  /** Hint for the next step, if shown. */
  #hint: vscode.Disposable | null = null;

  constructor(trace: Trace, documents: Documents) {
    this.#trace = trace;
    this.#documents = documents;
    let { list } = trace.status;
    const listener = trace.onDidChangeStatus((status) => {
      // Ids now mean other calls.
      if (status.list !== list) this.#choose(null);
      list = status.list;
    });
    this.#listener = new vscode.Disposable(() => listener.dispose());
  }

  dispose(): void {
    this.#hint?.dispose();
    this.#listener.dispose();
  }

  /** Selects the call to compare others with. */
  select(id: number): void {
    this.#choose(id);
    const text = t('{0} is selected: choose “Compare with Selected” on another call', this.#name(id));
    this.#hint = showInStatusBar(text, HINT_MS);
  }

  /** Compares it with the selected call. */
  async withSelected(id: number): Promise<void> {
    const first = this.#first;
    if (first === null || !this.#trace.rows.has(first)) {
      void vscode.window.showInformationMessage(t('Choose “Select for Compare” on another call first.'));
      return;
    }
    this.#hint?.dispose();
    await this.#documents.compare(first, id);
  }

  async withPicked(id: number): Promise<void> {
    const other = await pickCall(this.#trace, t('Compare {0} with…', this.#name(id)), id);
    if (other !== undefined) await this.#documents.compare(id, other);
  }

  #name(id: number): string {
    const row = this.#trace.rows.get(id);
    return row === undefined ? '' : labelText(rowName(row));
  }

  #choose(id: number | null): void {
    this.#first = id;
    this.#hint?.dispose();
    void vscode.commands.executeCommand('setContext', Context.compareSelected, id !== null);
  }
}
