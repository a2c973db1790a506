/**
 * Fuzz targets: each takes bytes, and throws when an invariant does not hold. Seeds are the interesting inputs of the
 * unit tests.
 */
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { decodeText } from '../../extension/engine/charset.ts';
import { removeCodings } from '../../extension/engine/coding.ts';
import { Engine } from '../../extension/engine/engine.ts';
import { MAX_DECODED_BYTES } from '../../extension/engine/limits.ts';
import { readDnsMessage } from '../../extension/engine/names/message.ts';
import { readGraphql } from '../../extension/engine/operations/graphql.ts';
import { unescapeJsonString, visitJsonStrings } from '../../extension/engine/operations/jsonStrings.ts';
import {
  type Direction,
  type Ending,
  type NameTransport,
  Omission,
  WireProtocol,
} from '../../extension/engine/record.ts';
import { RecordError } from '../../extension/engine/recordCursor.ts';
import { dnsQuery, dnsResponse, prefixed } from '../../extension/engine/testing/dns.ts';
import { GOLDEN } from '../../extension/engine/testing/golden.ts';
import { GOLDEN_HTTP2 } from '../../extension/engine/testing/goldenHttp2.ts';
import {
  type ConversationOptions,
  conversation,
  type RecordSpec,
  recordBatch,
  START,
  type Step,
  split,
} from '../../extension/engine/testing/records.ts';
import * as webSocket from '../../extension/engine/testing/webSocket.ts';
import { visible } from '../../extension/escape/terminal.ts';
import { shortType } from '../../extension/http/contentType.ts';
import { parseContentType } from '../../extension/http/mediaType.ts';
import { partText, readParts } from '../../extension/http/multipart.ts';
import { maskBody } from '../../extension/privacy/maskBody.ts';
import { maskFields } from '../../extension/privacy/maskFields.ts';
import { maskUrl } from '../../extension/privacy/maskUrl.ts';
import { MASK } from '../../extension/privacy/secrets.ts';
import { hexDump } from '../../extension/views/hexDump.ts';
import { imageInfo } from '../../extension/webview/details/image.ts';
import { jsonLines } from '../../extension/words/jsonLines.ts';
import { xmlLines } from '../../extension/words/xmlLines.ts';

export interface Target {
  readonly name: string;
  readonly run: (input: Buffer) => void;
  readonly seeds: () => Iterable<Uint8Array>;
  /** Strings that mean something to what is tested. */
  readonly words: readonly string[];
}

// ── conversations as bytes ────────────────────────────────────────────────────────────────────────────────

const OPERATIONS = [
  'out',
  'in',
  'omit-out',
  'omit-in',
  'lose-out',
  'lose-in',
  'unseen-out',
  'unseen-in',
] as const;
const OTHERS = ['end-out', 'end-in', 'wait', 'close'] as const;
const CODES = [...OPERATIONS, ...OTHERS];

/** One byte of flags, then for each step its code, a length of two bytes and, for bytes that moved, the bytes. */
function encode(steps: readonly Step[], flags: number): Buffer {
  const parts: Buffer[] = [Buffer.from([flags])];
  const add = (code: (typeof CODES)[number], size: number, bytes: Uint8Array | string = ''): void => {
    const payload = typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : Buffer.from(bytes);
    parts.push(Buffer.from([CODES.indexOf(code), size & 255, (size >> 8) & 255]), payload);
  };
  const move = (code: 'out' | 'in', bytes: Uint8Array | string): void => {
    const whole = typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : Buffer.from(bytes);
    for (let at = 0; at < whole.length; at += 65_535)
      add(code, Math.min(65_535, whole.length - at), whole.subarray(at, at + 65_535));
  };
  for (const step of steps) {
    if ('out' in step) move('out', step.out);
    else if ('in' in step) move('in', step.in);
    else if ('omit' in step) add(`omit-${step.omit}`, Math.min(65_535, step.size));
    else if ('lose' in step) add(`lose-${step.lose}`, Math.min(65_535, step.size));
    else if ('unseen' in step) add(`unseen-${step.unseen}`, Math.min(65_535, step.size));
    else if ('end' in step) add(`end-${step.end}`, step.ending);
    else if ('wait' in step) add('wait', 3_000);
    else add('close', 0);
  }
  return Buffer.concat(parts);
}

