import * as zlib from 'node:zlib';
import { brotliCompressSync, constants, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runs } from '../../test/kit/runs.ts';
import { removeCodings } from './coding.ts';
import { MAX_DECODED_BYTES } from './limits.ts';

/** Made by `zstd -c` 1.5.4 from standard input: a window, a checksum, no content size. */
const ZSTD_HELLO = Buffer.from('KLUv/QRYbQAAOGhlbGxvIAoBALlLEWsfCGc=', 'base64');
/** Node 22.15 and later compress zstd themselves; elsewhere the sample above has to do. */
const zstdCompress = (zlib as { zstdCompressSync?: (bytes: Buffer) => Buffer }).zstdCompressSync;

const CODERS: readonly [string, (bytes: Buffer) => Buffer][] = [
  ['gzip', (bytes) => gzipSync(bytes)],
  ['x-gzip', (bytes) => gzipSync(bytes)],
  ['deflate', (bytes) => deflateSync(bytes)],
  ['deflate', (bytes) => deflateRawSync(bytes)],
  ['br', (bytes) => brotliCompressSync(bytes)],
  ...(zstdCompress === undefined ? [] : [['zstd', zstdCompress] as [string, (bytes: Buffer) => Buffer]]),
];

const TEXT = Buffer.from(Array.from({ length: 2_000 }, (_, i) => `line ${i} ${i * 7919}\n`).join(''));

describe.each(CODERS)('%s', (coding, encode) => {
  it('is removed', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 3_000 }), (bytes) => {
        const input = Buffer.from(bytes);
        const decoded = removeCodings(encode(input), [coding], true);
        expect(decoded.note).toBeNull();
        expect(decoded.removed).toBe(true);
        expect(decoded.bytes.equals(input)).toBe(true);
      }),
      { numRuns: runs(50) },
    );
  });

  it('gives what can be decoded of a prefix', () => {
    const encoded = encode(TEXT);
    for (const part of [0.25, 0.5, 0.9]) {
      const decoded = removeCodings(encoded.subarray(0, Math.floor(encoded.length * part)), [coding], false);
      expect(decoded.note).toBeNull();
      expect(TEXT.subarray(0, decoded.bytes.length).equals(decoded.bytes)).toBe(true);
      // A zstd block is decoded whole or not at all, and this text is one block.
      if (coding !== 'zstd') expect(decoded.bytes.length).toBeGreaterThan(TEXT.length * part * 0.5);
    }
  });

  it('says so when what should be whole ends too early', () => {
    const encoded = encode(TEXT);
    expect(removeCodings(encoded.subarray(0, encoded.length - 30), [coding], true).note).toMatch(
      /ends too early/,
    );
  });

  it('survives damage anywhere', () => {
    const encoded = encode(TEXT);
    for (let at = 0; at < encoded.length; at += Math.ceil(encoded.length / 40)) {
      const damaged = Buffer.from(encoded);
      damaged[at] = (damaged[at] ?? 0) ^ 0x55;
      expect(removeCodings(damaged, [coding], true).bytes.length).toBeLessThanOrEqual(MAX_DECODED_BYTES);
    }
  });

  it('cuts a bomb', () => {
    const zeros = Buffer.alloc(64 * 1024 * 1024);
    // Its usual effort takes seconds for so many.
    const quick = { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } };
    const bomb = coding === 'br' ? brotliCompressSync(zeros, quick) : encode(zeros);
    const decoded = removeCodings(bomb, [coding], true);
    expect(decoded.bytes.length).toBeLessThanOrEqual(MAX_DECODED_BYTES);
    expect(decoded.bytes.length).toBeGreaterThan(MAX_DECODED_BYTES / 16);
    expect(decoded.note).toMatch(/larger than 8 MiB/);
  });

  it('is removed twice, and under another', () => {
    expect(removeCodings(encode(encode(TEXT)), [coding, coding], true).bytes.equals(TEXT)).toBe(true);
    expect(removeCodings(gzipSync(encode(TEXT)), [coding, 'gzip'], true).bytes.equals(TEXT)).toBe(true);
  });
});

describe('removeCodings', () => {
  it('decodes zstd on every Node', () => {
    expect(removeCodings(ZSTD_HELLO, ['zstd'], true)).toMatchObject({ removed: true, note: null });
    expect(removeCodings(ZSTD_HELLO, ['zstd'], true).bytes.toString()).toBe(
      'hello hello hello hello hello hello\n',
    );
  });

  it('refuses a zstd window beyond 8 MiB without reserving it', () => {
    // Magic, a descriptor with a window byte, a window of 2 GiB, one raw block.
    const huge = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 0xa8, 0x09, 0x00, 0x00, 0x78]);
    const decoded = removeCodings(huge, ['zstd'], true);
    expect(decoded).toMatchObject({ removed: false, note: expect.stringMatching(/RFC 9659/) });
  });

  it('bounds the work of many small zstd blocks in a large window', () => {
    const blocks = Array.from({ length: 20_000 }, () => Buffer.from([0x0a, 0x00, 0x00, 0x41]));
    // An 8 MiB window, 20,000 blocks of one repeated byte.
    const input = Buffer.concat([Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x68]), ...blocks]);
    const decoded = removeCodings(input, ['zstd'], true);
    expect(decoded.note).not.toBeNull();
    expect(decoded.bytes.length).toBeGreaterThan(0);
  });

  it('leaves unknown codings, and says so', () => {
    const decoded = removeCodings(Buffer.from('abc'), ['compress'], true);
    expect(decoded).toMatchObject({ removed: false, note: expect.stringMatching(/coding is unknown/) });
    expect(decoded.bytes.toString()).toBe('abc');
  });

  it('leaves a body that is not in the declared coding', () => {
    const decoded = removeCodings(Buffer.from('plain text'), ['gzip'], true);
    expect(decoded).toMatchObject({
      removed: false,
      note: expect.stringMatching(/not in the content coding/),
    });
    expect(decoded.bytes.toString()).toBe('plain text');
  });

  it('does not undo more than four codings', () => {
    expect(removeCodings(Buffer.from('x'), ['gzip', 'gzip', 'gzip', 'gzip', 'gzip'], true).note).toMatch(
      /More than 4/,
    );
  });

  it('treats identity as no coding', () => {
    expect(removeCodings(TEXT, ['identity'], true)).toMatchObject({ removed: false, note: null });
  });
});
