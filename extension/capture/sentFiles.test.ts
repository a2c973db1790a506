import { execFileSync } from 'node:child_process';
import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { HelperEvent } from '../../helper/events.ts';
import { encodeJson } from '../../helper/frames.ts';
import { FRAME_HEADER_SIZE, FrameType } from '../../helper/protocol.ts';
import { Engine } from '../engine/engine.ts';
import { Direction, FLAG_FILE, FLAG_FROM_FILE, Omission } from '../engine/record.ts';
import { LAYOUT } from '../engine/recordLayout.ts';
import { conversation, type RecordSpec, recordBatch, recordBytes, START } from '../engine/testing/records.ts';
import { rawRecords, readSentFile, replaceSentFile, type SentFile } from './sentFile.ts';
import { SentFileReader } from './sentFileReader.ts';
import { SentFiles } from './sentFiles.ts';

const folder = mkdtempSync(join(tmpdir(), 'http-trace-sent-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const HEAD = 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n';
const HOUR = 3_600_000_000_000n;

/** A record that names a file, as the kernel programs write it. */
function namingRecord(path: string, length: number, position = HEAD.length, flags = 0): Buffer {
  const record = recordBytes({
    type: 'data',
    connection: 1n,
    direction: Direction.Out,
    flags: FLAG_FILE,
    position,
    size: length,
    omission: Omission.NoBytes,
    bytes: '',
  });
  const f = LAYOUT.sentFile;
  const names = Buffer.from(`${path.slice(1).split('/').reverse().join('/')}/`);
  const whole = Buffer.alloc((f.size + names.length + 7) & ~7);
  whole.set(record);
  whole.writeUInt32LE(whole.length, LAYOUT.header.length);
  whole.writeBigUInt64LE(7n, f.filePosition);
  whole.writeBigUInt64LE(99n, f.fileSize);
  whole.writeBigUInt64LE(12_345n, f.inode);
  whole.writeBigUInt64LE(1_000n, f.changedSeconds);
  whole.writeUInt32LE(5, f.changedNanoseconds);
  whole.writeUInt32LE((254 << 20) | 3, f.device);
  whole.writeUInt32LE(1, f.granularity);
  whole.writeUInt32LE(9, f.descriptor);
  whole.writeUInt16LE(flags, f.flags);
  whole.writeUInt16LE(names.length, f.pathLength);
  whole.set(names, f.size);
  return whole;
}

/** A file as the kernel would describe it, sent long after its last change. */
function sentFile(path: string, change: Partial<SentFile> = {}): SentFile {
  const { dev, ino, size, ctimeNs } = statSync(path, { bigint: true });
  return {
    pid: process.pid,
    sent: 0n,
    position: 0n,
    length: Number(size),
    size,
    inode: ino,
    changed: ctimeNs,
    device: {
      major: Number(((dev >> 8n) & 0xfffn) | ((dev >> 32n) & 0xfffff000n)),
      minor: Number((dev & 0xffn) | ((dev >> 12n) & 0xffffff00n)),
    },
    foreign: false,
    granularity: 1,
    descriptor: 9_999,
    stamped: false,
    writableMap: false,
    path,
    ...change,
  };
}

let number = 0;
function fileOf(text: string): string {
  const path = join(folder, `file-${number++}`);
  writeFileSync(path, text);
  return path;
}

async function read(file: SentFile, sent = file.changed + HOUR): Promise<string | Omission> {
  const reader = new SentFileReader();
  const result = await reader.read(file, sent);
  await reader.close();
  return typeof result === 'number' ? result : Buffer.from(result).toString();
}

describe('a record that names a file', () => {
  it('is found among others and read', () => {
    const batch = Buffer.concat([
      recordBatch(conversation([{ out: HEAD }])),
      namingRecord('/srv/www/a b', 10),
    ]);
    const records = [...rawRecords(batch)];
    expect(records.map(({ namesFile }) => namesFile)).toEqual([false, false, true]);
    expect(readSentFile(records[2]?.bytes as Uint8Array)).toEqual({
      pid: 4242,
      sent: START,
      position: 7n,
      length: 10,
      size: 99n,
      inode: 12_345n,
      changed: 1_000_000_000_005n,
      device: { major: 254, minor: 3 },
      foreign: false,
      granularity: 1,
      descriptor: 9,
      stamped: false,
      writableMap: false,
      path: '/srv/www/a b',
    });
    expect(readSentFile(namingRecord('/x', 1, 0, 15))).toMatchObject({
      foreign: true,
      stamped: true,
      writableMap: true,
      path: null,
    });
  });

  it('is left as it is where its lengths are impossible', () => {
    const record = namingRecord('/x', 1);
    record.writeUInt32LE(1 << 20, LAYOUT.header.length);
    expect([...rawRecords(record)]).toEqual([{ bytes: record, namesFile: false }]);
    expect([...rawRecords(record.subarray(0, 20))].map(({ bytes }) => bytes.length)).toEqual([20]);
    const short = namingRecord('/x', 1).subarray(0, LAYOUT.data.size);
    short.writeUInt32LE(short.length, LAYOUT.header.length);
    expect([...rawRecords(short)].map(({ namesFile }) => namesFile)).toEqual([false]);
  });

  it('becomes one with the bytes or with the reason', () => {
    const record = namingRecord('/srv/www/a', 10);
    const whole = replaceSentFile(record, Buffer.from('0123456789'));
    const view = new DataView(whole.buffer);
    expect(whole.length).toBe(LAYOUT.data.size + 16);
    expect(view.getUint32(LAYOUT.header.length, true)).toBe(whole.length);
    expect(view.getUint16(LAYOUT.header.flags, true)).toBe(FLAG_FROM_FILE);
    const without = replaceSentFile(record, Omission.FileChanged);
    expect(without.length).toBe(LAYOUT.data.size);
    expect(without[LAYOUT.data.omission]).toBe(Omission.FileChanged);
  });
});

describe('reading a file that was sent', () => {
  it('the bytes that were sent, and those of a further record', async () => {
    const path = fileOf('0123456789abcdef');
    const reader = new SentFileReader();
    const file = sentFile(path);
    const sent = file.changed + HOUR;
    expect(await reader.read({ ...file, position: 2n, length: 3 }, sent)).toEqual(Buffer.from('234'));
    expect(await reader.read({ ...file, position: 5n, length: 4 }, sent)).toEqual(Buffer.from('5678'));
    expect(await reader.read({ ...file, position: 10n, length: 7 }, sent)).toBe(Omission.FileChanged);
    await reader.close();
    const open = readdirSync('/proc/self/fd').map((fd) => {
      try {
        return readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8');
      } catch {
        return '';
      }
    });
    expect(open.filter((info) => info.includes(`ino:\t${file.inode}`))).toEqual([]);
  });

  it('a process that is gone, and a name that is not UTF-8', async () => {
    expect(await read(sentFile(fileOf('gone'), { pid: 0x3fffffff }))).toBe('gone');
    const bytes = Buffer.concat([Buffer.from(join(folder, 'caf')), Buffer.from([0xe9])]);
    writeFileSync(bytes, 'strange');
    const { dev: _, ...rest } = statSync(bytes, { bigint: true });
    const file = { ...sentFile(fileOf('strange')), inode: rest.ino, changed: rest.ctimeNs };
    expect(await read({ ...file, path: bytes.toString('latin1') })).toBe('strange');
  });

  it('also if this process hardly ran while it was read', async () => {
    const file = sentFile(fileOf('late'));
    const turns = 10;
    const reader = new SentFileReader(turns);
    const reading = reader.read(file, file.changed + HOUR);
    // On a busy machine it gets a processor for one or two steps of the reading only: two of these turns take longer than all
    // that it waits for do otherwise.
    const busy = setInterval(() => {
      for (const until = performance.now() + turns * 70; performance.now() < until; );
    });
    try {
      expect(await reading).toEqual(Buffer.from('late'));
    } finally {
      clearInterval(busy);
      await reader.close();
    }
  });

  it('only the same file: identity, size, last change', async () => {
    const path = fileOf('same');
    const file = sentFile(path);
    expect(await read({ ...file, inode: file.inode + 1n })).toBe(Omission.FileChanged);
    expect(await read({ ...file, device: { major: 1, minor: 2 } })).toBe(Omission.FileChanged);
    expect(await read({ ...file, size: 5n })).toBe(Omission.FileChanged);
    expect(await read({ ...file, changed: file.changed + 1n })).toBe(Omission.FileChanged);
    expect(await read({ ...file, path: join(folder, 'nowhere') })).toBe(Omission.FileUnreadable);
    expect(await read({ ...file, path: null })).toBe(Omission.FileUnreadable);
    utimesSync(path, 1, 1);
    expect(await read(file)).toBe(Omission.FileChanged);
  });

  it('no other file in its place', async () => {
    const path = fileOf('secret');
    const link = join(folder, 'link');
    symlinkSync(path, link);
    expect(await read(sentFile(path, { path: link }))).toBe(Omission.FileChanged);
    const fifo = join(folder, 'fifo');
    execFileSync('mkfifo', [fifo]);
    expect(await read(sentFile(fifo, { length: 1 }))).toBe(Omission.FileChanged);
    expect(await read(sentFile('/dev/zero', { length: 1 }))).toBe(Omission.FileChanged);
    expect(await read(sentFile(folder, { length: 1 }))).toBe(Omission.FileChanged);
  });

  it('nothing that may have changed without a trace, and no foreign file system', async () => {
    const file = sentFile(fileOf('fresh'));
    const soon = file.changed + 19_000_000n;
    expect(await read(file, soon)).toBe(Omission.FileUncertain);
    expect(await read(file, file.changed - HOUR)).toBe(Omission.FileUncertain);
    expect(await read({ ...file, granularity: 2_000_000_000 }, file.changed + 3_000_000_000n)).toBe(
      Omission.FileUncertain,
    );
    expect(await read({ ...file, stamped: true }, soon)).toBe('fresh');
    expect(await read({ ...file, stamped: true, writableMap: true })).toBe(Omission.FileUncertain);
    expect(await read({ ...file, foreign: true })).toBe(Omission.FileSystem);
  });
});

/** What a stage with this reader delivers of these events. */
class Stage {
  readonly delivered: HelperEvent[] = [];
  readonly flow: boolean[] = [];
  readonly failures: unknown[] = [];
  readonly asked: bigint[] = [];
  readonly files: SentFiles;
  answer: (bytes: Uint8Array) => void = () => {};

  constructor(deliver?: () => void) {
    this.files = new SentFiles(
      {
        deliver: (event) => {
          deliver?.();
          this.delivered.push(
            event.type === FrameType.Records ? { ...event, records: event.records.slice() } : event,
          );
        },
        failed: (error) => this.failures.push(error),
        flow: (open) => this.flow.push(open),
      },
      {
        read: (_, sent) => {
          this.asked.push(sent);
          return new Promise((resolve) => {
            this.answer = resolve;
          });
        },
        close: () => Promise.resolve(),
      },
    );
  }

  records(records: Uint8Array): void {
    this.files.take({ type: FrameType.Records, records }, { type: FrameType.Records, payload: records });
  }

  clock(offset: bigint): void {
    const json = { offset: String(offset), bootTime: '0' };
    const payload = encodeJson(FrameType.Clock, json).subarray(FRAME_HEADER_SIZE);
    this.files.take(
      { type: FrameType.Clock, offset, bootTime: 0n, suspended: null },
      { type: FrameType.Clock, payload },
    );
  }

  get all(): Buffer {
    const records = this.delivered.flatMap((event) =>
      event.type === FrameType.Records ? [event.records] : [],
    );
    return Buffer.concat(records);
  }
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const REQUEST = 'GET /a HTTP/1.1\r\nHost: x\r\n\r\n';
const before: readonly RecordSpec[] = conversation([{ in: REQUEST }, { out: HEAD }], { side: 'server' });

describe('the stage before the engine', () => {
  it('passes everything on at once, except while a file is read: then in order', async () => {
    const stage = new Stage();
    stage.clock(77n);
    stage.records(recordBatch(before));
    expect(stage.delivered).toHaveLength(2);
    expect(stage.files.busy).toBeNull();
    stage.records(namingRecord('/a', 10));
    stage.clock(78n);
    stage.records(recordBatch(before));
    await settled();
    expect(stage.delivered).toHaveLength(2);
    expect(stage.asked).toEqual([START + 77n]);
    const { busy } = stage.files;
    stage.answer(Buffer.from('0123456789'));
    await busy;
    expect(stage.delivered.map(({ type }) => type)).toEqual([
      ...[FrameType.Clock, FrameType.Records, FrameType.Records, FrameType.Clock, FrameType.Records],
    ]);
    expect(stage.files.busy).toBeNull();
  });

  it('gives the engine a body that is whole and marked', async () => {
    const stage = new Stage();
    stage.records(Buffer.concat([recordBatch(before), namingRecord('/a', 10)]));
    await settled();
    stage.answer(Buffer.from('0123456789'));
    await stage.files.busy;
    const engine = new Engine();
    engine.setClock({ offset: 0n, bootTime: START });
    engine.push(stage.all);
    engine.finish();
    const exchange = engine.json(1);
    expect(exchange?.completeness).toEqual(['complete']);
    expect(exchange?.response).toMatchObject({
      body: { text: '0123456789' },
      bodyNote: null,
      bodyFromFile: true,
    });
    expect(exchange?.request?.bodyFromFile).toBe(false);
    expect(engine.stats()).toMatchObject({
      copiedBytes: REQUEST.length + HEAD.length,
      omittedBytes: 10,
      fileBytes: 10,
      lostBytes: 0,
    });
  });

  it.each([
    [Omission.NoBytes, 'The body was not captured.'],
    [
      Omission.FileChanged,
      'The body was not captured. The program sent it from a file that has changed since.',
    ],
    [
      Omission.FileUnreadable,
      'The body was not captured. The program sent it from a file that could not be opened afterwards.',
    ],
  ])('the engine says why a body is missing: %s', (omission, note) => {
    const engine = new Engine();
    engine.setClock({ offset: 0n, bootTime: START });
    engine.push(recordBatch(before));
    engine.push(replaceSentFile(namingRecord('/a', 10), omission as Omission.FileChanged));
    engine.finish();
    expect(engine.json(1)?.response).toMatchObject({
      body: null,
      bodySize: 10,
      bodyNote: note,
      bodyFromFile: false,
    });
    expect(engine.json(1)?.completeness).toEqual(['response-gap']);
    expect(engine.stats()).toMatchObject({ omittedBytes: 10, fileBytes: 0 });
  });

  it('holds no more than its limit, and still reads every file', async () => {
    const stage = new Stage();
    stage.records(namingRecord('/a', 10));
    const large = recordBatch(conversation([{ out: Buffer.alloc(1 << 20) }]));
    for (let i = 0; i < 17; i++) stage.records(large);
    stage.records(namingRecord('/b', 10));
    stage.records(Buffer.concat([namingRecord('/c', 10)]));
    expect(stage.flow).toEqual([false]);
    await settled();
    const { busy } = stage.files;
    stage.answer(Buffer.alloc(10));
    await settled();
    stage.answer(Buffer.alloc(10));
    await settled();
    stage.answer(Buffer.alloc(10));
    await busy;
    expect(stage.flow).toEqual([false, true]);
    expect(stage.asked).toHaveLength(3);
  });

  it('reports when delivery fails, and delivers no more', async () => {
    const stage = new Stage(() => {
      throw new Error('no engine');
    });
    stage.records(namingRecord('/a', 10));
    stage.records(recordBatch(before));
    await settled();
    const { busy } = stage.files;
    stage.answer(Buffer.alloc(10));
    await busy;
    expect(stage.failures).toHaveLength(1);
    expect(stage.delivered).toEqual([]);
  });
});
