import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeJson } from '../../helper/frames.ts';
import { FrameType, type Hello } from '../../helper/protocol.ts';
import { HELLO as HELPER_HELLO } from '../../helper/testing/messages.ts';
import { RECORD_LAYOUT } from '../engine/recordLayout.ts';
import { conversation, recordBatch, START } from '../engine/testing/records.ts';
import { readFile } from './openFile.ts';
import { RecordingEncoder } from './recording.ts';

const HELLO: Hello = { ...HELPER_HELLO, layout: RECORD_LAYOUT };
const CLOCK = { offset: '1700000000000000000', bootTime: String(START) };

function recording(): Buffer {
  const encoder = new RecordingEncoder();
  const parts: Uint8Array[] = [encoder.header('little')];
  const add = (type: FrameType, payload: Uint8Array): void => {
    parts.push(encoder.frame(type, payload), payload);
  };
  const json = (type: FrameType, value: unknown): void =>
    add(type, Uint8Array.from(encodeJson(type, value).subarray(6)));
  json(FrameType.Hello, HELLO);
  json(FrameType.Clock, CLOCK);
  for (const [i, path] of ['/a', '/b'].entries()) {
    const steps = [
      { out: `GET ${path} HTTP/1.1\r\nHost: shop.test\r\n\r\n` },
      { in: 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok' },
    ];
    add(FrameType.Records, recordBatch(conversation(steps, { connection: BigInt(i + 1) })));
  }
  parts.push(encoder.end());
  return Buffer.concat(parts);
}

const entry = (path: string, more: object = {}): object => ({
  startedDateTime: '2026-11-22T18:00:00.000Z',
  time: 1,
  request: { method: 'GET', url: `https://a.example${path}`, headers: [] },
  response: { status: 200, headers: [], content: { text: 'ok', size: 2 } },
  timings: { send: 0, wait: 1, receive: 0 },
  ...more,
});
const archive = (entries: readonly unknown[]): Buffer =>
  Buffer.from(JSON.stringify({ log: { version: '1.2', creator: {}, entries } }));

async function* pieces(bytes: Uint8Array, size = 1_000): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}
const NEVER = { cancelled: () => false };
const open = (bytes: Uint8Array, size?: number) => readFile(pieces(bytes, size), NEVER);
const paths = ({ source }: Awaited<ReturnType<typeof readFile>>) =>
  source.takeChanges().changed.map((id) => source.row(id)?.path);

