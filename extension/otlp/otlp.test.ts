import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Engine } from '../engine/engine.ts';
import type { ExchangeJson } from '../engine/exchangeJson.ts';
import { Ending } from '../engine/record.ts';
import { conversation, recordBatch, START, type Step } from '../engine/testing/records.ts';
import { readTraceparent, readTracestate } from '../http/traceContext.ts';
import { MAX_WAITING, OtlpExporter, otlpEndpoint } from './exporter.ts';
import { traceRequest } from './request.ts';
import { SpanMaker, USER_AGENT } from './spans.ts';
import { attributeOf, Collector, isTraceRequest } from './testing/collector.ts';
import type { Span } from './types.ts';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const PARENT = '00f067aa0ba902b7';
const TRACEPARENT = `Traceparent: 00-${TRACE}-${PARENT}-01\r\n`;

function exchange({
  head = 'GET /a?b=c&token=hunter2 HTTP/1.1',
  fields = '',
  answer = 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n',
  side = 'client' as const,
  more = [] as Step[],
}: {
  readonly head?: string;
  readonly fields?: string;
  readonly answer?: string | null;
  readonly side?: 'client' | 'server';
  readonly more?: Step[];
} = {}): ExchangeJson {
  const engine = new Engine();
  engine.setClock({ offset: 1_800_000_000_000_000_000n, bootTime: START });
  engine.setProcess(4242, 'shop');
  const sent = {
    [side === 'client' ? 'out' : 'in']: `${head}\r\nHost: shop.test:8080\r\n${fields}\r\n`,
  } as unknown as Step;
  const received = { [side === 'client' ? 'in' : 'out']: answer } as unknown as Step;
  engine.push(recordBatch(conversation([sent, ...(answer === null ? [] : [received]), ...more], { side })));
  engine.finish();
  return engine.json(1) as ExchangeJson;
}

function spanOf(...args: Parameters<typeof exchange>): Span {
  const json = exchange(...args);
  const span = new SpanMaker().span(json) as Span;
  expect(isTraceRequest(traceRequest([{ process: json.process, span }], '1'))).toBe(true);
  return span;
}

