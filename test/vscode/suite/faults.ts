import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import * as vscode from 'vscode';
import { Command, Setting } from '../../../extension/contributions.ts';
import { descendants } from '../../../extension/debug/processes.ts';
import { command, debug, insight, rows, stopDebugging } from './extension.ts';
import { eventually, test } from './harness.ts';

async function helper(): Promise<number> {
  const below = await descendants(process.pid);
  const found = below.find(({ pid }) => readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes('helper.js'));
  assert(found, 'the helper runs');
  return found.pid;
}

test('by the setting, a trace starts with the debug session', async () => {
  const settings = vscode.workspace.getConfiguration();
  const newest = Math.max(0, ...insight().trace.rows.keys());
  await settings.update(Setting.startWithDebugging, 'always', vscode.ConfigurationTarget.Global);
  try {
    await debug('Shop with customer');
    await eventually(() => insight().trace.status.phase === 'running', 'the trace runs');
    await eventually(
      () => rows().some((row) => row.id > newest && row.path === '/orders'),
      'a call is shown',
    );
  } finally {
    await settings.update(Setting.startWithDebugging, undefined, vscode.ConfigurationTarget.Global);
  }
});

test('a helper that is killed: said, and what was captured is kept', async () => {
  process.kill(await helper(), 'SIGKILL');
  await eventually(() => insight().trace.status.phase === 'failed', 'the trace has failed');
  assert(insight().trace.status.problem);
  assert(rows().length > 0);
});

test('it can be started again', async () => {
  const newest = Math.max(...insight().trace.rows.keys());
  await command(Command.start);
  await eventually(() => rows().some((row) => row.id > newest && row.path === '/orders'), 'new calls');
  assert.equal(insight().trace.status.problem, null);
});

test('no helper is left when the trace has ended', async () => {
  const pid = await helper();
  await stopDebugging();
  await eventually(() => insight().trace.status.phase === 'stopped', 'the trace has stopped');
  await eventually(() => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'latin1') === '';
    } catch {
      return true;
    }
  }, 'the helper is gone');
});