describe('a file of calls', () => {
  it('may be a recording, compressed or not, in pieces of any size', async () => {
    const bytes = recording();
    for (const one of [bytes, gzipSync(bytes)]) {
      for (const size of [1, 7, 1_000_000]) {
        const file = await open(one, size);
        expect(file).toMatchObject({ calls: 2, note: null, began: START + 1_700_000_000_000_000_000n });
        expect(paths(file)).toEqual(['/a', '/b']);
      }
    }
  });

  it('may be an archive, compressed or not, whose earliest call is where its time begins', async () => {
    const bytes = archive([entry('/late', { startedDateTime: '2026-11-22T18:00:01Z' }), entry('/early'), 7]);
    for (const one of [bytes, gzipSync(bytes), Buffer.concat([Buffer.from('\ufeff'), bytes])]) {
      const file = await open(one, 3);
      expect(file).toMatchObject({ calls: 2, began: BigInt(Date.UTC(2026, 10, 22, 18)) * 1_000_000n });
      expect(file.note).toBe('1 of its entries cannot be read, and are left out.');
      expect([1, 2].map((id) => file.source.row(id)?.start)).toEqual([1_000, 0]);
    }
  });

  it('is unpacked once: there are files that unpack to themselves', async () => {
    await expect(open(gzipSync(gzipSync(recording())))).rejects.toThrow('more than once');
  });

  it('that is cut off is shown as far as it goes, and says so', async () => {
    const whole = recording();
    const cut = await open(whole.subarray(0, whole.length - 60));
    expect(cut).toMatchObject({ calls: 1, note: expect.stringContaining('cut off') });
    const har = archive([entry('/a'), entry('/b')]);
    expect(await open(har.subarray(0, har.length - 20))).toMatchObject({
      calls: 1,
      note: expect.stringContaining('cut off'),
    });
    const zipped = gzipSync(archive(Array.from({ length: 500 }, (_, i) => entry(`/${i}-${Math.random()}`))));
    const part = await open(zipped.subarray(0, zipped.length / 2));
    expect(part.calls).toBeGreaterThan(10);
    expect(part.note).toContain('cut off');
  });

  it('that is damaged is shown up to the damage', async () => {
    const bytes = Buffer.concat([recording().subarray(0, -20), Buffer.from('no frame at all, but text')]);
    expect(await open(bytes)).toMatchObject({ note: expect.stringContaining('damaged') });
  });

  it.each([
    ['', 'empty'],
    ['hello', 'neither'],
    ['{"a":1}', 'neither'],
    ['[]', 'neither'],
    ['{"log":{"entries":[]}}', 'no readable calls'],
    ['PK\x03\x04…', 'ZIP'],
    ['\x89HTR\r\n\0\n\x63\0\x63\x01\0\0\0\0', 'another version'],
    ['\x89PNG\r\n\x1a\n', 'neither'],
    ['\x89HTR\r\n\n\n1234567890', 'not a recording'],
  ])('that is not one says what it is: %j', async (text, reason) => {
    await expect(open(Buffer.from(text, 'latin1'))).rejects.toMatchObject({
      code: 'file',
      message: expect.stringContaining(reason),
    });
  });

  it('never fails in another way', async () => {
    const whole = recording();
    const mutant = fc.tuple(
      fc.constantFrom(whole, archive([entry('/a')])),
      fc.array(fc.tuple(fc.nat(), fc.nat(255))),
    );
    await fc.assert(
      fc.asyncProperty(mutant, async ([bytes, changes]) => {
        const copy = Buffer.from(bytes);
        for (const [at, value] of changes) copy[at % copy.length] = value;
        await open(copy, 100).catch((error) => expect(error).toMatchObject({ code: 'file' }));
      }),
    );
  });

  it('larger than the limits is shown in part, and says so', async () => {
    const entries = Array.from({ length: 5 }, (_, i) => entry(`/${i}`));
    const limits = { maxCalls: 3, maxBytes: 1_000_000 };
    const many = await readFile(pieces(archive(entries)), { ...NEVER, limits });
    expect(many).toMatchObject({ calls: 3, note: expect.stringContaining('the last 2 calls are left out') });
    const large = await readFile(pieces(archive(entries)), {
      ...NEVER,
      limits: { maxCalls: 9, maxBytes: 500 },
    });
    expect(large.calls).toBeLessThan(3);
    const old = await readFile(pieces(recording()), {
      ...NEVER,
      limits: { maxCalls: 1, maxBytes: 1_000_000 },
    });
    expect(old).toMatchObject({ calls: 1, note: expect.stringContaining('the oldest 1 calls') });
  });

  it('leaves out entries that would take too much memory, and says so', async () => {
    const deep = archive([entry('/0'), entry('/1', { _x: 'HERE' })]).toString();
    const bytes = Buffer.from(deep.replace('"HERE"', '['.repeat(1_000_000) + ']'.repeat(1_000_000)));
    const read = await readFile(pieces(bytes, 65_536), NEVER);
    expect(read).toMatchObject({ calls: 1, note: expect.stringContaining('1 of its entries hold too many') });
    const alone = deep.replace('"HERE"', JSON.stringify(new Array(1_000_001).fill(0)));
    const only = Buffer.from(alone.replace('"startedDateTime"', '"none"'));
    await expect(readFile(pieces(only, 65_536), NEVER)).rejects.toThrow(/no readable calls.*too many values/);
  });

  it('is not read further when it is cancelled', async () => {
    let asked = 0;
    const reading = readFile(pieces(archive([entry('/a')]), 10), { cancelled: () => ++asked > 2 });
    await expect(reading).rejects.toMatchObject({ code: 'cancelled' });
    expect(asked).toBe(3);
  });
});
