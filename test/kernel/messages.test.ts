/**
 * Messages inside exchanges of real libraries, compared with the libraries' own reports: WebSockets with and without compression,
 * server-sent events, JSON lines.
 *
 * Of an HTTP message the kernel copies some 96 KiB unless it pauses, and the event streams here stay below that. After a
 * 101 every call has a budget of its own: the WebSockets send more at once.
 */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { ExchangeJson, StreamMessageJson } from '../../extension/engine/exchangeJson.ts';
import { PYTHON, sha } from '../kit/peers.ts';
import { Child } from '../kit/process.ts';
import { variants } from '../kit/tier.mjs';
import type { Trace } from '../kit/tracing.ts';
import { CallTracing, describeTraced, PEERS, temporaryFolder, tracingIn } from './support/environment.ts';

/** A peer's report of one message. */
interface SaidMessage {
  readonly path: string;
  readonly direction: 'out' | 'in';
  readonly kind: string;
  readonly size: number;
  readonly sha: string;
}

const NODE = [process.execPath, join(PEERS, 'streams.mjs')] as const;
const PY = [PYTHON, join(PEERS, 'streams.py')] as const;

/** permessage-deflate as the package ws takes it; a threshold of 0 compresses short messages, too. */
const DEFLATES: Readonly<Record<string, unknown>> = {
  'no compression': false,
  'context takeover': { threshold: 0 },
  'no context takeover': { threshold: 0, serverNoContextTakeover: true, clientNoContextTakeover: true },
  'takeover one way, small windows': {
    threshold: 0,
    serverNoContextTakeover: true,
    serverMaxWindowBits: 9,
    clientMaxWindowBits: 10,
  },
};

function parse(text: string): SaidMessage[] {
  const lines = text.split('\n').filter((line) => line !== '');
  return lines.map((line) => JSON.parse(line)).filter((value) => 'sha' in value);
}

async function serve(command: readonly string[]): Promise<{ child: Child; port: number; pid: number }> {
  const child = Child.of(command);
  return { child, ...JSON.parse(await child.line()) };
}

function exchangeAt(traced: Trace, path: string): ExchangeJson {
  const found = traced.exchanges.filter(({ url }) => url?.endsWith(path));
  expect(found.map(({ url }) => url)).toHaveLength(1);
  return found[0] as ExchangeJson;
}

function contentOf(message: StreamMessageJson): Buffer {
  return 'text' in message ? Buffer.from(message.text ?? '') : Buffer.from(message.base64, 'base64');
}

/** Each direction of the exchange has the messages that the peer reports, in their order, complete and valid. */
function expectSaid(exchange: ExchangeJson, said: readonly SaidMessage[]): void {
  expect(said.length).toBeGreaterThan(10);
  for (const direction of ['out', 'in'] as const) {
    // The peer does not report what its library sends without being asked to.
    const unsaid = new Set(['close', 'comment', ...(direction === 'out' ? ['pong'] : [])]);
    const seen = exchange.messages.filter((one) => one.direction === direction && !unsaid.has(one.kind));
    const expected = said.filter((one) => one.direction === direction);
    expect(
      seen.map((one) => ({ kind: one.kind, size: one.size, sha: sha(contentOf(one)) })),
      direction,
    ).toEqual(expected.map(({ kind, size, sha: hash }) => ({ kind, size, sha: hash })));
  }
  for (const { note, violations } of exchange.messages)
    expect({ note, violations }).toEqual({ note: null, violations: [] });
  const times = exchange.messages.map(({ atMs }) => atMs);
  expect([...times].sort((a, b) => a - b)).toEqual(times);
  expect(exchange.violations).toEqual([]);
  expect(exchange.completeness).toEqual(['complete']);
  expect(exchange.messageStream).toMatchObject({
    out: exchange.messages.filter((one) => one.direction === 'out').length,
    in: exchange.messages.filter((one) => one.direction === 'in').length,
    omitted: null,
    note: null,
  });
}

