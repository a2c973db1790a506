/** The bursts: more than any reader follows at once, each with the rows that must be there. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { WHOLE } from '../kit/tier.mjs';
import type { ConditionName } from './conditions.ts';
import { GRPC_MESSAGE, GRPC_MESSAGES, RESPONSE, SOCKETS, UPLOAD } from './peers/sizes.mjs';
import { Client, Flood, nghttpd, nginx, paths } from './programs.ts';
import type { ExpectedCall } from './rows.ts';

export interface Prepared {
  /** To trace. */
  readonly pids: readonly number[];
  readonly expected: readonly ExpectedCall[];
  /** Makes the calls; resolves when all are made. */
  readonly go: () => Promise<unknown>;
}

export interface Burst {
  readonly name: string;
  /** Under what rows are still lost or wrong. Such a test runs with HTTP_TRACE_BURSTS=open only. */
  readonly open: readonly ConditionName[];
  /** @param folder for its files */
  readonly prepare: (folder: string) => Promise<Prepared>;
}

const SIDES = ['client', 'server'] as const;

const CALLS_2 = 3_000;
const SIZE_2 = 14 * 1024;
const CONNECTIONS_2 = 20;

const CALLS_1 = WHOLE ? 50_000 : 8_000;
const SIZE_1 = 1024;
const CONNECTIONS_1 = 50;
/** Calls a second on each connection. */
const RATE_1 = 500;

const UPLOADS = WHOLE ? 200 : 80;

/** @param options of h2load */
async function http1(folder: string, options: readonly string[]): Promise<Prepared> {
  const server = await nginx(folder, SIZE_1);
  const { file, paths: made } = paths(folder, server.port, CALLS_1 / CONNECTIONS_1);
  const load = ['--h1', '-n', CALLS_1, '-c', CONNECTIONS_1, '-i', file].map(String);
  const client = new Client(['h2load', ...load, ...options]);
  const expected = made.map((path) => get('server', server.port, path, SIZE_1, CONNECTIONS_1));
  return { pids: server.pids, expected, go: () => client.load() };
}

export const BURSTS: readonly Burst[] = [
  {
    name: '3,000 HTTP/2 calls of 14 KB, both sides',
    open: ['a ring of 256 KiB'],
    async prepare(folder) {
      const server = await nghttpd(folder, SIZE_2);
      // Each client goes through the file from its beginning.
      const { file, paths: made } = paths(folder, server.port, CALLS_2 / CONNECTIONS_2);
      const load = ['-n', CALLS_2, '-c', CONNECTIONS_2, '-m', 100, '-i', file].map(String);
      const client = new Client(['h2load', ...load]);
      const expected = made.flatMap((path) =>
        SIDES.map((side) => get(side, server.port, path, SIZE_2, CONNECTIONS_2)),
      );
      return { pids: [client.pid, ...server.pids], expected, go: () => client.load() };
    },
  },
  {
    name: `${CALLS_1.toLocaleString('en')} HTTP/1 calls of 1 KB, as fast as possible`,
    // While the helper is stopped, the ring must hold as many calls as the machine makes: see the last burst.
    open: ['a ring of 256 KiB', 'the helper stopped half of the time'],
    prepare: (folder) => http1(folder, []),
  },
  {
    name: `${UPLOADS} connections with 1 MB each way, both sides`,
    open: ['a ring of 256 KiB'],
    async prepare(folder) {
      const server = await Flood.start('uploads');
      const body = join(folder, 'upload');
      writeFileSync(body, 'u'.repeat(UPLOAD));
      const load = ['--h1', '-n', UPLOADS, '-c', UPLOADS, '-d', body].map(String);
      const client = new Client(['h2load', ...load, `http://127.0.0.1:${server.port}/upload`]);
      const expected = SIDES.map((side) => ({
        ...get(side, server.port, '/upload', UPLOAD, UPLOADS),
        method: 'POST',
        requestSize: UPLOAD,
      }));
      return { pids: [client.pid, server.pid], expected, go: () => client.load() };
    },
  },
  {
    name: `gRPC streams of ${GRPC_MESSAGES.toLocaleString('en')} messages, both sides`,
    open: ['a ring of 256 KiB'],
    async prepare() {
      const peer = await Flood.start('grpc');
      const one = GRPC_MESSAGE + 5;
      const all = GRPC_MESSAGES * one;
      const expected = SIDES.flatMap((side) => [
        { ...grpc(side, peer.port, 'Up'), requestSize: all, responseSize: one },
        { ...grpc(side, peer.port, 'Down'), requestSize: one, responseSize: all },
        { ...grpc(side, peer.port, 'Both'), requestSize: all, responseSize: all },
      ]);
      return { pids: [peer.pid], expected, go: () => peer.go() };
    },
  },
  {
    name: 'a WebSocket flood, both sides',
    open: [],
    async prepare() {
      const peer = await Flood.start('websocket');
      const expected = SIDES.flatMap((side) =>
        Array.from({ length: SOCKETS }, (_, n) => ({
          ...get(side, peer.port, `/flood/${n}`, 0, 1),
          status: 101,
        })),
      );
      return { pids: [peer.pid], expected, go: () => peer.go() };
    },
  },
  {
    name: `${RESPONSE >> 20} MiB in one response, both sides`,
    open: [],
    async prepare() {
      const server = await Flood.start('response');
      const url = `http://127.0.0.1:${server.port}/large`;
      const client = new Client(['curl', '--silent', '--show-error', '--output', '/dev/null', url]);
      const expected = SIDES.map((side) => get(side, server.port, '/large', RESPONSE, 1));
      return { pids: [client.pid, server.pid], expected, go: () => client.go() };
    },
  },
  {
    name: `${CALLS_1.toLocaleString('en')} HTTP/1 calls of 1 KB, ${(RATE_1 * CONNECTIONS_1).toLocaleString('en')} a second`,
    open: ['a ring of 256 KiB'],
    prepare: (folder) => http1(folder, [`--rps=${RATE_1}`]),
  },
];

function get(
  side: 'client' | 'server',
  port: number,
  path: string,
  responseSize: number,
  count: number,
): ExpectedCall {
  return {
    ...{ side, method: 'GET', host: `127.0.0.1:${port}`, path, status: 200 },
    ...{ requestSize: 0, responseSize, grpcStatus: null, count },
  };
}

function grpc(side: 'client' | 'server', port: number, method: string): ExpectedCall {
  return { ...get(side, port, `/flood.Flood/${method}`, 0, 1), method: 'POST', grpcStatus: 0 };
}
