/** Read-only documents: bodies and reports. VS Code's editor can search, fold, format and compare them. */

import { randomUUID } from 'node:crypto';
import * as vscode from 'vscode';
import type { Trace } from '../capture/trace.ts';
import { BYTES_SCHEME, DOCUMENT_SCHEME } from '../contributions.ts';
import { rowName } from '../words/callName.ts';
import { t } from '../words/translate.ts';
import { type BodyPart, binaryBody, bodyName, bodyText, isImage, noBody } from './bodyDocument.ts';
import { MemoryFiles } from './memoryFiles.ts';
import { exchangeText } from './messageText.ts';
import { showInStatusBar, showNote } from './notify.ts';
import { Reports } from './reports.ts';

/** Of VS Code. */
const IMAGE_PREVIEW = 'imagePreview.previewEditor';

/** Microsoft's Hex Editor; null: it is not installed. */
function hexEditor(): string | null {
  return vscode.extensions.getExtension('ms-vscode.hexeditor') === undefined ? null : 'hexEditor.hexedit';
}

export class Documents implements vscode.TextDocumentContentProvider, vscode.Disposable {
  readonly #trace: Trace;
  readonly #changed = new vscode.EventEmitter<vscode.Uri>();
  readonly #registration: vscode.Disposable;
  /** Identifies this run: ids of an earlier run mean other calls. */
  readonly #run = randomUUID();
  readonly #bytes = new MemoryFiles(BYTES_SCHEME, true);
  readonly #reports = new Reports();

  readonly onDidChange = this.#changed.event;

  constructor(trace: Trace) {
    this.#trace = trace;
    this.#registration = vscode.workspace.registerTextDocumentContentProvider(DOCUMENT_SCHEME, this);
  }

  dispose(): void {
    this.#registration.dispose();
    this.#bytes.dispose();
    this.#changed.dispose();
  }

  /** Opens one body of a call, or shows a note if there is none. */
  async openBody(id: number, part: BodyPart): Promise<void> {
    const exchange = await this.#trace.details(id, false);
    if (exchange === null) {
      showNote(t('This call is no longer available: newer calls took its place, or it was cleared.'));
      return;
    }
    const note = exchange[part]?.bodyNote ?? null;
    if (bodyText(exchange, part) === null) {
      showNote(note ?? noBody(part));
      return;
    }
    const name = bodyName(exchange, part);
    const bytes = binaryBody(exchange, part);
    const viewer = bytes === null ? null : isImage(exchange, part) ? IMAGE_PREVIEW : hexEditor();
    if (bytes === null) await this.#show(this.#uri(id, part, name));
    else if (viewer === null) await this.#show(this.#uri(id, part, name.replace(/\.\w+$/, '.hex.txt')));
    else await vscode.commands.executeCommand('vscode.openWith', this.#bytes.create(name, bytes), viewer);
    if (note !== null) showInStatusBar(note, 10_000);
  }

  /** Shows two calls in the diff editor. Their secrets are masked, as everywhere. */
  async compare(left: number, right: number): Promise<void> {
    const name = (id: number): string => {
      const row = this.#trace.rows.get(id);
      return row === undefined ? t('call {0}', id) : rowName(row);
    };
    await vscode.commands.executeCommand(
      'vscode.diff',
      this.#uri(left, 'exchange', `${name(left)}.txt`),
      this.#uri(right, 'exchange', `${name(right)}.txt`),
      `${name(left)} ↔ ${name(right)}`,
    );
  }

  /** @param name of the file, shown by the tab. Its folder has the call's id, as names may be equal. */
  #uri(id: number, part: DocumentPart, name: string): vscode.Uri {
    const query = JSON.stringify({ run: this.#run, start: this.#trace.rows.get(id)?.start, id, part });
    return vscode.Uri.from({ scheme: DOCUMENT_SCHEME, path: `/call ${id}/${name}`, query });
  }

  /** Opens a report, or updates it if it is open. @param beside next to the active editor, which stays active. */
  async openReport(name: string, text: string, beside = false): Promise<void> {
    const uri = vscode.Uri.from({ scheme: DOCUMENT_SCHEME, path: `/${name}` });
    const open = new Set(vscode.workspace.textDocuments.map((document) => document.uri.path));
    this.#reports.set(uri.path, text, open);
    this.#changed.fire(uri);
    await this.#show(uri, beside);
  }

  async provideTextDocumentContent(uri: vscode.Uri): Promise<string> {
    const report = this.#reports.get(uri.path);
    if (report !== undefined) return report;
    const wanted = parseQuery(uri.query);
    // The window may restore a document whose trace is long gone.
    if (wanted?.run !== this.#run || wanted.start !== this.#trace.rows.get(wanted.id)?.start) return GONE;
    const exchange = await this.#trace.details(wanted.id, false);
    if (exchange === null) return GONE;
    return wanted.part === 'exchange' ? exchangeText(exchange) : (bodyText(exchange, wanted.part) ?? GONE);
  }

  async #show(uri: vscode.Uri, beside = false): Promise<void> {
    const document = await vscode.workspace.openTextDocument(uri);
    const shown = vscode.window.visibleTextEditors.find((editor) => editor.document === document);
    const viewColumn = shown?.viewColumn ?? (beside ? vscode.ViewColumn.Beside : vscode.ViewColumn.Active);
    await vscode.window.showTextDocument(document, { preview: true, preserveFocus: beside, viewColumn });
  }
}

const GONE = t('This call is no longer available: its trace was cleared, or its window was closed.\n');

const DOCUMENT_PARTS = ['request', 'response', 'exchange'] as const;
type DocumentPart = (typeof DOCUMENT_PARTS)[number];

interface Wanted {
  readonly run: unknown;
  /** Start of the call: ids start over if the engine was restarted. */
  readonly start: unknown;
  readonly id: number;
  readonly part: DocumentPart;
}

function parseQuery(query: string): Wanted | null {
  try {
    const { run, start, id, part } = JSON.parse(query) as Record<string, unknown>;
    if (!Number.isSafeInteger(id) || !DOCUMENT_PARTS.some((known) => known === part)) return null;
    return { run, start, id: id as number, part: part as DocumentPart };
  } catch {
    return null;
  }
}
