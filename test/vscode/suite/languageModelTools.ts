/** The tools for language models, called as the chat calls them, on the calls that earlier tests have traced. */
import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { RequestTool } from '../../../extension/commands/languageModelTools.ts';
import { insight, rows } from './extension.ts';
import { test } from './harness.ts';

async function invoke(name: string, input: object): Promise<string> {
  const { content } = await vscode.lm.invokeTool(name, { input, toolInvocationToken: undefined });
  const [part] = content;
  assert(part instanceof vscode.LanguageModelTextPart, 'the result is text');
  return part.value;
}

test('the editor knows the tools', () => {
  const names = vscode.lm.tools.map(({ name }) => name);
  for (const name of ['list_http_requests', 'get_http_request']) assert(names.includes(name), names.join());
});

test('calls are listed by the filter, and one is given without its bodies', async () => {
  const { calls } = JSON.parse(await invoke('list_http_requests', { filter: 'status:404', limit: 1 }));
  assert.equal(calls.length, 1);
  assert.equal(rows().find(({ id }) => id === calls[0].id)?.status, 404);
  const call = JSON.parse(await invoke('get_http_request', { id: calls[0].id }));
  assert.equal(call.status, 404);
  assert(!('body' in call.response), 'there is no body');
});

test('what is wrong is said', async () => {
  await assert.rejects(invoke('list_http_requests', { filter: 'status:much' }), /expects a status/);
  await assert.rejects(invoke('get_http_request', { id: 999_999 }), /no longer held/);
});

test('the user is asked before bodies are given', () => {
  const tool = new RequestTool('get_http_request', insight().trace);
  const row = rows().find(({ status }) => status === 404);
  assert.equal(tool.prepareInvocation({ input: { id: row?.id } }).confirmationMessages, undefined);
  const asked = tool.prepareInvocation({ input: { id: row?.id, bodies: true } }).confirmationMessages;
  assert.match(String(asked?.message), new RegExp(`call ${row?.id} \\(GET /`));
});

test('the user is asked before bodies are searched, with the query', () => {
  const tool = new RequestTool('list_http_requests', insight().trace);
  const asked = (input: unknown) => tool.prepareInvocation({ input }).confirmationMessages;
  for (const filter of ['404', 'header:x-id=7', 'type:json "body:text"', 'body:'])
    assert.equal(asked({ filter }), undefined, filter);
  for (const input of [undefined, {}, { filter: 7 }]) assert.equal(asked(input), undefined);
  for (const filter of ['body:secret', 'status:200 -body:/^a/', '(404 or body:x)'])
    assert.match(String(asked({ filter })?.message), /which calls have a body/, filter);
  assert.doesNotMatch(String(asked({ filter: 'body:"[a](http://b.test)"' })?.message), /\[a\]/);
});
