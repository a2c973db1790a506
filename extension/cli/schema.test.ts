import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import type { ExchangeJson, MessageJson, StreamMessageJson, SummaryJson } from '../engine/exchangeJson.ts';
import { examplePhases } from '../engine/testing/phases.ts';
import schema from './exchange.schema.json';

const validate = new Ajv2020({ allErrors: true, strict: true, allowUnionTypes: true }).compile(schema);

const message: MessageJson = {
  headers: [['Host', 'api.example']],
  trailers: [],
  headersSize: null,
  wireSize: null,
  bodySize: 11,
  bodyCaptured: 11,
  body: { text: '{"id":"a7"}' },
  decodedSize: null,
  bodyNote: null,
  bodyFromFile: false,
};
const streamMessage: StreamMessageJson = {
  number: 1,
  direction: 'out',
  atMs: 1.2,
  kind: 'text',
  size: 5,
  compressedSize: 7,
  fields: [['event', 'update']],
  protobuf: { type: 'a.B', source: 'proto', text: '{}', note: null },
  text: 'hello',
  note: null,
  violations: [{ rule: 'RFC 6455 section 5.2', message: 'A reserved bit.' }],
};
const full: ExchangeJson = {
  id: 7,
  peer: 8,
  causedBy: { id: 5, by: 'traceparent', doubt: 'others' },
  caused: [9, 10],
  trace: { id: '4bf92f3577b34da6a3ce929d0e0e4736', first: 3 },
  process: { pid: 4242, name: 'node' },
  side: 'client',
  protocol: 'HTTP/1.1',
  method: 'POST',
  url: 'https://api.example:8443/orders?x=1',
  status: 201,
  statusText: 'Created',
  error: false,
  startedAt: '2026-11-22T18:00:00.123456Z',
  durationMs: 12.345,
  timings: {
    ...examplePhases({ connectMs: 0.2, tlsMs: 3.1, sendMs: 0.1, waitMs: 8.8, receiveMs: 0.1 }),
    pausedMs: 0,
  },
  debug: {
    session: 'Shop',
    script: 'shop.js',
    waitPausedMs: 0,
    pausedPeer: { session: 'Stock', ms: 2.5 },
    source: {
      path: '/shop/pay.ts',
      line: 12,
      column: 3,
      function: 'pay',
      stack: [{ path: '/shop/pay.ts', line: 12, column: 3, function: null }],
    },
  },
  connection: {
    id: '1',
    transport: 'tcp',
    local: '127.0.0.1:40000',
    remote: '[::1]:8443',
    joinedLate: false,
    attempts: [],
    through: [],
  },
  tls: {
    library: 'openssl',
    libraryVersion: '3.0.19',
    version: 'TLSv1.3',
    cipher: 'TLS_AES_256_GCM_SHA384',
    serverName: 'api.example',
    alpn: 'http/1.1',
    alpnOffered: ['h2', 'http/1.1'],
    resumed: false,
    handshakeMs: 3.1,
    alert: null,
    failure: null,
    closeNotify: true,
    binding: 'call',
    socket: '1',
  },
  encrypted: null,
  failure: null,
  lookup: {
    name: 'web.example',
    alsoTried: ['web.example.local'],
    types: ['A', 'AAAA'],
    server: '127.0.0.53:53',
    transport: 'udp',
    addresses: ['127.0.0.1'],
    alias: null,
    queries: 4,
    error: null,
  },
  grpc: {
    service: 'a.B',
    method: 'C',
    status: 5,
    statusName: 'NOT_FOUND',
    message: null,
    timeoutMs: 1_000,
  },
  http2: {
    stream: 5,
    pushed: false,
    reset: { code: 8, name: 'CANCEL', by: 'client' },
    goAway: { code: 11, name: 'ENHANCE_YOUR_CALM', by: 'server', processed: false, text: 'too_many_pings' },
    blockedMs: 1.5,
  },
  operation: { protocol: 'graphql', count: 1, names: [{ type: 'query', name: 'GetUser' }] },
  ai: {
    api: 'openai-chat-completions',
    model: 'gpt-4o-mini-2024-07-18',
    requestedModel: 'gpt-4o-mini',
    streaming: true,
    prompt: [{ role: 'user', parts: [{ type: 'text', text: 'Hi', name: null, id: null }] }],
    tools: ['get_weather'],
    completion: [
      { role: 'assistant', parts: [{ type: 'tool-call', text: '{}', name: 'get_weather', id: 'c1' }] },
    ],
    finishReason: 'tool_calls',
    usage: { inputTokens: 12, outputTokens: 3, cachedTokens: 0, reasoningTokens: null },
    firstTokenMs: 1.5,
    error: null,
    note: null,
  },
  mcp: {
    protocolVersion: '2025-06-18',
    calls: [
      {
        id: '1',
        method: 'tools/call',
        name: 'add',
        arguments: '{"a":1}',
        result: '2',
        isError: false,
        error: { code: -32602, message: 'Cut.' },
      },
    ],
    received: [],
    note: null,
  },
  request: message,
  response: { ...message, body: { base64: '/+8=' }, decodedSize: 2, bodyNote: 'Cut.' },
  interim: [{ status: 103, statusText: 'Early Hints', headers: [['Link', '</a>']] }],
  messages: [
    streamMessage,
    {
      number: 9,
      direction: 'in',
      atMs: 0,
      kind: 'binary',
      size: null,
      compressedSize: null,
      protobuf: null,
      fields: [],
      base64: '/+8=',
      note: 'Cut.',
      violations: [],
    },
  ],
  messageStream: { format: 'websocket', out: 1, in: 8, note: 'Cut.', omitted: { after: 1, count: 7 } },
  ending: { how: 'answered', by: null, error: null, detail: null, signal: null, exitCode: null },
  completeness: ['complete'],
  violations: [{ rule: 'RFC 9112 section 6.3', message: 'Two lengths.', in: 'response' }],
};
const unknown: ExchangeJson = {
  ...full,
  process: null,
  side: null,
  method: null,
  url: null,
  status: null,
  statusText: null,
  durationMs: null,
  timings: { ...examplePhases(), pausedMs: null },
  debug: null,
  connection: {
    id: '1',
    transport: 'unix',
    local: null,
    remote: null,
    joinedLate: true,
    attempts: [],
    through: [],
  },
  tls: {
    library: null,
    libraryVersion: null,
    version: null,
    cipher: null,
    serverName: null,
    alpn: null,
    alpnOffered: null,
    resumed: null,
    handshakeMs: null,
    alert: { name: 'unknown_ca', code: 48, sentBy: 'client', meaning: 'It is not trusted.' },
    failure: 'unknown_ca (alert 48) sent by the client',
    closeNotify: null,
    binding: null,
    socket: null,
  },
  encrypted: { reason: 'rustls is not supported', sent: 100, received: 0 },
  http2: null,
  grpc: null,
  request: {
    ...message,
    headers: [
      [null, null],
      ['accept', null],
      [null, 'x'],
    ],
    bodySize: null,
    bodyCaptured: 0,
    body: null,
  },
  response: null,
  messages: [{ ...streamMessage, direction: null, size: null, text: null }],
  messageStream: null,
  ending: { how: 'trace-ended', by: null, error: null, detail: null, signal: null, exitCode: null },
  completeness: ['joined-late', 'unanswered'],
};
const summary: SummaryJson = {
  summary: {
    produced: 5,
    delivered: 5,
    dropped: 0,
    exchanges: 1,
    encrypted: 0,
    connections: 1,
    bytes: { seen: 1, copied: 1, omitted: 0, fromFiles: 0, shed: 0, dropped: 0, unseen: 0, other: 0 },
    backend: 'tracepoint',
    behindMs: 0,
    note: null,
  },
};

