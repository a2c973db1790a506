/** HTTP/2 made to hurt: bounded, labelled, and what comes behind it is read. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { corpus } from '../../../test/kit/corpora.mjs';
import { runs } from '../../../test/kit/runs.ts';
import { variants } from '../../../test/kit/tier.mjs';
import { Engine } from '../engine.ts';
import type { ExchangeJson } from '../exchangeJson.ts';
import { MAX_FIELD_BLOCK, MAX_FIELDS, MAX_STREAMS } from '../limits.ts';
import { Direction, WireProtocol } from '../record.ts';
import { heldMemory } from '../testing/collect.ts';
import {
  continuation,
  data,
  END_HEADERS,
  END_STREAM,
  FieldEncoder,
  frame,
  headers,
  literal,
  PADDED,
  PREFACE,
  requestFields,
  reset,
  responseFields,
  settings,
  uint32,
} from '../testing/http2.ts';
import { conversation, type RecordSpec, recordBatch, START, type Step, split } from '../testing/records.ts';

const CORPUS = corpus('nghttp2-fuzz/fuzz/corpus');
const MIB = 1024 * 1024;
const E = END_STREAM | END_HEADERS;
const HELLO = Buffer.concat([PREFACE, settings()]);

function engine(): Engine {
  const made = new Engine();
  made.setClock({ offset: 0n, bootTime: START });
  return made;
}

function specs(steps: readonly Step[], options: Parameters<typeof conversation>[1] = {}): RecordSpec[] {
  return conversation(steps, { protocol: WireProtocol.Http2, ...options });
}

function jsonsOf(target: Engine): ExchangeJson[] {
  target.finish();
  expect(target.stats().running).toBe(0);
  return target.takeChanges().changed.map((id) => target.json(id, { reveal: true }) as ExchangeJson);
}

function read(steps: readonly Step[], options: Parameters<typeof conversation>[1] = {}): ExchangeJson[] {
  const target = engine();
  target.push(recordBatch(specs(steps, options)));
  return jsonsOf(target);
}

/** The same bytes again and again. */
function flood(target: Engine, first: number, piece: Buffer, count: number): void {
  const record = recordBatch([
    { type: 'data', direction: Direction.Out, position: 0, bytes: piece, protocol: WireProtocol.Http2 },
  ]);
  for (let i = 0; i < count; i++) {
    record.writeBigUInt64LE(BigInt(first + i * piece.length), 40);
    target.push(record);
  }
}

const get = (encoder: FieldEncoder, stream: number, path = `/${stream}`): Buffer =>
  headers(stream, encoder.block(requestFields(path)), E);
const ok = (encoder: FieldEncoder, stream: number): Buffer =>
  headers(stream, encoder.block(responseFields(200)), E);
const rules = (json: ExchangeJson | undefined): string[] => json?.violations.map(({ rule }) => rule) ?? [];

describe('floods', () => {
  it('of CONTINUATION keep a bounded block, and say so', () => {
    const target = engine();
    const first = Buffer.concat([
      HELLO,
      headers(1, new FieldEncoder().block(requestFields('/1')), END_STREAM),
    ]);
    target.push(recordBatch(specs([{ out: first }])));
    const before = heldMemory();
    const piece = continuation(
      1,
      Buffer.concat([Buffer.from([0]), literal('x-a'), literal('b'.repeat(16_000))]),
      0,
    );
    flood(target, first.length, piece, 64 * 64);
    expect(heldMemory() - before).toBeLessThan(32 * MIB);
    const end = first.length + 64 * 64 * piece.length;
    flood(target, end, continuation(1, Buffer.alloc(0)), 1);
    flood(target, end + 9, headers(3, new FieldEncoder().block(requestFields('/3')), E), 1);
    const [one, three] = jsonsOf(target);
    expect(one).toMatchObject({ method: 'GET', completeness: ['headers-incomplete', 'unanswered'] });
    expect(rules(one)).toContain('RFC 9113 section 10.5.1');
    const size = one?.request?.headers.reduce((sum, [, value]) => sum + (value?.length ?? 0), 0) ?? 0;
    expect(size).toBeLessThanOrEqual(MAX_FIELD_BLOCK);
    expect(size).toBeGreaterThan(MAX_FIELD_BLOCK / 2);
    expect(three?.method).toBe('GET');
  });

  it('of empty CONTINUATION, of PING and of SETTINGS cost nothing', () => {
    const target = engine();
    const first = Buffer.concat([
      HELLO,
      headers(1, new FieldEncoder().block(requestFields('/1')), END_STREAM),
    ]);
    target.push(recordBatch(specs([{ out: first }])));
    const before = heldMemory();
    const empty = Buffer.concat(Array<Buffer>(1_000).fill(continuation(1, Buffer.alloc(0), 0)));
    flood(target, first.length, empty, 500);
    let position = first.length + 500 * empty.length;
    for (const piece of [
      continuation(1, Buffer.alloc(0)),
      settings(...Array<[number, number]>(1_000).fill([1, 2])),
    ]) {
      const many = piece.length > 100 ? 1_000 : 1;
      flood(target, position, piece, many);
      position += many * piece.length;
    }
    expect(heldMemory() - before).toBeLessThan(16 * MIB);
    expect(jsonsOf(target)).toHaveLength(1);
  });

  it('of rapid resets are that many cancelled calls', () => {
    const encoder = new FieldEncoder();
    const target = engine();
    target.push(recordBatch(specs([{ out: HELLO }])));
    let position = HELLO.length;
    for (let stream = 1; stream < 40_000; stream += 2) {
      const piece = Buffer.concat([get(encoder, stream, '/same'), reset(stream, 8)]);
      flood(target, position, piece, 1);
      position += piece.length;
    }
    expect(target.stats()).toMatchObject({ exchanges: 20_000, running: 0, errors: 20_000 });
    expect(target.json(20_000)).toMatchObject({
      method: 'GET',
      completeness: ['aborted'],
      http2: { stream: 39_999, reset: { code: 8, name: 'CANCEL', by: 'client' } },
    });
  });

  it('of streams that never end are bounded', () => {
    const encoder = new FieldEncoder();
    const count = MAX_STREAMS + 1_000;
    const pieces = Array.from({ length: count }, (_, i) => get(encoder, 1 + 2 * i, '/same'));
    const target = engine();
    target.push(recordBatch(specs([{ out: Buffer.concat([HELLO, ...pieces]) }])));
    expect(target.stats()).toMatchObject({ exchanges: count, running: MAX_STREAMS });
    expect(target.json(1)?.completeness).toEqual(['one-sided']);
    target.finish();
    expect(target.stats().running).toBe(0);
  });
});

