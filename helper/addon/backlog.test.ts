/** The helper's backlog, compiled with a driver in place of rings and socket, and the engine on what comes out of it. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Engine } from '../../extension/engine/engine.ts';
import { Direction, Omission, RecordType, WireProtocol } from '../../extension/engine/record.ts';
import { LAYOUT } from '../../extension/engine/recordLayout.ts';
import type { ExchangeRow } from '../../extension/engine/row.ts';
import {
  data,
  FieldEncoder,
  headers,
  PREFACE,
  requestFields,
  responseFields,
  settings,
} from '../../extension/engine/testing/http2.ts';
import {
  conversation,
  type RecordSpec,
  recordBatch,
  START,
  split,
} from '../../extension/engine/testing/records.ts';

const KIB = 1024;
const MIB = 1024 * KIB;
/** The smallest: eight chunks of half a MiB. Beyond six bodies are left out, beyond seven heads too. */
const LIMIT = 4 * MIB;
const PIECE = 16 * KIB;

const folder = mkdtempSync(join(tmpdir(), 'http-trace-backlog-'));
const driver = join(folder, 'driver');
beforeAll(() => {
  const sources = ['backlog.c', 'shed.c', 'testing/backlogDriver.c'].map((name) => `helper/addon/${name}`);
  const checks = [
    '-O1',
    '-g',
    '-fsanitize=address,undefined',
    '-fno-sanitize-recover=all',
    '-Wall',
    '-Wextra',
    '-Werror',
  ];
  execFileSync('gcc', [...checks, '-pthread', '-Ibpf', ...sources, '-o', driver]);
});
afterAll(() => rmSync(folder, { recursive: true }));

interface Facts {
  readonly added: number;
  readonly refused: number;
  readonly taken: number;
  readonly mostBytes: number;
  readonly upTo: string;
  readonly records: number;
  readonly bytes: number;
  readonly shedBodies: number;
  readonly shedHeads: number;
  readonly split: number;
  readonly droppedRecords: number;
  readonly droppedBytes: number;
}

interface Options {
  readonly limit?: number;
  readonly takeEvery?: number;
  readonly drop?: boolean;
}

function pass(records: Uint8Array, options: Options = {}): { records: Buffer; facts: Facts } {
  const { limit = LIMIT, takeEvery = 0, drop = false } = options;
  const { stdout, stderr, status } = spawnSync(
    driver,
    [String(limit), String(takeEvery), ...(drop ? ['drop'] : [])],
    { input: records, maxBuffer: 64 * MIB },
  );
  expect(stderr.toString()).toMatch(/^\{.*\}\n$/);
  expect(status).toBe(0);
  return { records: stdout, facts: JSON.parse(stderr.toString()) as Facts };
}

/** Fills that many bytes of the backlog with the bodies of another connection, in records of `piece` bytes. */
function filler(bytes: number, piece = PIECE): RecordSpec[] {
  const body = 'f'.repeat(piece);
  const count = Math.floor(bytes / (piece + LAYOUT.data.size));
  const head = `HTTP/1.1 200 OK\r\nContent-Length: ${count * piece}\r\n\r\n`;
  return conversation(
    [
      { out: 'GET /filler HTTP/1.1\r\nHost: f\r\n\r\n' },
      { in: head },
      ...Array.from({ length: count }, () => ({ in: body })),
    ],
    { connection: 99n, interval: 1_000n },
  );
}
/** Ends in the seventh of the eight chunks, so that what follows loses only its bodies. */
const CROWD = filler(6.4 * 512 * KIB);

function rowsOf(records: Uint8Array): ExchangeRow[] {
  const engine = new Engine();
  engine.push(records);
  engine.finish();
  return engine
    .takeChanges()
    .changed.map((id) => engine.row(id))
    .filter((row): row is ExchangeRow => row !== undefined && !(row.path ?? '').startsWith('/filler'));
}

/** All of a row that does not come from the body's bytes, nor from when the trace began. */
const essence = ({ method, path, status, state, duration, requestSize, responseSize }: ExchangeRow) => ({
  method,
  path,
  status,
  state,
  duration,
  requestSize,
  responseSize,
});

/** Passes these after so much else that their bodies are left out: the rows are still those of the records themselves. */
function shed(specs: readonly RecordSpec[]): { rows: ExchangeRow[]; facts: Facts; records: Buffer } {
  const later = split(specs, PIECE);
  const { records, facts } = pass(Buffer.concat([recordBatch(CROWD), recordBatch(later)]));
  expect(facts).toMatchObject({ refused: 0, shedHeads: 0, records: 0, bytes: 0 });
  expect(facts.taken - facts.split).toBe(facts.added);
  const rows = rowsOf(records);
  expect(rows.map(essence)).toEqual(rowsOf(recordBatch(later)).map(essence));
  expect(rows.length).toBeGreaterThan(0);
  return { rows, facts, records };
}

