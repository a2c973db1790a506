/** Made-up calls, the same for the same seed. */
import type { Cause, Completeness } from '../../../extension/engine/exchange.ts';
import type {
  ExchangeJson,
  MessageJson,
  StreamMessageJson,
  TlsJson,
} from '../../../extension/engine/exchangeJson.ts';
import { type ExchangeRow, isCall, isError } from '../../../extension/engine/row.ts';
import { examplePhases } from '../../../extension/engine/testing/phases.ts';
import type { TraceStatus } from '../../../extension/engine/traceStatus.ts';
import { MASK } from '../../../extension/privacy/secrets.ts';

/** mulberry32: 32 bits of state are plenty for rows. */
export function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const CALLS = [
  { method: 'GET', host: 'api.shop.local', path: '/v1/session', type: 'json', status: 200 },
  { method: 'GET', host: 'api.shop.local', path: '/v1/cart', type: 'json', status: 200 },
  { method: 'GET', host: 'cdn.shop.local', path: '/img/hero.avif', type: 'image', status: 304 },
  { method: 'POST', host: 'api.shop.local', path: '/v1/orders', type: 'json', status: 201 },
  { method: 'POST', host: 'inventory:9090', path: '/reserve', type: 'json', status: 200 },
  { method: 'GET', host: 'localhost:5432', path: '/health', type: 'text', status: 200 },
  {
    method: 'GET',
    host: 'api.shop.local',
    path: '/v1/recommendations?for=41207&limit=24&locale=en-GB',
    type: 'json',
    status: 200,
  },
  { method: 'POST', host: 'api.shop.local', path: '/v1/payments?retry=1', type: 'json', status: 502 },
  { method: 'DELETE', host: 'api.shop.local', path: '/v1/cart/items/7', type: null, status: 204 },
  { method: 'GET', host: 'api.shop.local', path: '/v1/rates', type: 'json', status: 429 },
  { method: 'GET', host: 'www.shop.local', path: '/assets/app.3f9c1.js', type: 'js', status: 200 },
  { method: 'GET', host: 'www.shop.local', path: '/', type: 'html', status: 200 },
] as const;

const INCOMPLETE: readonly Completeness[] = [
  'response-truncated',
  'response-gap',
  'joined-late',
  'unanswered',
  'aborted',
];

const CALL: ExchangeRow = {
  id: 1,
  revision: 1,
  method: 'GET',
  status: 200,
  statusText: 'OK',
  scheme: 'http',
  host: 'api.shop.local',
  path: '/',
  protocol: 'HTTP/1.1',
  type: 'json',
  requestSize: 0,
  responseSize: 188,
  start: 0,
  duration: 20,
  phases: examplePhases({ sendMs: 0.1, waitMs: 19, receiveMs: 0.9 }),
  pid: 41_207,
  processName: 'node',
  side: 'client',
  state: 'ended',
  completeness: ['complete'],
  ending: { how: 'answered', by: null, error: null, detail: null, signal: null, exitCode: null },
  tlsFailure: null,
  connectAttempts: 0,
  violations: 0,
  localPort: 40_000,
  stream: null,
  connection: 'c1',
  messageFormat: null,
  messages: 0,
  grpcStatus: null,
  encrypted: null,
  failure: null,
  proxy: null,
  file: null,
  operation: null,
  model: null,
  peer: null,
  cause: null,
  pinned: false,
  debug: null,
};

export function call(change: Partial<ExchangeRow>): ExchangeRow {
  return { ...CALL, ...change };
}

export const TLS: TlsJson = {
  library: 'openssl',
  libraryVersion: '3.0.19',
  version: 'TLSv1.3',
  cipher: 'TLS_AES_256_GCM_SHA384',
  serverName: 'api.shop.example',
  alpn: 'http/1.1',
  alpnOffered: ['h2', 'http/1.1'],
  resumed: false,
  handshakeMs: 6.2,
  alert: null,
  failure: null,
  closeNotify: null,
  binding: 'call',
  socket: '4',
};