describe('an HPACK bomb', () => {
  it('unfolds into a bounded number of fields, and the table stays right', () => {
    const encoder = new FieldEncoder();
    const first = headers(1, encoder.block([...requestFields('/1'), ['x-bomb', 'b'.repeat(3_900)]]), E);
    // The newest entry, a thousand times in each of two thousand messages.
    const bomb = (stream: number): Buffer =>
      headers(stream, Buffer.concat([Buffer.from([0x82, 0x86, 0x84]), Buffer.alloc(1_000, 0xbe)]), E);
    const before = heldMemory();
    const target = engine();
    const out = [HELLO, first, ...Array.from({ length: 2_000 }, (_, i) => bomb(3 + 2 * i))];
    target.push(recordBatch(specs([{ out: Buffer.concat(out) }])));
    // What is kept of it would be 500 MB, were it text; all of it is 8 GB.
    expect(heldMemory() - before).toBeLessThan(128 * MIB);
    target.finish();
    expect(target.stats()).toMatchObject({ exchanges: 2_001, running: 0 });
    const last = target.json(2_001);
    expect(last?.completeness).toContain('headers-incomplete');
    expect(rules(last)).toContain('RFC 9113 section 10.5.1');
    expect(last?.request?.headers.length).toBeLessThanOrEqual(MAX_FIELDS);
    expect(last?.request?.headers[0]).toEqual(['x-bomb', 'b'.repeat(3_900)]);
  });
});

describe('flow control', () => {
  const big = (encoder: FieldEncoder, stream: number): Buffer =>
    headers(stream, encoder.block(requestFields(`/${stream}`, 'POST')));
  const chunk = (stream: number, flags = 0): Buffer => data(stream, Buffer.alloc(16_000, 'x'), flags);

  it('measures how long the process could not send', () => {
    const client = new FieldEncoder();
    const server = new FieldEncoder();
    const jsons = read([
      { out: Buffer.concat([HELLO, big(client, 1), big(client, 3)]) },
      // The connection's window is 65,535 bytes, each stream's 20,000: padding counts.
      { in: settings([4, 20_000]) },
      { out: chunk(1) },
      {
        out: frame(
          0,
          PADDED,
          1,
          Buffer.concat([Buffer.from([100]), Buffer.alloc(3_899, 'x'), Buffer.alloc(100)]),
        ),
      },
      { wait: 40_000_000n },
      { in: frame(8, 0, 1, uint32(50_000)) },
      { out: chunk(1) },
      { out: chunk(1) },
      { out: data(1, Buffer.alloc(13_535, 'x'), 0) },
      { wait: 20_000_000n },
      { in: frame(8, 0, 0, uint32(100)) },
      { out: Buffer.concat([data(1, 'end'), data(3, 'end')]) },
      { in: Buffer.concat([ok(server, 1), ok(server, 3)]) },
    ]);
    // 40 and 20 ms of waiting, and a millisecond for each of two steps.
    expect(jsons.map(({ http2 }) => http2?.blockedMs)).toEqual([64, 0]);
    expect(jsons.flatMap(rules)).toEqual([]);
  });

  it('is not known of what the peer sends, nor where the connection was joined late', () => {
    const talk = (client: FieldEncoder): Step[] => [
      { in: Buffer.concat([big(client, 1), chunk(1, END_STREAM)]) },
    ];
    const [peer] = read([{ in: HELLO }, ...talk(new FieldEncoder())], { side: 'server' });
    expect(peer?.http2?.blockedMs).toBe(0);
    const [late] = read([...talk(new FieldEncoder()), { in: frame(6, 0, 0, 'pingpong') }], {
      side: 'server',
      joinedLate: true,
    });
    expect(late?.http2?.blockedMs).toBeNull();
  });
});

