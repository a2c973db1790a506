import {
  brotliCompressSync,
  constants,
  createGzip,
  deflateRawSync,
  deflateSync,
  gzipSync,
  zstdCompressSync,
} from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runs } from '../../../test/kit/runs.ts';
import { Engine } from '../engine.ts';
import { Ending, Omission } from '../record.ts';
import { conversation, recordBatch, START, type Step, split } from '../testing/records.ts';
import { messageSummary } from '../testing/summary.ts';
import { EventStreamReader } from './eventStream.ts';
import { MessageList } from './messageList.ts';
import { PartReader } from './multipartStream.ts';

const GET = 'GET /events HTTP/1.1\r\nHost: a\r\n\r\n';
const head = (type: string, more = ''): string => `HTTP/1.1 200 OK\r\nContent-Type: ${type}\r\n${more}\r\n`;
const SSE = head('text/event-stream; charset=utf-8');
const QUICK = { params: { [constants.BROTLI_PARAM_QUALITY]: 0 } };
const eof: Step = { end: 'in', ending: Ending.ReadEof };

function engineOf(steps: readonly Step[], size = Number.POSITIVE_INFINITY): Engine {
  const engine = new Engine();
  engine.setClock({ offset: 0n, bootTime: START });
  engine.push(recordBatch(split(conversation([{ out: GET }, ...steps]), size)));
  engine.advance(START * 2n);
  return engine;
}

function shown(...args: Parameters<typeof engineOf>): string[] {
  return (engineOf(...args).json(1)?.messages ?? []).map(messageSummary);
}

/** Of a body, whole and in pieces of one byte, the same. */
function events(body: string): string[] {
  const whole = shown([{ in: SSE + body }]);
  expect(shown([{ in: SSE + body }], 1)).toEqual(whole);
  return whole;
}

describe('server-sent events', () => {
  // The examples of the HTML standard, section 9.2.6, and its rules one by one.
  it.each<[string, string, string[]]>([
    ['lines of data', 'data: YHOO\ndata: +2\ndata: 10\n\n', ['<event 10 "YHOO\\n+2\\n10"']],
    [
      'comments, ids and events without data',
      ': test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n\n',
      [
        '<comment 11 "test stream"',
        '<event id=1 11 "first event"',
        '<event id= 12 "second event"',
        '<event 12 " third event"',
      ],
    ],
    ['empty data', 'data\n\ndata\ndata\n\ndata:', ['<event 0 ""', '<event 1 "\\n"']],
    ['one space is dropped', 'data:test\n\ndata: test\n\n', ['<event 4 "test"', '<event 4 "test"']],
    ['types and retry', 'event: add\ndata: 73\nretry: 300\n\n', ['<event event=add retry=300 2 "73"']],
    [
      'every line end',
      'data: a\rdata: b\r\n\r\ndata: c\r\rdata: d\n\r',
      ['<event 3 "a\\nb"', '<event 1 "c"', '<event 1 "d"'],
    ],
    ['a byte order mark', '\xef\xbb\xbfdata: a\n\n', ['<event 1 "a"']],
    ['half of one', '\xef\xbbdata: a\n\n', []],
    [
      'unknown fields and wrong values',
      'foo: 1\nid: a\0b\nretry: 1s\nData: x\ndata: a\n\n',
      ['<event 1 "a"'],
    ],
    ['the last of several', 'event: a\nevent: b\nid: 1\nid: 2\ndata: x\n\n', ['<event event=b id=2 1 "x"']],
    [
      'a block without data',
      'retry: 10\n\n',
      ['<event retry=10 0 "" (It has no data, so no event is dispatched.)'],
    ],
    ['text that is no UTF-8', 'data: \xc0\n\n', ['<event 1 base64:wA== !HTML section 9.2.5']],
    ['no colon in a long line', 'databasedatabase\n\n', []],
  ])('%s', (name, body, expected) => {
    const got = events(body);
    if (name === 'empty data') expect(got.slice(0, 2)).toEqual(expected);
    else expect(got).toEqual(expected);
  });

  it('arrive one by one while the response runs, each with its time', () => {
    const engine = engineOf([{ in: SSE }, { in: 'data: 1\n\n' }, { in: 'data: 2\n' }, { in: '\ndata' }]);
    expect(engine.row(1)).toMatchObject({
      state: 'running',
      messageFormat: 'server-sent-events',
      messages: 2,
    });
    expect(engine.json(1)?.messages.map(({ atMs }) => atMs)).toEqual([2, 4]);
  });

  it('say when the last one is not dispatched, and what a gap hides', () => {
    expect(shown([{ in: `${SSE}data: a\n\ndata: b\n` }, eof])).toEqual([
      '<event 1 "a"',
      expect.stringMatching(/^<event \? "b" \(The stream ended before the empty line/),
    ]);
    const gap: Step = { omit: 'in', size: 50, omission: Omission.Limit };
    expect(shown([{ in: `${SSE}data: abc` }, gap, { in: 'def\ndata: g\n\ndata: h\n\n' }])).toEqual([
      expect.stringMatching(/^<event \? "abc" \(Bytes of the message were left out/),
      '<event 1 "h"',
    ]);
  });

  it('do not exist in a response without a body', () => {
    expect(
      engineOf([{ in: head('text/event-stream', 'Content-Length: 0\r\n') }]).row(1)?.messageFormat,
    ).toBeNull();
  });

  it('are the same in pieces of any size', () => {
    const line = fc.oneof(
      fc.constantFrom('data: x', 'data', 'event: e', 'id: 1', ': c', '', '', 'retry: 5', 'data:é€😀', 'x: y'),
      fc.string({ maxLength: 12 }),
    );
    const body = fc.array(fc.tuple(line, fc.constantFrom('\n', '\r', '\r\n')), { maxLength: 20 });
    fc.assert(
      fc.property(body, fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }), (lines, sizes) => {
        const bytes = Buffer.from(lines.map(([text, end]) => text + end).join(''));
        const read = (pieces: readonly number[]): unknown => {
          const host = { bodyLimit: 1_000, mayKeep: () => true, learnDefinitions: () => {} };
          const list = new MessageList('server-sent-events', host);
          const reader = new EventStreamReader('response', list, host);
          for (let at = 0, i = 0; at < bytes.length; i++) {
            const size = pieces[i % pieces.length] as number;
            reader.feed(bytes.subarray(at, at + size), 0);
            at += size;
          }
          reader.end('complete', 0);
          return list.messages();
        };
        expect(read(sizes)).toEqual(read([10_000]));
      }),
      { numRuns: runs(500) },
    );
  });
});