function http1(path: string, more: string, answer: string, connection: bigint): RecordSpec[] {
  return conversation(
    [{ out: `GET ${path} HTTP/1.1\r\nHost: a\r\n${more}\r\n` }, { in: answer }, { close: true }],
    {
      connection,
      start: START + 1_000_000_000n,
    },
  );
}

/** A connection of calls whose answers have 14 KB each, in frames that share records. */
function http2(calls: number): RecordSpec[] {
  const request = new FieldEncoder();
  const response = new FieldEncoder();
  const steps = [
    { out: Buffer.concat([PREFACE, settings()]) },
    { in: settings() },
    ...Array.from({ length: calls }, (_, i) => [
      {
        out: headers(
          2 * i + 1,
          request.block(requestFields(`/call/${i}`, 'GET', [['x-id', `n${i % 7}`]])),
          5,
        ),
      },
      {
        in: Buffer.concat([
          headers(2 * i + 1, response.block(responseFields(200, [['x-answer', `n${i % 5}`]]))),
          data(2 * i + 1, 'd'.repeat(9_000), 0),
          data(2 * i + 1, 'e'.repeat(5_000)),
        ]),
      },
    ]).flat(),
    { close: true as const },
  ];
  return conversation(steps, { connection: 5n, protocol: WireProtocol.Http2, start: START + 1_000_000_000n });
}

describe('the backlog', () => {
  it('gives back what it got, byte by byte, in batches', () => {
    const records = recordBatch([...filler(2 * MIB), ...http2(3)]);
    for (const takeEvery of [0, 1, 7]) {
      const { records: out, facts } = pass(records, { takeEvery });
      expect(out.equals(records)).toBe(true);
      expect(facts).toMatchObject({ refused: 0, records: 0, bytes: 0, shedBodies: 0, split: 0 });
      expect(facts.taken).toBe(facts.added);
    }
  });

  it('holds no more than it may, and refuses what is beyond, which stays in the kernel', () => {
    const records = recordBatch(conversation([{ close: true }], { connection: 7n }).slice(1));
    const many = Buffer.concat(Array.from({ length: 100_000 }, () => records));
    const { facts } = pass(many);
    expect(facts.refused).toBeGreaterThan(0);
    expect(facts.added + facts.refused).toBe(100_000);
    expect(facts.mostBytes).toBeLessThanOrEqual(LIMIT);
    expect(facts.taken).toBe(facts.added);
  });

  it('leaves out bodies first, then heads too, and never structure; each byte is counted', () => {
    const specs = filler(14 * MIB, 2 * KIB);
    const copied = specs.reduce((sum, spec) => sum + (spec.type === 'data' ? spec.bytes.length : 0), 0);
    const { records, facts } = pass(
      recordBatch([...specs, ...conversation([{ close: true }], { connection: 8n })]),
    );
    expect(facts.refused).toBe(0);
    expect(facts.shedBodies).toBeGreaterThan(0);
    expect(facts.shedHeads).toBeGreaterThan(0);
    const kept = [...dataRecords(records)].reduce((sum, record) => sum + record.copied, 0);
    expect(kept + facts.shedBodies + facts.shedHeads).toBe(copied);
    // Every byte is still covered, in order, with the reason.
    let next = 0;
    for (const record of dataRecords(records)) {
      if (record.direction !== Direction.In) continue;
      expect(record.position).toBe(next);
      next += record.size;
      expect(record.copied).toBeLessThanOrEqual(record.size);
      if (record.copied < record.size)
        expect([Omission.Pressure, Omission.PressureHead]).toContain(record.omission);
    }
    const answered = [...dataRecords(recordBatch(specs))].filter(
      ({ direction }) => direction === Direction.In,
    );
    expect(next).toBe(answered.reduce((sum, { size }) => sum + size, 0));
    expect(types(records).filter((type) => type === RecordType.Closed)).toHaveLength(1);
  });

  it('counts what is dropped as the kernel counts it', () => {
    const specs = [...CROWD, ...http2(20)];
    const { records, facts } = pass(recordBatch(specs), { drop: true });
    expect(records).toHaveLength(0);
    expect(facts.split).toBe(0);
    expect(facts).toMatchObject({ records: 0, bytes: 0, droppedRecords: specs.length });
    const copied = specs.reduce((sum, spec) => sum + (spec.type === 'data' ? spec.bytes.length : 0), 0);
    expect(facts.droppedBytes + facts.shedBodies).toBe(copied);
  });
});