describe('what breaks the rules', () => {
  const broken = (
    name: string,
    rule: string,
    make: (client: FieldEncoder, server: FieldEncoder) => Step[],
  ): void => {
    it(`${name} is labelled, and what follows is read`, () => {
      const client = new FieldEncoder();
      const server = new FieldEncoder();
      const steps = make(client, server);
      const jsons = read([{ out: HELLO }, ...steps, { out: get(client, 99) }, { in: ok(server, 99) }]);
      expect(jsons.flatMap(rules)).toContain(rule);
      expect(jsons.find(({ http2 }) => http2?.stream === 99)).toMatchObject({ method: 'GET', status: 200 });
    });
  };
  const request =
    (fields: Parameters<FieldEncoder['block']>[0]) =>
    (client: FieldEncoder): Step[] => [{ out: headers(1, client.block(fields), E) }];
  broken('an upper-case name', 'RFC 9113 section 8.2.1', request(requestFields('/', 'GET', [['X-Id', '1']])));
  broken(
    'a line end in a value',
    'RFC 9113 section 8.2.1',
    request(requestFields('/', 'GET', [['x', 'a\r\nb']])),
  );
  broken(
    'Connection',
    'RFC 9113 section 8.2.2',
    request(requestFields('/', 'GET', [['connection', 'close']])),
  );
  broken('TE: gzip', 'RFC 9113 section 8.2.2', request(requestFields('/', 'GET', [['te', 'gzip']])));
  broken(
    'a pseudo-header field at the end',
    'RFC 9113 section 8.3',
    request([['x', 'y'], ...requestFields('/')]),
  );
  broken('two paths', 'RFC 9113 section 8.3', request([...requestFields('/'), [':path', '/b']]));
  broken('no path', 'RFC 9113 section 8.3', request(requestFields('/').slice(0, 3)));
  broken(
    'a status in a request',
    'RFC 9113 section 8.3',
    request([...requestFields('/'), [':status', '200']]),
  );
  broken('a status that is not a number', 'RFC 9113 section 8.3.2', (client, server) => [
    { out: get(client, 1) },
    { in: headers(1, server.block([[':status', '2000']]), E) },
  ]);
  broken('a wrong Content-Length', 'RFC 9113 section 8.1.1', (client) => [
    { out: headers(1, client.block(requestFields('/', 'POST', [['content-length', '5']]))) },
    { out: data(1, 'abc') },
  ]);
  it('not a request that is left off because its answer is complete', () => {
    const client = new FieldEncoder();
    const announced = requestFields('/', 'POST', [['content-length', '5']]);
    const [json] = read([
      { out: HELLO },
      { out: headers(1, client.block(announced)) },
      { out: data(1, 'abc', 0) },
      { in: Buffer.concat([ok(new FieldEncoder(), 1), reset(1, 0)]) },
    ]);
    expect(json).toMatchObject({ status: 200, violations: [], request: { bodySize: 3 } });
  });
  broken('too much padding', 'RFC 9113 section 6.1', (client) => [
    { out: headers(1, client.block(requestFields('/', 'POST'))) },
    { out: frame(0, PADDED | END_STREAM, 1, Buffer.from([200, 1, 2])) },
  ]);
  broken('a second head', 'RFC 9113 section 8.1', (client, server) => [
    { out: get(client, 1) },
    { in: headers(1, server.block(responseFields(200))) },
    { in: headers(1, server.block(responseFields(201))) },
    { in: data(1, '') },
  ]);
  broken('a frame larger than allowed', 'RFC 9113 section 4.2', (client) => [
    { out: headers(1, client.block(requestFields('/', 'POST'))) },
    { out: data(1, Buffer.alloc(20_000, 'x')) },
  ]);
  broken('more than the window allows', 'RFC 9113 section 6.9.1', (client) => [
    { in: settings([4, 10]) },
    { out: headers(1, client.block(requestFields('/', 'POST'))) },
    { out: data(1, 'more than ten bytes') },
  ]);
  broken('a frame within a field block', 'RFC 9113 section 4.3', (client) => [
    { out: headers(1, client.block(requestFields('/')), END_STREAM) },
    { out: frame(6, 0, 0, 'pingpong') },
  ]);
  broken('a table larger than allowed', 'RFC 7541 section 4.2', (client) => {
    client.resize(1_000_000);
    return [{ out: get(client, 1) }];
  });
  broken('a reference to nothing', 'RFC 7541 section 2.3.3', (client) => [
    { out: headers(1, Buffer.concat([client.block(requestFields('/')), Buffer.from([0xff, 0x20])]), E) },
  ]);

  it('bytes that are no HTTP/2 at all make no calls', () => {
    const random = Buffer.alloc(200_000);
    let state = 1;
    for (let i = 0; i < random.length; i++) {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
      random[i] = state >>> 16;
    }
    expect(read([{ out: random }, { in: random }])).toEqual([]);
    expect(read([{ out: random }, { in: random }], { joinedLate: true })).toEqual([]);
    expect(
      read([{ out: Buffer.alloc(200_000) }, { in: Buffer.alloc(200_000) }], { joinedLate: true }),
    ).toEqual([]);
  });

  it('values whose name is not known are masked', () => {
    const target = engine();
    target.push(
      recordBatch(
        specs(
          [
            {
              out: Buffer.concat([
                headers(1, Buffer.concat([Buffer.from([0x82, 0x7f, 0x10]), literal('secret')]), E),
                headers(3, Buffer.from([0x82]), E),
                headers(5, Buffer.from([0x82]), E),
              ]),
            },
          ],
          { joinedLate: true },
        ),
      ),
    );
    target.finish();
    expect(JSON.stringify(target.json(1))).not.toContain('secret');
    expect(JSON.stringify(target.json(1, { reveal: true }))).toContain('secret');
  });
});