/** A TLS connection without plaintext. */
export function encrypted(change: Partial<ExchangeRow> = {}): ExchangeRow {
  return call({
    method: null,
    status: null,
    statusText: null,
    scheme: null,
    host: 'metrics.example:8443',
    path: null,
    protocol: 'TLSv1.3',
    type: null,
    requestSize: 2_412,
    responseSize: 38_120,
    duration: 140,
    phases: examplePhases({ connectMs: 0.4, tlsMs: 5.1 }),
    completeness: ['encrypted'],
    encrypted: 'rustls is not supported',
    connection: '9',
    ...change,
  });
}

export const LOOKUP: NonNullable<ExchangeJson['lookup']> = {
  name: 'shop.example',
  alsoTried: ['shop.example.local'],
  types: ['A', 'AAAA'],
  server: '127.0.0.53:53',
  transport: 'udp',
  addresses: ['127.0.0.1'],
  alias: 'edge.example',
  queries: 4,
  error: null,
};

/** A name that was not found. */
export function failedLookup(change: Partial<ExchangeRow> = {}): ExchangeRow {
  return call({
    method: null,
    status: null,
    statusText: null,
    scheme: null,
    host: 'api.nowhere.example',
    path: null,
    protocol: 'DNS',
    type: null,
    requestSize: null,
    responseSize: null,
    duration: 12,
    phases: examplePhases({ lookupMs: 12 }),
    completeness: ['lookup-failed'],
    failure: {
      phase: 'lookup',
      reason: 'name lookup failed: the name does not exist (NXDOMAIN from 127.0.0.53:53)',
    },
    connection: '0',
    ...change,
  });
}

/** Calls over TLS, among connections that cannot be read and one that failed. */
export function tlsCalls(): ExchangeRow[] {
  const https = (change: Partial<ExchangeRow>): ExchangeRow =>
    call({ scheme: 'https', host: 'api.shop.example', connection: '7', ...change });
  return [
    https({
      id: 1,
      path: '/v1/session',
      duration: 21,
      start: 8,
      phases: examplePhases({ connectMs: 0.6, tlsMs: 6.2, sendMs: 0.1, waitMs: 19, receiveMs: 1.9 }),
    }),
    https({ id: 2, path: '/v1/cart', start: 40 }),
    encrypted({ id: 3, start: 30 }),
    https({ id: 4, method: 'POST', path: '/v1/orders', status: 201, start: 70, requestSize: 214 }),
    encrypted({
      id: 5,
      start: 90,
      duration: 4.2,
      host: 'payments.example',
      protocol: 'TLSv1.3',
      requestSize: 524,
      responseSize: 1_311,
      phases: examplePhases({ connectMs: 0.5 }),
      completeness: ['handshake-failed'],
      encrypted: 'TLS handshake failed: unknown_ca (alert 48) sent by the client',
    }),
    https({ id: 6, path: '/v1/rates', start: 110, completeness: ['socket-unknown'], connection: '11' }),
    encrypted({
      id: 7,
      start: 120,
      duration: null,
      state: 'running',
      host: '10.4.0.12:9093',
      protocol: 'TLS',
      completeness: ['joined-late', 'encrypted'],
      encrypted: "opened before the trace started, so it can't be decrypted",
      phases: examplePhases(),
    }),
  ];
}