describe('a row without its body is right', () => {
  it('with a length', () => {
    const { facts, rows } = shed(
      http1('/length', '', `HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n${'l'.repeat(9_000)}`, 2n),
    );
    expect(facts.shedBodies).toBeGreaterThan(8_000);
    expect(rows[0]?.completeness).toContain('response-truncated');
  });

  it('in chunks', () => {
    const head = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n';
    shed(http1('/chunks', '', `${head}1f40\r\n${'c'.repeat(8_000)}\r\n0\r\n\r\n`, 3n));
  });

  it('when its head comes in pieces, and another call follows', () => {
    const answer = `HTTP/1.1 200 OK\r\nContent-Length: 6000\r\n\r\n${'p'.repeat(6_000)}`;
    shed(
      conversation(
        [
          { out: 'POST /one HTTP/1.1\r\nContent-Le' },
          { out: 'ngth: 5000\r\n\r\n' },
          { out: 'q'.repeat(5_000) },
          { in: answer },
          { out: 'GET /two HTTP/1.1\r\n\r\n' },
          { in: answer },
          { close: true },
        ],
        { connection: 4n, start: START + 1_000_000_000n },
      ),
    );
  });

  it('when requests are pipelined', () => {
    const requests = Array.from(
      { length: 20 },
      (_, i) => `GET /p${i} HTTP/1.1\r\nHost: a.example\r\n\r\n`,
    ).join('');
    const answers = Array.from({ length: 20 }, () => ({ in: 'HTTP/1.1 204 No Content\r\n\r\n' }));
    const { rows } = shed(
      conversation([{ out: requests }, ...answers, { close: true }], {
        connection: 6n,
        start: START + 1_000_000_000n,
      }),
    );
    expect(rows).toHaveLength(20);
  });

  it('in HTTP/2, whose field tables stay whole', () => {
    const { rows, facts } = shed(http2(20));
    expect(rows.map(({ path }) => path)).toEqual(Array.from({ length: 20 }, (_, i) => `/call/${i}`));
    expect(facts.shedBodies).toBeGreaterThan(20 * 13_000);
  });

  it('in HTTP/2 that is cut anywhere', () => {
    for (const size of [100, 1_009, 5_003]) shed(split(http2(6), size));
  });

  it('in HTTP/2 after a lost record, when frame boundaries are no longer known: everything is kept', () => {
    const specs = http2(4);
    const lost = specs.findIndex(
      (spec) => spec.type === 'data' && spec.direction === Direction.In && spec.bytes.length > 1_000,
    );
    const { facts } = pass(
      Buffer.concat([
        recordBatch(CROWD),
        recordBatch(
          split(
            specs.filter((_, index) => index !== lost),
            PIECE,
          ),
        ),
      ]),
    );
    // The first response is the one that was lost: of all responses after it, nothing was left out.
    expect(facts.shedBodies).toBe(pass(recordBatch(CROWD)).facts.shedBodies);
  });
});

describe('hostile records', () => {
  it('with any bytes, are kept or left out, and every byte is counted', () => {
    let seed = 1;
    const random = (below: number): number => {
      seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
      return seed % below;
    };
    const specs: RecordSpec[] = [...CROWD];
    const positions = new Map<string, number>();
    for (let i = 0; i < 400; i++) {
      const bytes = Buffer.from(
        Array.from({ length: random(700) }, () => (random(3) === 0 ? random(256) : 0)),
      );
      const connection = BigInt(100 + random(5));
      const direction = random(2) as Direction;
      const protocol = random(2) === 0 ? WireProtocol.Http2 : WireProtocol.Http1;
      const key = `${connection} ${direction}`;
      const position = positions.get(key) ?? 0;
      const size = bytes.length + (random(4) === 0 ? random(5_000) : 0);
      positions.set(key, position + size + (random(10) === 0 ? random(10_000) : 0));
      specs.push({ type: 'data', connection, direction, protocol, position, bytes, size });
    }
    const { records, facts } = pass(recordBatch(specs));
    const sum = (of: (record: { copied: number; size: number }) => number, from: Uint8Array): number =>
      [...dataRecords(from)].reduce((total, record) => total + of(record), 0);
    const all = recordBatch(specs);
    expect(sum(({ size }) => size, records)).toBe(sum(({ size }) => size, all));
    expect(sum(({ copied }) => copied, records) + facts.shedBodies + facts.shedHeads).toBe(
      sum(({ copied }) => copied, all),
    );
    expect(facts.taken - facts.split).toBe(facts.added);
  });
});

function* each(records: Uint8Array): Generator<Buffer> {
  const bytes = Buffer.from(records.buffer, records.byteOffset, records.byteLength);
  for (let at = 0; at < bytes.length; ) {
    const length = bytes.readUInt32LE(at);
    expect(length % 8).toBe(0);
    yield bytes.subarray(at, at + length);
    at += length;
  }
}

function types(records: Uint8Array): RecordType[] {
  return [...each(records)].map((record) => record.readUInt16LE(LAYOUT.header.type) as RecordType);
}

function* dataRecords(records: Uint8Array) {
  const f = LAYOUT.data;
  for (const record of each(records)) {
    if (record.readUInt16LE(LAYOUT.header.type) !== RecordType.Data) continue;
    yield {
      position: Number(record.readBigUInt64LE(f.position)),
      size: record.readUInt32LE(f.bytes),
      copied: record.readUInt32LE(f.copied),
      direction: record.readUInt8(f.direction) as Direction,
      omission: record.readUInt8(f.omission) as Omission,
    };
  }
}
