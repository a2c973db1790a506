/** How long after its last debuggee a trace ends. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { Command } from '../../../extension/contributions.ts';
import { callServer } from './callServer.ts';
import { command, insight, rows } from './extension.ts';
import { eventually, pause, test } from './harness.ts';

const fixtures = join(vscode.workspace.workspaceFolders?.[0]?.uri.fsPath ?? '', '../debuggers');

test('a trace ends with its last debuggee', async () => {
  const times: Record<string, number> = {};
  const since: { begin: number } = { begin: 0 };
  const note = (what: string) => {
    times[what] ??= Math.round(performance.now() - since.begin);
  };
  const listeners = [
    insight().sessions.onDidEnd(({ session }) => note(`session ${session.name} has ended`)),
    insight().trace.onDidChangeStatus(({ phase }) => note(phase)),
  ];
  const env = { CALLS_URL: await callServer() };
  const older = Math.max(0, ...rows().map(({ id }) => id));
  const configuration = { type: 'node', request: 'launch', program: join(fixtures, 'call.js') };
  assert(await vscode.debug.startDebugging(undefined, { name: 'ending', env, ...configuration }));
  await command(Command.start);
  await eventually(() => rows().some(({ id, path }) => id > older && path === '/again'), 'its calls');
  const [pid] = insight().sessions.processes();
  assert(pid !== undefined);
  since.begin = performance.now();
  for (const key of Object.keys(times)) delete times[key];
  process.kill(pid, 'SIGKILL');
  for (; existsSync(`/proc/${pid}`); ) await pause(1);
  note('process gone');
  await eventually(() => insight().trace.status.phase === 'stopped', 'the trace has stopped');
  for (const listener of listeners) listener.dispose();
  console.log(`[suite] ms after the kill: ${JSON.stringify(times)}`);
}, 120_000);
