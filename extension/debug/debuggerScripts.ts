/** Scripts that debuggers run next to the debugged program, which talk to it over HTTP. */
import { realpathSync } from 'node:fs';
import { join } from 'node:path';
import * as vscode from 'vscode';

/** js-debug starts this as a child of each program; it connects to the inspector over WebSocket. */
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
