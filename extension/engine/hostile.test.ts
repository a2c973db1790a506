/** Input made to hurt: time must stay linear and memory bounded, and what was captured before must stay. */
import { describe, expect, it } from 'vitest';
import { WHOLE } from '../../test/kit/tier.mjs';
import { Engine, type EngineOptions } from './engine.ts';
import { MAX_CONNECTIONS, MAX_FIELDS, MAX_PIPELINED } from './limits.ts';
import { Direction, Ending } from './record.ts';
import { heldMemory } from './testing/collect.ts';
import { cpuTime } from './testing/cpuTime.ts';
import { conversation, ofConnection, recordBatch, START, type Step } from './testing/records.ts';

const MIB = 1024 * 1024;
const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

function engine(options: EngineOptions = {}): Engine {
  const made = new Engine(options);
  made.setClock({ offset: 0n, bootTime: START });
  return made;
}

function run(steps: readonly Step[], options: EngineOptions = {}): Engine {
  const made = engine(options);
  made.push(recordBatch(conversation(steps)));
  made.finish();
  return made;
}

/** Pushes the same bytes again and again in one direction. @returns milliseconds of processor time. */
function flood(
  target: Engine,
  first: number,
  piece: Buffer,
  count: number,
  direction = Direction.Out,
): number {
  const record = recordBatch([{ type: 'data', direction, position: 0, bytes: piece }]);
  return cpuTime(() => {
    for (let i = 0; i < count; i++) {
      record.writeBigUInt64LE(BigInt(first + i * piece.length), 40);
      target.push(record);
    }
  });
}

