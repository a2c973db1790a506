/**
 * Conversations of HTTP/2: those of real peers, recorded by test/fixtures/http2/record.mjs, and what the engine
 * makes of them. The expected exchanges were compared with the recorded peers' scripts.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { WireProtocol } from '../record.ts';
import type { Golden } from './golden.ts';
import {
  continuation,
  data,
  END_HEADERS,
  END_STREAM,
  FieldEncoder,
  frame,
  goAway,
  headers,
  PADDED,
  PREFACE,
  PRIORITY,
  ping,
  push,
  requestFields,
  reset,
  responseFields,
  settings,
  settingsAck,
  uint32,
  windowUpdate,
} from './http2.ts';
import type { Step } from './records.ts';

const FOLDER = join(import.meta.dirname, '../../../test/fixtures/http2');

type Recorded = { readonly out: string } | { readonly in: string };

/** The pieces that were recorded, as a client sees them. */
export function recorded(name: string): Step[] {
  const pieces = JSON.parse(readFileSync(join(FOLDER, `${name}.json`), 'utf8')) as Recorded[];
  return pieces.map((piece) =>
    'out' in piece ? { out: Buffer.from(piece.out, 'base64') } : { in: Buffer.from(piece.in, 'base64') },
  );
}

const protocol = WireProtocol.Http2;
const options = { protocol } as const;

const E = END_STREAM | END_HEADERS;
/** A client's and a server's beginning. */
const HELLO = Buffer.concat([PREFACE, settings([3, 100]), windowUpdate(0, 65_535)]);
const WELCOME = Buffer.concat([settings([3, 100], [1, 4_096]), settingsAck()]);

const get = (client: FieldEncoder, stream: number, path: string): Buffer =>
  headers(stream, client.block(requestFields(path)), E);

/** The response in one piece. */
const ok = (server: FieldEncoder, stream: number, text: string): Buffer =>
  Buffer.concat([headers(stream, server.block(responseFields(200, [['x-for', text]]))), data(stream, text)]);

function made(
  name: string,
  make: (client: FieldEncoder, server: FieldEncoder) => Omit<Golden, 'name'>,
): Golden {
  return { name: `HTTP/2: ${name}`, options, ...make(new FieldEncoder(), new FieldEncoder()) };
}