describe('a span', () => {
  it('has text that is cut between characters', () => {
    const one = exchange({ fields: 'User-Agent: x\r\n' });
    const headers = [['User-Agent', `${'x'.repeat(4_095)}\u{1d4b3}`] as const];
    const request = one.request === null ? null : { ...one.request, headers };
    const span = new SpanMaker().span({ ...one, request });
    expect(span && attributeOf(span, 'user_agent.original')).toBe('x'.repeat(4_095));
  });

  it('of a client has the conventions of HTTP', () => {
    const span = spanOf({ fields: 'User-Agent: shop/1\r\n' });
    expect(span).toMatchObject({ name: 'GET', kind: 3 });
    expect(span.status).toBeUndefined();
    const values = Object.fromEntries(span.attributes.map(({ key }) => [key, attributeOf(span, key)]));
    expect(values).toMatchObject({
      'http.request.method': 'GET',
      'server.address': 'shop.test',
      'server.port': '8080',
      'http.response.status_code': '200',
      'network.protocol.version': '1.1',
      'network.peer.address': '127.0.0.1',
      'user_agent.original': 'shop/1',
    });
    expect(values['url.full']).toContain('http://shop.test:8080/a?b=c&token=');
    expect(values['url.full']).not.toContain('hunter2');
    expect(BigInt(span.endTimeUnixNano) - BigInt(span.startTimeUnixNano)).toBe(1_000_000n);
  });

  it('of a server has path and query apart, and no error for what its client did wrong', () => {
    const answer = 'HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n';
    const span = spanOf({ side: 'server', answer });
    expect(span.kind).toBe(2);
    expect(attributeOf(span, 'url.path')).toBe('/a');
    expect(attributeOf(span, 'url.query')).toContain('b=c');
    expect(attributeOf(span, 'url.full')).toBeUndefined();
    expect(attributeOf(span, 'error.type')).toBeUndefined();
    expect(attributeOf(spanOf({ answer }), 'error.type')).toBe('404');
    const broken = spanOf({ side: 'server', answer: 'HTTP/1.1 503 X\r\nContent-Length: 0\r\n\r\n' });
    expect(attributeOf(broken, 'error.type')).toBe('503');
    expect(broken.status).toEqual({ code: 2 });
  });

  it('without an answer says what went wrong', () => {
    const span = spanOf({ answer: null, more: [{ end: 'in', ending: Ending.Reset, error: 104 }] });
    expect(attributeOf(span, 'error.type')).toBe('ECONNRESET');
    expect(attributeOf(span, 'http_trace.completeness')).toContain('unanswered');
  });

  it('has no method as its name that anybody may send', () => {
    const span = spanOf({ head: 'BREW /pot HTTP/1.1' });
    expect(span.name).toBe('HTTP');
    expect(attributeOf(span, 'http.request.method')).toBe('_OTHER');
    expect(attributeOf(span, 'http.request.method_original')).toBe('BREW');
  });

  it('joins the trace of its request, as a child of the span that it names', () => {
    for (const [side, flags] of [
      ['client', 0x101],
      ['server', 0x301],
    ] as const) {
      const span = spanOf({ side, fields: `${TRACEPARENT}tracestate: a=1\r\nTracestate: b=2\r\n` });
      expect(span).toMatchObject({ traceId: TRACE, parentSpanId: PARENT, traceState: 'a=1,b=2', flags });
      expect(span.spanId).not.toBe(PARENT);
    }
    expect(spanOf().parentSpanId).toBeUndefined();
  });

  it('without one: the server is the child of the client where both were seen', () => {
    const maker = new SpanMaker();
    const first = exchange();
    const client = maker.span({ ...first, id: 7, peer: 9 }) as Span;
    const server = maker.span({ ...exchange({ side: 'server' }), id: 9, peer: 7 }) as Span;
    expect(server).toMatchObject({ traceId: client.traceId, parentSpanId: client.spanId });
    expect(server.spanId).not.toBe(client.spanId);
    expect(new SpanMaker().span({ ...first, id: 7, peer: 9 })).toEqual(client);
  });

  it('without one: what a process calls is a child of what certainly caused it, in the trace of the first', () => {
    const maker = new SpanMaker();
    const first = exchange();
    const server = { ...exchange({ side: 'server' }), id: 9, peer: 7, trace: { id: null, first: 7 } };
    const causedBy = { id: 9, by: 'time', doubt: null } as const;
    const call = { ...first, id: 10, causedBy, trace: { id: null, first: 7 } };
    const [root, above, below] = [
      maker.span({ ...first, id: 7, peer: 9, trace: { id: null, first: 7 } }) as Span,
      maker.span(server) as Span,
      maker.span(call) as Span,
    ];
    expect(below).toMatchObject({ traceId: root.traceId, parentSpanId: above.spanId });
    const doubtful = {
      ...call,
      causedBy: { ...causedBy, doubt: 'others' },
      trace: { id: null, first: 10 },
    } as const;
    expect(maker.span(doubtful)).not.toHaveProperty('parentSpanId');
    expect(maker.span({ ...call, trace: { id: TRACE, first: 7 } })).toMatchObject({ traceId: TRACE });
  });

  it('is not made for the exporter itself, nor for rows that are not calls', () => {
    expect(new SpanMaker().span(exchange({ fields: `User-Agent: ${USER_AGENT}/1\r\n` }))).toBeNull();
    const encrypted = { reason: 'x', sent: 1, received: 1 };
    expect(new SpanMaker().span({ ...exchange(), encrypted, completeness: ['encrypted'] })).toBeNull();
  });
});

describe('trace context', () => {
  it.each([
    [`00-${TRACE}-${PARENT}-00`, 0],
    [`cc-${TRACE}-${PARENT}-01-what-comes`, 1],
  ])('%s', (value, flags) => {
    expect(readTraceparent(value)).toEqual({ traceId: TRACE, spanId: PARENT, flags });
  });

  it.each([
    null,
    '',
    `00-${TRACE}-${PARENT}-01-x`,
    `ff-${TRACE}-${PARENT}-01`,
    `00-${'0'.repeat(32)}-${PARENT}-01`,
    `00-${TRACE}-${'0'.repeat(16)}-01`,
    `00-${TRACE.toUpperCase()}-${PARENT}-01`,
    `00-${TRACE}-${PARENT}`,
  ])('%s is not valid', (value) => expect(readTraceparent(value)).toBeNull());

  it('passes on a bounded tracestate', () => {
    expect(readTracestate([])).toBeNull();
    expect(readTracestate(['a=1', 'b=2'])).toBe('a=1,b=2');
    expect(readTracestate(['x'.repeat(513)])).toBeNull();
    expect(readTracestate(['a=\u202e'])).toBeNull();
  });
});

