import { describe, expect, it } from 'vitest';
import { Engine } from './engine.ts';
import type { ExchangeJson } from './exchangeJson.ts';
import { Ending, FLAG_PROCESS_ENDED, WireProtocol } from './record.ts';
import { isError } from './row.ts';
import {
  END_HEADERS,
  END_STREAM,
  FieldEncoder,
  goAway,
  headers,
  PREFACE,
  requestFields,
  reset,
  responseFields,
  settings,
} from './testing/http2.ts';
import {
  type ConversationOptions,
  conversation,
  type RecordSpec,
  recordBatch,
  START,
  type Step,
} from './testing/records.ts';

const GET = 'GET /a HTTP/1.1\r\nHost: h\r\n\r\n';
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
/** Its body ends with the connection. */
const UNFRAMED = 'HTTP/1.1 200 OK\r\n\r\nhalf';
const HALF = 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf';
const ECONNRESET = 104;
const EPIPE = 32;
const ETIMEDOUT = 110;
const EHOSTUNREACH = 113;

const peerFin: Step = { end: 'in', ending: Ending.PeerFin };
const eof: Step = { end: 'in', ending: Ending.ReadEof };
const close: Step[] = [{ end: 'out', ending: Ending.Close }, { close: true }];
/** By a RST: there is something that it has not read. */
const abort: Step[] = [{ end: 'out', ending: Ending.Close, error: ECONNRESET }, { close: true }];
const exit: Step[] = [{ end: 'out', ending: Ending.Close, flags: FLAG_PROCESS_ENDED }, { close: true }];
const notice = (error: number): Step => ({ end: 'in', ending: Ending.PeerReset, error });
/** The process learns of an error that has arrived before. */
const learnsOf = (end: 'in' | 'out', error: number): Step => ({ end, ending: Ending.Reset, error });

function engineOf(records: readonly RecordSpec[]): Engine {
  const engine = new Engine();
  engine.setClock({ offset: 0n, bootTime: START });
  engine.push(recordBatch(records));
  engine.finish();
  return engine;
}

function only(
  steps: readonly Step[],
  options: ConversationOptions = {},
  before: RecordSpec[] = [],
): ExchangeJson {
  const engine = engineOf([...before, ...conversation(steps, options)]);
  expect(engine.json(2)).toBeUndefined();
  return engine.json(1) as ExchangeJson;
}

/** `reset by server, ECONNRESET, stale-connection`. */
function text({ ending }: ExchangeJson): string {
  if (ending === null) return 'running';
  const { how, by, error, detail, signal } = ending;
  const more = [error, detail, signal].filter((word) => word !== null);
  return [by === null ? how : `${how} by ${by}`, ...more].join(', ');
}

