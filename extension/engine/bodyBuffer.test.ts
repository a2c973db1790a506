import { describe, expect, it } from 'vitest';
import { BodyBuffer } from './bodyBuffer.ts';

describe('body buffer', () => {
  it('keeps all bytes whatever the sizes of the pieces, without a block for each', () => {
    const buffer = new BodyBuffer();
    const pieces = [3, 1, 1, 5_000, 1, 1, 300, 4_096, 0, 7, ...Array<number>(2_000).fill(1)];
    let expected = '';
    for (const [i, size] of pieces.entries()) {
      const text = String.fromCharCode(97 + (i % 26)).repeat(size);
      expected += text;
      const piece = Buffer.from(`<${text}>`);
      buffer.append(piece, 1, 1 + size);
      piece.fill(0);
      expect(Buffer.concat(buffer.chunks).toString()).toBe(expected);
    }
    buffer.close();
    expect(Buffer.concat(buffer.chunks).toString()).toBe(expected);
    expect(buffer.captured).toBe(expected.length);
    expect(buffer.chunks.length).toBeLessThan(20);
  });

  it('keeps every byte of one small piece', () => {
    const buffer = new BodyBuffer();
    expect(buffer.chunks).toEqual([]);
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
    buffer.append(bytes, 0, 256);
    buffer.close();
    expect(Buffer.concat(buffer.chunks)).toEqual(bytes);
  });
});