/** Every path to an object inside a value. */
function* objects(value: unknown, path: readonly (string | number)[] = []): Generator<(string | number)[]> {
  if (typeof value !== 'object' || value === null) return;
  if (!Array.isArray(value)) yield [...path];
  for (const [key, inner] of Object.entries(value)) {
    yield* objects(inner, [...path, Array.isArray(value) ? Number(key) : key]);
  }
}

function changed(
  value: unknown,
  path: readonly (string | number)[],
  change: (object: Record<string, unknown>) => void,
) {
  const copy = structuredClone(value);
  let at = copy as Record<string | number, unknown>;
  for (const key of path) at = at[key] as Record<string, unknown>;
  change(at);
  return copy;
}

describe('the schema', () => {
  it.each([
    ['a full exchange', full],
    ['one of which little is known', unknown],
    ['a summary', summary],
    [
      'a summary without the kernel',
      { summary: { ...summary.summary, produced: null, dropped: null, bytes: null } },
    ],
  ])('takes %s', (_, value) => {
    validate(value);
    expect(validate.errors).toBeNull();
  });

  // The samples are typed by the contract, so a property that the contract gains or loses fails here.
  it.each([
    ['exchange', full],
    ['summary', summary],
  ])('knows exactly the properties of the %s contract', (_, value) => {
    const paths = [...objects(value)];
    expect(paths.length).toBeGreaterThan(1);
    for (const path of paths) {
      expect(validate(changed(value, path, (object) => Object.assign(object, { extra: 1 }))), `${path}`).toBe(
        false,
      );
      const names = Object.keys(path.reduce((v, k) => v[k as never], value as never));
      for (const name of names) {
        const without = changed(value, path, (object) => delete object[name]);
        expect(validate(without), `without ${[...path, name]}`).toBe(false);
      }
    }
  });

  it.each<[string, unknown]>([
    ['complete beside something else', { ...full, completeness: ['complete', 'aborted'] }],
    ['no completeness', { ...full, completeness: [] }],
    ['milliseconds in the time', { ...full, startedAt: '2026-11-22T18:00:00.123Z' }],
    ['a negative duration', { ...full, durationMs: -1 }],
    ['a body of both kinds', { ...full, request: { ...message, body: { text: '', base64: '' } } }],
    ['a field with three parts', { ...full, request: { ...message, headers: [['a', 'b', 'c']] } }],
    ['a count that is no number', { summary: { ...summary.summary, delivered: null } }],
    ['a message without content', { ...full, messages: [{ ...streamMessage, text: undefined }] }],
    ['a string', 'x'],
  ])('refuses %s', (_, value) => expect(validate(value)).toBe(false));
});
