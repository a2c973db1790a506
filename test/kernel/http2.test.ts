/** HTTP/2 through the kernel: many streams on one connection, seen from its beginning and from its middle. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { ExchangeJson } from '../../extension/engine/exchangeJson.ts';
import { freePort } from '../../scripts/freePort.mjs';
import { sha } from '../kit/peers.ts';
import { Child } from '../kit/process.ts';
import { Tracing } from '../kit/tracing.ts';
import { bodyOf, field } from '../kit/truth.ts';
import {
  CallTracing,
  describeTraced,
  LOAD_CALLS,
  PEERS,
  temporaryFolder,
  tracingIn,
} from './support/environment.ts';

const folder = temporaryFolder();
const context = tracingIn(folder);
const PEER = [process.execPath, join(PEERS, 'http2.mjs')] as const;

interface Call {
  readonly id: string;
  readonly method: string;
  readonly path: string;
  readonly stream: number;
  readonly status: number;
  readonly answer: string;
  readonly requestSha: string;
  readonly responseSha: string;
}

const callsOf = (text: string): Call[] =>
  text
    .split('\n')
    .filter((line) => line.includes('"id"'))
    .map((line) => JSON.parse(line) as Call);

function installed(program: string): boolean {
  return spawnSync('which', [program]).status === 0;
}

/** By stream and side; each once. */
function byStream(exchanges: readonly ExchangeJson[]): Map<string, ExchangeJson> {
  const found = new Map<string, ExchangeJson>();
  for (const exchange of exchanges) {
    const key = `${exchange.side} ${exchange.http2?.stream}`;
    expect(found.has(key), key).toBe(false);
    found.set(key, exchange);
  }
  return found;
}

/** What is known of the exchange agrees with the peer's report. */
function expectTrue(exchange: ExchangeJson, call: Call): void {
  if (exchange.method !== null) expect(exchange.method).toBe(call.method);
  if (exchange.url !== null) expect(exchange.url.endsWith(call.path)).toBe(true);
  if (exchange.status !== null) expect(exchange.status).toBe(call.status);
  for (const id of field(exchange.request, 'x-trace-id')) expect(id).toBe(call.id);
  for (const answer of field(exchange.response, 'x-answer')) expect(answer).toBe(call.answer);
  expect(exchange.violations).toEqual([]);
}

describeTraced('HTTP/2', () => {
  it('hundreds of streams on one connection, from both sides', async () => {
    const tracing = Tracing.run(context, PEER);
    // Node gives all that it has to one writev, of hundreds of segments.
    tracing.process.endInput('1\n340\n');
    const { exchanges, ended } = await tracing.result();
    const calls = callsOf(ended.stdout);
    expect(calls).toHaveLength(341);
    expect(exchanges).toHaveLength(682);
    const streams = byStream(exchanges);
    for (const call of calls) {
      for (const side of ['client', 'server']) {
        const exchange = streams.get(`${side} ${call.stream}`) as ExchangeJson;
        expectTrue(exchange, call);
        expect(exchange).toMatchObject({
          method: call.method,
          status: call.status,
          completeness: ['complete'],
        });
        expect(field(exchange.request, 'x-trace-id')).toEqual([call.id]);
        expect(exchange.response?.trailers).toEqual([['x-trailer', call.answer]]);
        expect(sha(bodyOf(exchange.request))).toBe(call.requestSha);
        expect(sha(bodyOf(exchange.response))).toBe(call.responseSha);
      }
    }
  });

  it('a connection that was open before: nothing is wrong, and more becomes known over time', async () => {
    const peer = new Child(PEER[0], [PEER[1]]);
    const { pid } = JSON.parse(await peer.line()) as { pid: number };
    const said = async (count: number): Promise<Call[]> => {
      peer.write(`${count}\n`);
      return Promise.all(Array.from({ length: count }, async () => JSON.parse(await peer.line()) as Call));
    };
    await said(20);
    const tracing = await CallTracing.attach(context, [pid]);
    const calls = [...(await said(20)), ...(await said(20))];
    peer.endInput();
    await peer.ended;
    const { exchanges } = await tracing.result();
    const known = new Map(calls.map((call) => [call.stream, call]));
    let whole = 0;
    for (const exchange of byStream(exchanges).values()) {
      const call = known.get(exchange.http2?.stream ?? 0);
      if (call === undefined) continue;
      expectTrue(exchange, call);
      if (exchange.method !== null && exchange.status !== null && exchange.url !== null) whole++;
    }
    expect(whole).toBeGreaterThan(40);
  });

  it.skipIf(!installed('h2load') || !installed('nghttpd'))(
    `h2load: ${LOAD_CALLS} calls on 20 connections, 50 at once on each`,
    async () => {
      const root = join(folder, 'root');
      mkdirSync(root);
      writeFileSync(join(root, 'a.txt'), 'x'.repeat(1_000));
      const port = await freePort();
      new Child('nghttpd', ['--no-tls', '-d', root, String(port)]);
      const url = `http://127.0.0.1:${port}/a.txt`;
      while (spawnSync('curl', ['--silent', '--http2-prior-knowledge', url]).status !== 0);
      const tracing = CallTracing.run(
        context,
        ['h2load', '-c20', '-m50', `-n${LOAD_CALLS}`, url],
        ['--ring-size', '64MiB'],
      );
      const { exchanges, summary, ended } = await tracing.result();
      expect(ended.stdout).toContain(`${LOAD_CALLS} succeeded`);
      expect(summary).toMatchObject({ exchanges: LOAD_CALLS, connections: 20, dropped: 0 });
      const all = new Set(exchanges.map(({ connection, http2 }) => `${connection.id} ${http2?.stream}`));
      expect(all.size).toBe(LOAD_CALLS);
      const kinds = new Set(
        exchanges.map(({ method, url, status, completeness, response }) =>
          [method, url, status, completeness, response?.bodySize].join(' '),
        ),
      );
      expect([...kinds]).toEqual([`GET ${url} 200 complete 1000`]);
    },
  );
});
