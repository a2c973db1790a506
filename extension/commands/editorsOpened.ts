import * as vscode from 'vscode';

/** Milliseconds. */
const AFTER = 1_000;

/**
 * Calls back a second after the visible editors change, if one shows a document of this scheme, so that its code lenses
 * are requested again. VS Code requests them 250 ms or more after an editor opens, but not if the editor has lost the
 * focus by then, to the panel from which it was opened.
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
