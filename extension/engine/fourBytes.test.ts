import { assert, constantFrom, nat, oneof, property, tuple, uint8Array } from 'fast-check';
import { expect, test } from 'vitest';
import { isValueCode } from '../http/fieldSyntax.ts';
import { copyTo, plainEnd, release, viewOf } from './fourBytes.ts';

/** Mostly what fields contain, with what ends them, and what differs from it by one bit. */
const bytes = oneof(
  uint8Array({ maxLength: 40 }),
  tuple(nat(40), constantFrom(0, 8, 9, 10, 13, 31, 32, 126, 127, 128, 159, 160, 255)).map(([at, code]) => {
    const text = new Uint8Array(41).fill(0x61);
    text[at] = code;
    return text;
  }),
);

test('the end of a field value is found at any place, as byte by byte', () => {
  assert(
    property(bytes, nat(8), (content, shift) => {
      // It stands anywhere in a batch.
      const piece = Buffer.concat([Buffer.alloc(shift), content, Buffer.alloc(4)]);
      const from = shift;
      const to = from + content.length;
      let expected = from;
      while (expected < to && isValueCode(piece[expected] as number)) expected++;
      expect(plainEnd(viewOf(piece), piece.byteOffset + from, piece.byteOffset + to)).toBe(
        piece.byteOffset + expected,
      );
    }),
  );
});

test('bytes are copied whole, and nothing else is touched', () => {
  assert(
    property(uint8Array({ maxLength: 400 }), nat(7), nat(7), (content, shift, at) => {
      const source = Buffer.concat([Buffer.alloc(shift, 1), content, Buffer.alloc(8, 1)]);
      const block = Buffer.allocUnsafeSlow(420).fill(2);
      const view = new DataView(block.buffer, block.byteOffset, block.length);
      copyTo(view, block, at, source, shift, shift + content.length);
      const rest = 420 - at - content.length;
      expect(block.equals(Buffer.concat([Buffer.alloc(at, 2), content, Buffer.alloc(rest, 2)]))).toBe(true);
    }),
  );
  release();
});
