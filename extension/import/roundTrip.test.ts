import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runs } from '../../test/kit/runs.ts';
import type { BodyJson, ExchangeJson, MessageJson } from '../engine/exchangeJson.ts';
import { harEntry } from '../export/har.ts';
import { readHarEntry } from './harEntry.ts';
import { maskCall } from './mask.ts';

const text = fc.string({ unit: 'grapheme', maxLength: 40 });
const name = fc.stringMatching(/^[A-Za-z][A-Za-z0-9-]{0,12}$/);
const milliseconds = fc.option(fc.integer({ min: 0, max: 10 ** 12 }).map((ns) => ns / 1e6));
const size = fc.option(fc.nat(1e9));
const note = fc.option(fc.stringMatching(/^[A-Za-z .]{1,40}$/));
const side = fc.constantFrom('client' as const, 'server' as const, null);

const body: fc.Arbitrary<BodyJson | null> = fc.oneof(
  fc.constant(null),
  text.map((value) => ({ text: value })),
  fc.uint8Array({ maxLength: 40 }).map((bytes) => ({ base64: Buffer.from(bytes).toString('base64') })),
);

const message: fc.Arbitrary<MessageJson> = fc
  .record({
    headers: fc.array(fc.tuple(name, fc.oneof(text, fc.constant('application/x-www-form-urlencoded'))), {
      maxLength: 4,
    }),
    headersSize: fc.option(fc.nat(1e6)),
    wireSize: fc.option(fc.integer({ min: 1, max: 1e9 })),
    bodySize: size,
    bodyCaptured: fc.nat(1e6),
    body,
    decodedSize: size,
    bodyNote: note,
  })
  .map((one) => ({
    ...one,
    trailers: [],
    bodyFromFile: false,
    decodedSize: one.body === null ? null : one.decodedSize,
  }));

const streamMessage = fc.record({
  direction: fc.constantFrom('out' as const, 'in' as const),
  atMs: fc.integer({ min: 0, max: 10 ** 9 }).map((micros) => micros / 1_000),
  kind: fc.constantFrom('text' as const, 'binary' as const, 'ping' as const),
  content: body,
});

