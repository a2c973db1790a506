/** The user's consent to hooks, small pieces of code that run in a debugged program: one setting and one question for all. */

import * as vscode from 'vscode';
import { Setting } from '../contributions.ts';
import { t } from '../words/translate.ts';
import { notificationText } from '../words/visible.ts';

/** Value of the setting `httpTrace.hooks`. */
export type Hooks = 'ask' | 'always' | 'never';

/** One question at a time; after “Not Now” none until {@link askAgain} or a window reload. */
let pending: Promise<boolean> | null = null;
let refused = false;

/** Whether hooks may run; null: the user has to be asked. */
export function hookConsent(): boolean | null {
  if (!vscode.workspace.isTrusted) return false;
  const hooks = vscode.workspace.getConfiguration().get<Hooks>(Setting.hooks, 'ask');
  if (hooks === 'always' || hooks === 'never') return hooks === 'always';
  return refused ? false : null;
}

/** Forgets “Not Now”, because the user has just requested something that needs a hook. */
export function askAgain(): void {
  refused = false;
}

/** Asks if it has to. */
export async function askForHooks(): Promise<boolean> {
  const known = hookConsent();
  if (known !== null) return known;
  pending ??= ask().finally(() => {
    pending = null;
  });
  return pending;
}

async function ask(): Promise<boolean> {
  const allow = t('Allow');
  const never = t('Never');
  const picked = await vscode.window.showInformationMessage(
    notificationText(
      t(
        'May HTTP Trace run a small hook in the programs you debug? Source lines of calls and Break on Calls need it in Node.js and Python. You can change this in the settings.',
      ),
    ),
    allow,
    t('Not Now'),
    never,
  );
  if (picked === allow || picked === never) {
    const hooks: Hooks = picked === allow ? 'always' : 'never';
    await vscode.workspace.getConfiguration().update(Setting.hooks, hooks, vscode.ConfigurationTarget.Global);
  } else {
    refused = true;
  }
  return picked === allow;
}
