/** HTTP/2 over TLS, and Node's cleartext HTTP/2: every stream has its own response, and no other. */
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import type { ExchangeJson } from '../../extension/engine/exchangeJson.ts';
import { sha } from '../kit/peers.ts';
import { Child } from '../kit/process.ts';
import { variants, WHOLE } from '../kit/tier.mjs';
import { bodyOf, field } from '../kit/truth.ts';
import { makeCertificate } from './support/certificate.mjs';
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
const key = join(folder, 'key.pem');
const certificate = join(folder, 'certificate.pem');
const WAYS = [
  { scheme: 'http', files: [] },
  { scheme: 'https', files: [key, certificate] },
] as const;
const STATUSES = [200, 201, 404, 503];

interface Said {
  readonly path: string;
  readonly mark: string;
  readonly sent: string;
  readonly status: number | null;
  readonly answer: string;
  readonly trailer: string | null;
  readonly hints: string | null;
  readonly reset: number | null;
}

async function serve(files: readonly string[]): Promise<{ child: Child; port: number }> {
  const child = new Child(process.execPath, [join(PEERS, 'http2Server.mjs'), ...files]);
  return { child, port: Number(await child.line()) };
}

function saidBy(text: string): Said[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Said);
}

function pathOf(exchange: ExchangeJson): string {
  return new URL(exchange.url ?? '').pathname;
}

function expectSame(exchange: ExchangeJson, said: Said): void {
  expect(exchange).toMatchObject({ protocol: 'HTTP/2', method: 'POST', status: said.status });
  expect(field(exchange.request, 'x-mark')).toEqual([said.mark]);
  expect(sha(bodyOf(exchange.request))).toBe(said.sent);
  expect(exchange.violations).toEqual([]);
  if (said.reset !== null) {
    expect(exchange.completeness).toContain('aborted');
    return;
  }
  expect(exchange.response?.trailers).toEqual([['x-sum', said.trailer]]);
  expect(field(exchange.response, 'x-path')).toEqual([said.path]);
  const links = exchange.interim.flatMap(({ headers }) => headers.filter(([name]) => name === 'link'));
  expect(links).toEqual(said.hints === null ? [] : [['link', said.hints]]);
  if (said.path.startsWith('/large')) {
    expect(exchange.completeness).toEqual(['response-truncated']);
    expect(exchange.response?.bodySize).toBeGreaterThan(300_000);
  } else {
    expect(exchange.completeness).toEqual(['complete']);
    expect(sha(bodyOf(exchange.response))).toBe(said.answer);
  }
}

function expectEach(exchanges: readonly ExchangeJson[], said: readonly Said[]): void {
  expect(exchanges).toHaveLength(said.length);
  const byPath = new Map(exchanges.map((exchange) => [pathOf(exchange), exchange]));
  for (const one of said) {
    const exchange = byPath.get(one.path);
    expect(exchange, one.path).toBeDefined();
    if (exchange !== undefined) expectSame(exchange, one);
  }
}

