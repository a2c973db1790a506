/** How long a launch would wait until the trace is ready: the first time, and with the helper that is kept. */
import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { Command } from '../../../extension/contributions.ts';
import { command, insight } from './extension.ts';
import { eventually, test } from './harness.ts';
import { ROUNDS } from './table.ts';

/** No session follows: the trace may end after this, in milliseconds. */
const EXPECTED = 60_000;

test('arming, the first time and with a kept helper', async () => {
  await vscode.extensions.getExtension('http-trace.http-trace')?.activate();
  const { control, trace } = insight();
  await eventually(() => trace.status.phase !== 'running', 'no trace runs');
  const first = trace.status.helperKept ? 'with the helper of a test before' : 'the first time';
  const times: number[] = [];
  for (let round = 0; round <= (ROUNDS || 3); round++) {
    const begin = performance.now();
    await control.arm(EXPECTED);
    times.push(performance.now() - begin);
    assert.equal(trace.status.phase, 'running');
    await command(Command.stop);
    await eventually(() => trace.status.phase === 'stopped', 'the trace has stopped');
    assert(trace.status.helperKept, 'its helper is kept');
  }
  const [begun = 0, ...again] = times.map(Math.round);
  console.log(`[suite] armed after ${begun} ms (${first}), then ${again.join(', ')} ms`);
}, 240_000);
