/** The hooks as text that a debugger evaluates in the program: see hooks/node.js and hooks/python.py. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

export type Runtime = 'node' | 'python';

export interface HookSettings {
  /** Path of the pipe that findings are written to. */
  readonly pipe: string;
  /** The name by which the extension recognises the session. */
  readonly session: string;
}

const FILES: Readonly<Record<Runtime, string>> = { node: 'node.js', python: 'python.py' };

/** @param type of the debug session @param isChild it belongs to another session. null: there is no hook for it. */
export function runtimeOf(type: string, isChild: boolean): Runtime | null {
  if (type === 'debugpy' || type === 'python') return 'python';
  // Only js-debug's child sessions have a program.
  return isChild && /^(?:pwa-)?(?:node|node-terminal|extensionHost)$/.test(type) ? 'node' : null;
}

/** @param folder of the hook files. @throws if they are missing */
export async function installing(folder: string, runtime: Runtime, settings: HookSettings): Promise<string> {
  const text = await readFile(join(folder, FILES[runtime]), 'utf8');
  const given = JSON.stringify(settings);
  if (runtime === 'python') {
    // A JSON string is a Python string.
    return `exec(compile(${JSON.stringify(text)}, "<HTTP Trace>", "exec"), {"settings": ${given}})`;
  }
  // Strips the comment: the word "await" in it would make js-debug rewrite the code.
  const hook = text.slice(text.indexOf('*/') + 2).trim();
  return `(() => { try { (${hook})(${given}); } catch (_) {} })()`;
}

const REMOVING: Readonly<Record<Runtime, string>> = {
  node: "(() => { const hook = process[Symbol.for('http-trace.source')]; if (hook) hook.remove(); })()",
  python: '(lambda hook: hook and hook.remove())(__import__("sys").modules.get("_http_trace_source"))',
};

/** Code that removes the hook from the program; does nothing if there is none. */
export function removing(runtime: Runtime): string {
  return REMOVING[runtime];
}