describe('a call of the client', () => {
  const out = { out: GET };
  const cases: readonly (readonly [string, Step[], string, string[]])[] = [
    ['answered', [out, { in: OK }, ...close], 'answered', ['complete']],
    ['given up by its own process', [out, ...close], 'cancelled by client', ['unanswered']],
    [
      'given up in the middle of the answer',
      [out, { in: HALF }, ...close],
      'cancelled by client',
      ['aborted'],
    ],
    ['ended with its process', [out, ...exit], 'process-ended by client', ['unanswered']],
    ['closed by the server', [out, peerFin, eof, ...close], 'closed by server', ['unanswered']],
    ['closed by the server, unread', [out, peerFin, ...close], 'closed by server', ['unanswered']],
    [
      'closed by the server, half-way',
      [out, { in: HALF }, peerFin, eof, ...close],
      'closed by server',
      ['aborted'],
    ],
    [
      'closed by the server after a shutdown of the own direction',
      [out, { end: 'out', ending: Ending.Fin }, peerFin, eof, ...close],
      'closed by server',
      ['unanswered'],
    ],
    [
      'reset by the server',
      [out, notice(ECONNRESET), learnsOf('in', ECONNRESET), ...close],
      'reset by server, ECONNRESET',
      ['unanswered'],
    ],
    [
      'sent on a connection that the server had closed',
      [peerFin, out, notice(EPIPE), learnsOf('out', EPIPE), learnsOf('in', EPIPE), ...close],
      'reset by server, EPIPE, stale-connection',
      ['unanswered'],
    ],
    [
      'sent on a connection that the server had shut down',
      [peerFin, out, eof, ...close],
      'closed by server, stale-connection',
      ['unanswered'],
    ],
    [
      'without a sign of life',
      [out, notice(ETIMEDOUT), learnsOf('in', ETIMEDOUT), ...close],
      'timed-out, ETIMEDOUT',
      ['unanswered'],
    ],
    [
      'without a way',
      [out, notice(EHOSTUNREACH), learnsOf('in', EHOSTUNREACH), ...close],
      'unreachable, EHOSTUNREACH',
      ['unanswered'],
    ],
    ['open when the trace ended', [out], 'trace-ended', ['unanswered']],
    ['half answered when the trace ended', [out, { in: HALF }], 'trace-ended', ['response-truncated']],
    [
      'reset, unnoticed, when the trace ended',
      [out, notice(ECONNRESET)],
      'reset by server, ECONNRESET',
      ['unanswered'],
    ],
  ];
  it.each(cases)('%s', (_, steps, ending, completeness) => {
    const exchange = only(steps);
    expect([text(exchange), exchange.completeness]).toEqual([ending, completeness]);
  });

  it('is unknown where the answer may be among lost bytes', () => {
    const exchange = only([out, { lose: 'in', size: 100 }, peerFin, eof, ...close]);
    expect([text(exchange), exchange.completeness]).toEqual(['unknown', ['response-gap', 'one-sided']]);
  });

  it('is read to its end although a reset came before', () => {
    const exchange = only([
      { out: 'POST /up HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\npart' },
      notice(ECONNRESET),
      learnsOf('out', ECONNRESET),
      { in: 'HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig' },
      learnsOf('in', ECONNRESET),
      { close: true },
    ]);
    expect(exchange).toMatchObject({
      status: 413,
      completeness: ['aborted'],
      ending: { how: 'answered' },
      response: { body: { text: 'big' } },
    });
  });
});

describe('a call of the server', () => {
  const options = { side: 'server', local: '127.0.0.1:80' } as const;
  const req = { in: GET };
  const cases: readonly (readonly [string, Step[], string])[] = [
    ['answered', [req, { out: OK }, ...close], 'answered'],
    [
      'answered to a client that had shut its direction down',
      [req, peerFin, eof, { out: OK }, ...close],
      'answered',
    ],
    ['left by the client', [req, peerFin, eof, ...close], 'cancelled by client'],
    [
      'reset by the client',
      [req, notice(ECONNRESET), learnsOf('in', ECONNRESET), ...close],
      'cancelled by client, ECONNRESET',
    ],
    ['not answered', [req, ...close], 'closed by server'],
    [
      'not answered, and shut down before the close',
      [req, { end: 'out', ending: Ending.Fin }, peerFin, eof, { close: true }],
      'closed by server',
    ],
    ['half answered', [req, { out: HALF }, ...close], 'closed by server'],
    ['half answered, and reset', [req, { out: HALF }, ...abort], 'reset by server'],
    ['not answered, and reset', [req, ...abort], 'reset by server'],
    ['wholly answered before a reset', [req, { out: OK }, ...abort], 'answered'],
    ['answered up to the end of the connection', [req, { out: UNFRAMED }, ...close], 'answered'],
    ['answered up to a reset of its own', [req, { out: UNFRAMED }, ...abort], 'reset by server'],
    ['open when the process ended', [req, ...exit], 'process-ended by server'],
  ];
  it.each(cases)('%s', (_, steps, ending) => {
    expect(text(only(steps, options))).toBe(ending);
  });

  it("is incomplete if only the server's own reset ends it", () => {
    expect(only([req, { out: UNFRAMED }, ...abort], options).completeness).toEqual(['aborted']);
    expect(only([req, { out: UNFRAMED }, ...close], options).completeness).toEqual(['complete']);
  });

  it('is not delivered if the client had closed before, even if the RST arrives later', () => {
    const exchange = only(
      [req, peerFin, { out: OK }, notice(EPIPE), learnsOf('in', EPIPE), ...close],
      options,
    );
    expect([exchange.status, exchange.completeness]).toEqual([200, ['complete']]);
    expect(text(exchange)).toBe('cancelled by client, EPIPE, not-delivered');
  });

  it('names the signal that ended its process', () => {
    const killed: RecordSpec = { type: 'processEnded', pid: 4242, status: 9, connection: 0n };
    expect(text(only([req, ...exit], options, [killed]))).toBe('process-ended by server, SIGKILL');
  });
});

