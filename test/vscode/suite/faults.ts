import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import * as vscode from 'vscode';
import { Command, Setting } from '../../../extension/contributions.ts';
import { helperOf } from '../../kit/kernel.ts';
import { command, debug, insight, inWords, rows, stopDebugging } from './extension.ts';
import { eventually, pause, test } from './harness.ts';

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
  process.kill(helperOf(process.pid), 'SIGKILL');
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

test('the helper is kept when the trace has ended, and serves the next one, which has nothing of the time between', async () => {
  const pid = helperOf(process.pid);
  await stopDebugging();
  await eventually(() => insight().trace.status.helperKept, 'the helper is kept');
  assert.equal(insight().trace.status.phase, 'stopped');
  const newest = Math.max(...insight().trace.rows.keys());
  // The sample makes its calls, which are not traced.
  await debug('Shop with customer');
  await pause(2_000);
  const begun = Date.now();
  await command(Command.start);
  const news = () => rows().filter((row) => row.id > newest);
  await eventually(() => news().some((row) => row.path === '/orders'), 'calls of the second trace');
  assert.equal(helperOf(process.pid), pid);
  assert.equal(insight().trace.status.helperKept, false);
  const { startedAt } = insight().trace.status;
  for (const row of news()) {
    const at = (startedAt ?? 0) + row.start;
    assert(at > begun - 250, `${inWords(row)} began ${begun - at} ms before the trace`);
  }
});

test('no helper is left when it is not to be kept', async () => {
  const pid = helperOf(process.pid);
  await stopDebugging();
  await eventually(() => insight().trace.status.helperKept, 'the helper is kept');
  const settings = vscode.workspace.getConfiguration();
  await settings.update(Setting.keepHelper, 0, vscode.ConfigurationTarget.Global);
  try {
    await eventually(() => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'latin1') === '';
      } catch {
        return true;
      }
    }, 'the helper is gone');
    await eventually(() => !insight().trace.status.helperKept, 'the status knows it');
  } finally {
    await settings.update(Setting.keepHelper, undefined, vscode.ConfigurationTarget.Global);
  }
});
