/** js-debug with a breakpoint in the middle of a response: same frames as without a trace, and no call lost. */
import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { Command } from '../../../extension/contributions.ts';
import {
  BOTH_SIDES,
  command,
  continueDebugging,
  debug,
  expectCalls,
  insight,
  inWords,
  rows,
  stopDebugging,
} from './extension.ts';
import { eventually, pause, test } from './harness.ts';

/** Shorter than a user's pause, to keep the test short. */
const PAUSE = 3_000;
/** The shop has sent all of its answer to GET /stock but the end. */
const PLACE = /^ {6}response\.end\(\);$/;

/** Stops there once, waits, and continues; the functions of the stack. */
async function stopInAnswer(): Promise<string[]> {
  const [folder] = vscode.workspace.workspaceFolders ?? [];
  assert(folder);
  const shop = vscode.Uri.joinPath(folder.uri, 'shop.js');
  const lines = (await vscode.workspace.openTextDocument(shop)).getText().split('\n');
  const stock = lines.findIndex((line) => line.includes("case 'GET /stock'"));
  const line = lines.findIndex((text, index) => index > stock && PLACE.test(text));
  assert(stock > 0 && line > stock, 'the shop is as this test knows it');
  const breakpoint = new vscode.SourceBreakpoint(new vscode.Location(shop, new vscode.Position(line, 0)));
  vscode.debug.addBreakpoints([breakpoint]);
  try {
    const { session, threadId } = await eventually(() => {
      const item = vscode.debug.activeStackItem;
      return item instanceof vscode.DebugStackFrame && item;
    }, 'the program stops at the breakpoint');
    const { stackFrames } = (await session.customRequest('stackTrace', { threadId })) as {
      stackFrames: readonly { readonly name: string; readonly line: number }[];
    };
    vscode.debug.removeBreakpoints([breakpoint]);
    await pause(PAUSE);
    await continueDebugging();
    // Timers that are due together are run by one call of Node's, or by two: on a busy machine, another one each time.
    return stackFrames
      .filter(
        ({ name }) =>
          !/^(?:process\.)?(?:await|runNextTicks|processTimers|listOnTimeout|processTicksAndRejections)$/.test(
            name,
          ),
      )
      .map((frame) => `${frame.name}:${frame.line}`);
  } finally {
    vscode.debug.removeBreakpoints([breakpoint]);
  }
}

test('a breakpoint in a response: same frames as without a trace, a call that took as long', async () => {
  await debug('Shop with customer');
  await eventually(() => insight().sessions.processes().length === 1, 'the process of the sample');
  const expected = await stopInAnswer();
  assert.match(expected[0] ?? '', /answer/);
  // The list still has the truncated calls of earlier tests.
  const older = Math.max(...insight().trace.rows.keys());
  await command(Command.start);
  await expectCalls(BOTH_SIDES, older);
  const newest = Math.max(...insight().trace.rows.keys());
  assert.deepEqual(await stopInAnswer(), expected);
  await expectCalls(BOTH_SIDES, newest);
  const paused = rows().filter(
    (row) => inWords(row).endsWith('GET /stock 200') && (row.duration ?? 0) >= PAUSE - 50,
  );
  // Both sides of one call; on a busy machine the call before has not ended, either, when the program stops.
  const clients = paused.filter(({ side }) => side === 'client').length;
  assert(clients > 0, 'the call took as long');
  assert.equal(paused.filter(({ side }) => side === 'server').length, clients);
  for (const row of paused) assert.deepEqual(row.completeness, ['complete'], inWords(row));
  assert.equal(insight().trace.status.problem, null);
  await stopDebugging();
  await eventually(() => insight().trace.status.phase === 'stopped', 'the trace has stopped');
});