function decode(input: Buffer): Step[] {
  const steps: Step[] = [];
  for (let at = 1; at + 3 <= input.length && steps.length < 2_000; ) {
    const code = CODES[(input[at] as number) % CODES.length] as (typeof CODES)[number];
    const size = input.readUInt16LE(at + 1);
    at += 3;
    const [word, direction] = code.split('-') as [string, 'out' | 'in'];
    switch (word) {
      case 'out':
      case 'in': {
        const bytes = input.subarray(at, at + size);
        at += bytes.length;
        steps.push(word === 'out' ? { out: bytes } : { in: bytes });
        break;
      }
      case 'omit':
        steps.push({ omit: direction, size, omission: size % 2 === 0 ? Omission.Limit : Omission.Fault });
        break;
      case 'lose':
        steps.push({ lose: direction, size });
        break;
      case 'unseen':
        steps.push({ unseen: direction, size });
        break;
      case 'end':
        steps.push({ end: direction, ending: ((size % 6) + 1) as Ending });
        break;
      case 'wait':
        steps.push({ wait: BigInt(size) * 1_000_000n });
        break;
      default:
        steps.push({ close: true });
    }
  }
  return steps;
}

/** Bits of the flags. */
const SERVER = 1;
const JOINED_LATE = 2;
const ANONYMOUS = 4;
const NO_SIDE = 8;
const SMALL_LIMIT = 16;
const ONE_BYTE = 32;

function optionsOf(flags: number, protocol: WireProtocol): ConversationOptions {
  return {
    protocol,
    side: (flags & NO_SIDE) !== 0 ? null : (flags & SERVER) !== 0 ? 'server' : 'client',
    joinedLate: (flags & JOINED_LATE) !== 0,
    anonymous: (flags & ANONYMOUS) !== 0,
  };
}

/** Reads a conversation; all that is shown of it must be there, be the same again, and nothing may be left over. */
function converse(input: Buffer, protocol: WireProtocol): void {
  const flags = input[0] ?? 0;
  const whole = conversation(decode(input), optionsOf(flags, protocol));
  const specs = (flags & ONE_BYTE) !== 0 ? split(whole, 1) : whole;
  const batch = recordBatch(specs);
  const read = (): string => {
    const engine = new Engine({ bodyLimit: (flags & SMALL_LIMIT) !== 0 ? 16 : 64 * 1024 });
    engine.setClock({ offset: 1_700_000_000_000_000_000n, bootTime: START });
    engine.push(batch);
    for (const id of engine.takeChanges().changed) engine.row(id);
    engine.advance(START + 10_000_000_000n);
    engine.finish();
    const { running, exchanges, copiedBytes, omittedBytes } = engine.stats();
    check(running === 0, 'something still runs');
    let shown = '';
    let count = 0;
    for (let id = 1; count < exchanges && id < 100_000; id++) {
      const json = engine.json(id);
      if (json === undefined) continue;
      count++;
      const row = engine.row(id);
      check(row !== undefined && row.state === 'ended', 'a row still runs');
      check(json.completeness.length > 0, 'no completeness');
      check(!json.completeness.includes('complete') || json.completeness.length === 1, 'complete, and not');
      check(json.durationMs === null || json.durationMs >= 0, 'a negative duration');
      if (shown.length < 1_000_000) shown += JSON.stringify(json) + JSON.stringify(row);
    }
    return `${shown} ${exchanges} ${copiedBytes} ${omittedBytes}`;
  };
  const first = read();
  // Reading twice takes twice as long: for some of the inputs.
  if (input.length % 8 === 0) check(first === read(), 'the same records give something else');
}

function check(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Error(what);
}

const HTTP_WORDS = [
  ...[
    'GET ',
    'POST ',
    'HEAD ',
    'CONNECT ',
    ' / HTTP/1.1\r\n',
    'HTTP/1.1 200 OK\r\n',
    'HTTP/1.0 ',
    ' 101 ',
    ' 304 ',
    ' 100 ',
  ],
  ...['\r\n', '\r\n\r\n', '\n', '\r', '\0', ':', ' ', '\t', ';', ','],
  ...[
    'Content-Length: ',
    'Transfer-Encoding: chunked\r\n',
    'Transfer-Encoding: gzip, chunked',
    'Host: a\r\n',
    'Connection: close\r\n',
  ],
  ...[
    'Upgrade: websocket\r\n',
    'Upgrade: h2c\r\n',
    'Expect: 100-continue\r\n',
    'Content-Encoding: gzip\r\n',
    'Content-Type: ',
  ],
  ...[
    'text/event-stream\r\n',
    'application/json\r\n',
    'multipart/x-mixed-replace; boundary=b\r\n',
    'application/x-ndjson\r\n',
  ],
  ...['0\r\n\r\n', '5\r\nhello\r\n', 'ffffffffffffffff', '{"query":"query A { a }"}', 'data: x\n\n'],
];