it('that was cut off lasts until its end, not only until its last byte', () => {
  const MS = 1_000_000n;
  const cut = (...rest: Step[]): ExchangeJson => {
    const records = conversation([{ out: GET }, { in: HALF }, ...rest, ...close]);
    // The server goes silent, and a second later the connection ends.
    return engineOf(
      records.map((spec, index) =>
        index < 3 ? spec : { ...spec, time: START + 1_000n * MS + BigInt(index) * MS },
      ),
    ).json(1) as ExchangeJson;
  };
  for (const json of [cut(), cut(peerFin, eof), cut(notice(ECONNRESET), learnsOf('in', ECONNRESET))]) {
    expect(json.completeness).toEqual(['aborted']);
    expect(json.durationMs).toBeGreaterThan(1_000);
    expect(json.timings.receiveMs).toBe(0);
  }
});

describe('a stream of HTTP/2', () => {
  const E = END_STREAM | END_HEADERS;
  const CANCEL = 8;
  const REFUSED_STREAM = 7;
  const http2 = { protocol: WireProtocol.Http2 };
  const get = {
    out: Buffer.concat([PREFACE, settings(), headers(1, new FieldEncoder().block(requestFields('/a')), E)]),
  };
  const answer = (flags: number): Buffer => headers(1, new FieldEncoder().block(responseFields(200)), flags);
  it.each<readonly [string, Step[], string]>([
    ['answered', [get, { in: Buffer.concat([settings(), answer(E)]) }], 'answered'],
    ['cancelled', [get, { out: reset(1, CANCEL) }], 'cancelled by client'],
    [
      'cancelled half-way',
      [get, { in: answer(END_HEADERS) }, { out: reset(1, CANCEL) }],
      'cancelled by client',
    ],
    ['reset by the server', [get, { in: Buffer.concat([settings(), reset(1, CANCEL)]) }], 'reset by server'],
    ['refused', [get, { in: Buffer.concat([settings(), reset(1, REFUSED_STREAM)]) }], 'refused by server'],
    [
      'refused after a part of its answer',
      [get, { in: Buffer.concat([settings(), answer(END_HEADERS), reset(1, REFUSED_STREAM)]) }],
      'reset by server',
    ],
    [
      'excluded by a GOAWAY after a part of its answer',
      [get, { in: Buffer.concat([settings(), answer(END_HEADERS), goAway(0)]) }],
      'reset by server',
    ],
    ['excluded by a GOAWAY', [get, { in: Buffer.concat([settings(), goAway(0)]) }], 'refused by server'],
    ['on a connection that the server closed', [get, peerFin, eof, ...close], 'closed by server'],
    ['on a connection that the client closed', [get, ...close], 'cancelled by client'],
    ['open when the trace ended', [get], 'trace-ended'],
  ])('%s', (_, steps, ending) => {
    expect(text(only(steps, http2))).toBe(ending);
  });
});

it('is an error when it is not answered, unless the trace ended first', () => {
  const judge = (steps: Step[]): boolean => {
    const row = engineOf(conversation(steps)).row(1);
    return row !== undefined && isError(row);
  };
  expect(judge([{ out: GET }, notice(ECONNRESET), learnsOf('in', ECONNRESET), { close: true }])).toBe(true);
  expect(judge([{ out: GET }])).toBe(false);
});
