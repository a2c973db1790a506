/**
 * What VS Code loads for ../watchdogs.mjs: a program is debugged until it is stopped at a break on calls. Then this
 * extension host reports it, and waits to be killed.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import * as vscode from 'vscode';
import { Setting } from '../../../extension/contributions.ts';
import { insight } from './extension.ts';
import { eventually } from './harness.ts';

/** The file that HTTP_TRACE_CASE names. */
interface Case {
  readonly name: string;
  readonly configuration: vscode.DebugConfiguration;
}

export async function run(): Promise<void> {
  try {
    await stand();
  } catch (error) {
    console.log(`[failed] ${(error as Error).stack}`);
    throw error;
  }
}

async function stand(): Promise<void> {
  const { configuration } = JSON.parse(readFileSync(process.env['HTTP_TRACE_CASE'] ?? '', 'utf8')) as Case;
  await vscode.extensions.getExtension('http-trace.http-trace')?.activate();
  await vscode.extensions.getExtension('http-trace-tests.debian-adapters')?.activate();
  const settings = vscode.workspace.getConfiguration();
  for (const name of [Setting.hooks, Setting.startWithDebugging])
    await settings.update(name, 'always', vscode.ConfigurationTarget.Global);
  const { breaks, callBreaks, sessions, trace } = insight();
  breaks.remove();
  breaks.add('path:=/again');
  assert(await vscode.debug.startDebugging(undefined, configuration));
  await eventually(
    () =>
      callBreaks.currentHits.length > 0 &&
      trace.status.phase === 'running' &&
      sessions.processes().length > 0,
    'the program is stopped, is known and is traced',
    60_000,
  ).catch((error: Error) => {
    throw new Error(`${error.message}: ${JSON.stringify([callBreaks.failures, trace.status])}`);
  });
  console.log(`[stopped] ${JSON.stringify({ host: process.pid, debuggees: sessions.processes() })}`);
  await new Promise(() => {});
}