describe('one line', () => {
  it.each([
    ['a header', `GET / HTTP/1.1\r\nHost: a\r\nX: `],
    ['a request line', 'GET /'],
    ['a fold', 'GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n '],
    ['a chunk extension', 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5;'],
    ['a trailer', 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: '],
    ['no HTTP', 'nothing known '],
  ])('%s of 1 GiB costs bounded memory', (_, beginning) => {
    const target = engine();
    target.push(recordBatch(conversation([{ out: beginning }])));
    const before = heldMemory();
    const took = flood(target, beginning.length, Buffer.alloc(MIB, 'x'), 1_024);
    expect(heldMemory() - before).toBeLessThan(64 * MIB);
    expect(took).toBeLessThan(20_000);
    target.push(
      recordBatch([
        {
          type: 'data',
          direction: Direction.Out,
          position: beginning.length + 1_024 * MIB,
          bytes: '\r\n\r\n\r\n',
        },
      ]),
    );
    target.finish();
    expect(target.stats()).toMatchObject({ running: 0, copiedBytes: beginning.length + 1_024 * MIB + 6 });
  });

  it('is labelled, and the fields behind it still frame the message', () => {
    const target = run([
      { out: `POST / HTTP/1.1\r\nX: ${'x'.repeat(MIB)}\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc${GET}` },
      { in: OK + OK },
    ]);
    const json = target.json(1);
    expect(json?.completeness).toContain('headers-incomplete');
    expect(json?.violations.map(({ rule }) => rule)).toContain('RFC 9110 section 5.4');
    expect(json?.request?.body).toEqual({ text: 'abc' });
    expect(target.json(2)?.completeness).toEqual(['complete']);
  });
});

describe('numbers', () => {
  it('of fields are bounded, and framing is still seen', () => {
    const fields = Array.from({ length: 100_000 }, (_, i) => `X-${i}: ${i}\r\n`).join('');
    const target = run([
      { out: `POST / HTTP/1.1\r\nHost: a\r\n${fields}Content-Length: 3\r\n\r\nabc${GET}` },
      { in: OK + OK },
    ]);
    expect(target.json(1)?.request?.headers.length).toBeLessThanOrEqual(MAX_FIELDS);
    expect(target.json(1)?.request?.body).toEqual({ text: 'abc' });
    expect(target.json(1)?.completeness).toEqual(['headers-incomplete']);
    expect(target.json(2)?.completeness).toEqual(['complete']);
  });

  it('of pipelined requests are bounded, and the first ones still find their responses', () => {
    const target = run([{ out: GET.repeat(5_000) }, { in: OK.repeat(5_000) }, { close: true }], {
      maxExchanges: 20_000,
    });
    for (const id of [1, MAX_PIPELINED]) expect(target.json(id)?.completeness).toEqual(['complete']);
    expect(target.json(MAX_PIPELINED + 1)?.completeness).toContain('one-sided');
    expect(target.stats().running).toBe(0);
  });

  it('of interim responses are bounded', () => {
    const target = run([{ out: GET }, { in: 'HTTP/1.1 103 Early\r\n\r\n'.repeat(100_000) + OK }]);
    expect(target.json(1)?.interim.length).toBeLessThanOrEqual(64);
    expect(target.json(1)?.status).toBe(200);
  });

  it('of chunks cost no memory each', () => {
    const target = engine();
    const head = 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n';
    target.push(recordBatch(conversation([{ out: head }])));
    const [times, most] = WHOLE ? [20, 64 * MIB] : [5, 16 * MIB];
    const before = heldMemory();
    const took = flood(target, head.length, Buffer.from('1\r\nx\r\n'.repeat(170_000)), times);
    expect(took).toBeLessThan(20_000);
    expect(heldMemory() - before).toBeLessThan(most);
    expect(target.get(1)?.request?.body.captured).toBe(64 * 1024);
  });

  it('of connections are bounded', () => {
    const target = engine({ maxExchanges: 1_000 });
    const records = recordBatch(conversation([{ out: GET }]));
    for (let connection = 1; connection <= 40_000; connection++)
      target.push(ofConnection(records, BigInt(connection)));
    const { connections, running, evicted } = target.stats();
    expect(connections).toBe(40_000);
    expect(running).toBeLessThanOrEqual(MAX_CONNECTIONS);
    expect(evicted).toBeGreaterThan(0);
    target.finish();
    expect(target.stats().running).toBe(0);
  });

  it('of records behind a hole are bounded', () => {
    const target = engine();
    target.push(recordBatch(conversation([{ out: GET.slice(0, 10) }])));
    const before = heldMemory();
    flood(target, 100, Buffer.alloc(4_096, 'x'), 50_000);
    expect(heldMemory() - before).toBeLessThan(64 * MIB);
    expect(target.stats().lostBytes).toBe(90);
  });
});

describe('pieces of one byte', () => {
  it('cost no more than whole ones, per byte', () => {
    const body = 'x'.repeat(60_000);
    const text = `POST / HTTP/1.1\r\nHost: a\r\nX: ${'y'.repeat(60_000)}\r\nContent-Length: 60000\r\n\r\n${body}`;
    const time = (length: number): number => {
      const records = recordBatch(
        [...text.slice(0, length)].map(
          (bytes, position) => ({ type: 'data', direction: 0, position, bytes }) as const,
        ),
      );
      const target = engine();
      target.push(recordBatch(conversation([])));
      return cpuTime(() => target.push(records));
    };
    time(20_000);
    const quarter = time(30_000);
    const whole = time(120_000);
    // Four times the bytes; sixteen times the time would be quadratic.
    expect(whole).toBeLessThan(Math.max(10 * quarter, 1_500));
  });
});

describe('garbage', () => {
  it('makes no exchange', () => {
    for (const bytes of [
      '\x16\x03\x01\x00\xee\x01\x00\x00\xea\x03\x03',
      'SSH-2.0-OpenSSH_9.2p1\r\n',
      '\0\0\0\x0c\0\0\0\x10\0\0\0\0',
      'EHLO scanner\r\nQUIT\r\n',
      '\x03\0\0\x13\x0e\xe0\0\0\0\0\0\x01\0\x08\0\x03\0\0\0',
      '\r\n\r\n\r\n',
      '\n'.repeat(10_000),
      'GET',
    ]) {
      const target = run([{ in: bytes }, { end: 'in', ending: Ending.Fin }, { close: true }]);
      expect(target.stats().exchanges, bytes.slice(0, 20)).toBe(0);
    }
  });

  it('does not disturb other connections', () => {
    const target = engine();
    const good = conversation([{ out: GET }, { in: OK }], { connection: 1n });
    const bad = conversation([{ out: '\0'.repeat(1_000) }, { in: '\xff'.repeat(1_000) }], { connection: 2n });
    target.push(recordBatch(good.flatMap((spec, i) => [spec, bad[i] ?? spec])));
    target.finish();
    expect(target.json(1)?.completeness).toEqual(['complete']);
    expect(target.stats().exchanges).toBe(1);
  });

  it('that is not a record is refused, and earlier records are kept', () => {
    const target = engine();
    const records = recordBatch(conversation([{ out: GET }, { in: OK }]));
    expect(() => target.push(Buffer.concat([records, Buffer.alloc(40, 0xff)]))).toThrow(/impossible length/);
    expect(target.json(1)?.completeness).toEqual(['complete']);
  });
});

describe('the store', () => {
  // In the short run a quarter, beside what a process needs for itself.
  const [connections, most] = WHOLE ? [1_000, 400 * MIB] : [250, 150 * MIB];
  it(`holds ${100 * connections} small calls in less than ${most / MIB} MiB`, () => {
    const request = (id: number): string =>
      `POST /orders/${id}?page=1 HTTP/1.1\r\nHost: api.example:8443\r\nUser-Agent: curl/8.5.0\r\nAccept: */*\r\n` +
      `Content-Type: application/json\r\nX-Request-Id: ${id}-abcdef\r\nContent-Length: 20\r\n\r\n{"id":"a7","n":1234}`.slice(
        0,
        -1,
      );
    const response = (id: number): string =>
      `HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\nDate: Sun, 22 Nov 2026 18:00:00 GMT\r\nContent-Type: application/json\r\n` +
      `Connection: keep-alive\r\nETag: "${id}"\r\nContent-Length: 22\r\n\r\n{"ok":true,"items":[]}`;
    (globalThis as { gc?: () => void }).gc?.();
    const before = process.memoryUsage().rss;
    const target = engine({ maxBytes: 400 * MIB });
    for (let connection = 0; connection < connections; connection++) {
      const steps: Step[] = [];
      for (let i = 0; i < 100; i++)
        steps.push({ out: request(connection * 100 + i) }, { in: response(connection * 100 + i) });
      target.push(
        recordBatch(conversation([...steps, { close: true }], { connection: BigInt(connection + 1) })),
      );
      for (const id of target.takeChanges().changed) target.row(id);
    }
    const used = process.memoryUsage().rss - before;
    expect(target.stats()).toMatchObject({ exchanges: 100 * connections, evicted: 0, running: 0 });
    expect(target.json(17_777)?.completeness).toEqual(['complete']);
    expect(used).toBeLessThan(most);
  });

  it('keeps within its bytes, the newest ones, even when everything is one endless body', () => {
    const target = engine({ bodyLimit: null, maxBytes: 8 * MIB });
    const head = 'HTTP/1.1 200 OK\r\n\r\n';
    target.push(recordBatch(conversation([{ out: GET }, { in: head }])));
    const before = heldMemory();
    flood(target, head.length, Buffer.alloc(MIB, 'x'), 200, Direction.In);
    expect(heldMemory() - before).toBeLessThan(64 * MIB);
    target.finish();
    expect(target.json(1)?.completeness).toContain('response-truncated');
    expect(target.get(1)?.response?.body.captured).toBeLessThanOrEqual(8 * MIB);
  });
});
