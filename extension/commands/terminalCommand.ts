/** The terminal command for what could not be done here. */
import { join } from 'node:path';
import { quote } from '../elevation/install.ts';

/**
 * Traces these processes as the user who runs it; sudo asks for a password for the loader alone: Node never runs as
 * root. @param node the executable that runs this extension: Node, or a VS Code that acts as Node with the variable set
 */
export function terminalCommand(node: string, extensionPath: string, pids: readonly number[]): string {
  const cli = join(extensionPath, 'dist/http-trace');
  return `ELECTRON_RUN_AS_NODE=1 ${quote(node)} ${quote(cli)} attach ${pids.join(' ')}`;
}
