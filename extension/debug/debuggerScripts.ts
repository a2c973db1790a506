/** Scripts that debuggers run beside the debugged program, and that talk to it by HTTP. */
import { realpathSync } from 'node:fs';
import { join } from 'node:path';
import * as vscode from 'vscode';

/** js-debug starts this one below each program; it connects to the program's inspector by WebSocket. */
const SCRIPTS: readonly (readonly [extension: string, script: string])[] = [
  ['ms-vscode.js-debug', 'src/watchdog.js'],
  ['ms-vscode.js-debug-nightly', 'src/watchdog.js'],
];

/** Absolute paths, as in command lines. */
export function debuggerScripts(): string[] {
  const found = new Set<string>();
  for (const [id, script] of SCRIPTS) {
    const extension = vscode.extensions.getExtension(id);
    if (extension === undefined) continue;
    const path = join(extension.extensionPath, script);
    found.add(path);
    try {
      found.add(realpathSync(path));
    } catch {
      // Other versions do not have it.
    }
  }
  return [...found];
}
