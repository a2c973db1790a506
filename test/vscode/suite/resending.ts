/** Requests that are opened, edited, sent again and compared. */
import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { Command } from '../../../extension/contributions.ts';
import {
  BOTH_SIDES,
  command,
  debug,
  expectCalls,
  insight,
  inWords,
  rows,
  stopDebugging,
} from './extension.ts';
import { eventually, test } from './harness.ts';

const call = (words: string) => rows().findLast((row) => inWords(row) === words)!;
const active = () => vscode.window.activeTextEditor!.document;
const responses = () =>
  vscode.workspace.textDocuments.filter(({ uri }) => uri.path.includes('/Response to '));

test('calls are there to be sent again', async () => {
  await debug('Shop with customer');
  await eventually(() => insight().sessions.processes().length > 0, 'a process is known');
  await command(Command.start);
  await expectCalls(BOTH_SIDES);
});

test('a call opens as a request, in memory and not changed', async () => {
  await command(Command.openHttp, { webviewSection: 'call', callId: call('client POST /orders 201').id });
  const document = active();
  assert.equal(document.uri.scheme, 'http-trace-request');
  assert.match(document.uri.path, /\/POST orders\.http$/);
  assert.equal(document.isDirty, false);
  assert.match(document.getText(), /^POST http:\/\/127\.0\.0\.1:\d+\/orders HTTP\/1\.1\n/);
  assert.match(document.getText(), /with a bow — danke/);
});

test('it has a “Send”, which sends what can be read there; the server sees it, and the trace', async () => {
  const document = active();
  const lenses = await vscode.commands.executeCommand<vscode.CodeLens[]>(
    'vscode.executeCodeLensProvider',
    document.uri,
  );
  assert.deepEqual(
    lenses.map(({ command: lens }) => lens?.title),
    ['$(send) Send'],
  );
  const newest = Math.max(...insight().trace.rows.keys());
  const edit = new vscode.WorkspaceEdit();
  const at = document.getText().indexOf('with a bow');
  edit.replace(
    document.uri,
    new vscode.Range(document.positionAt(at), document.positionAt(at + 'with a bow'.length)),
    'sent — again',
  );
  await vscode.workspace.applyEdit(edit);
  const { command: send } = lenses[0]!;
  await command(send!.command, ...(send!.arguments ?? []));
  const answer = await eventually(() => responses()[0], 'a response');
  assert.match(answer.getText(), /^# [\d.]+ .s, from 127\.0\.0\.1:\d+\nHTTP\/1\.1 201 Created\n/);
  await eventually(() => !document.isDirty, 'it does not ask whether to save it');
  const ofServer = () =>
    rows().filter(
      (row) =>
        row.id > newest &&
        row.side === 'server' &&
        row.path === '/orders' &&
        row.state === 'ended' &&
        row.processName !== null,
    );
  // The customer also orders, before it or after it: their text distinguishes them.
  const looked = new Set<number>();
  for (let seen = false; !seen; ) {
    const [row] = await eventually(() => {
      const next = ofServer().filter(({ id }) => !looked.has(id));
      return next.length > 0 && next;
    }, 'the call is traced');
    if (row === undefined) continue;
    looked.add(row.id);
    assert(looked.size < 100, 'what was sent is not among the calls');
    const exchange = await insight().trace.details(row.id, false);
    seen = JSON.stringify(exchange?.request?.body ?? '').includes('sent — again');
  }
});

test('a request with an invalid field line is not sent', async () => {
  const document = active();
  const edit = new vscode.WorkspaceEdit();
  edit.insert(document.uri, new vscode.Position(1, 0), 'no field\n');
  await vscode.workspace.applyEdit(edit);
  const before = responses().map((one) => one.getText());
  await command(Command.sendRequest, document.uri, 0);
  assert.deepEqual(
    responses().map((one) => one.getText()),
    before,
  );
  await command('workbench.action.files.revert');
  await command('workbench.action.closeAllEditors');
});

test('a safe method is sent again at once', async () => {
  await command(Command.resend, call('client GET /catalogue 200').id);
  const document = await eventually(() => {
    const editor = vscode.window.activeTextEditor;
    return editor?.document.uri.path.endsWith('/Response to GET catalogue.txt') && editor.document;
  }, 'a response');
  const text = document.getText();
  assert.match(text, /\nContent-Encoding: gzip\n/i);
  // Decoded and laid out.
  assert.match(text, /\n {4}"name": "Lamp A",?\n/);
  await command('workbench.action.closeAllEditors');
});

test('two calls are compared in the diff editor', async () => {
  const good = call('client GET /products?page=1 200').id;
  const bad = call('client GET /chairs 404').id;
  await command(Command.selectForCompare, { webviewSection: 'call', callId: good });
  await command(Command.compareWithSelected, { webviewSection: 'call', callId: bad });
  const input = await eventually(() => {
    const tab = vscode.window.tabGroups.activeTabGroup.activeTab;
    return tab?.input instanceof vscode.TabInputTextDiff && tab;
  }, 'a diff editor');
  assert.equal(input.label, 'GET products 200 ↔ GET chairs 404');
  const { original, modified } = input.input as vscode.TabInputTextDiff;
  const texts = await Promise.all(
    [original, modified].map(async (uri) => (await vscode.workspace.openTextDocument(uri)).getText()),
  );
  assert.match(texts[0]!, /^GET http:\/\/127\.0\.0\.1:\d+\/products\?page=1 HTTP\/1\.1\naccept: /);
  assert.match(texts[1]!, /\n\nHTTP\/1\.1 404 Not Found\n/);
  await command('workbench.action.closeAllEditors');
});

test('a pinned call is marked in the tree, and can be unpinned', async () => {
  const { id } = call('client GET /chairs 404');
  const pinned = () => insight().trace.rows.get(id)?.pinned;
  await command(Command.pin, id);
  await eventually(() => pinned() === true, 'it is pinned');
  await command(Command.unpin, id);
  await eventually(() => pinned() === false, 'it is not pinned any more');
});

test('the calls are cleared', async () => {
  await stopDebugging();
  await eventually(() => insight().trace.status.phase === 'stopped', 'the trace has stopped');
  await command(Command.clear);
  await eventually(() => insight().trace.rows.size === 0, 'no rows');
});