describe('content codings', () => {
  const body = Buffer.from(Array.from({ length: 200 }, (_, i) => `data: {"n":${i}}\n\n`).join(''));
  const codings: Record<string, Buffer> = {
    gzip: gzipSync(body),
    'x-gzip': Buffer.concat([
      gzipSync(body.subarray(0, 500)),
      gzipSync(body.subarray(500)),
      Buffer.alloc(20),
    ]),
    deflate: deflateSync(body),
    'deflate ': deflateRawSync(body),
    br: brotliCompressSync(body),
    'gzip, deflate': deflateSync(gzipSync(body)),
    ...(typeof zstdCompressSync === 'function' ? { zstd: zstdCompressSync(body) } : {}),
  };

  it.each(Object.entries(codings))('%s is undone in pieces of any size', (coding, bytes) => {
    for (const size of [1, 7, 100_000]) {
      const engine = engineOf(
        [{ in: head('text/event-stream', `Content-Encoding: ${coding.trim()}\r\n`) }, { in: bytes }, eof],
        size,
      );
      const messages = engine.json(1)?.messages ?? [];
      expect(messages.map((message) => 'text' in message && message.text)).toEqual(
        Array.from({ length: 200 }, (_, i) => `{"n":${i}}`),
      );
      expect(engine.json(1)?.messageStream?.note).toBeNull();
    }
  });

  it('show each event when it was flushed', async () => {
    const gzip = createGzip();
    const pieces: Step[] = [];
    for (let i = 0; i < 5; i++) {
      gzip.write(`data: event ${i}\n\n`);
      await new Promise<void>((done) => gzip.flush(constants.Z_SYNC_FLUSH, done));
      pieces.push({ in: gzip.read() as Buffer });
    }
    const engine = engineOf([{ in: head('text/event-stream', 'Content-Encoding: gzip\r\n') }, ...pieces]);
    expect(engine.json(1)?.messages.map(({ atMs }) => atMs)).toEqual([2, 3, 4, 5, 6]);
  });

  it('say what is malformed, unread, missing or too much', () => {
    const note = (coding: string, ...steps: Step[]): string | null | undefined =>
      engineOf([{ in: head('text/event-stream', `Content-Encoding: ${coding}\r\n`) }, ...steps]).json(1)
        ?.messageStream?.note;
    expect(note('gzip', { in: 'data: a\n\n' })).toMatch(/malformed/);
    expect(note('compress', { in: 'data: a\n\n' })).toMatch(/not supported/);
    expect(note('gzip,gzip,gzip,gzip,gzip', { in: 'data: a\n\n' })).toMatch(/not supported/);
    const half = gzipSync(body).subarray(0, 100);
    expect(
      note('gzip', { in: half }, { omit: 'in', size: 5, omission: Omission.Limit }, { in: 'x' }),
    ).toMatch(/missing/);
    let seed = 1;
    const noise = Buffer.from(
      Array.from({ length: 1_200_000 }, () => {
        seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
        return seed >>> 24;
      }),
    );
    const large = brotliCompressSync(noise, QUICK);
    const pieces: Step[] = [];
    for (let at = 0; at < large.length; at += 50_000) pieces.push({ in: large.subarray(at, at + 50_000) });
    expect(note('br', ...pieces)).toMatch(/up to a limit/);
    const bomb = brotliCompressSync(Buffer.alloc(10_000_000), QUICK);
    expect(note('br', ...Array.from(bomb, (byte) => ({ in: Buffer.from([byte]) })))).toBeNull();
  });
});

