import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { Command } from '../../../extension/contributions.ts';
import type { TreeNode } from '../../../extension/views/callTree.ts';
import {
  BOTH_SIDES,
  command,
  debug,
  expectCalls,
  insight,
  inWords,
  outline,
  rows,
  stopDebugging,
} from './extension.ts';
import { eventually, pause, test } from './harness.ts';

test('js-debug reports the process of the sample', async () => {
  await debug('Shop with customer');
  const [pid] = await eventually(() => {
    const pids = insight().sessions.processes();
    return pids.length > 0 && pids;
  }, 'a process is known');
  assert.notEqual(pid, process.pid);
});

test('started while debugging, every call of a round is shown, made and answered', async () => {
  await command(Command.start);
  assert.equal(insight().trace.status.phase, 'running', insight().trace.status.problem ?? '');
  await expectCalls(BOTH_SIDES);
});

test('the tree shows process, host, route and call', () => {
  const pids = insight().sessions.processes();
  const lines = outline();
  const roots = lines.filter((line) => !line.startsWith(' '));
  assert.equal(roots.length, 1);
  assert.match(roots[0]!, new RegExp(`\\(${pids[0]}\\)$`));
  assert(
    lines.some((line) => /^ {2}127\.0\.0\.1:\d+$/.test(line)),
    'a host',
  );
  assert(lines.includes('    /orders'), 'a route');
  assert(lines.includes('    /products'), 'a route without its query');
  assert(lines.includes('      POST 201'), 'a call');
  assert(lines.includes('      DELETE 500'), 'a call that failed');
});

test('every node of the tree leads back to its root', () => {
  const { calls } = insight();
  const check = (parent: TreeNode | undefined) => {
    for (const child of calls.getChildren(parent)) {
      assert.equal(calls.getParent(child) ?? undefined, parent);
      check(child);
    }
  };
  check(undefined);
});

test('a call in the tree says first how long it took, then the reason phrase, and has its tooltip at once', () => {
  const { calls } = insight();
  const look = (parent: TreeNode | undefined): vscode.TreeItem[] =>
    calls.getChildren(parent).flatMap((node) => [calls.getTreeItem(node), ...look(node)]);
  const failed = look(undefined).filter(({ label }) => label === 'GET 404');
  assert(failed.length > 0);
  for (const { description, tooltip } of failed) {
    assert.match(String(description), /^[\d.]+ (?:µs|ms|s) · Not Found$/);
    assert.match(String(tooltip), /\/chairs/);
  }
});

test('details hold headers and decoded bodies', async () => {
  const post = rows().find((row) => inWords(row) === 'client POST /orders 201');
  assert(post);
  const exchange = await insight().trace.details(post.id, false);
  assert(exchange?.request?.body && 'text' in exchange.request.body);
  assert.equal(JSON.parse(exchange.request.body.text).note, 'with a bow — danke');
  const zipped = rows().find((row) => inWords(row) === 'client GET /catalogue 200');
  assert(zipped);
  const catalogue = await insight().trace.details(zipped.id, false);
  assert(catalogue?.response?.body && 'text' in catalogue.response.body);
  assert.equal(JSON.parse(catalogue.response.body.text).length, 20);
});

test('a body opens as a read-only document in its language', async () => {
  const row = rows().find((one) => inWords(one) === 'client GET /catalogue 200')!;
  await command(Command.openBody, row.id, 'response');
  const { document } = vscode.window.activeTextEditor!;
  assert.equal(document.uri.scheme, 'http-trace');
  assert.equal(document.languageId, 'json');
  assert.equal(JSON.parse(document.getText())[0].name, 'Lamp A');
  await command('workbench.action.closeActiveEditor');
});

test('a call can be revealed in the tree and its address be copied', async () => {
  const row = rows().findLast((one) => inWords(one) === 'client GET /chairs 404')!;
  await command(Command.revealInTree, row.id);
  assert.equal(await insight().calls.selected(), row.id);
  await command(Command.copyUrl, row.id);
  assert.match(await vscode.env.clipboard.readText(), /^http:\/\/127\.0\.0\.1:\d+\/chairs$/);
});

test('a request is copied as what sends it again', async () => {
  const row = rows().find((one) => inWords(one) === 'client POST /orders 201')!;
  for (const [name, begins] of [
    [Command.copyCurl, /^curl http:\/\/127\.0\.0\.1:\d+\/orders \\\n/],
    [Command.copyFetch, /^fetch\("http:\/\/127\.0\.0\.1:\d+\/orders", \{\n {2}method: "POST",\n/],
    [Command.copyHttp, /^POST http:\/\/127\.0\.0\.1:\d+\/orders HTTP\/1\.1\n/],
    [Command.copyPython, /^import requests\n/],
    [Command.copyHttpie, /^http \\\n {2}--ignore-stdin \\\n/],
  ] as const) {
    // As the menu of a row in the panel names it.
    await command(name, { webviewSection: 'call', callId: row.id });
    const text = await vscode.env.clipboard.readText();
    assert.match(text, begins);
    assert(text.includes('with a bow — danke'), text);
  }
});

test('a response is copied', async () => {
  const row = rows().find((one) => inWords(one) === 'client GET /catalogue 200')!;
  await command(Command.copyResponse, row.id);
  assert.equal(JSON.parse(await vscode.env.clipboard.readText()).length, 20);
});

test('stopped, what was captured stays and nothing is added', async () => {
  await command(Command.stop);
  assert.equal(insight().trace.status.phase, 'stopped');
  const held = rows().length;
  assert(held > 0);
  await pause(1_500);
  assert.equal(rows().length, held);
});

test('started again, new calls are added to the old ones', async () => {
  const newest = Math.max(...insight().trace.rows.keys());
  await command(Command.start);
  assert.equal(insight().trace.status.phase, 'running');
  await expectCalls(BOTH_SIDES, newest);
});

test('a debuggee that is restarted is in the same trace', async () => {
  const [before] = insight().sessions.processes();
  await command('workbench.action.debug.restart');
  const after = await eventually(
    () =>
      insight()
        .sessions.processes()
        .find((pid) => pid !== before),
    'another process is known',
  );
  await eventually(() => rows().some((row) => row.pid === after), 'its calls are shown');
  assert.equal(insight().trace.status.phase, 'running');
});

test('the trace ends with the debugged program', async () => {
  await stopDebugging();
  await eventually(() => insight().trace.status.phase === 'stopped', 'the trace has stopped');
  assert(rows().length > 0);
});

test('cleared, nothing is held', async () => {
  await command(Command.clear);
  await eventually(() => insight().trace.rows.size === 0, 'no rows');
  assert.deepEqual(outline(), []);
});