const exchange: fc.Arbitrary<ExchangeJson> = fc
  .record({
    side,
    protocol: fc.constantFrom('HTTP/1.0', 'HTTP/1.1', 'HTTP/2', ''),
    method: fc.constantFrom('GET', 'POST', 'X-ODD'),
    url: fc.constantFrom(
      'http://a/',
      'https://[::1]:8443/b?c=d&&e=%C3%BC+f&g#h',
      'http://a.example:80/x?%zz',
    ),
    status: fc.option(fc.integer({ min: 100, max: 999 })),
    statusText: text,
    started: fc.integer({ min: 1, max: 4 * 10 ** 15 }),
    durationMs: milliseconds,
    phases: fc.tuple(milliseconds, milliseconds, milliseconds, milliseconds, milliseconds, milliseconds),
    overlapMs: milliseconds,
    paused: milliseconds,
    session: fc.option(text),
    ip: fc.constantFrom(null, '127.0.0.1:80', '[2001:db8::1]:443'),
    transport: fc.constantFrom('tcp' as const, 'unix' as const),
    request: message,
    response: fc.option(message),
    process: fc.option(fc.record({ pid: fc.nat(), name: fc.option(text) })),
    completeness: fc.subarray(['request-truncated', 'aborted', 'one-sided'] as const),
    format: fc.constantFrom(null, 'websocket' as const, 'server-sent-events' as const),
    messages: fc.array(streamMessage, { maxLength: 4 }),
    omitted: fc.option(fc.record({ after: fc.nat(), count: fc.nat() })),
  })
  .map((one): ExchangeJson => {
    const [lookupMs, connectMs, tlsMs, sendMs, waitMs, receiveMs] = one.phases;
    const seconds = new Date(Math.floor(one.started / 1e6) * 1_000).toISOString().slice(0, 19);
    const status = one.response === null ? null : one.status;
    return {
      id: 1,
      peer: null,
      causedBy: null,
      caused: [],
      trace: { id: null, first: 1 },
      ai: null,
      mcp: null,
      process: one.process,
      side: one.side,
      protocol: one.protocol,
      method: one.method,
      url: one.url,
      operation: null,
      status,
      statusText: status === null ? null : one.statusText,
      error: (status ?? 0) >= 400 || one.completeness.includes('aborted'),
      startedAt: `${seconds}.${String(one.started % 1e6).padStart(6, '0')}Z`,
      durationMs: one.durationMs,
      timings: {
        lookupMs,
        connectMs,
        tlsMs,
        sendMs,
        waitMs,
        receiveMs,
        overlapMs: one.overlapMs,
        pausedMs: one.paused,
      },
      debug:
        one.session === null
          ? null
          : {
              session: one.session,
              script: null,
              waitPausedMs: 0,
              pausedPeer: { session: one.session, ms: 1.5 },
              source: {
                path: '/shop/pay.ts',
                line: 12,
                column: 3,
                function: 'pay',
                stack: [{ path: '/shop/pay.ts', line: 12, column: null, function: null }],
              },
            },
      connection: {
        id: '7',
        transport: one.transport,
        local: one.ip,
        remote: one.ip,
        joinedLate: false,
        attempts: [],
        through: [],
      },
      ending: { how: 'reset', by: 'server', error: 'ECONNRESET', detail: null, signal: null, exitCode: null },
      tls: null,
      encrypted: null,
      failure: null,
      lookup: null,
      http2: null,
      grpc: null,
      request: one.request,
      response: one.response,
      interim: [],
      messages:
        one.format !== 'websocket'
          ? []
          : one.messages.map(({ direction, atMs, kind, content }, i) => ({
              number: i + 1,
              direction: one.side === null ? null : direction,
              atMs,
              kind,
              size: null,
              compressedSize: null,
              fields: [],
              protobuf: null,
              note: null,
              violations: [],
              ...(content ?? { text: null }),
            })),
      messageStream:
        one.format === null
          ? null
          : { format: one.format, out: one.messages.length, in: 0, note: null, omitted: one.omitted },
      completeness: one.completeness,
      violations: [],
    };
  });

/** The number of a call is its list's. */
const numbered = (call: ExchangeJson): ExchangeJson => ({ ...call, id: 1 });
/** As it is read from a file. */
const written = (call: ExchangeJson): unknown => JSON.parse(JSON.stringify(harEntry(call)));

describe('an entry that HTTP Trace wrote', () => {
  it('is the same when it is read and written again', () => {
    fc.assert(
      fc.property(exchange, (call) => {
        const first = written(call);
        const read = readHarEntry(first);
        expect(read).not.toBeNull();
        expect(written(numbered(read as ExchangeJson))).toEqual(first);
      }),
      { numRuns: runs(1_000) },
    );
  });

  it('is the same, too, where its secrets were masked before and are masked again', () => {
    fc.assert(
      fc.property(exchange, (call) => {
        const secret: ExchangeJson = {
          ...call,
          url: 'https://user:sesame1@a.example/x?token=sesame2&b=c',
          request: {
            ...(call.request as MessageJson),
            headers: [
              ['Authorization', 'Bearer sesame3'],
              ['Cookie', 'session=sesame4'],
              ['Content-Type', 'application/json'],
            ],
            body: { text: '{"password":"sesame5","n":1}' },
          },
        };
        const first = written(maskCall(secret));
        expect(JSON.stringify(first)).not.toMatch(/sesame/);
        expect(written(numbered(maskCall(readHarEntry(first) as ExchangeJson)))).toEqual(first);
      }),
      { numRuns: runs(200) },
    );
  });
});