const MADE: readonly Golden[] = [
  made('two streams, answered the other way round', (c, s) => ({
    steps: [
      { out: Buffer.concat([HELLO, get(c, 1, '/1'), get(c, 3, '/3')]) },
      { in: Buffer.concat([WELCOME, ok(s, 3, 'three'), ok(s, 1, 'one')]) },
    ],
    expected: [
      'GET http://a/1 → 200 [complete] res 3 "one"',
      'GET http://a/3 → 200 [complete] res 5 "three"',
    ],
  })),
  made('frames of several streams interleaved', (c, s) => ({
    steps: [
      { out: Buffer.concat([HELLO, get(c, 1, '/1'), headers(3, c.block(requestFields('/3', 'PUT')))]) },
      { in: WELCOME },
      { out: data(3, 'up', 0) },
      { in: Buffer.concat([headers(1, s.block(responseFields(200))), data(1, 'a', 0)]) },
      { out: Buffer.concat([get(c, 5, '/5'), data(3, 'load')]) },
      { in: Buffer.concat([headers(3, s.block(responseFields(201)), E), data(1, 'b', 0), ok(s, 5, 'x')]) },
      { in: data(1, '', END_STREAM) },
    ],
    expected: [
      'GET http://a/1 → 200 [complete] res 2 "ab"',
      'PUT http://a/3 → 201 [complete] req 6 "upload"',
      'GET http://a/5 → 200 [complete] res 1 "x"',
    ],
  })),
  made('server side', (c, s) => ({
    steps: [
      { out: WELCOME },
      { in: Buffer.concat([HELLO, get(c, 1, '/1')]) },
      { out: ok(s, 1, 'one') },
      { close: true },
    ],
    options: { ...options, side: 'server' },
    expected: ['GET http://a/1 → 200 [complete] res 3 "one"'],
  })),
  made('side unknown', (c, s) => ({
    steps: [{ in: WELCOME }, { out: Buffer.concat([HELLO, get(c, 1, '/1')]) }, { in: ok(s, 1, 'one') }],
    options: { ...options, side: null },
    expected: ['GET http://a/1 → 200 [complete] res 3 "one"'],
  })),
  made('protocol not recognised by the kernel yet', (c, s) => ({
    steps: [
      { out: Buffer.concat([HELLO, get(c, 1, '/1')]) },
      { in: Buffer.concat([WELCOME, ok(s, 1, 'one')]) },
    ],
    options: { protocol: WireProtocol.Undecided },
    expected: ['GET http://a/1 → 200 [complete] res 3 "one"'],
  })),
  made('a server that sends first, not recognised by the kernel', (c, s) => ({
    steps: [
      { out: settings([3, 100]) },
      { in: Buffer.concat([HELLO, get(c, 1, '/1')]) },
      { out: Buffer.concat([settingsAck(), ok(s, 1, 'one')]) },
    ],
    options: { protocol: WireProtocol.Undecided, side: 'server' },
    expected: ['GET http://a/1 → 200 [complete] res 3 "one"'],
  })),
  made('padding, priority and unknown frames', (c, s) => ({
    steps: [
      {
        out: Buffer.concat([
          HELLO,
          frame(2, 0, 1, Buffer.from([0, 0, 0, 0, 16])),
          frame(
            1,
            E | PADDED | PRIORITY,
            1,
            Buffer.concat([
              Buffer.from([3]),
              uint32(0x80000000),
              Buffer.from([200]),
              c.block(requestFields('/1')),
              Buffer.alloc(3),
            ]),
          ),
          frame(0xa9, 0xff, 1, 'grease'),
          ping(),
        ]),
      },
      {
        in: Buffer.concat([
          WELCOME,
          frame(1, END_HEADERS | PADDED, 1, Buffer.concat([Buffer.from([0]), s.block(responseFields(200))])),
          frame(0, PADDED, 1, Buffer.concat([Buffer.from([200]), Buffer.from('pa'), Buffer.alloc(200)])),
          frame(0, PADDED, 1, Buffer.concat([Buffer.from([0]), Buffer.from('dd')])),
          frame(0, PADDED | END_STREAM, 1, Buffer.from([2, 0, 0])),
        ]),
      },
    ],
    expected: ['GET http://a/1 → 200 [complete] res 4 "padd"'],
  })),
  made('a field block in CONTINUATION frames', (c, s) => {
    const block = c.block(requestFields('/1', 'GET', [['x-long', 'l'.repeat(40)]]));
    const pieces = [...block].map((byte, i) =>
      continuation(1, Buffer.from([byte]), i === block.length - 1 ? END_HEADERS : 0),
    );
    return {
      steps: [
        { out: Buffer.concat([HELLO, headers(1, Buffer.alloc(0), END_STREAM), ...pieces, get(c, 3, '/3')]) },
        { in: Buffer.concat([WELCOME, ok(s, 1, 'one'), ok(s, 3, 'three')]) },
      ],
      expected: [
        'GET http://a/1 → 200 [complete] res 3 "one"',
        'GET http://a/3 → 200 [complete] res 5 "three"',
      ],
    };
  }),
  made('interim responses and trailers', (c, s) => ({
    steps: [
      { out: Buffer.concat([HELLO, headers(1, c.block(requestFields('/1', 'POST')))]) },
      { in: Buffer.concat([WELCOME, headers(1, s.block(responseFields(100)))]) },
      { out: Buffer.concat([data(1, 'body', 0), headers(1, c.block([['x-sum', '4']]), E)]) },
      {
        in: Buffer.concat([
          headers(1, s.block(responseFields(103))),
          headers(1, s.block(responseFields(200))),
          data(1, 'answer', 0),
          headers(1, s.block([['x-sum', '6']]), E),
        ]),
      },
    ],
    expected: ['POST http://a/1 → (100) (103) 200 [complete] req 4 "body" res 6 "answer"'],
  })),
  made('reset by the client', (c, s) => ({
    steps: [
      { out: Buffer.concat([HELLO, get(c, 1, '/1'), get(c, 3, '/3')]) },
      { in: Buffer.concat([WELCOME, headers(1, s.block(responseFields(200))), data(1, 'half', 0)]) },
      { out: reset(1, 8) },
      { in: Buffer.concat([data(1, 'in flight'), ok(s, 3, 'three')]) },
    ],
    expected: [
      'GET http://a/1 → 200 [aborted] res null "half"',
      'GET http://a/3 → 200 [complete] res 5 "three"',
    ],
  })),
  made('answered before the request was whole, and sent no more', (c, s) => ({
    steps: [
      { out: Buffer.concat([HELLO, headers(1, c.block(requestFields('/1', 'POST'))), data(1, 'half', 0)]) },
      { in: Buffer.concat([WELCOME, headers(1, s.block(responseFields(413)), E), reset(1, 0)]) },
      { out: data(1, 'in flight', 0) },
    ],
    expected: ['POST http://a/1 → 413 [complete] req 4 "half"'],
  })),
  made('CONNECT', (c, s) => ({
    steps: [
      {
        out: Buffer.concat([
          HELLO,
          headers(
            1,
            c.block([
              [':method', 'CONNECT'],
              [':authority', 'far.example:443'],
            ]),
          ),
        ]),
      },
      { in: Buffer.concat([WELCOME, headers(1, s.block(responseFields(200)))]) },
      { out: data(1, 'secret up', 0) },
      { in: data(1, 'secret down') },
      { out: data(1, '') },
    ],
    expected: ['CONNECT far.example:443 → 200 [complete]'],
  })),
  made('a push', (c, s) => ({
    steps: [
      { out: Buffer.concat([HELLO, get(c, 1, '/1')]) },
      {
        in: Buffer.concat([
          WELCOME,
          push(1, 2, s.block(requestFields('/style.css'))),
          ok(s, 1, 'one'),
          ok(s, 2, 'css'),
        ]),
      },
    ],
    expected: [
      'GET http://a/1 → 200 [complete] res 3 "one"',
      'GET http://a/style.css → 200 [complete] res 3 "css"',
    ],
  })),
  made('unanswered, and cut off, at the end of the connection', (c, s) => ({
    steps: [
      {
        out: Buffer.concat([
          HELLO,
          get(c, 1, '/1'),
          get(c, 3, '/3'),
          headers(5, c.block(requestFields('/5', 'PUT'))),
        ]),
      },
      {
        in: Buffer.concat([WELCOME, headers(3, s.block(responseFields(200))), data(3, 'half', 0), goAway(3)]),
      },
      { out: goAway(0) },
      { close: true },
    ],
    expected: [
      'GET http://a/1 → - [unanswered]',
      'GET http://a/3 → 200 [aborted] res null "half"',
      'PUT http://a/5 → - [aborted] req null',
    ],
  })),
  made('still running at the end of the trace', (c, s) => ({
    steps: [
      { out: Buffer.concat([HELLO, get(c, 1, '/1'), get(c, 3, '/3')]) },
      { in: Buffer.concat([WELCOME, headers(3, s.block(responseFields(200))), data(3, 'half', 0)]) },
    ],
    expected: [
      'GET http://a/1 → - [unanswered]',
      'GET http://a/3 → 200 [response-truncated] res null "half"',
    ],
  })),
  made('a response whose request is recorded later', (c, s) => ({
    steps: [
      { out: HELLO },
      { in: Buffer.concat([WELCOME, ok(s, 1, 'one')]) },
      { out: Buffer.concat([get(c, 1, '/1'), get(c, 3, '/3')]) },
      { in: ok(s, 3, 'three') },
    ],
    expected: [
      'GET http://a/1 → 200 [complete] res 3 "one"',
      'GET http://a/3 → 200 [complete] res 5 "three"',
    ],
  })),
  made('bytes missing within content', (c, s) => ({
    steps: [
      { out: Buffer.concat([HELLO, get(c, 1, '/1'), get(c, 3, '/3')]) },
      {
        in: Buffer.concat([
          WELCOME,
          headers(1, s.block(responseFields(200))),
          data(1, 'x'.repeat(90)).subarray(0, 19),
        ]),
      },
      { lose: 'in', size: 50 },
      { in: Buffer.concat([Buffer.from('x'.repeat(30)), ok(s, 3, 'three')]) },
    ],
    expected: [
      `GET http://a/1 → 200 [response-gap] res 90 "${'x'.repeat(10)}"`,
      'GET http://a/3 → 200 [complete] res 5 "three"',
    ],
  })),
  made('a whole response missing, found again behind it', (c, s) => {
    const first = ok(s, 1, 'one');
    const lost = ok(s, 3, 'three');
    return {
      steps: [
        { out: Buffer.concat([HELLO, get(c, 1, '/1'), get(c, 3, '/3'), get(c, 5, '/5'), get(c, 7, '/7')]) },
        { in: Buffer.concat([WELCOME, first]) },
        { lose: 'in', size: lost.length },
        { in: Buffer.concat([ok(s, 5, 'five'), ok(s, 7, 'seven')]) },
        { close: true },
      ],
      expected: [
        'GET http://a/1 → 200 [complete] res 3 "one"',
        'GET http://a/3 → - [response-gap one-sided]',
        'GET http://a/5 → 200 [headers-incomplete] res 4 "five"',
        'GET http://a/7 → 200 [headers-incomplete] res 5 "seven"',
      ],
    };
  }),
  made('a whole request missing: what refers to its fields is unknown', (c, s) => {
    const first = get(c, 1, '/1');
    const lost = get(c, 3, '/3');
    return {
      steps: [
        { out: Buffer.concat([HELLO, first]) },
        { in: Buffer.concat([WELCOME, ok(s, 1, 'one')]) },
        { lose: 'out', size: lost.length },
        { out: get(c, 5, '/3') },
        { in: Buffer.concat([ok(s, 3, 'three'), ok(s, 5, 'five')]) },
        { out: Buffer.concat([get(c, 7, '/7'), get(c, 9, '/7')]) },
        { in: Buffer.concat([ok(s, 7, 'seven'), ok(s, 9, 'nine')]) },
        { close: true },
      ],
      expected: [
        'GET http://a/1 → 200 [complete] res 3 "one"',
        '? ? → 200 [request-gap one-sided] res 5 "three"',
        'GET ? → 200 [headers-incomplete] res 4 "five"',
        'GET http://127.0.0.1:8080/7 → 200 [headers-incomplete] res 5 "seven"',
        'GET http://127.0.0.1:8080/7 → 200 [headers-incomplete] res 4 "nine"',
      ],
    };
  }),
  made('joined late', (c, s) => {
    get(c, 1, '/1');
    ok(s, 1, 'one');
    get(c, 3, '/3');
    s.block(responseFields(200, [['x-for', 'three']]));
    return {
      steps: [
        { in: Buffer.concat([data(3, 'the end'), windowUpdate(0, 100), ping()]) },
        { out: Buffer.concat([get(c, 5, '/5'), windowUpdate(0, 100)]) },
        { in: ok(s, 5, 'five') },
        { out: get(c, 7, '/5') },
        { in: ok(s, 7, 'five') },
      ],
      options: { ...options, joinedLate: true },
      expected: [
        '? ? → - [response-gap joined-late headers-incomplete] res null',
        'GET http://127.0.0.1:8080/5 → 200 [headers-incomplete] res 4 "five"',
        'GET http://127.0.0.1:8080/5 → 200 [headers-incomplete] res 4 "five"',
      ],
    };
  }),
];

