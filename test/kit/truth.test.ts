import { describe, expect, it } from 'vitest';
import type { ExchangeJson, SummaryJson } from '../../extension/engine/exchangeJson.ts';
import { type PeerReport, parseReports, sha } from './peers.ts';
import { expectBalance, expectReported, findExchange, mentioning } from './truth.ts';

const report: PeerReport = {
  side: 'client',
  pid: 42,
  id: 'a1b2c3d4e5f6',
  method: 'POST',
  path: '/echo/a1b2c3d4e5f6?x=1',
  status: 200,
  answer: 'f00',
  requestSize: 3,
  requestSha: sha(Buffer.from('abc')),
  responseSize: 0,
  responseSha: sha(Buffer.alloc(0)),
  localPort: 40_000,
  ms: 10,
};

function message(body: string, headers: [string, string][]): NonNullable<ExchangeJson['request']> {
  return {
    headers,
    trailers: [],
    headersSize: null,
    wireSize: null,
    bodySize: body.length,
    bodyCaptured: body.length,
    body: body === '' ? null : { text: body },
    decodedSize: null,
    bodyNote: null,
    bodyFromFile: false,
  };
}

const exchange = {
  id: 1,
  process: { pid: 42, name: 'node' },
  side: 'client',
  method: 'POST',
  url: 'http://127.0.0.1:8080/echo/a1b2c3d4e5f6?x=1',
  status: 200,
  durationMs: 9,
  connection: {
    id: '1',
    transport: 'tcp',
    local: '127.0.0.1:40000',
    remote: null,
    joinedLate: false,
    through: [],
  },
  request: message('abc', [['x-trace-id', report.id]]),
  response: message('', [['X-Answer', 'f00']]),
  completeness: ['complete'],
  violations: [],
} as unknown as ExchangeJson;

const request = exchange.request as NonNullable<ExchangeJson['request']>;

describe('expectReported', () => {
  it('accepts the exchange that was reported', () => {
    expectReported(exchange, report);
    expectReported(exchange, { ...report, responseSize: null, localPort: null });
  });

  it.each<[string, Partial<ExchangeJson>]>([
    ['side', { side: 'server' }],
    ['pid', { process: { pid: 43, name: null } }],
    ['method', { method: 'PUT' }],
    ['path', { url: 'http://127.0.0.1:8080/echo/a1b2c3d4e5f6' }],
    ['status', { status: 201 }],
    ['id', { request: message('abc', []) }],
    ['answer', { response: message('', [['X-Answer', 'f01']]) }],
    ['violations', { violations: [{ in: 'request', rule: 'RFC', message: '' }] }],
    ['joined late', { connection: { ...exchange.connection, joinedLate: true } }],
    ['local', { connection: { ...exchange.connection, local: '127.0.0.1:140000' } }],
    ['request body size', { request: { ...request, bodySize: 4 } }],
    ['request body note', { request: { ...request, bodyNote: 'cut' } }],
    ['request body captured', { request: { ...request, bodyCaptured: 2 } }],
    ['request body hash', { request: { ...request, body: { text: 'abd' } } }],
    ['response body: there is no message', { response: null }],
    ['completeness', { completeness: ['complete', 'joined-late'] }],
    ['duration null', { durationMs: null }],
    ['took 61 ms', { durationMs: 61 }],
  ])('reports a difference of: %s', (what, difference) => {
    expect(() => expectReported({ ...exchange, ...difference }, report)).toThrow(
      // A null response has no answer, which is noticed first.
      difference.response === null ? 'answer' : what,
    );
  });

  it('does not accept an error that the peer reports', () => {
    expect(() => expectReported(exchange, { ...report, error: 'reset' } as PeerReport)).toThrow('reset');
  });

  it('a counted body must be incomplete, with a note', () => {
    const counted = { request: 'counted' } as const;
    const cut = { ...request, bodyCaptured: 0, body: null, bodyNote: 'not copied' };
    const cutExchange: ExchangeJson = { ...exchange, request: cut, completeness: ['request-truncated'] };
    expectReported(cutExchange, report, counted);
    for (const [what, wrong] of [
      ['are there', { ...cutExchange, request: { ...cut, bodyCaptured: 3 } }],
      ['nothing says why', { ...cutExchange, request: { ...cut, bodyNote: null } }],
      ['size', { ...cutExchange, request: { ...cut, bodySize: 2 } }],
      ['called complete', { ...cutExchange, completeness: ['complete'] }],
    ] as const) {
      expect(() => expectReported(wrong as ExchangeJson, report, counted)).toThrow(what);
    }
  });

  it('a connection that was open before is complete beside its mark', () => {
    const late: ExchangeJson = {
      ...exchange,
      connection: { ...exchange.connection, joinedLate: true },
      completeness: ['joined-late', 'complete'],
    };
    expectReported(late, report, { joinedLate: true });
    expectReported(late, report, { joinedLate: null });
    expect(() => expectReported(exchange, report, { joinedLate: true })).toThrow('joined late');
  });
});

describe('findExchange', () => {
  it('finds the one of this side, and else says what there is', () => {
    expect(findExchange([exchange], report.id, 'client')).toBe(exchange);
    expect(() => findExchange([exchange], report.id, 'server')).toThrow('0 exchanges of the server');
    expect(() => findExchange([exchange, exchange], report.id, 'client')).toThrow('2 exchanges');
    expect(mentioning([exchange], 'f00')).toEqual([exchange]);
    expect(mentioning([exchange], 'f0000')).toEqual([]);
  });
});

describe('expectBalance', () => {
  const bytes = { seen: 10, copied: 4, omitted: 3, fromFiles: 0, shed: 0, dropped: 2, unseen: 1, other: 0 };
  const summary = {
    produced: 5,
    delivered: 3,
    dropped: 2,
    bytes,
    note: null,
  } as unknown as SummaryJson['summary'];

  it('compares records and bytes', () => {
    expectBalance(summary);
    expect(() => expectBalance({ ...summary, produced: 6 })).toThrow('records');
    expect(() => expectBalance({ ...summary, bytes: { ...bytes, unseen: 0 } })).toThrow('bytes');
    expect(() => expectBalance({ ...summary, dropped: null })).toThrow('no counts');
  });
});

describe('parseReports', () => {
  it('takes the reports among other lines, and does not overlook a broken one', () => {
    const lines = ['#12 0', '{"port":80}', JSON.stringify(report), ''];
    expect(parseReports(lines)).toEqual([report]);
    expect(() => parseReports(['{"side":"client","id'])).toThrow();
  });
});
