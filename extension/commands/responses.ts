/** Responses as read-only documents, each with a "Show Secrets" above it where something is masked. */

import * as vscode from 'vscode';
import { Command, DOCUMENT_SCHEME } from '../contributions.ts';
import type { SentResponse } from '../resend/sent.ts';
import type { Documents } from '../views/documents.ts';
import { t } from '../words/translate.ts';
import { whenEditorsOpened } from './editorsOpened.ts';
import { responseText } from './responseText.ts';

/** The oldest is dropped, and can no longer be unmasked. */
const MAX_HELD = 20;

interface Held {
  readonly name: string;
  readonly response: SentResponse;
  readonly remark: string | null;
  revealed: boolean;
}

export class Responses implements vscode.CodeLensProvider, vscode.Disposable {
  readonly #documents: Documents;
  /** By the path of the document. */
  readonly #held = new Map<string, Held>();
  /** From the sent request to the number in the path, so that the next response replaces the last one. */
  readonly #numbers = new Map<string, number>();
  readonly #changed = new vscode.EventEmitter<void>();
  readonly #disposable: vscode.Disposable;

  readonly onDidChangeCodeLenses = this.#changed.event;

  constructor(documents: Documents) {
    this.#documents = documents;
    this.#disposable = vscode.Disposable.from(
      this.#changed,
      vscode.languages.registerCodeLensProvider({ scheme: DOCUMENT_SCHEME }, this),
      whenEditorsOpened(DOCUMENT_SCHEME, () => this.#changed.fire()),
    );
  }

  dispose(): void {
    this.#disposable.dispose();
  }

  /** @param source what was sent: its next response replaces this one. @param beside next to the active editor. */
  async show(
    source: string,
    name: string,
    response: SentResponse,
    remark: string | null,
    beside: boolean,
  ): Promise<void> {
    const number = this.#numbers.get(source) ?? this.#numbers.size + 1;
    this.#numbers.set(source, number);
    const path = `response ${number}/Response to ${name}.txt`;
    const before = this.#held.get(`/${path}`);
    const held: Held = { name: path, response, remark, revealed: before?.revealed ?? false };
    this.#held.delete(`/${path}`);
    this.#held.set(`/${path}`, held);
    const [oldest] = this.#held.keys();
    if (this.#held.size > MAX_HELD && oldest !== undefined) this.#held.delete(oldest);
    await this.#write(held, beside);
  }

  async toggleSecrets(uri?: vscode.Uri): Promise<void> {
    const path = (uri ?? vscode.window.activeTextEditor?.document.uri)?.path ?? '';
    const held = this.#held.get(path);
    if (held === undefined) return;
    held.revealed = !held.revealed;
    await this.#write(held, false);
  }

  provideCodeLenses({ uri }: vscode.TextDocument): vscode.CodeLens[] {
    const held = this.#held.get(uri.path);
    if (held === undefined) return [];
    const { response, remark, revealed } = held;
    if (!revealed && responseText(response, true, remark) === responseText(response, false, remark))
      return [];
    return [
      new vscode.CodeLens(new vscode.Range(0, 0, 0, 0), {
        title: revealed ? t('$(eye-closed) Hide Secrets') : t('$(eye) Show Secrets'),
        command: Command.toggleSecrets,
        arguments: [uri],
      }),
    ];
  }

  async #write({ name, response, remark, revealed }: Held, beside: boolean): Promise<void> {
    await this.#documents.openReport(name, responseText(response, revealed, remark), beside);
    this.#changed.fire();
  }
}
