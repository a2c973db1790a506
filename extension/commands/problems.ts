/** Shows why a trace did not start or failed, with buttons for remedies. */

import * as vscode from 'vscode';
import { TraceError } from '../capture/trace.ts';
import { Command, MANAGE_TRUST, type ProblemKind, TITLES } from '../contributions.ts';
import { copiedLine } from '../escape/copied.ts';
import { reasonOf } from '../views/notify.ts';
import { t } from '../words/translate.ts';
import { notificationText } from '../words/visible.ts';
import { terminalCommand } from './terminalCommand.ts';

/** Which welcome view explains the error; null for one that concerns a single attempt. */
export function problemKind(error: unknown): ProblemKind | null {
  if (!(error instanceof TraceError)) return 'other';
  switch (error.code) {
    case 'no-permission':
      return 'no-permission';
    case 'kernel':
      return 'kernel';
    case 'helper':
      return 'other';
    case 'cancelled':
    case 'platform':
    case 'not-found':
    case 'not-owner':
    case 'gone':
    case 'untrusted-workspace':
    case 'file':
      return null;
    default:
      return error.code satisfies never;
  }
}

/** Shows the error with its remedies; nothing when the user has cancelled. @param again tries once more. */
export async function showProblem(
  error: unknown,
  pids: readonly number[],
  extensionPath: string,
  again?: () => void,
): Promise<void> {
  const code = error instanceof TraceError ? error.code : 'helper';
  const message = notificationText(reasonOf(error));
  switch (code) {
    case 'cancelled':
      return;
    case 'no-permission': {
      const copy = t('Copy Command');
      const install = t('Install Trusted Loader');
      const retry = t('Try Again');
      // A fourth button truncates all labels.
      const buttons = again === undefined ? [install, CHECK, copy] : [retry, install, CHECK];
      const picked = await vscode.window.showErrorMessage(message, ...buttons);
      if (picked === retry) again?.();
      else if (picked === copy) {
        await vscode.env.clipboard.writeText(
          copiedLine(terminalCommand(process.execPath, extensionPath, pids)),
        );
        void vscode.window.showInformationMessage(t('Command copied. Run it in a terminal.'));
      } else if (picked === install) await vscode.commands.executeCommand(Command.installLoader);
      else if (picked === CHECK) await vscode.commands.executeCommand(Command.checkSystem);
      return;
    }
    case 'kernel':
    case 'platform':
    case 'helper':
      if ((await vscode.window.showErrorMessage(message, CHECK)) === CHECK) {
        await vscode.commands.executeCommand(Command.checkSystem);
      }
      return;
    case 'untrusted-workspace': {
      const manage = t('Manage Workspace Trust');
      if ((await vscode.window.showWarningMessage(message, manage)) === manage) {
        await vscode.commands.executeCommand(MANAGE_TRUST);
      }
      return;
    }
    case 'not-found':
    case 'not-owner':
    case 'gone':
    case 'file':
      void vscode.window.showWarningMessage(message);
      return;
    default:
      code satisfies never;
  }
}

const CHECK = TITLES[Command.checkSystem];