describe('anything at all', () => {
  const piece = fc.oneof(
    fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
    fc
      .tuple(fc.nat({ max: 12 }), fc.nat({ max: 255 }), fc.nat({ max: 9 }), fc.uint8Array({ maxLength: 30 }))
      .map(([type, flags, stream, bytes]) => frame(type, flags, stream, bytes)),
    fc.nat({ max: 9 }).map((stream) => get(new FieldEncoder(), stream)),
    fc.nat({ max: 9 }).map((stream) => ok(new FieldEncoder(), stream)),
    fc.nat({ max: 9 }).map((stream) => reset(stream, 0)),
    fc.constant(HELLO),
    fc.constant(uint32(0)),
  );
  const steps = fc.array(
    fc.oneof(
      {
        weight: 8,
        arbitrary: fc
          .tuple(fc.boolean(), piece)
          .map(([out, bytes]): Step => (out ? { out: bytes } : { in: bytes })),
      },
      fc
        .tuple(fc.constantFrom('out', 'in'), fc.integer({ min: 1, max: 60 }))
        .map(([lose, size]): Step => ({ lose: lose as 'out', size })),
    ),
    { maxLength: 40 },
  );

  it('never throws, and everything ends once', () => {
    fc.assert(
      fc.property(
        steps,
        fc.boolean(),
        fc.constantFrom('client', 'server', null),
        fc.boolean(),
        (all, joinedLate, side, close) => {
          const jsons = read([...all, ...(close ? ([{ close: true }] as const) : [])], { joinedLate, side });
          for (const json of jsons) expect(json.completeness.length).toBeGreaterThan(0);
        },
      ),
      { numRuns: runs(1_000) },
    );
  });
});

describe.skipIf(CORPUS.folder === null)(CORPUS.title, () => {
  const files =
    CORPUS.folder === null
      ? []
      : readdirSync(CORPUS.folder, { recursive: true, withFileTypes: true })
          .filter((entry) => entry.isFile())
          .map((entry) => join(entry.parentPath, entry.name));

  it('is there', () => {
    expect(files.length).toBeGreaterThan(130);
  });

  it('is read the same whole and byte by byte, from either side, late or not, and within bounds', () => {
    let exchanges = 0;
    const ways = [{}, { joinedLate: true }, { side: 'server' as const }, { side: null }];
    for (const [index, file] of files.entries()) {
      const bytes = readFileSync(file);
      for (const options of variants(ways, index)) {
        const whole = read([{ out: bytes }, { close: true }], options);
        const target = engine();
        target.push(recordBatch(split(specs([{ out: bytes }, { close: true }], options), 1)));
        expect(jsonsOf(target), file).toEqual(whole);
        exchanges += whole.length;
        expect(whole.length).toBeLessThanOrEqual(bytes.length / 9 + 1);
      }
    }
    expect(exchanges).toBeGreaterThan(100);
  });
});
