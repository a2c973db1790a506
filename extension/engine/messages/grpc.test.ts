import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Engine } from '../engine.ts';
import type { Field } from '../exchange.ts';
import type { ExchangeJson } from '../exchangeJson.ts';
import { Omission, WireProtocol } from '../record.ts';
import { isError } from '../row.ts';
import {
  data,
  END_HEADERS,
  END_STREAM,
  FieldEncoder,
  headers,
  PREFACE,
  requestFields,
  reset,
  responseFields,
  settings,
  settingsAck,
} from '../testing/http2.ts';
import { conversation, recordBatch, START, type Step, split, splitAt } from '../testing/records.ts';
import { messageSummary } from '../testing/summary.ts';
import { GrpcReader } from './grpc.ts';
import { MessageList } from './messageList.ts';

const PATH = '/shop.v1.Orders/Place';
const E = END_HEADERS | END_STREAM;

function frame(content: Buffer | string, flags = 0): Buffer {
  const bytes = Buffer.from(content as string);
  const prefix = Buffer.alloc(5);
  prefix[0] = flags;
  prefix.writeUInt32BE(bytes.length, 1);
  return Buffer.concat([prefix, bytes]);
}

interface Call {
  readonly request?: readonly Field[];
  readonly response?: readonly Field[] | null;
  readonly trailers?: readonly Field[];
  /** DATA frames. */
  readonly sent?: readonly Buffer[];
  readonly received?: readonly Buffer[];
}

const TYPE: Field = ['content-type', 'application/grpc'];
const OK: Field = ['grpc-status', '0'];

/** A call on stream 1 of a connection of its own. */
function steps({ request = [], response = [], trailers = [OK], sent = [], received = [] }: Call): Step[] {
  const client = new FieldEncoder();
  const server = new FieldEncoder();
  const fields = requestFields(PATH, 'POST', [TYPE, ['te', 'trailers'], ...request]);
  const out = [PREFACE, settings(), headers(1, client.block(fields))];
  for (const bytes of sent) out.push(data(1, bytes, 0));
  const back: Buffer[] = [settings(), settingsAck()];
  if (response === null) back.push(headers(1, server.block(responseFields(200, [TYPE, ...trailers])), E));
  else {
    back.push(headers(1, server.block(responseFields(200, [TYPE, ...response]))));
    for (const bytes of received) back.push(data(1, bytes, 0));
    back.push(headers(1, server.block(trailers), E));
  }
  return [{ out: Buffer.concat([...out, data(1, '')]) }, { in: Buffer.concat(back) }];
}

const options = { protocol: WireProtocol.Http2 } as const;

function engineOf(specs: Parameters<typeof recordBatch>[0], bodyLimit?: number): Engine {
  const engine = new Engine(bodyLimit === undefined ? {} : { bodyLimit });
  engine.setClock({ offset: 0n, bootTime: START });
  engine.push(recordBatch(specs));
  engine.advance(START * 2n);
  return engine;
}

function shown(call: Call): ExchangeJson {
  return engineOf(conversation(steps(call), options)).json(1) as ExchangeJson;
}

const summaries = (json: ExchangeJson): string[] => json.messages.map(messageSummary);

const HELLO = Buffer.from([0x0a, 5, ...Buffer.from('hello')]);
const b64 = (bytes: Buffer): string => `base64:${bytes.toString('base64')}`;