describe('multipart/x-mixed-replace', () => {
  const type = 'multipart/x-mixed-replace; boundary=frame';
  const jpeg = Buffer.from([0xff, 0xd8, 0x0d, 0x0a, 0x2d, 0x2d, 0x66, 0x72, 0xff, 0xd9]);
  const part = (content: Buffer | string, delimiter = '--frame'): Buffer =>
    Buffer.concat([
      Buffer.from(`${delimiter}\r\nContent-Type: image/jpeg\r\n\r\n`),
      Buffer.from(content),
      Buffer.from('\r\n'),
    ]);

  it('gives one message a part', () => {
    const body = Buffer.concat([
      Buffer.from('preamble\r\n'),
      part(jpeg),
      part('two'),
      part(''),
      Buffer.from('--frame--\r\nepilogue'),
    ]);
    const expected = [
      `<part Content-Type=image/jpeg 10 base64:${jpeg.toString('base64')}`,
      '<part Content-Type=image/jpeg 3 "two"',
      '<part Content-Type=image/jpeg 0 ""',
    ];
    for (const size of [1, 2, 5, 10_000]) {
      expect(shown([{ in: head(type) }, { in: body }, eof], size)).toEqual(expected);
    }
  });

  it('is read where the dashes are part of the parameter, either way', () => {
    for (const delimiter of ['--x', '----x']) {
      const steps: Step[] = [
        { in: head('multipart/x-mixed-replace;boundary=--x') },
        { in: Buffer.concat([part('a', delimiter), part('b', delimiter)]) },
        eof,
      ];
      expect(shown(steps)).toEqual([
        '<part Content-Type=image/jpeg 1 "a"',
        '<part Content-Type=image/jpeg ? "b\\r\\n" (The stream ended before the message did.)',
      ]);
    }
  });

  it('goes on behind a gap at the next delimiter', () => {
    const steps: Step[] = [
      { in: head(type) },
      { in: part('0123456789').subarray(0, -6) },
      { omit: 'in', size: 100, omission: Omission.Limit },
      { in: Buffer.concat([Buffer.from('rest\r\n'), part('next'), Buffer.from('--frame')]) },
    ];
    expect(shown(steps)).toEqual([
      expect.stringMatching(
        /^<part Content-Type=image\/jpeg \? "012345" \(Bytes of the message were left out/,
      ),
      '<part Content-Type=image/jpeg 4 "next"',
    ]);
  });

  it('never throws, in pieces of any size', () => {
    const pieces = fc.array(
      fc.oneof(
        fc.constantFrom('--b', '\r\n', '\n', '--', '\r', 'A: b', ': ', '--b--', '-'),
        fc.string({ maxLength: 5 }),
      ),
    );
    fc.assert(
      fc.property(pieces, fc.integer({ min: 1, max: 7 }), (texts, size) => {
        const bytes = Buffer.from(texts.join(''));
        const read = (step: number): unknown => {
          const host = { bodyLimit: 100, mayKeep: () => true, learnDefinitions: () => {} };
          const list = new MessageList('multipart', host);
          const reader = new PartReader('response', list, host, 'b');
          for (let at = 0; at < bytes.length; at += step) reader.feed(bytes.subarray(at, at + step), 0);
          reader.end('complete', 0);
          return list.messages();
        };
        expect(read(size)).toEqual(read(10_000));
      }),
      { numRuns: runs(1_000) },
    );
  });
});