describeTraced('HTTP/2', () => {
  beforeAll(() => {
    makeCertificate(key, certificate);
  });

  it.each(variants(WAYS, 1))(
    '$scheme: 120 streams at once of one connection, the client’s side',
    async ({ scheme, files }) => {
      const server = await serve(files);
      const command = [
        process.execPath,
        join(PEERS, 'http2Client.mjs'),
        `${scheme}://localhost:${server.port}`,
        '120',
      ];
      const traced = await CallTracing.run(context, command).result();
      expect(traced.ended).toMatchObject({ code: 0, stderr: '' });
      const said = saidBy(traced.ended.stdout);
      expect(said).toHaveLength(120);
      expectEach(traced.exchanges, said);
      for (const exchange of traced.exchanges) {
        expect(exchange.side).toBe('client');
        expect(exchange.url).toMatch(new RegExp(`^${scheme}://localhost:${server.port}/`));
        expect(exchange.connection.remote).toBe(`127.0.0.1:${server.port}`);
        if (scheme === 'https')
          expect(exchange.tls).toMatchObject({ library: 'openssl', alpn: 'h2', serverName: 'localhost' });
      }
    },
  );

  it.each(variants(WAYS))('$scheme: the server’s side, of three connections', async ({ scheme, files }) => {
    const server = await serve(files);
    const tracing = await CallTracing.attach(context, [server.child.pid]);
    const origin = `${scheme}://localhost:${server.port}`;
    const clients = [30, 31, 32].map(
      (count) => new Child(process.execPath, [join(PEERS, 'http2Client.mjs'), origin, String(count)]),
    );
    const said = (await Promise.all(clients.map((client) => client.ended))).flatMap(({ stdout }) =>
      saidBy(stdout),
    );
    expect(said).toHaveLength(93);
    const traced = await tracing.stop();
    expectEach(traced.exchanges, said);
    expect(new Set(traced.exchanges.map(({ connection }) => connection.remote)).size).toBe(3);
  });

  // In the short run http2.test.ts and http2Peers.test.ts load a server.
  it.each(WHOLE ? WAYS : [])(
    `$scheme: h2load, ${LOAD_CALLS} requests on 20 connections`,
    async ({ scheme, files }) => {
      const server = await serve(files);
      const tracing = await CallTracing.attach(context, [server.child.pid], ['--ring-size', '64MiB']);
      const paths = Array.from(
        { length: 200 },
        (_, number) => `/load/${randomBytes(6).toString('hex')}/${number}`,
      );
      const list = join(folder, `paths-${scheme}`);
      writeFileSync(list, paths.map((path) => `${scheme}://127.0.0.1:${server.port}${path}\n`).join(''));
      const load = new Child('h2load', ['-c', '20', '-m', '50', '-n', String(LOAD_CALLS), '-i', list]);
      expect((await load.ended).stdout).toContain(`${LOAD_CALLS} done`);
      const traced = await tracing.stop();
      expect(traced.summary).toMatchObject({ dropped: 0, exchanges: LOAD_CALLS });
      const known = new Set(paths);
      for (const exchange of traced.exchanges) {
        const path = pathOf(exchange);
        expect(known.has(path)).toBe(true);
        const right =
          exchange.status === STATUSES[Number(path.slice(path.lastIndexOf('/') + 1)) % STATUSES.length] &&
          bodyOf(exchange.response).toString().startsWith(`${path} `) &&
          exchange.completeness.join() === 'complete';
        if (!right) expect(exchange).toBe('with the answer to its own request');
      }
    },
    180_000,
  );

  it.each(WAYS.slice(1))(
    '$scheme: attached in mid-connection, nothing is wrong',
    async ({ scheme, files }) => {
      const server = await serve(files);
      const client = new Child(process.execPath, [
        join(PEERS, 'http2Client.mjs'),
        `${scheme}://localhost:${server.port}`,
        '-',
      ]);
      const said = new Map<string, Said>();
      const ask = async (number: number): Promise<void> => {
        client.write(`/late/${randomBytes(6).toString('hex')}/${number}\n`);
        const one = JSON.parse(await client.line()) as Said;
        said.set(one.path, one);
      };
      for (let number = 0; number < 5; number++) await ask(number);
      const tracing = await CallTracing.attach(context, [client.pid]);
      const before = new Set(said.keys());
      for (let number = 5; number < 25; number++) await ask(number);
      client.endInput('');
      await client.ended;
      const traced = await tracing.result();
      expect(traced.exchanges).toHaveLength(20);
      for (const exchange of traced.exchanges) {
        expect(exchange).toMatchObject({ protocol: 'HTTP/2', connection: { joinedLate: true } });
        // The response's body names its request.
        const path = bodyOf(exchange.response).toString().split(' ')[0] ?? '';
        const one = said.get(path);
        expect(before.has(path)).toBe(false);
        expect(sha(bodyOf(exchange.request))).toBe(one?.sent);
        expect([one?.status, null]).toContain(exchange.status);
        for (const mark of field(exchange.request, 'x-mark')) expect([one?.mark, null]).toContain(mark);
        if (exchange.url !== null && URL.canParse(exchange.url))
          expect([path, '/']).toContain(pathOf(exchange));
      }
    },
  );
});
