/** Spans sent as the setting says: none before a trace, one for each call while it runs, none afterwards. */
import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { Command, Setting } from '../../../extension/contributions.ts';
import { isCall } from '../../../extension/engine/row.ts';
import { attributeOf, Collector } from '../../../extension/otlp/testing/collector.ts';
import { command, debug, insight, rows, stopDebugging } from './extension.ts';
import { eventually, test } from './harness.ts';

async function setCollector(url: string | undefined): Promise<void> {
  await vscode.workspace.getConfiguration().update(Setting.otlp, url, vscode.ConfigurationTarget.Global);
}

test('spans: a workspace cannot name a collector', async () => {
  const configuration = vscode.workspace.getConfiguration();
  assert.equal(configuration.get(Setting.otlp), '');
  const writing = configuration.update(
    Setting.otlp,
    'http://127.0.0.1:1',
    vscode.ConfigurationTarget.Workspace,
  );
  await assert.rejects(async () => await writing, /Workspace/);
});

test('spans: with the setting, each call of a trace is one, and a call seen at both ends two', async () => {
  const collector = await Collector.start();
  const before = Math.max(0, ...rows().map(({ id }) => id));
  try {
    await setCollector(collector.url);
    await debug('Shop');
    await eventually(() => insight().sessions.processes().length === 1, 'the process of the shop');
    await command(Command.start);
    await debug('Customer');
    const failed = () =>
      rows().filter(({ id, status, state }) => id > before && status === 404 && state === 'ended');
    await eventually(
      () => new Set(failed().map(({ side }) => side)).size === 2,
      'a call that fails, at both ends',
    );
    await stopDebugging();
    await eventually(() => insight().trace.status.phase === 'stopped', 'the trace has stopped');
    const ended = rows().filter((row) => row.id > before && row.state === 'ended' && isCall(row));
    await eventually(() => collector.spans.length >= ended.length, 'a span for each call');
    assert.equal(collector.spans.length, ended.length);
    assert.deepEqual(collector.wrong, []);

    const chairs = collector.spans.filter((span) => attributeOf(span, 'http.response.status_code') === '404');
    const [client] = chairs.filter(({ kind }) => kind === 3);
    assert(client !== undefined, 'the span of the client');
    const server = chairs.find(({ kind, parentSpanId }) => kind === 2 && parentSpanId === client.spanId);
    assert.equal(server?.traceId, client.traceId);
  } finally {
    await setCollector(undefined);
    await collector.stop();
  }
});

test('spans: the setting takes effect while a trace runs', async () => {
  const down = await Collector.start();
  const { url } = down;
  await down.stop();
  const first = await Collector.start();
  const seen = (method: string) =>
    first.spans.some((span) => attributeOf(span, 'http.request.method') === method);
  try {
    // Nobody listens there, which is no harm to the trace.
    await setCollector(url);
    const before = Math.max(0, ...rows().map(({ id }) => id));
    await debug('Shop with customer');
    await eventually(() => insight().sessions.processes().length === 1, 'the process of the shop');
    await command(Command.start);
    const ended = () => rows().filter((row) => row.id > before && row.state === 'ended' && isCall(row));
    await eventually(() => ended().length > 20, 'a round of calls');
    await setCollector(first.url);
    await eventually(() => seen('DELETE') && seen('HEAD'), 'spans of the next round');
    await setCollector('');
    const calls = ended().length;
    await eventually(() => ended().length > calls + 20, 'one more round');
    assert.deepEqual(first.wrong, []);
    assert(
      first.spans.length < ended().length - 40,
      `${first.spans.length} spans of ${ended().length} calls`,
    );
  } finally {
    await setCollector(undefined);
    await stopDebugging();
    await first.stop();
  }
  await eventually(() => insight().trace.status.phase === 'stopped', 'the trace has stopped');
});