describe('gRPC', () => {
  it('reads method, deadline, messages and status', () => {
    const engine = engineOf(
      conversation(
        steps({
          request: [['grpc-timeout', '1500m']],
          sent: [frame(HELLO)],
          received: [frame('one'), Buffer.concat([frame(''), frame('two')])],
          trailers: [
            ['grpc-status', '5'],
            ['grpc-message', 'no such %E2%82%AC 100%'],
          ],
        }),
        options,
      ),
    );
    const json = engine.json(1) as ExchangeJson;
    expect(json).toMatchObject({
      status: 200,
      grpc: {
        service: 'shop.v1.Orders',
        method: 'Place',
        status: 5,
        statusName: 'NOT_FOUND',
        message: 'no such € 100%',
        timeoutMs: 1_500,
      },
      messageStream: { format: 'grpc', out: 1, in: 3, note: null, omitted: null },
      completeness: ['complete'],
      violations: [],
    });
    expect(summaries(json)).toEqual([
      `>message 7 ${b64(HELLO)}`,
      `<message 3 ${b64(Buffer.from('one'))}`,
      '<message 0 base64:',
      `<message 3 ${b64(Buffer.from('two'))}`,
    ]);
    expect(json.messages[0]?.protobuf?.text).toBe('1: "hello"');
    const row = engine.row(1);
    expect(row).toMatchObject({ grpcStatus: 5, status: 200, type: 'grpc', messageFormat: 'grpc' });
    expect(row !== undefined && isError(row)).toBe(true);
  });

  it('gives the same result at every split, and for single bytes', () => {
    const call: Call = {
      request: [['grpc-encoding', 'gzip']],
      response: [['grpc-encoding', 'deflate']],
      sent: [frame(gzipSync(HELLO), 1), frame(HELLO)],
      received: [frame(deflateSync(Buffer.alloc(3_000, 'ab')), 1)],
    };
    const specs = conversation(steps(call), options);
    const times = ({ messages, ...rest }: ExchangeJson): unknown => ({
      ...rest,
      messages: messages.map((message) => ({ ...message, atMs: 0 })),
    });
    const whole = times(engineOf(specs).json(1) as ExchangeJson);
    expect(whole).toMatchObject({
      messages: [{ size: 7, compressedSize: 27 }, { size: 7 }, { size: 3_000 }],
    });
    expect(times(engineOf(split(specs, 1)).json(1) as ExchangeJson)).toEqual(whole);
    for (const [index, spec] of specs.entries()) {
      if (spec.type !== 'data') continue;
      for (let at = 1; at < Buffer.from(spec.bytes as Uint8Array).length; at++) {
        expect(times(engineOf(splitAt(specs, index, at)).json(1) as ExchangeJson)).toEqual(whole);
      }
    }
  });

  it.each([
    ['gzip', gzipSync],
    ['deflate', deflateSync],
    ['br', brotliCompressSync],
    ['zstd', zstdCompressSync],
  ] as const)('undoes %s', (coding, compress) => {
    const compressed = compress(Buffer.alloc(1_000, 'x'));
    const json = shown({ response: [['grpc-encoding', coding]], received: [frame(compressed, 1)] });
    expect(json.messages).toMatchObject([
      { size: 1_000, compressedSize: compressed.length, note: null, violations: [] },
    ]);
    const cut = frame(compressed.subarray(0, -4), 1);
    const [broken] = shown({ response: [['grpc-encoding', coding]], received: [cut] }).messages;
    if (coding !== 'deflate')
      expect(broken).toMatchObject({ size: null, compressedSize: compressed.length - 4 });
  });

  it('recognises a call whose response has only trailers', () => {
    const json = shown({ response: null, trailers: [['grpc-status', '16']], sent: [frame('a')] });
    expect(json.grpc).toMatchObject({ status: 16, statusName: 'UNAUTHENTICATED', message: null });
    expect(json.response?.trailers).toEqual([]);
  });

  it('invents no status', () => {
    const client = new FieldEncoder();
    const fields = requestFields('/Odd', 'POST', [TYPE, ['grpc-timeout', 'soon']]);
    const engine = engineOf(
      conversation(
        [
          { out: Buffer.concat([PREFACE, settings(), headers(1, client.block(fields))]) },
          { out: Buffer.concat([data(1, frame('x').subarray(0, 3), 0), reset(1, 8)]) },
        ],
        options,
      ),
    );
    const json = engine.json(1) as ExchangeJson;
    expect(json.grpc).toEqual({
      service: null,
      method: null,
      status: null,
      statusName: null,
      message: null,
      timeoutMs: null,
    });
    expect(summaries(json)).toEqual(['>message ? null (The stream ended before the message did.)']);
  });

  it('shows JSON messages as text, with secrets masked', () => {
    const json = shown({
      request: [],
      response: [],
      received: [frame('x')],
    });
    expect(json.messages).toHaveLength(1);
    const client = new FieldEncoder();
    const fields = requestFields(PATH, 'POST', [['content-type', 'application/grpc+json']]);
    const body = frame('{"name":"ü","password":"x"}');
    const out = Buffer.concat([PREFACE, settings(), headers(1, client.block(fields)), data(1, body)]);
    const engine = engineOf(conversation([{ out }], options));
    expect(engine.json(1)?.messages.map(messageSummary)).toEqual([
      '>text 28 "{\\"name\\":\\"ü\\",\\"password\\":\\"••••••\\"}"',
    ]);
  });

  it('labels what breaks the rules', () => {
    const json = shown({
      sent: [frame('a', 0x82)],
      received: [frame('b', 1)],
    });
    expect(summaries(json)).toEqual([
      `>message 1 ${b64(Buffer.from('a'))} !gRPC PROTOCOL-HTTP2`,
      `<message ? ${b64(Buffer.from('b'))} (1 sent) !gRPC PROTOCOL-HTTP2`,
    ]);
    expect(json.violations).toHaveLength(2);
    const odd = shown({ response: [['grpc-encoding', 'snappy']], received: [frame('b', 1)] });
    expect(odd.messages).toMatchObject([{ size: null, compressedSize: 1, base64: 'Yg==', violations: [] }]);
    const broken = shown({ response: [['grpc-encoding', 'gzip']], received: [frame('bbbbbbbbbbbb', 1)] });
    expect(broken.messages[0]?.note).toMatch(/malformed/);
  });

  it('bounds what is kept and what is decompressed', () => {
    const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024));
    const engine = engineOf(
      conversation(
        steps({ response: [['grpc-encoding', 'gzip']], received: [frame(bomb.subarray(0, 16_000), 1)] }),
        options,
      ),
      100,
    );
    const [message] = engine.json(1)?.messages ?? [];
    expect(message).toMatchObject({ size: null, compressedSize: 16_000 });
    expect('base64' in (message ?? {})).toBe(true);
  });

  it('does not wait for 4 GiB that a prefix promises', () => {
    const json = shown({ received: [Buffer.from([0, 0xff, 0xff, 0xff, 0xff, 1, 2, 3])] });
    expect(summaries(json)).toEqual(['<message ? base64:AQID (The stream ended before the message did.)']);
  });

  it('goes on behind a hole inside a message, and not behind another', () => {
    const http1 = (gap: number): string[] => {
      const body = Buffer.concat([frame(Buffer.alloc(100, 'a')), frame('next')]);
      const head = `HTTP/1.1 200 OK\r\nContent-Type: application/grpc-web\r\nContent-Length: ${body.length}\r\n\r\n`;
      const specs = conversation([
        { out: `POST ${PATH} HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n` },
        { in: Buffer.concat([Buffer.from(head), body.subarray(0, 50)]) },
        { omit: 'in', size: gap, omission: Omission.Limit },
        { in: body.subarray(50 + gap) },
      ]);
      const json = engineOf(specs).json(1) as ExchangeJson;
      return [
        ...summaries(json).map((text) => text.replace(/base64:\S+/, '…')),
        json.messageStream?.note ?? '',
      ];
    };
    const truncated = '<message ? … (Bytes of the message were left out by the capture limit.)';
    expect(http1(20)).toEqual([truncated, '<message 4 …', '']);
    expect(http1(55)).toEqual([truncated, '<message 4 …', '']);
    expect(http1(57)).toEqual([truncated, expect.stringMatching(/start of the next message/)]);
  });
});

