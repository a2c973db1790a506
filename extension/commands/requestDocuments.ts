/**
 * Requests as documents: opened from a call, edited, and sent by the "Send" above each of them. Nothing is sent
 * otherwise, and exactly the visible text is sent; the response is another document, beside it.
 */

import * as vscode from 'vscode';
import type { Trace } from '../capture/trace.ts';
import { Command, REQUEST_SCHEME } from '../contributions.ts';
import { HttpDocumentError, type RequestText, readRequest, requestsIn } from '../export/httpDocument.ts';
import type { HttpRequest } from '../export/replay.ts';
import { MASKED } from '../export/replay.ts';
import { MemoryFiles } from '../views/memoryFiles.ts';
import { showWarning } from '../views/notify.ts';
import { localized } from '../words/localized.ts';
import { t } from '../words/translate.ts';
import { notificationText } from '../words/visible.ts';
import { whenEditorsOpened } from './editorsOpened.ts';
import type { Responses } from './responses.ts';
import { sendAndShow } from './sendAndShow.ts';

/** A call whose body a document refers to, and the list that its id belongs to. */
interface Origin {
  readonly id: number;
  readonly list: string;
}

export class RequestDocuments implements vscode.CodeLensProvider, vscode.Disposable {
  readonly #trace: Trace;
  readonly #responses: Responses;
  readonly #files = new MemoryFiles(REQUEST_SCHEME, false);
  readonly #origins = new Map<string, Origin>();
  readonly #disposable: vscode.Disposable;
  readonly #changed = new vscode.EventEmitter<void>();

  readonly onDidChangeCodeLenses = this.#changed.event;

  constructor(trace: Trace, responses: Responses) {
    this.#trace = trace;
    this.#responses = responses;
    this.#disposable = vscode.Disposable.from(
      this.#files,
      this.#changed,
      vscode.languages.registerCodeLensProvider({ scheme: REQUEST_SCHEME }, this),
      whenEditorsOpened(REQUEST_SCHEME, () => this.#changed.fire()),
    );
  }

  dispose(): void {
    this.#disposable.dispose();
  }

  /** Opens a call's request, written by `httpMessage`. */
  async open(name: string, text: string, id: number): Promise<void> {
    const uri = this.#files.create(`${name === '' ? 'request' : name}.http`, Buffer.from(text));
    this.#origins.set(uri.path, { id, list: listOf(this.#trace) });
    const document = await vscode.workspace.openTextDocument(uri);
    const editor = await vscode.window.showTextDocument(document, { preview: false });
    const [first] = requestsIn(document.getText());
    if (first !== undefined) editor.selection = new vscode.Selection(first.line, 0, first.line, 0);
  }

  provideCodeLenses(document: vscode.TextDocument): vscode.CodeLens[] {
    return requestsIn(document.getText()).map(
      ({ line }) =>
        new vscode.CodeLens(new vscode.Range(line, 0, line, 0), {
          title: t('$(send) Send'),
          tooltip: t('Send this request from the machine where the extension runs'),
          command: Command.sendRequest,
          arguments: [document.uri, line],
        }),
    );
  }

  /**
   * Sends the request at a line of a document.
   * @param uri undefined: the active editor. @param line undefined: where the cursor is.
   */
  async send(uri?: vscode.Uri, line?: number): Promise<void> {
    const editor = vscode.window.activeTextEditor;
    const document = uri === undefined ? editor?.document : await vscode.workspace.openTextDocument(uri);
    if (document === undefined)
      return showWarning(t('Open a request first, with “Open as .http” on a call.'));
    const at = line ?? (editor?.document === document ? editor.selection.active.line : 0);
    const text = document.getText();
    const found = requestsIn(text).find(({ from, to }) => at >= from && at <= to);
    if (found === undefined)
      return showWarning(t('There is no request here: a request begins with a method and a URL.'));
    const request = await this.#read(document, text, found);
    if (request === null || !(await mayBeMasked(text, found))) return;
    // A modified document would prompt to save on close, although it is in memory only.
    if (document.uri.scheme === REQUEST_SCHEME) await document.save();
    const name = document.uri.path.replace(/^.*\//, '').replace(/\.http$/, '');
    await sendAndShow(request, this.#responses, `${document.uri}#${found.line}`, name);
  }

  /** null: it cannot be sent, and the user has seen why. */
  async #read(document: vscode.TextDocument, text: string, found: RequestText): Promise<HttpRequest | null> {
    try {
      const { request, bodyOf } = readRequest(text, found);
      if (bodyOf === null) return request;
      const origin = this.#origins.get(document.uri.path);
      const held =
        document.uri.scheme === REQUEST_SCHEME &&
        origin?.id === bodyOf &&
        origin.list === listOf(this.#trace);
      const body = held ? await this.#trace.body(bodyOf, 'request') : null;
      if (body !== null) return { ...request, body };
      showWarning(
        t('The body of call {0} is no longer held: newer calls took its place, or it was cleared.', bodyOf),
      );
      return null;
    } catch (error) {
      if (!(error instanceof HttpDocumentError)) throw error;
      showWarning(t('Line {0}: {1}', error.line + 1, localized(error.message)));
      return null;
    }
  }
}

/** Ids mean other calls in another list. */
function listOf({ status: { startedAt, list } }: Trace): string {
  return `${startedAt} ${list}`;
}

/** Placeholders of secrets are rarely meant to be sent. */
async function mayBeMasked(text: string, { line, to }: RequestText): Promise<boolean> {
  const lines = text.split(/\r?\n/).slice(line, to + 1);
  if (!lines.some((content) => content.includes(MASKED))) return true;
  const anyway = t('Send Anyway');
  const picked = await vscode.window.showWarningMessage(
    notificationText(t('This request has {0} in place of a secret.', MASKED)),
    { modal: true, detail: t('Fill in the secret, or open the call with its secrets.') },
    anyway,
  );
  return picked === anyway;
}