/** Calls of a busy little shop, from number 1 on; the last few are still running. */
export function calls(count: number, { seed = 7, gapMs = 12, running = 3 } = {}): ExchangeRow[] {
  const next = random(seed);
  const rows: ExchangeRow[] = [];
  let start = 0;
  for (let id = 1; id <= count; id++) {
    start += -Math.log(1 - next()) * gapMs * (Math.floor(id / 40) % 3 === 0 ? 0.4 : 1.6);
    const drawn = CALLS[Math.floor(next() * CALLS.length)] ?? CALLS[0];
    // Failures are rare, or they would not stand out.
    const kind = drawn.status >= 400 && next() < 0.8 ? CALLS[1] : drawn;
    const first = next() < 0.3;
    const connectMs = first ? 0.2 + next() * 2 : null;
    const waitMs = 1 + -Math.log(1 - next()) * (kind.status >= 500 ? 180 : 22);
    const receiveMs = next() < 0.2 ? next() * 30 : 0.1 + next();
    const sendMs = 0.05 + next() * 0.3;
    const runs = id > count - running && id % 2 === 0;
    const odd = !runs && next() < 0.05;
    const reason = INCOMPLETE[Math.floor(next() * INCOMPLETE.length)] ?? 'aborted';
    const unanswered = odd && (reason === 'unanswered' || reason === 'aborted');
    const server = kind.host === 'inventory:9090';
    rows.push(
      call({
        id,
        method: kind.method,
        status: runs || unanswered ? null : kind.status,
        statusText: runs || unanswered ? null : '',
        host: kind.host,
        path: kind.path,
        type: runs || unanswered ? null : kind.type,
        requestSize: kind.method === 'POST' ? 20 + Math.floor(next() * 400) : 0,
        responseSize: runs || unanswered ? null : kind.type === null ? 0 : Math.floor(next() ** 4 * 200_000),
        start,
        duration: runs ? null : unanswered ? sendMs + waitMs : sendMs + waitMs + receiveMs,
        phases: examplePhases({
          connectMs,
          sendMs,
          waitMs: runs || unanswered ? null : waitMs,
          receiveMs: runs || unanswered ? null : receiveMs,
        }),
        pid: server ? 41_240 : 41_207,
        processName: server ? 'python3' : 'node',
        side: server ? 'server' : 'client',
        state: runs ? 'running' : 'ended',
        completeness: runs ? [] : odd ? [reason] : ['complete'],
        violations: next() < 0.004 ? 1 : 0,
        connection: `c${Math.ceil(id / 3)}`,
      }),
    );
  }
  return rows;
}

function pairsAmong(rows: readonly ExchangeRow[]): [ExchangeRow, ExchangeRow][] {
  const byId = new Map(rows.map((row) => [row.id, row]));
  return rows.flatMap((row) => {
    const server = row.side === 'client' && row.peer !== null ? byId.get(row.peer) : undefined;
    return server === undefined ? [] : [[row, server] as [ExchangeRow, ExchangeRow]];
  });
}

/** Calls of one program to another, each seen at both ends: numbers 1 and 2 are one call, 3 and 4, and so on. */
export function bothEnds(count: number, change: Partial<ExchangeRow> = {}): ExchangeRow[] {
  return Array.from({ length: count }, (_, index) => {
    const [client, server] = [2 * index + 1, 2 * index + 2];
    const common = {
      path: `/orders/${index}`,
      connection: `c${index}`,
      requestSize: 0,
      responseSize: 1_200,
      status: index % 5 === 4 ? 503 : 200,
    };
    const phases = examplePhases({ sendMs: 1, waitMs: 40, receiveMs: 4 });
    const start = 60 * index;
    return [
      call({
        ...common,
        id: client,
        peer: server,
        side: 'client',
        pid: 11,
        processName: 'shop.js',
        start,
        duration: 45,
        phases,
        ...change,
      }),
      call({
        ...common,
        id: server,
        peer: client,
        side: 'server',
        pid: 12,
        processName: 'api.js',
        start: start + 3,
        duration: 36,
        phases: examplePhases({ sendMs: 0.5, waitMs: 32, receiveMs: 2 }),
        ...change,
      }),
    ];
  }).flat();
}

