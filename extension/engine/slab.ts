/**
 * Memory for the many small pieces of bytes that exchanges keep: heads and bodies. They are copied once, one after the
 * other, into large off-heap blocks, which the garbage collector neither copies nor scans. A block lives as
 * long as any of its pieces. Neighbouring pieces belong to exchanges of the same time, which are also evicted together.
 */

import { copyTo } from './fourBytes.ts';

/** Bytes of one block. A piece that outlives the others would keep it alive: see StoredExchange.detach. */
const BLOCK_SIZE = 64 * 1024;
/** Larger pieces get memory of their own, so that at most an eighth of a block is wasted. */
export const LARGEST_PIECE = 8 * 1024;

let block = Buffer.allocUnsafeSlow(BLOCK_SIZE);
let view = new DataView(block.buffer, block.byteOffset, BLOCK_SIZE);
let used = 0;

/** Offset in its block of the piece that was kept last. */
export let keptAt = 0;

/**
 * Copies a part of `bytes`, at most {@link LARGEST_PIECE}. To save memory there is no object for the copy: the caller
 * stores the block and {@link keptAt}.
 * @returns the block.
 */
export function keep(bytes: Buffer, from: number, to: number): Buffer {
  const length = to - from;
  if (BLOCK_SIZE - used < length) {
    block = Buffer.allocUnsafeSlow(BLOCK_SIZE);
    view = new DataView(block.buffer, block.byteOffset, BLOCK_SIZE);
    used = 0;
  }
  copyTo(view, block, used, bytes, from, to);
  keptAt = used;
  used += length;
  return block;
}

/** Extends a kept piece by a part of `bytes`; false if something else follows it in the block. */
export function extend(end: number, of: Buffer, bytes: Buffer, from: number, to: number): boolean {
  if (of !== block || end !== used || BLOCK_SIZE - used < to - from) return false;
  copyTo(view, block, used, bytes, from, to);
  used += to - from;
  return true;
}
