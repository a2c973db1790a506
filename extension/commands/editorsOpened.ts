import * as vscode from 'vscode';

/** Milliseconds. */
const AFTER = 1_000;

/**
 * Calls back a second after other editors are visible, if one of them has a document of this scheme, so that its code lenses
 * are asked for again. VS Code asks for them a quarter of a second or more after an editor has opened, but not if it has lost the
 * focus by then: to the panel, from which it was opened.
 */
export function whenEditorsOpened(scheme: string, again: () => void): vscode.Disposable {
  let timer: NodeJS.Timeout | undefined;
  const opened = vscode.window.onDidChangeVisibleTextEditors((editors) => {
    if (!editors.some(({ document }) => document.uri.scheme === scheme)) return;
    clearTimeout(timer);
    timer = setTimeout(again, AFTER);
  });
  return new vscode.Disposable(() => {
    clearTimeout(timer);
    opened.dispose();
  });
}