/** A client calls a gateway, which calls orders, which calls stock; and the gateway calls audit: each seen at both ends. */
export function gatewayCalls(times = 1): ExchangeRow[] {
  const rows: ExchangeRow[] = [];
  const add = (
    from: number,
    to: number,
    path: string,
    at: number,
    length: number,
    cause: Cause | null,
  ): number => {
    const client = rows.length + 1;
    const names = ['shop.js', 'gateway.js', 'orders.py', 'stock', 'audit.js'];
    const hosts = ['', 'gateway.test', 'orders.test', 'stock.test', 'audit.test'];
    const common = { path, host: hosts[to] ?? null, connection: `c${client}`, responseSize: 1_200 };
    const side = (pid: number, start: number, duration: number, change: Partial<ExchangeRow>): ExchangeRow =>
      call({
        ...common,
        pid: 20 + pid,
        processName: names[pid] ?? null,
        start,
        duration,
        phases: examplePhases({ sendMs: 0.5, waitMs: duration - 2, receiveMs: 1.5 }),
        ...change,
      });
    rows.push(
      side(from, at, length, { id: client, peer: client + 1, cause, side: 'client' }),
      side(to, at + 1, length - 2, { id: client + 1, peer: client, side: 'server' }),
    );
    return client + 1;
  };
  for (let time = 0; time < times; time++) {
    const at = 150 * time;
    const gateway = add(0, 1, `/checkout/${time}`, at, 120, null);
    const orders = add(1, 2, `/orders/${time}`, at + 10, 70, { id: gateway, by: 'traceparent', doubt: null });
    add(2, 3, `/stock/${time}`, at + 25, 40, { id: orders, by: 'time', doubt: null });
    add(1, 4, `/audit/${time}`, at + 85, 20, { id: gateway, by: 'time', doubt: 'others' });
  }
  return rows;
}

export function statusOf(rows: readonly ExchangeRow[], change: Partial<TraceStatus> = {}): TraceStatus {
  const end = rows.reduce((latest, row) => Math.max(latest, row.start + (row.duration ?? 0)), 0);
  return {
    phase: 'running',
    list: 0,
    startedAt: Date.UTC(2026, 10, 22, 18),
    bootStart: 0,
    suspendedMs: 0,
    now: end,
    behindMs: 0,
    waitingRecords: 0,
    calls: rows.filter(isCall).length,
    errors: rows.filter(isError).length,
    pairs: pairsAmong(rows).length,
    failedPairs: pairsAmong(rows).filter(([client, server]) => isError(client) && isError(server)).length,
    runningCalls: rows.filter((row) => isCall(row) && row.state === 'running').length,
    evicted: 0,
    bytesSeen: rows.reduce((sum, row) => sum + (row.requestSize ?? 0) + (row.responseSize ?? 0), 0),
    bytesLost: 0,
    newest: { calls: rows.length, bytesSeen: rows.length, cleared: false },
    otherConnections: 0,
    files: [],
    targets: [{ pid: 41_207, name: 'node', ended: false, parent: null, tls: null }],
    pauses: [],
    backend: 'tracepoint',
    helperKept: false,
    problem: null,
    ...change,
  };
}

export function message(change: Partial<MessageJson> = {}): MessageJson {
  return {
    headers: [],
    trailers: [],
    headersSize: null,
    wireSize: null,
    bodySize: 0,
    bodyCaptured: 0,
    body: null,
    decodedSize: null,
    bodyNote: null,
    bodyFromFile: false,
    ...change,
  };
}

export const JSON_BODY = JSON.stringify({
  error: 'upstream_unavailable',
  retryable: true,
  attempts: [
    { id: 'a7f3', at: '2026-11-22T18:00:01.204Z', ms: 512.25, node: null },
    { id: 'b81c', at: '2026-11-22T18:00:01.731Z', ms: 498, node: 'eu-3' },
  ],
  total: 12_345_678_901_234,
  tags: [],
});

function sealedExchange(row: ExchangeRow, reason: string): Partial<ExchangeJson> {
  const failed = row.completeness.includes('handshake-failed');
  const meaning = 'The sender does not trust the authority that issued the certificate of the other side.';
  return {
    url: null,
    request: null,
    response: null,
    encrypted: { reason, sent: row.requestSize ?? 0, received: row.responseSize ?? 0 },
    tls: {
      ...TLS,
      library: null,
      libraryVersion: null,
      binding: null,
      serverName: row.host?.split(':')[0] ?? null,
      alpn: null,
      handshakeMs: row.phases.tlsMs,
      alert: failed ? { name: 'unknown_ca', code: 48, sentBy: 'client', meaning } : null,
      socket: row.connection,
    },
  };
}

