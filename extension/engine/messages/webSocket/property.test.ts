import { constants, deflateRawSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runs } from '../../../../test/kit/runs.ts';
import { frame } from '../../testing/webSocket.ts';
import { MessageList } from '../messageList.ts';
import type { Deflate } from './handshake.ts';
import { WebSocketReader } from './reader.ts';

interface Said {
  readonly content: Buffer;
  readonly isText: boolean;
  readonly compress: boolean;
  /** Where it is cut into fragments. */
  readonly cuts: readonly number[];
  readonly ping: boolean;
}

const said: fc.Arbitrary<Said> = fc.record({
  content: fc.oneof(
    fc.string({ unit: 'grapheme', maxLength: 300 }).map((text) => Buffer.from(text)),
    fc
      .constantFrom('', '{"a":1}', 'x'.repeat(200), 'again and again '.repeat(300))
      .map((text) => Buffer.from(text)),
  ),
  isText: fc.boolean(),
  compress: fc.boolean(),
  cuts: fc.array(fc.nat(400), { maxLength: 3 }),
  ping: fc.boolean(),
});

/** As a sender with these parameters writes them. */
function write(messages: readonly Said[], deflate: Deflate | null, masked: boolean): Buffer {
  let past = Buffer.alloc(0);
  let count = 0;
  const frames: Buffer[] = [];
  const add = (opcode: number, payload: Buffer, final: boolean, reserved: number): void => {
    count++;
    const mask = masked ? Buffer.from([count, count * 7, count * 31, 255 - count].map((n) => n & 255)) : null;
    frames.push(frame({ opcode, payload, final, reserved, mask }));
  };
  for (const { content, isText, compress, cuts, ping } of messages) {
    let payload = content;
    if (deflate !== null && compress) {
      const flushed = deflateRawSync(content, {
        finishFlush: constants.Z_SYNC_FLUSH,
        windowBits: Math.log2(deflate.window),
        ...(deflate.takeover && past.length > 0 ? { dictionary: past } : {}),
      });
      payload = flushed.subarray(0, -4);
      past = Buffer.concat([past, content]).subarray(-deflate.window);
    }
    const at = [...new Set(cuts.map((cut) => Math.min(cut, payload.length)))].sort((a, b) => a - b);
    let from = 0;
    for (const [i, to] of [...at, payload.length].entries()) {
      const opcode = i > 0 ? 0 : isText ? 1 : 2;
      const reserved = i === 0 && deflate !== null && compress ? 4 : 0;
      add(opcode, payload.subarray(from, to), i === at.length, reserved);
      if (ping) add(9, Buffer.from('ping'), true, 0);
      from = to;
    }
  }
  return Buffer.concat(frames);
}

function read(pieces: Iterable<Buffer>, deflate: Deflate | null, masked: boolean): MessageList {
  const host = { bodyLimit: 1_000_000, mayKeep: () => true, learnDefinitions: () => {} };
  const list = new MessageList('websocket', host);
  const handshake = { deflate, extended: false, broken: [] };
  const reader = new WebSocketReader(masked ? 'request' : 'response', list, host, handshake);
  let time = 0;
  for (const piece of pieces) reader.feed(piece, time++);
  reader.end('open', time);
  return list;
}

function* cut(bytes: Buffer, sizes: readonly number[]): Generator<Buffer> {
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const size = sizes[i % sizes.length] as number;
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

const view = (list: MessageList): unknown[] => list.messages().map(({ time: _, ...message }) => message);
const sizes = fc.array(fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 500 })), {
  minLength: 1,
  maxLength: 20,
});
const deflates = fc.option(
  fc.record({ takeover: fc.boolean(), window: fc.constantFrom(512, 1_024, 4_096, 32_768) }),
  { nil: null },
);

describe('any WebSocket', () => {
  it('is read as it was written, in pieces of any size', () => {
    fc.assert(
      fc.property(
        fc.array(said, { maxLength: 8 }),
        deflates,
        fc.boolean(),
        sizes,
        (all, deflate, masked, pieces) => {
          const list = read(cut(write(all, deflate, masked), pieces), deflate, masked);
          const data = list.messages().filter(({ type }) => type !== 'ping');
          expect(data.map(({ content }) => Buffer.from(content, 'latin1').toString())).toEqual(
            all.map(({ content }) => content.toString()),
          );
          for (const [i, message] of data.entries()) {
            expect(message).toMatchObject({
              type: all[i]?.isText ? 'text' : 'binary',
              size: all[i]?.content.length,
              labels: [],
            });
          }
          const whole = read([write(all, deflate, masked)], deflate, masked);
          expect(view(list)).toEqual(view(whole));
        },
      ),
      { numRuns: runs(400) },
    );
  });

  it('never throws and holds a bounded number of bytes, whatever comes', () => {
    const broken = fc.tuple(
      fc.array(said, { maxLength: 5 }),
      fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 6 }),
    );
    const input = fc.oneof(
      fc.uint8Array({ maxLength: 500 }).map((bytes) => Buffer.from(bytes)),
      fc.constant(null),
    );
    fc.assert(
      fc.property(
        broken,
        input,
        deflates,
        fc.boolean(),
        sizes,
        ([all, changes], noise, deflate, masked, pieces) => {
          const bytes = noise ?? write(all, deflate, masked);
          for (const [at, value] of changes) if (bytes.length > 0) bytes[at % bytes.length] = value;
          const list = read(cut(bytes, pieces), deflate, masked);
          const lost = list.messages().some(({ labels }) => labels.includes('ws-lost'));
          // Where frames are searched for, how the bytes came is evidence; elsewhere it does not matter.
          if (!lost) expect(view(list)).toEqual(view(read(cut(bytes, [1]), deflate, masked)));
          expect(list.cost).toBeLessThan(2_000_000);
        },
      ),
      { numRuns: runs(1_000) },
    );
  });
});
