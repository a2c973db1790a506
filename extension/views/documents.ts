/** Read-only documents: bodies and reports. VS Code's editor then finds, folds, formats and compares them. */
import { randomUUID } from 'node:crypto';
import * as vscode from 'vscode';
import type { Trace } from '../capture/trace.ts';
import { DOCUMENT_SCHEME } from '../contributions.ts';
import { labelText, notificationText, withoutIcons } from '../words/visible.ts';
import { type BodyPart, bodyName, bodyText } from './bodyDocument.ts';

export class Documents implements vscode.TextDocumentContentProvider, vscode.Disposable {
  readonly #trace: Trace;
  readonly #changed = new vscode.EventEmitter<vscode.Uri>();
  readonly #registration: vscode.Disposable;
  /** Of this run of the extension: ids of an earlier one mean other calls. */
  readonly #run = randomUUID();
  /** Texts of reports by path; a handful, replaced when made again. */
  readonly #reports = new Map<string, string>();

  readonly onDidChange = this.#changed.event;

  constructor(trace: Trace) {
    this.#trace = trace;
    this.#registration = vscode.workspace.registerTextDocumentContentProvider(DOCUMENT_SCHEME, this);
  }

  dispose(): void {
    this.#registration.dispose();
    this.#changed.dispose();
  }

  /** Opens one body of a call, or says that there is none. */
  async openBody(id: number, part: BodyPart): Promise<void> {
    const exchange = await this.#trace.details(id, false);
    if (exchange === null) {
      void vscode.window.showInformationMessage(
        'This call is no longer available: newer calls took its place, or it was cleared.',
      );
      return;
    }
    const note = exchange[part]?.bodyNote ?? null;
    if (bodyText(exchange, part) === null) {
      void vscode.window.showInformationMessage(notificationText(note ?? `No ${part} body was captured.`));
      return;
    }
    const query = JSON.stringify({ run: this.#run, start: this.#trace.rows.get(id)?.start, id, part });
    // The id is in the path, because the path is what a tab shows.
    const path = `/call ${id}/${bodyName(exchange, part)}`;
    await this.#show(vscode.Uri.from({ scheme: DOCUMENT_SCHEME, path, query }));
    if (note !== null)
      void vscode.window.setStatusBarMessage(`$(info) ${withoutIcons(labelText(note))}`, 10_000);
  }

  /** Opens a report, or brings it up to date where it is open. */
  async openReport(name: string, text: string): Promise<void> {
    const uri = vscode.Uri.from({ scheme: DOCUMENT_SCHEME, path: `/${name}` });
    this.#reports.set(uri.path, text);
    this.#changed.fire(uri);
    await this.#show(uri);
  }

  async provideTextDocumentContent(uri: vscode.Uri): Promise<string> {
    const report = this.#reports.get(uri.path);
    if (report !== undefined) return report;
    const wanted = parseQuery(uri.query);
    // The window may restore a document whose trace is long gone.
    if (wanted?.run !== this.#run || wanted.start !== this.#trace.rows.get(wanted.id)?.start) return GONE;
    const exchange = await this.#trace.details(wanted.id, false);
    return exchange === null ? GONE : (bodyText(exchange, wanted.part) ?? GONE);
  }

  async #show(uri: vscode.Uri): Promise<void> {
    await vscode.window.showTextDocument(await vscode.workspace.openTextDocument(uri), { preview: true });
  }
}

const GONE = 'This body is no longer available: its trace was cleared, or its window was closed.\n';

interface Wanted {
  readonly run: unknown;
  /** Start of the call: ids start again when the engine had to be restarted. */
  readonly start: unknown;
  readonly id: number;
  readonly part: BodyPart;
}

function parseQuery(query: string): Wanted | null {
  try {
    const { run, start, id, part } = JSON.parse(query) as Record<string, unknown>;
    if (!Number.isSafeInteger(id) || (part !== 'request' && part !== 'response')) return null;
    return { run, start, id: id as number, part };
  } catch {
    return null;
  }
}
