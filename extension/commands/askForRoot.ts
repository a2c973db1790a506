/** Running the loader with `sudo` where the user sees it and can type the password: in a terminal. */
import * as vscode from 'vscode';
import { TraceError } from '../capture/trace.ts';

/**
 * Shows the exact command and what it will be able to read, and runs it when the user agrees. Resolves when it
 * has ended, was refused or cancelled; never rejects.
 */
export async function askForRoot(command: readonly string[]): Promise<TraceError> {
  const open = 'Open Terminal';
  const picked = await vscode.window.showInformationMessage(
    'HTTP Trace needs root to load its eBPF programs into the kernel.',
    {
      modal: true,
      detail: `A terminal will run this command, and sudo will ask for your password:\n\n${command.join(' ')}\n\neBPF programs copy the traffic of the processes you choose and their children; only processes you own. The loader gives up root before any traffic is read. Nothing stays in the kernel when the trace stops.`,
    },
    open,
  );
  if (picked !== open) return new TraceError('cancelled', 'The trace was not started.');
  const [shellPath, ...shellArgs] = command;
  const terminal = vscode.window.createTerminal({
    name: 'HTTP Trace (sudo)',
    shellPath: shellPath!,
    shellArgs,
    isTransient: true,
  });
  terminal.show();
  return new Promise((resolve) => {
    const listener = vscode.window.onDidCloseTerminal((closed) => {
      if (closed !== terminal) return;
      listener.dispose();
      resolve(
        closed.exitStatus?.reason === vscode.TerminalExitReason.User
          ? new TraceError('cancelled', 'The terminal was closed.')
          : new TraceError('no-permission', 'sudo did not grant the permission that HTTP Trace needs.'),
      );
    });
  });
}