const RECORDED: readonly (Omit<Golden, 'steps'> & { readonly http1?: true })[] = [
  {
    name: 'node-calls',
    expected: [
      'GET http://a/one → 200 [complete] res 12 "this is /one"',
      'GET http://a/two?a=b → 200 [complete] res 16 "this is /two?a=b"',
      'DELETE http://a/none → 204 [complete]',
      'POST http://a/echo → 201 [complete] req 10 "hello echo" res 10 "hello echo"',
      'GET http://a/trailers → 200 [complete] res 13 "with trailers"',
      'GET http://a/gzip → 200 [complete] res 39 "{\\"compressed\\":true}"',
      'GET http://a/hints → (103) 200 [complete] res 6 "hinted"',
    ],
  },
  {
    name: 'node-concurrent',
    stride: 13,
    expected: [
      'GET http://a/a → 200 [complete] res 10 "this is /a"',
      'GET http://a/b → 200 [complete] res 10 "this is /b"',
      `GET http://a/large → 200 [complete] res 2000 "${'0123456789'.repeat(200)}"`,
      'GET http://a/c → 200 [complete] res 10 "this is /c"',
      'GET http://a/trailers → 200 [complete] res 13 "with trailers"',
      'GET http://a/d → 200 [complete] res 10 "this is /d"',
    ],
  },
  {
    name: 'node-resets',
    expected: [
      'GET http://a/refuse → - [aborted]',
      'GET http://a/hang → - [aborted]',
      'GET http://a/after → 200 [complete] res 14 "this is /after"',
    ],
  },
  {
    name: 'node-push',
    expected: [
      'GET http://a/push → 200 [complete] res 11 "with a push"',
      'GET http://a/pushed.css → 200 [complete] res 6 "body{}"',
    ],
  },
  {
    name: 'node-websocket',
    expected: [
      'CONNECT http://a/chat → 200 [complete] >text 5 "hello" <text 5 "heard" >text 8 "the last" <text 5 "heard"',
    ],
  },
  { name: 'node-continuation', stride: 331, expected: ['GET http://a/huge-head → 200 [complete]'] },
  { name: 'curl-prior-knowledge', expected: ['GET http://a/a.txt → 200 [complete] res 6 "file a"'] },
  {
    name: 'nghttp-padding',
    expected: [
      'GET http://a/a.txt → 200 [complete] res 6 "file a"',
      'GET http://a/b.css → 200 [complete] res 3 "b{}"',
      'GET http://a/b.css → 200 [complete] res 3 "b{}"',
    ],
  },
  {
    name: 'nghttp-priority-upload',
    stride: 7,
    expected: [
      `PUT http://a/echo → 201 [complete] req 450 "${'uploaded '.repeat(50)}" res 450 "${'uploaded '.repeat(50)}"`,
    ],
  },
  {
    name: 'h2load-many',
    stride: 41,
    expected: Array<string>(40).fill('GET http://a/b.css → 200 [complete] res 3 "b{}"'),
  },
  {
    name: 'nghttp-upgrade',
    http1: true,
    expected: [
      'GET http://a/a → (101) 200 [complete] res 11 "upgraded /a"',
      'GET http://a/b → 200 [complete] res 11 "upgraded /b"',
    ],
  },
  {
    name: 'curl-upgrade',
    http1: true,
    expected: ['POST http://a/a → (101) 200 [complete] req 6 "a body" res 11 "upgraded /a"'],
  },
  {
    name: 'curl-upgrade-refused',
    http1: true,
    expected: [
      'GET http://a/a → 200 [complete] res 12 "not upgraded"',
      'GET http://a/b → 200 [complete] res 12 "not upgraded"',
    ],
  },
];

