/** The tools for language models in the editor: what they may read, and when the user is asked first. */

import * as vscode from 'vscode';
import type { Trace } from '../capture/trace.ts';
import type { CallSource } from '../tools/callSource.ts';
import { TOOLS, type ToolName } from '../tools/definitions.ts';
import { asksForBodies } from '../tools/getRequest.ts';
import { searchesBodies } from '../tools/listRequests.ts';
import { runTool } from '../tools/runTool.ts';
import { t } from '../words/translate.ts';
import { labelText } from '../words/visible.ts';

/** Registers nothing in Restricted Mode or if the editor has no such API. */
export function registerLanguageModelTools(trace: Trace): vscode.Disposable {
  // Editors built from VS Code may lack it.
  const lm = vscode.lm as typeof vscode.lm | undefined;
  if (typeof lm?.registerTool !== 'function') return new vscode.Disposable(() => {});
  const registered: vscode.Disposable[] = [];
  const register = () => {
    for (const { name } of TOOLS) registered.push(lm.registerTool(name, new RequestTool(name, trace)));
  };
  if (vscode.workspace.isTrusted) register();
  else registered.push(vscode.workspace.onDidGrantWorkspaceTrust(register));
  return new vscode.Disposable(() => {
    for (const one of registered) one.dispose();
  });
}

export class RequestTool implements vscode.LanguageModelTool<unknown> {
  readonly #name: ToolName;
  readonly #trace: Trace;

  constructor(name: ToolName, trace: Trace) {
    this.#name = name;
    this.#trace = trace;
  }

  prepareInvocation({
    input,
  }: vscode.LanguageModelToolInvocationPrepareOptions<unknown>): vscode.PreparedToolInvocation {
    if (this.#name === 'list_http_requests') return listing(input);
    const call = callText(this.#trace, input);
    const invocationMessage = t('Reading {0}', call);
    if (!asksForBodies(input)) return { invocationMessage };
    return {
      invocationMessage,
      confirmationMessages: {
        title: t('Share bodies with the language model?'),
        message: t(
          'Request and response body and messages of {0}. Known secrets are masked, but bodies may hold other private data.',
          call,
        ),
      },
    };
  }

  async invoke({
    input,
  }: vscode.LanguageModelToolInvocationOptions<unknown>): Promise<vscode.LanguageModelToolResult> {
    const text = await runTool(sourceOf(this.#trace), this.#name, input);
    return new vscode.LanguageModelToolResult([new vscode.LanguageModelTextPart(text)]);
  }
}

/**
 * A match in bodies reveals what they contain, so the user is asked as for the bodies themselves.
 */
function listing(input: unknown): vscode.PreparedToolInvocation {
  const invocationMessage = t('Listing HTTP requests');
  if (!searchesBodies(input)) return { invocationMessage };
  return {
    invocationMessage,
    confirmationMessages: {
      title: t('Let the language model search in bodies?'),
      message: t(
        'It learns which calls have a body or message that matches: {0}. Known secrets are masked, but bodies may hold other private data.',
        plain(labelText((input as { readonly filter: string }).filter, 200)),
      ),
    },
  };
}

/** `call 7 (POST /orders)`. Captured text is shown as text, not as Markdown. */
function callText(trace: Trace, input: unknown): string {
  const id = typeof input === 'object' && input !== null && 'id' in input ? input.id : null;
  if (typeof id !== 'number') return t('a call');
  const row = trace.rows.get(id);
  if (row === undefined) return t('call {0}', id);
  const method = labelText(row.method ?? '', 20);
  const path = labelText((row.path ?? '').split('?', 1)[0] ?? '', 60);
  return t('call {0} ({1})', id, plain(`${method} ${path}`));
}

/** Without characters that Markdown interprets. */
function plain(text: string): string {
  return text.replace(/[`*_[\]<>&#|~\\]/g, ' ');
}

function sourceOf(trace: Trace): CallSource {
  return {
    rows: () => trace.rows.values(),
    details: (id) => trace.details(id, false),
    search: (query, ids) => trace.search(query, ids),
    state: () =>
      trace.status.phase === 'running'
        ? 'The trace is running; the program has not made or answered a call yet.'
        : 'Nothing is traced. The user can start with the command "Start HTTP Trace" while debugging.',
  };
}
