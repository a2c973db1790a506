/** The editor for a file of calls opened by a double click: shows its calls in the panel. */

import { basename } from 'node:path';
import type * as vscode from 'vscode';
import { focusCommand, View } from '../contributions.ts';
import { language, t } from '../words/translate.ts';

export class FileEditor implements vscode.CustomReadonlyEditorProvider {
  /** Shows the calls of a file in the panel. @returns notes about it. */
  readonly #open: (uri: vscode.Uri) => Promise<string>;

  constructor(open: (uri: vscode.Uri) => Promise<string>) {
    this.#open = open;
  }

  openCustomDocument(uri: vscode.Uri): vscode.CustomDocument {
    return { uri, dispose: () => {} };
  }

  resolveCustomEditor({ uri }: vscode.CustomDocument, editor: vscode.WebviewPanel): void {
    const show = focusCommand(View.panel);
    editor.webview.options = { enableScripts: false, enableCommandUris: [show], localResourceRoots: [] };
    const name = basename(uri.path);
    editor.webview.html = page(name, t('Opening…'), null);
    let isOpen = true;
    editor.onDidDispose(() => {
      isOpen = false;
    });
    // Not awaited: VS Code shows no editor before this returns.
    void this.#open(uri).then((text) => {
      if (isOpen) editor.webview.html = page(name, text, show);
    });
  }
}

function page(name: string, text: string, command: string | null): string {
  const link =
    command === null ? '' : `<p><a href="command:${command}">${escaped(t('Show HTTP Trace'))}</a></p>`;
  return `<!DOCTYPE html>
<html lang="${escaped(language())}">
<head>
<meta charset="UTF-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>HTTP Trace</title>
<style>body { padding: 24px; font-family: var(--vscode-font-family); } h1 { font-size: 1.2em; font-weight: 600; }</style>
</head>
<body><h1>${escaped(name)}</h1><p role="status">${escaped(text)}</p>${link}</body>
</html>`;
}

/** A file's name is never HTML. */
function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