describe('gRPC-Web', () => {
  const TRAILERS = frame('grpc-status:7\r\ngrpc-message:no%20way\r\nset-cookie: a=b\r\n', 0x80);

  function web(
    type: string,
    pieces: readonly (Buffer | string)[],
    size = Number.POSITIVE_INFINITY,
  ): ExchangeJson {
    const chunks = pieces.map((piece) => {
      const bytes = Buffer.from(piece as string);
      return Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n')]);
    });
    const head = `HTTP/1.1 200 OK\r\nContent-Type: ${type}\r\nTransfer-Encoding: chunked\r\n\r\n`;
    const specs = conversation([
      { out: `POST /api${PATH} HTTP/1.1\r\nHost: a\r\nContent-Type: ${type}\r\nContent-Length: 12\r\n\r\n` },
      { out: type.includes('text') ? frame(HELLO).toString('base64').slice(0, 12) : frame(HELLO) },
      { in: Buffer.concat([Buffer.from(head), ...chunks, Buffer.from('0\r\n\r\n')]) },
    ]);
    return engineOf(split(specs, size)).json(1) as ExchangeJson;
  }

  const expected = {
    grpc: {
      service: 'shop.v1.Orders',
      method: 'Place',
      status: 7,
      statusName: 'PERMISSION_DENIED',
      message: 'no way',
    },
    messages: [
      { kind: 'message' },
      { kind: 'message', size: 3, base64: 'b25l' },
      {
        kind: 'trailers',
        fields: [
          ['grpc-status', '7'],
          ['grpc-message', 'no%20way'],
          ['set-cookie', '••••••'],
        ],
        note: null,
      },
    ],
  };

  it.each([Number.POSITIVE_INFINITY, 1])('finds the trailers in the body (pieces of %s)', (size) => {
    const json = web('application/grpc-web+proto', [frame('one'), TRAILERS], size);
    expect(json).toMatchObject(expected);
    expect(json.messages[0]).toMatchObject({ size: 7, protobuf: { text: '1: "hello"' } });
    expect(JSON.stringify(json)).not.toContain(
      Buffer.from('set-cookie: a=b').toString('base64').slice(4, 12),
    );
  });

  it.each([Number.POSITIVE_INFINITY, 1])(
    'undoes base64, each piece with its padding (pieces of %s)',
    (size) => {
      const text = [frame('one'), TRAILERS].map((bytes) => bytes.toString('base64'));
      expect(text[0]).toContain('=');
      expect(web('application/grpc-web-text', text, size)).toMatchObject(expected);
    },
  );

  it('gives up on invalid base64', () => {
    const json = web('application/grpc-web-text', [`${frame('one').toString('base64')}!!!!`]);
    expect(summaries(json)[1]).toBe('<message 3 base64:b25l');
    expect(json.messageStream?.note).toMatch(/base64/);
  });
});

describe('any bytes', () => {
  it('are bounded, and never cause an exception', () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), sizes, fc.boolean(), (bytes, pieces, web) => {
        const host = { bodyLimit: 64, mayKeep: () => true, learnDefinitions: () => {} };
        const list = new MessageList('grpc', host);
        const reader = new GrpcReader('response', list, host, {
          web,
          text: false,
          messages: 'proto',
          encoding: 'gzip',
          sink: null,
        });
        const before = list.cost;
        let at = 0;
        for (let i = 0; at < bytes.length; i++) {
          const size = pieces[i % pieces.length] as number;
          if (size === 40) reader.gap(size, 'lost', i);
          else reader.feed(Buffer.from(bytes.subarray(at, at + size)), i);
          at += size;
        }
        reader.end('cut', 1);
        reader.feed(Buffer.from('more'), 2);
        for (const message of list.messages()) expect(message.content.length).toBeLessThanOrEqual(64);
        expect(list.cost).toBeLessThan(before + 400 * list.count + 100_000);
        expect(list.count).toBeLessThanOrEqual(bytes.length / 5 + 1);
      }),
    );
  });
});
