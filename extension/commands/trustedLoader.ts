/** Install / Remove Trusted Loader: shows the one command that runs as root, and runs it when the user agrees. */

import { execFile } from 'node:child_process';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { TraceError } from '../capture/trace.ts';
import { EXIT_NO_DIALOG, EXIT_REFUSED } from '../cli/exitStatus.ts';
import { Command } from '../contributions.ts';
import { commandLine, installTask, isInstalled, REMOVE_TASK } from '../elevation/install.ts';
import { WHAT_IT_READS } from '../elevation/launch.ts';
import { hasGraphicalAgent, isOnPath } from '../elevation/ways.ts';
import { visibleMessage } from '../escape/terminal.ts';
import { showError } from '../views/notify.ts';
import { t } from '../words/translate.ts';
import { notificationText } from '../words/visible.ts';
import { runInTerminal } from './runInTerminal.ts';

export async function installLoader(extensionPath: string): Promise<void> {
  try {
    const user = process.getuid?.() ?? 0;
    const { command } = installTask(join(extensionPath, 'dist/native'), user === 0 ? null : user);
    const explanation = t(
      'It copies the loader to a folder that only root can write to. You, and anyone logged in at this machine, can then start it without a password. {0} “Remove Trusted Loader” undoes this.',
      WHAT_IT_READS,
    );
    if (!(await agreed(t('Install the trusted loader?'), t('Install'), explanation, command))) return;
    if (!(await asRoot(extensionPath, 'install', command))) return;
    const start = t('Start HTTP Trace');
    const picked = await vscode.window.showInformationMessage(
      t('The trusted loader is installed. HTTP Trace starts without a password from now on.'),
      start,
    );
    if (picked === start) {
      await vscode.commands.executeCommand(Command.start);
    }
  } catch (error) {
    showError(error);
  }
}

export async function removeLoader(extensionPath: string): Promise<void> {
  try {
    if (!isInstalled()) {
      void vscode.window.showInformationMessage(t('No trusted loader is installed.'));
      return;
    }
    const explanation = t('It removes the loader, its folder and its polkit action.');
    if (!(await agreed(t('Remove the trusted loader?'), t('Remove'), explanation, REMOVE_TASK.command)))
      return;
    if (!(await asRoot(extensionPath, 'uninstall', REMOVE_TASK.command))) return;
    void vscode.window.showInformationMessage(t('The trusted loader has been removed.'));
  } catch (error) {
    showError(error);
  }
}

async function agreed(
  question: string,
  button: string,
  explanation: string,
  command: readonly string[],
): Promise<boolean> {
  const detail = t(
    '{0}\n\nThis command runs as root:\n{1}',
    explanation,
    visibleMessage(commandLine(command)),
  );
  return (
    (await vscode.window.showInformationMessage(
      notificationText(question),
      { modal: true, detail },
      button,
    )) === button
  );
}

/**
 * Uses the system's dialog if there is one, else a terminal. False when the user refused.
 * @throws Error when it failed
 */
async function asRoot(
  extensionPath: string,
  topic: 'install' | 'uninstall',
  command: readonly string[],
): Promise<boolean> {
  if (process.getuid?.() === 0 || (hasGraphicalAgent() && isOnPath('pkexec'))) {
    const status = await cli(extensionPath, topic);
    if (status === 0) return true;
    if (status !== EXIT_NO_DIALOG) return false;
  }
  const status = await runInTerminal('HTTP Trace (sudo)', ['sudo', '--', ...command]);
  if (status === 0) return true;
  if (status === 'closed') return false;
  throw new TraceError('no-permission', t('The command failed, or sudo did not let it run.'));
}

/** In a process of its own: @vscode/sudo-prompt puts the working folder into a shell command. */
function cli(extensionPath: string, topic: 'install' | 'uninstall'): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = execFile(
      process.execPath,
      [join(extensionPath, 'dist/http-trace'), topic, '--dialog'],
      { cwd: '/', env: { ...process.env, ELECTRON_RUN_AS_NODE: '1', NODE_OPTIONS: '' } },
      (error, _stdout, stderr) => {
        const status = child.exitCode ?? 1;
        if (error === null || status === EXIT_NO_DIALOG || status === EXIT_REFUSED) resolve(status);
        else reject(new Error(stderr.trim() || error.message));
      },
    );
  });
}