const seedsOf = (golden: typeof GOLDEN, flags: number) =>
  function* (): Iterable<Uint8Array> {
    for (const { steps, options } of golden) {
      const late = options?.joinedLate === true ? JOINED_LATE : 0;
      const side = options?.side === 'server' ? SERVER : options?.side === null ? NO_SIDE : 0;
      const seed = encode(steps, flags | late | side | (options?.anonymous === true ? ANONYMOUS : 0));
      if (seed.length < 20_000) yield seed;
    }
  };

const textTarget = (
  name: string,
  run: (text: string) => void,
  seeds: readonly string[],
  words: readonly string[],
): Target => ({
  name,
  run: (input) => run(input.toString('latin1')),
  seeds: () => seeds.map((seed) => Buffer.from(seed, 'latin1')),
  words,
});

/** Secrets may be left out of a text, and nothing else changes. */
function checkMasked(text: string, masked: string): void {
  let at = 0;
  for (const part of masked.split(MASK)) {
    // A masked value that was percent-encoded is encoded again, which may change how.
    if (/%|\\/.test(text)) return;
    const found = text.indexOf(part.replace(/^"|"$/g, ''), at);
    check(found >= 0, 'what is not masked has changed');
    at = found;
  }
}

const CODINGS = ['gzip', 'deflate', 'br', 'zstd', 'x-gzip', 'identity'];
const SAMPLE = Buffer.from('{"a":"hello hello hello"}'.repeat(20));

