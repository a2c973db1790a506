import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { Command } from '../../../extension/contributions.ts';
import { extension, insight } from './extension.ts';
import { test } from './harness.ts';

test('the extension is activated without a trace', async () => {
  await extension().activate();
  assert.equal(insight().trace.status.phase, 'idle');
  assert.equal(insight().trace.rows.size, 0);
});

test('every command exists', async () => {
  const registered = new Set(await vscode.commands.getCommands(true));
  for (const id of Object.values(Command)) assert(registered.has(id), id);
});

test('clear and stop without a trace do nothing', async () => {
  await vscode.commands.executeCommand(Command.clear);
  await vscode.commands.executeCommand(Command.stop);
  assert.equal(insight().trace.status.phase, 'idle');
});
