/** How many bytes a head, and a whole message, were when they were sent. */
import { describe, expect, it } from 'vitest';
import { Engine } from './engine.ts';
import type { ExchangeJson } from './exchangeJson.ts';
import { WireProtocol } from './record.ts';
import {
  continuation,
  data,
  END_HEADERS,
  END_STREAM,
  FieldEncoder,
  frame,
  headers,
  PADDED,
  PREFACE,
  push,
  requestFields,
  responseFields,
  settings,
} from './testing/http2.ts';
import {
  type ConversationOptions,
  conversation,
  recordBatch,
  START,
  type Step,
  split,
} from './testing/records.ts';

type Sizes = readonly [headersSize: number | null, wireSize: number | null] | null;
interface Call {
  readonly request: Sizes;
  readonly response: Sizes;
}

/** @param piece bytes of a record. */
function sizes(steps: readonly Step[], options: ConversationOptions = {}, piece?: number): Call[] {
  const engine = new Engine();
  engine.setClock({ offset: 0n, bootTime: START });
  const specs = conversation(steps, options);
  engine.push(recordBatch(piece === undefined ? specs : split(specs, piece)));
  engine.finish();
  const of = (message: ExchangeJson['request']): Sizes =>
    message === null ? null : [message.headersSize, message.wireSize];
  return engine.takeChanges().changed.map((id) => {
    const { request, response } = engine.json(id) as ExchangeJson;
    return { request: of(request), response: of(response) };
  });
}

const GET = 'GET /a HTTP/1.1\r\nHost: a\r\n\r\n';
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n';

describe('HTTP/1: from the start line to the empty line', () => {
  it.each([undefined, 1, 7])('of whole messages, in pieces of %s', (piece) => {
    expect(sizes([{ out: GET }, { in: `${OK}hello` }], {}, piece)).toEqual([
      { request: [GET.length, GET.length], response: [OK.length, OK.length + 5] },
    ]);
  });

  it.each([undefined, 1])('the framing of chunks and trailers counts, but not to the head', (piece) => {
    const head = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-A\r\n\r\n';
    const body = '5;x=1\r\nhello\r\n0\r\nX-A: 1\r\n\r\n';
    expect(sizes([{ out: GET }, { in: head + body }], {}, piece)[0]?.response).toEqual([
      head.length,
      head.length + body.length,
    ]);
  });

  it('a head that breaks rules counts as it was sent, and what is no part of it does not', () => {
    const odd = 'GET /a HTTP/1.1\nHost: a\n X: folded\n\n';
    const early = 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n';
    expect(sizes([{ out: `\r\n\r\n${odd}` }, { in: `${early}${OK}hello` }])).toEqual([
      { request: [odd.length, odd.length], response: [OK.length, OK.length + 5] },
    ]);
  });

  it('is not known of a head with a gap, and the whole not of one whose body has no end', () => {
    expect(
      sizes([
        { out: 'GET /a HTTP/1.1\r\nHost: a\r\nX: ' },
        { lose: 'out', size: 100 },
        { out: '\r\n\r\n' },
        { in: `${OK}hel` },
      ]),
    ).toContainEqual({ request: [null, null], response: [OK.length, null] });
  });

  it('counts what was moved without being copied', () => {
    const head = 'HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n';
    const steps: Step[] = [{ out: GET }, { in: head }, { omit: 'in', size: 500, omission: 1 }];
    expect(sizes(steps)[0]?.response).toEqual([head.length, head.length + 500]);
  });
});

describe('HTTP/2: the frames', () => {
  const options = { protocol: WireProtocol.Http2 } as const;
  const hello = { out: Buffer.concat([PREFACE, settings()]) };

  it.each([undefined, 1])('of HEADERS and CONTINUATION, with their own headers and padding', (piece) => {
    const client = new FieldEncoder();
    const server = new FieldEncoder();
    const asked = client.block(requestFields('/a', 'POST', [['x-long', 'y'.repeat(60)]]));
    const padded = Buffer.concat([Buffer.of(3), asked.subarray(0, 20), Buffer.alloc(3)]);
    const head = Buffer.concat([
      frame(1, PADDED, 1, padded),
      continuation(1, asked.subarray(20, 30), 0),
      continuation(1, asked.subarray(30)),
    ]);
    const answer = headers(1, server.block(responseFields(200)));
    const trailers = headers(1, server.block([['x-sum', '1']]), END_HEADERS | END_STREAM);
    const call = sizes(
      [
        hello,
        { out: Buffer.concat([head, data(1, 'abc', 0), data(1, 'de')]) },
        { in: Buffer.concat([settings(), answer, data(1, 'hello', 0), trailers]) },
      ],
      options,
      piece,
    )[0];
    expect(head.length).toBe(3 * 9 + 4 + asked.length);
    expect(call).toEqual({
      request: [head.length, head.length + 2 * 9 + 5],
      response: [answer.length, answer.length + 9 + 5 + trailers.length],
    });
  });

  it('the request of a push is its PUSH_PROMISE', () => {
    const client = new FieldEncoder();
    const server = new FieldEncoder();
    const promise = push(1, 2, server.block(requestFields('/b')));
    const answers = Buffer.concat([
      headers(1, server.block(responseFields(204)), END_HEADERS | END_STREAM),
      headers(2, server.block(responseFields(204)), END_HEADERS | END_STREAM),
    ]);
    const asked = headers(1, client.block(requestFields('/a')), END_HEADERS | END_STREAM);
    const calls = sizes(
      [hello, { out: asked }, { in: Buffer.concat([settings(), promise, answers]) }],
      options,
    );
    expect(calls.map(({ request }) => request)).toEqual([
      [asked.length, asked.length],
      [promise.length, promise.length],
    ]);
  });

  it('are not known where one is missing', () => {
    const client = new FieldEncoder();
    const asked = client.block(requestFields('/a', 'GET', [['x-long', 'y'.repeat(60)]]));
    const [first] = sizes(
      [
        hello,
        { out: frame(1, END_STREAM, 1, asked.subarray(0, 20)) },
        { lose: 'out', size: 9 + asked.length - 20 },
        { in: Buffer.concat([settings(), headers(1, new FieldEncoder().block(responseFields(204)))]) },
      ],
      options,
    );
    expect(first?.request).toEqual([null, null]);
  });
});