export const TARGETS: readonly Target[] = [
  {
    name: 'records',
    run: (input) => {
      const engine = new Engine();
      try {
        engine.push(input);
      } catch (error) {
        if (!(error instanceof RecordError)) throw error;
      }
      engine.advance(engine.stats().newest);
      engine.finish();
      for (const id of engine.takeChanges().changed) JSON.stringify([engine.row(id), engine.json(id)]);
      check(engine.stats().running === 0, 'something still runs');
    },
    seeds: () =>
      [...GOLDEN, ...GOLDEN_HTTP2]
        .map(({ steps, options }) => recordBatch(conversation(steps, options)))
        .filter(({ length }) => length < 20_000),
    words: HTTP_WORDS,
  },
  {
    name: 'names',
    run: (input) => {
      const transport = (((input[0] ?? 0) % 3) + 1) as NameTransport;
      const specs: RecordSpec[] = [];
      for (let at = 1, time = START; at + 2 <= input.length; time += 1_000_000n) {
        const flags = input[at] ?? 0;
        const bytes = input.subarray(at + 2, at + 2 + (input[at + 1] ?? 0));
        at += 2 + bytes.length;
        specs.push({
          type: 'name',
          transport,
          time,
          socket: BigInt((flags >> 1) & 3),
          direction: (flags & 1) as Direction,
          bytes,
          size: bytes.length + ((flags & 8) !== 0 ? 3 : 0),
          error: (flags & 16) !== 0 ? 111 : 0,
          closed: (flags & 32) !== 0,
        });
      }
      const engine = new Engine();
      engine.push(recordBatch(specs));
      engine.advance(START + 100_000_000_000n);
      engine.finish();
      for (const id of engine.takeChanges().changed) {
        const json = engine.json(id);
        check(json?.failure != null && json.lookup !== null && json.lookup.name !== '', 'no failed lookup');
        check(json.lookup.addresses.length === 0, 'a failed lookup has addresses');
        check(json.durationMs !== null && json.durationMs >= 0, 'a negative duration');
      }
      const message = readDnsMessage(input);
      check(message === null || message.addresses.length <= input.length / 14, 'more addresses than bytes');
    },
    seeds: () => {
      const asked = { id: 7, name: 'web.example', type: 'A' } as const;
      const seed = (transport: number, query: Buffer, response: Buffer): Buffer =>
        Buffer.concat([
          Buffer.from([transport, 0, query.length]),
          query,
          Buffer.from([1, response.length]),
          response,
        ]);
      const response = dnsResponse(asked, {
        answers: [{ cname: 'a.example' }, { owner: 'a.example', a: '192.0.2.1' }],
      });
      const call = '{"method":"io.systemd.Resolve.ResolveHostname","parameters":{"name":"a.b"}}\0';
      return [
        response,
        seed(0, dnsQuery(asked), response),
        seed(0, dnsQuery(asked), dnsResponse(asked, { code: 3 })),
        seed(1, prefixed(dnsQuery(asked)), prefixed(response)),
        seed(
          2,
          Buffer.from(call),
          Buffer.from('{"error":"io.systemd.Resolve.DNSError","parameters":{"rcode":3}}\0'),
        ),
      ];
    },
    words: [
      '\xc0\x0c',
      '\x00\x01\x00\x01',
      '\x81\x83',
      '\x83\x80',
      '\x03web',
      '\x00\x1c',
      '{"parameters":{"addresses":[',
    ],
  },
  {
    name: 'http1',
    run: (input) => converse(input, WireProtocol.Http1),
    seeds: seedsOf(GOLDEN, 0),
    words: HTTP_WORDS,
  },
  {
    name: 'http2',
    run: (input) => converse(input, WireProtocol.Http2),
    seeds: seedsOf(GOLDEN_HTTP2, 0),
    words: [
      'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
      '\x00\x00\x00\x04\x00\x00\x00\x00\x00',
      '\x00\x00\x04\x08\x00\x00\x00\x00\x01',
      '\x82\x84\x86\x41',
      '\x3f\xe1\x1f',
      '\x40',
    ],
  },
  {
    name: 'tls',
    run: (input) => converse(input, WireProtocol.Tls),
    seeds: () => [
      encode(
        [{ out: '\x16\x03\x01\x00\x05\x01\x00\x00\x01\x03' }, { in: '\x15\x03\x03\x00\x02\x02\x28' }],
        0,
      ),
    ],
    words: [
      '\x16\x03\x01',
      '\x16\x03\x03',
      '\x17\x03\x03',
      '\x15\x03\x03\x00\x02',
      '\x01\x00',
      '\x02\x00',
      '\x00\x00\x00',
    ],
  },
  {
    name: 'websocket',
    run: (input) => converse(input, WireProtocol.Http1),
    seeds: () => [
      encode(
        [
          { out: webSocket.UPGRADE },
          { in: webSocket.switching() },
          { out: webSocket.text('hi', { mask: webSocket.MASK }) },
          { in: webSocket.ping() },
          { in: webSocket.close() },
        ],
        0,
      ),
      encode(
        [
          { out: webSocket.UPGRADE },
          { in: webSocket.switching('permessage-deflate') },
          {
            in: webSocket.frame({
              opcode: 1,
              reserved: 4,
              payload: deflateRawSync('hello hello').subarray(0, -4),
            }),
          },
          { in: webSocket.continuation('x') },
        ],
        0,
      ),
    ],
    words: [
      'permessage-deflate',
      'server_no_context_takeover',
      '\x81',
      '\x01',
      '\x80',
      '\xc1',
      '\x88\x02\x03\xe8',
      '\x7e\xff\xff',
      '\x7f\x00\x00\x00\x00\x00\x01\x00\x00',
    ],
  },
  {
    name: 'codings',
    run: (input) => {
      const [count = 0, order = 0] = input;
      const codings = Array.from(
        { length: (count % 3) + 1 },
        (_, i) => CODINGS[(order >> (i * 2)) % CODINGS.length] as string,
      );
      const { bytes } = removeCodings(input.subarray(2), codings, (count & 4) !== 0);
      check(bytes.length <= MAX_DECODED_BYTES, 'more than may be made');
    },
    seeds: () => [
      Buffer.concat([Buffer.from([0, 0]), gzipSync(SAMPLE)]),
      Buffer.concat([Buffer.from([0, 1]), deflateSync(SAMPLE)]),
      Buffer.concat([Buffer.from([0, 1]), deflateRawSync(SAMPLE)]),
      Buffer.concat([Buffer.from([0, 2]), brotliCompressSync(SAMPLE)]),
      Buffer.concat([Buffer.from([0, 3]), Buffer.from('KLUv/QRYbQAAOGhlbGxvIAoBALlLEWsfCGc=', 'base64')]),
      Buffer.concat([Buffer.from([1, 2 << 2]), brotliCompressSync(gzipSync(SAMPLE))]),
    ],
    words: ['\x1f\x8b\x08', '\x28\xb5\x2f\xfd', '\x50\x2a\x4d\x18', '\x78\x9c', '\x00\x00\xff\xff', '\x03'],
  },
  textTarget(
    'masks',
    (text) => {
      const types = [
        'application/json',
        'application/x-www-form-urlencoded',
        'multipart/form-data',
        'text/xml',
        'text/html',
        'text/plain',
        '',
      ];
      for (const essence of types) {
        const masked = maskBody(text, { essence, boundary: 'b' });
        if (essence !== 'application/json' && essence !== 'multipart/form-data') checkMasked(text, masked);
      }
      maskUrl(text);
      maskFields([[text.slice(0, 20), text.slice(20)]]);
    },
    [
      '{"password":"x","a":[1,{"token":null}]}',
      'a=b&password=c',
      '--b\r\nContent-Disposition: form-data; name="pin"\r\n\r\n1\r\n--b--',
      '<a password="x"><token>y</token></a>',
      'https://u:p@h/?token=x',
    ],
    [
      '"password":',
      '"token"',
      'password=',
      '<password>',
      '</password>',
      'name="password"',
      'value="',
      '--b',
      '\r\n\r\n',
      '\\u0070',
      'eyJhbGciOiJIUzI1NiJ9.e30.x',
      '@',
      '//',
      '?',
      '&',
      '<![CDATA[',
      ']]>',
      '<!--',
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '"',
      '\\',
    ],
  ),
  textTarget(
    'texts',
    (text) => {
      const bytes = Buffer.from(text, 'latin1');
      const type = parseContentType(text);
      shortType(text);
      for (const charset of [null, 'utf-8', 'utf-16le', 'iso-8859-1', 'shift_jis', 'gb18030', type.charset])
        decodeText(bytes, charset, bytes.length % 2 === 0);
      for (const part of readParts(text, type.boundary ?? 'b', 100)) {
        check(part.from <= part.to && part.to <= text.length, 'a part beyond the text');
        partText(text, part);
      }
      readGraphql(text);
      visitJsonStrings(text, ({ raw }) => unescapeJsonString(raw));
      imageInfo(bytes);
      hexDump(bytes);
      visible(text);
      const json = jsonLines(text);
      if (isJson(text)) check(json !== null, 'JSON is not laid out');
      if (json !== null && isJson(text)) {
        const joined = json.flatMap(({ pieces }) => pieces.map((piece) => piece.text)).join('');
        check(
          JSON.stringify(JSON.parse(joined)) === JSON.stringify(JSON.parse(text)),
          'laid out, it is other JSON',
        );
      }
      xmlLines(text);
    },
    [
      '{"a":[1,2.5e3,true,null,{"b":"c\\n"}]}',
      '<a b="c"><d/>e<!-- f --></a>',
      'text/html; charset="utf-8"; boundary=b',
      '--b\r\nA: b\r\n\r\nc\r\n--b--',
      'query A($b: C = "d") { e }',
      '\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01',
    ],
    [
      '{',
      '}',
      '[',
      ']',
      '"',
      '\\',
      ':',
      ',',
      '<',
      '>',
      '/>',
      '</',
      '<!--',
      '-->',
      '<![CDATA[',
      '--b',
      '\r\n',
      'query ',
      'fragment ',
      '"""',
      '#',
      'charset=',
      'GIF8',
      'RIFF',
      'WEBP',
      'VP8X',
      '\xff\xd8\xff',
      'BM',
      '-',
      'e',
      '.',
    ],
  ),
];

function isJson(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object';
  } catch {
    return false;
  }
}

/** A raw client's bytes of the corpora, as a conversation. */
export function clientSeed(bytes: Uint8Array): Buffer {
  return encode([{ out: bytes }], 0);
}

/** Both directions' bytes. */
export function exchangeSeed(request: Uint8Array | string, response: Uint8Array | string): Buffer {
  return encode([{ out: request }, { in: response }], 0);
}

// Kept for readers of a finding: the meaning of the bytes.
export function explain(target: string, input: Buffer): string {
  if (!['http1', 'http2', 'tls', 'websocket'].includes(target)) return visible(input.toString('latin1'));
  const lines = decode(input).map((step) => {
    if ('out' in step) return `out ${visible(Buffer.from(step.out as Uint8Array).toString('latin1'))}`;
    if ('in' in step) return `in  ${visible(Buffer.from(step.in as Uint8Array).toString('latin1'))}`;
    return JSON.stringify(step, (_, value: unknown) => (typeof value === 'bigint' ? Number(value) : value));
  });
  return [`flags ${input[0] ?? 0}`, ...lines].join('\n');
}