describe('the address of a collector', () => {
  it('has the path for traces', () => {
    expect(otlpEndpoint('http://127.0.0.1:4318')?.href).toBe('http://127.0.0.1:4318/v1/traces');
    expect(otlpEndpoint('https://c.test/otlp/')?.href).toBe('https://c.test/otlp/v1/traces');
    expect(otlpEndpoint('http://c.test/v1/traces')?.href).toBe('http://c.test/v1/traces');
    for (const wrong of ['', '127.0.0.1:4318', 'grpc://a:4317', 'file:///etc', 'http://', 'http://a/?b']) {
      expect(otlpEndpoint(wrong), wrong).toBeNull();
    }
  });
});

describe('the exporter', () => {
  let collector: Collector;
  const call = exchange();

  beforeEach(async () => {
    collector = await Collector.start();
  });

  afterEach(async () => {
    expect(collector.wrong).toEqual([]);
    await collector.stop();
  });

  const exporter = (url = collector.url) => new OtlpExporter(otlpEndpoint(url) as URL, '1.2.3');

  function add(to: OtlpExporter, count: number, from = 1): void {
    for (let id = from; id < from + count; id++) to.add({ ...call, id });
  }

  it('sends in batches, and what is left at the end', async () => {
    const one = exporter();
    add(one, 600);
    await expect.poll(() => one.counts.sent, { timeout: 120_000 }).toBe(600);
    add(one, 3, 601);
    expect(await one.close()).toEqual({ sent: 603, lost: 0, waiting: 0, problem: null });
    expect(new Set(collector.spans.map(({ spanId }) => spanId)).size).toBe(603);
    expect(collector.requests[0]).toMatchObject({
      spans: 512,
      headers: { 'user-agent': `${USER_AGENT}/1.2.3` },
    });
    expect(collector.resources[0]).toBe('shop');
  });

  it('retries after temporary errors, when Retry-After says so', async () => {
    collector.answers.push(
      { status: 503, headers: { 'Retry-After': '0' } },
      { status: 429, headers: { 'Retry-After': 'Thu, 01 Jan 1970 00:00:00 GMT' } },
    );
    const one = exporter();
    add(one, 512);
    await expect.poll(() => one.counts.sent, { timeout: 120_000 }).toBe(512);
    expect(collector.requests).toHaveLength(3);
    expect(one.counts).toMatchObject({ lost: 0, problem: null });
    await one.close();
  });

  it('counts what is refused, and what was taken in part', async () => {
    collector.answers.push(
      { status: 400 },
      { status: 200, body: '{"partialSuccess":{"rejectedSpans":"2","errorMessage":"x"}}' },
      { status: 200, body: 'thanks' },
    );
    const one = exporter();
    for (const [count, expected] of [
      [512, { sent: 0, lost: 512 }],
      [512, { sent: 510, lost: 514 }],
      [512, { sent: 1022, lost: 514 }],
    ] as const) {
      add(one, count);
      await expect.poll(() => one.counts, { timeout: 120_000 }).toMatchObject({ ...expected, waiting: 0 });
    }
    expect((await one.close()).problem).toBeNull();
    expect(collector.requests).toHaveLength(3);
  });

  it('holds no more than its bound while a collector is down, and says how much is lost', async () => {
    const { url } = collector;
    await collector.stop();
    const one = exporter(url);
    add(one, MAX_WAITING + 100);
    expect(one.counts).toMatchObject({ waiting: MAX_WAITING, lost: 100 });
    let made = 0;
    one.offer(() => {
      made++;
      return call;
    });
    expect(made).toBe(0);
    await expect.poll(() => one.counts.problem, { timeout: 120_000 }).toContain('ECONNREFUSED');
    expect(await one.close()).toMatchObject({ sent: 0, lost: MAX_WAITING + 101, waiting: 0 });
    collector = await Collector.start();
  });

  it('does not send its own calls, nor those of its process', async () => {
    const one = exporter();
    one.add({ ...call, process: { pid: process.pid, name: 'node' } });
    expect(one.counts.waiting).toBe(0);
    await one.close();
    expect(collector.requests).toEqual([]);
  });
});
