import { constants, deflateRawSync, inflateRawSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runs } from '../../test/kit/runs.ts';
import { Inflate, type InflateStatus } from './inflate.ts';

function inflate(
  input: Uint8Array,
  size = Number.POSITIVE_INFINITY,
): { output: Buffer; status: InflateStatus; used: number } {
  const parts: Buffer[] = [];
  const decoder = new Inflate((bytes) => {
    parts.push(Buffer.from(bytes));
    return true;
  });
  let used = 0;
  for (let at = 0; at < input.length && decoder.status === 'more'; at += size) {
    used = at + decoder.push(input.subarray(at, at + size));
  }
  return { output: Buffer.concat(parts), status: decoder.status, used };
}

/** Text with repetitions near and far, or noise. */
const content = fc.oneof(
  fc.uint8Array({ maxLength: 2_000 }),
  fc
    .array(fc.tuple(fc.integer({ min: 0, max: 40_000 }), fc.integer({ min: 1, max: 3_000 })), {
      maxLength: 30,
    })
    .map((copies) => {
      let bytes = Buffer.from('abcdefghijklmnopqrstuvwxyz0123456789');
      for (const [back, length] of copies) {
        const from = Math.max(0, bytes.length - back);
        bytes = Buffer.concat([bytes, bytes.subarray(from, from + length), Buffer.from(String(back))]);
      }
      return new Uint8Array(bytes);
    }),
);
const options = fc.record({
  level: fc.integer({ min: 0, max: 9 }),
  memLevel: fc.integer({ min: 1, max: 9 }),
  windowBits: fc.integer({ min: 9, max: 15 }),
  strategy: fc.constantFrom(
    constants.Z_DEFAULT_STRATEGY,
    constants.Z_FILTERED,
    constants.Z_HUFFMAN_ONLY,
    constants.Z_RLE,
    constants.Z_FIXED,
  ),
});

describe('inflate', () => {
  it('undoes what zlib does, whatever its options, in pieces of any size, and finds the end', () => {
    fc.assert(
      fc.property(content, options, fc.integer({ min: 1, max: 5_000 }), (bytes, how, size) => {
        const deflated = deflateRawSync(bytes, how);
        const followed = Buffer.concat([deflated, Buffer.from('what follows')]);
        const { output, status, used } = inflate(followed, size);
        expect(status).toBe('end');
        expect(used).toBe(deflated.length);
        expect(output.equals(Buffer.from(bytes))).toBe(true);
      }),
      { numRuns: runs(300) },
    );
  });

  it('gives the same in pieces of one byte', () => {
    const bytes = Buffer.from('the quick brown fox '.repeat(300) + Math.PI);
    for (const level of [0, 1, 6, 9]) {
      const deflated = deflateRawSync(bytes, { level });
      expect(inflate(deflated, 1)).toEqual(inflate(deflated));
      expect(inflate(deflated, 1).output.equals(bytes)).toBe(true);
    }
  });

  it('accepts and refuses what zlib does, of changed input', () => {
    fc.assert(
      fc.property(
        content,
        options,
        fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 4 }),
        (bytes, how, changes) => {
          const deflated = deflateRawSync(bytes, how);
          for (const [at, value] of changes) deflated[at % deflated.length] = value;
          let expected: Buffer | null = null;
          try {
            expected = inflateRawSync(deflated, { maxOutputLength: 64 * 1024 * 1024 });
          } catch {}
          const { output, status } = inflate(deflated, 700);
          expect(status === 'end').toBe(expected !== null);
          if (expected !== null) expect(output.equals(expected)).toBe(true);
        },
      ),
      { numRuns: runs(1_000) },
    );
  });

  it('never throws, whatever the input', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.integer({ min: 1, max: 300 }), (bytes, size) => {
        const one = inflate(bytes, size);
        expect(inflate(bytes)).toEqual({ ...one, used: inflate(bytes).used });
      }),
      { numRuns: runs(2_000) },
    );
  });

  it('knows, joined late, exactly what does not refer to the past', () => {
    const first = Buffer.from('{"the same key":1,"another key":2}');
    const all: Buffer[] = [];
    // Messages as permessage-deflate has them: each ends with a flush.
    const stream = (texts: readonly Buffer[]): Buffer =>
      deflateRawSync(Buffer.concat(texts), { finishFlush: constants.Z_SYNC_FLUSH });
    const late = stream([first, first]).subarray(stream([first]).length - 4);
    const decoder = new Inflate((bytes) => all.push(Buffer.from(bytes)) > 0, 32_768, false);
    const whole = stream([first]);
    decoder.push(whole);
    expect([decoder.status, decoder.aligned]).toEqual(['more', true]);
    expect(Buffer.concat(all).toString()).toBe(first.toString());
    const lost = new Inflate(() => true, 32_768, false);
    lost.push(Buffer.from(deflateRawSync(first, { dictionary: first, finishFlush: constants.Z_SYNC_FLUSH })));
    expect(lost.status).toBe('unknown');
    expect(late.length).toBeGreaterThan(0);
    const known = new Inflate(() => true);
    known.push(
      Buffer.from(deflateRawSync(first, { dictionary: first, finishFlush: constants.Z_SYNC_FLUSH })),
    );
    expect(known.status).toBe('broken');
  });

  it('refers to earlier streams if wanted, and stops when the sink returns false', () => {
    const text = Buffer.from('some text that repeats itself, text that repeats itself');
    const parts: Buffer[] = [];
    const decoder = new Inflate((bytes) => parts.push(Buffer.from(bytes)) > 0);
    decoder.push(deflateRawSync(text));
    expect(decoder.status).toBe('end');
    decoder.restart(false);
    decoder.push(deflateRawSync(text, { dictionary: text }));
    expect(Buffer.concat(parts).toString()).toBe(`${text}${text}`);
    decoder.restart(true);
    decoder.push(deflateRawSync(text, { dictionary: text }));
    expect(decoder.status).toBe('broken');

    let size = 0;
    const bomb = new Inflate((bytes) => {
      size += bytes.length;
      return size < 1_000_000;
    });
    const used = bomb.push(deflateRawSync(Buffer.alloc(100_000_000)));
    expect(bomb.status).toBe('stopped');
    expect(used).toBeLessThan(4_000);
    expect(size).toBeLessThan(1_200_000);
    expect(bomb.cost).toBeLessThan(80_000);
  });
});
