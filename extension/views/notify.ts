/** Short notes to the user that need no answer. Captured text in them is made harmless. */

import * as vscode from 'vscode';
import { localized } from '../words/localized.ts';
import { labelText, notificationText, withoutIcons } from '../words/visible.ts';

export function showNote(text: string): void {
  void vscode.window.showInformationMessage(notificationText(localized(text)));
}

export function showWarning(text: string): void {
  void vscode.window.showWarningMessage(notificationText(localized(text)));
}

/** @param error what was thrown, or a text. */
export function showError(error: unknown): void {
  void vscode.window.showErrorMessage(notificationText(reasonOf(error)));
}

/** For successes: disappears after `shownMs` milliseconds, or when disposed. */
export function showInStatusBar(text: string, shownMs = 5_000): vscode.Disposable {
  return vscode.window.setStatusBarMessage(`$(info) ${withoutIcons(labelText(localized(text)))}`, shownMs);
}

/** What was thrown, in words, and in the user's language where that is known. */
export function reasonOf(error: unknown): string {
  return localized(error instanceof Error ? error.message : String(error));
}
