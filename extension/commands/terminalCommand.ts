/** The command that does in a terminal what could not be done here. */
import { join } from 'node:path';
import { quote } from '../elevation/install.ts';

/**
 * The trace of these processes by whoever runs it, who is asked for sudo's password for the loader alone: Node
 * never runs as root.
 * @param node what runs this extension: Node, or a VS Code that is one with the variable set
 */
export function terminalCommand(node: string, extensionPath: string, pids: readonly number[]): string {
  const cli = join(extensionPath, 'dist/http-trace');
  return `ELECTRON_RUN_AS_NODE=1 ${quote(node)} ${quote(cli)} attach ${pids.join(' ')}`;
}