/** One of the messages inside a call. */
export function streamMessage(
  change: Partial<StreamMessageJson> & { readonly text?: string | null; readonly base64?: string } = {},
): StreamMessageJson {
  const { text = '{"kind":"tick"}', base64, ...rest } = change;
  return {
    number: 1,
    direction: 'in',
    atMs: 1,
    kind: 'text',
    size: text?.length ?? null,
    compressedSize: null,
    fields: [],
    protobuf: null,
    note: null,
    violations: [],
    ...rest,
    ...(base64 === undefined ? { text } : { base64 }),
  };
}

function failureOf({ failure, connectAttempts }: ExchangeRow): ExchangeJson['failure'] {
  if (failure !== null) return { ...failure, attempts: null };
  if (connectAttempts === 0) return null;
  return { phase: 'connect', reason: 'connecting failed: no answer', attempts: connectAttempts };
}

/** The details that belong to a row. */
export function exchangeOf(row: ExchangeRow, change: Partial<ExchangeJson> = {}): ExchangeJson {
  const answered = row.status !== null;
  const sealed = row.encrypted === null ? {} : sealedExchange(row, row.encrypted);
  return {
    id: row.id,
    peer: row.peer,
    causedBy: row.cause,
    caused: [],
    trace: { id: null, first: row.id },
    process: row.pid === null ? null : { pid: row.pid, name: row.processName },
    side: row.side,
    protocol: row.protocol,
    method: row.method,
    url: row.host === null ? null : `${row.scheme ?? 'http'}://${row.host}${row.path ?? ''}`,
    status: row.status,
    statusText: row.statusText,
    error: isError(row),
    startedAt: new Date(Date.UTC(2026, 10, 22, 18) + row.start).toISOString().replace('Z', '456Z'),
    durationMs: row.duration,
    timings: { ...row.phases, pausedMs: null },
    debug: null,
    connection: {
      id: row.connection,
      transport: 'tcp',
      local: '127.0.0.1:40012',
      remote: '127.0.0.1:8080',
      joinedLate: row.completeness.includes('joined-late'),
      attempts: [],
      through: [],
    },
    ending: row.ending,
    tls: row.scheme === 'https' ? TLS : null,
    encrypted: null,
    failure: failureOf(row),
    lookup: null,
    http2: null,
    operation: null,
    ai: null,
    mcp: null,
    grpc: null,
    request: message({
      headers: [
        ['Host', row.host ?? ''],
        ['accept', 'application/json'],
        ['User-Agent', 'shop/4.2 (node 24)'],
        ['Authorization', MASK],
        ...(row.requestSize ? [['Content-Type', 'application/x-www-form-urlencoded'] as const] : []),
        ['Content-Length', String(row.requestSize ?? 0)],
      ],
      headersSize: 196,
      wireSize: row.requestSize === null ? null : 196 + row.requestSize,
      bodySize: row.requestSize,
      bodyCaptured: row.requestSize ?? 0,
      body: row.requestSize ? { text: `order=a7f3&amount=12.50&note=two+words%21&card=${MASK}` } : null,
    }),
    response: answered
      ? message({
          headers: [
            ['content-type', 'application/json; charset=utf-8'],
            ['Date', 'Sun, 22 Nov 2026 18:00:01 GMT'],
            ['Set-Cookie', MASK],
            ['X-Request-Id', '0d9f6c1e-3c0e-4a38-9f2f-6d1f3a1c77aa'],
            ['content-encoding', 'gzip'],
          ],
          headersSize: 231,
          wireSize: row.responseSize === null ? null : 231 + row.responseSize,
          bodySize: row.responseSize,
          bodyCaptured: row.responseSize ?? 0,
          decodedSize: JSON_BODY.length,
          body: { text: JSON_BODY },
        })
      : null,
    interim: [],
    messages: [],
    messageStream: null,
    completeness: row.completeness,
    violations: [],
    ...sealed,
    ...change,
  };
}
