/** Quick picks that a late focus does not close. */

import * as vscode from 'vscode';

/** Milliseconds within which VS Code gives the focus back after a menu or the palette has closed, on a busy machine. */
export const LATE_FOCUS = 1_000;

/**
 * Shows a quick pick until the user chooses or presses Escape. It must not close when it loses the focus: VS Code gives
 * the focus back to the panel after a menu or the palette has closed, on a busy machine when this is already open.
 */
export function choose<T extends vscode.QuickPickItem>(
  items: readonly T[] | Thenable<readonly T[]>,
  options: vscode.QuickPickOptions,
): Thenable<T | undefined> {
  return vscode.window.showQuickPick(items, { ...options, ignoreFocusOut: true });
}
