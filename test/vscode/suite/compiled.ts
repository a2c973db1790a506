/** The programs of test/fixtures/debuggers that have to be built; each once. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as vscode from 'vscode';

const fixtures = join(vscode.workspace.workspaceFolders?.[0]?.uri.fsPath ?? '', '../debuggers');
const made = mkdtempSync(join(tmpdir(), 'http-trace-debuggees-'));
const built = new Set<string>();

export const OLD_LLDB = '/usr/bin/lldb-vscode-14';
/** LLDB_DAP names one; undefined: there is none. */
export const NEW_LLDB = ['/usr/bin/lldb-dap', '/usr/bin/lldb-dap-19', process.env['LLDB_DAP'] ?? ''].find(
  (path) => existsSync(path),
);

export const goProgram = (name = 'call') => build(`go-${name}`, 'go', ['build', '-o'], `${name}.go`);
export const cProgram = (name = 'call') => build(`c-${name}`, 'gcc', ['-g', '-pthread', '-o'], `${name}.c`);

function build(name: string, command: string, options: readonly string[], source: string): string {
  const program = join(made, name);
  if (built.has(name)) return program;
  const run = spawnSync(command, [...options, program, join(fixtures, source)], { encoding: 'utf8' });
  assert.equal(run.status, 0, run.stderr);
  built.add(name);
  return program;
}