describeTraced('WebSockets and streams of Node', () => {
  const folder = temporaryFolder();
  const context = tracingIn(folder);
  const deflates = Object.entries(DEFLATES);

  for (const [name, options] of variants(deflates, 3)) {
    const deflate = JSON.stringify(options);

    it(`the client's side, ${name}`, async () => {
      const server = await serve([...NODE, 'server', '127.0.0.1', deflate]);
      const base = `http://127.0.0.1:${server.port}`;
      const traced = await CallTracing.run(context, [...NODE, 'client', base, deflate]).result();
      expect(traced.ended).toMatchObject({ code: 0, stderr: '' });
      const socket = exchangeAt(traced, '/ws');
      expect(socket).toMatchObject({ side: 'client', status: 101, messageStream: { format: 'websocket' } });
      expectSaid(socket, parse(traced.ended.stdout));
      expect(socket.messages.at(-2)).toMatchObject({
        direction: 'out',
        kind: 'close',
        fields: [['code', '4001']],
        text: 'enough',
      });
      const compressed = socket.messages.filter(({ compressedSize }) => compressedSize !== null);
      expect(compressed.length > 100).toBe(options !== false);
      server.child.endInput();
      const served = parse((await server.child.ended).stdout);
      for (const path of ['/events', '/gzip-events', '/lines']) {
        const sent = served.filter((one) => one.path === path);
        expectSaid(
          exchangeAt(traced, path),
          sent.map((one) => ({ ...one, direction: 'in' })),
        );
      }
      expect(exchangeAt(traced, '/events').messages[1]?.fields).toEqual([
        ['event', 'price'],
        ['id', '7'],
      ]);
    });
  }

  for (const [name, options] of variants(deflates)) {
    const deflate = JSON.stringify(options);

    it(`the server's side, ${name}`, async () => {
      const server = await serve([...NODE, 'server', '127.0.0.1', deflate]);
      const tracing = await CallTracing.attach(context, [server.pid]);
      const [program = '', ...args] = [...NODE, 'client', `http://127.0.0.1:${server.port}`, deflate];
      expect(await new Child(program, args).ended).toMatchObject({ code: 0, stderr: '' });
      const traced = await tracing.stop();
      server.child.endInput();
      const said = parse((await server.child.ended).stdout);
      for (const path of ['/ws', '/events', '/gzip-events', '/lines']) {
        expectSaid(
          exchangeAt(traced, path),
          said.filter((one) => one.path === path),
        );
      }
    });
  }
});

describeTraced('WebSockets and streams of Python', () => {
  const folder = temporaryFolder();
  const context = tracingIn(folder);
  for (const [number, library] of ['aiohttp', 'websockets'].entries()) {
    for (const deflate of variants([[], ['deflate']], number)) {
      const name = `${library}, ${deflate.length === 0 ? 'no compression' : 'compression'}`;

      async function clientSide(): Promise<void> {
        const server = await serve([
          ...NODE,
          'server',
          '127.0.0.1',
          deflate.length === 0 ? 'false' : '{"threshold":0}',
        ]);
        const base = `http://127.0.0.1:${server.port}`;
        const traced = await CallTracing.run(context, [...PY, 'client', library, base, ...deflate]).result();
        expect(traced.ended.code, traced.ended.stderr).toBe(0);
        const socket = exchangeAt(traced, '/ws');
        expectSaid(socket, parse(traced.ended.stdout));
        expect(socket.messages.some(({ compressedSize }) => compressedSize !== null)).toBe(
          deflate.length > 0,
        );
      }

      async function serverSide(): Promise<void> {
        const server = await serve([...PY, 'server', library, '127.0.0.1', ...deflate]);
        const base = `http://127.0.0.1:${server.port}`;
        const tracing = await CallTracing.attach(context, [server.pid]);
        const [program = '', ...args] = [...PY, 'client', 'aiohttp', base, ...deflate];
        expect((await new Child(program, args).ended).code).toBe(0);
        if (library === 'aiohttp') await (await fetch(`${base}/events`)).text();
        const traced = await tracing.stop();
        server.child.endInput();
        const said = parse((await server.child.ended).stdout);
        expectSaid(
          exchangeAt(traced, '/ws'),
          said.filter(({ path }) => path === '/ws'),
        );
        if (library === 'aiohttp') {
          expectSaid(
            exchangeAt(traced, '/events'),
            said.filter(({ path }) => path === '/events'),
          );
        }
      }

      const sides = [
        ['client', clientSide],
        ['server', serverSide],
      ] as const;
      it.each(variants(sides, number + 1))(`the %s's side, ${name}`, (_, body) => body());
    }
  }
});
