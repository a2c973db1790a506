/** A command that prompts for a password, in a terminal of VS Code. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { keepingStatus } from '../elevation/keepingStatus.ts';

/**
 * Runs a command in a terminal of its own. Resolves when the terminal has closed, with the command's exit status, or
 * `closed` when the user closed it.
 */
export async function runInTerminal(name: string, command: readonly string[]): Promise<number | 'closed'> {
  const folder = await mkdtemp(join(tmpdir(), 'http-trace-terminal-'));
  const statusFile = join(folder, 'status');
  try {
    const [shellPath, ...shellArgs] = keepingStatus(command, statusFile);
    const terminal = vscode.window.createTerminal({
      name,
      shellPath: shellPath!,
      shellArgs,
      isTransient: true,
    });
    terminal.show();
    const byUser = await new Promise<boolean>((resolve) => {
      const listener = vscode.window.onDidCloseTerminal((closed) => {
        if (closed !== terminal) return;
        listener.dispose();
        resolve(closed.exitStatus?.reason === vscode.TerminalExitReason.User);
      });
    });
    if (byUser) return 'closed';
    const text = await readFile(statusFile, 'utf8').catch(() => '');
    return /^\d+\s*$/.test(text) ? Number(text) : 1;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