/** The recorded upgrade without the Upgrade field in its 101, as Jetty 9 sends it. @param offered by the request */
function unnamedUpgrade(offered: string): Step[] {
  return recorded('nghttp-upgrade').map((step): Step => {
    const edit = (bytes: Uint8Array | string, from: string, to: string): Buffer =>
      Buffer.from(Buffer.from(bytes).toString('latin1').replace(from, to), 'latin1');
    if ('out' in step) return { out: edit(step.out, 'upgrade: h2c\r\n', `upgrade: ${offered}\r\n`) };
    return 'in' in step ? { in: edit(step.in, 'Upgrade: h2c\r\n', '') } : step;
  });
}

const UNNAMED =
  ' !response RFC 9110 section 15.2.2: A 101 response has no Upgrade field; the protocol that the request' +
  ' offered is assumed, if it offered only one.';

const UNNAMED_UPGRADES: readonly Golden[] = [
  {
    name: 'HTTP/2: a 101 that names no protocol, one was offered',
    steps: [...unnamedUpgrade('h2c'), { close: true }],
    expected: [
      `GET http://a/a → (101) 200 [complete] res 11 "upgraded /a"${UNNAMED}`,
      'GET http://a/b → 200 [complete] res 11 "upgraded /b"',
    ],
  },
  {
    name: 'HTTP/2: a 101 that names no protocol, two were offered',
    steps: [...unnamedUpgrade('h2c, other'), { close: true }],
    expected: [`GET http://a/a → 101 [complete]${UNNAMED}`],
  },
];

export const GOLDEN_HTTP2: readonly Golden[] = [
  ...MADE,
  ...UNNAMED_UPGRADES,
  ...RECORDED.map(
    ({ name, http1, ...rest }): Golden => ({
      ...rest,
      name: `HTTP/2: ${name}, recorded`,
      steps: [...recorded(name), { close: true }],
      options: http1 === true ? {} : options,
    }),
  ),
];
