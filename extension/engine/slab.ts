/**
 * Room for the many small pieces of bytes that exchanges keep: heads, bodies. They are copied once, one behind the
 * other, into large blocks outside of the heap, which the garbage collector neither copies nor looks at. A block lives
 * as long as one of its pieces: those of exchanges that came at the same time, which are forgotten at the same time.
 */

import { copyTo } from './words.ts';

/** Of one block. A piece that outlives all others of its block would hold this much: see Store.detach. */
const BLOCK_SIZE = 64 * 1024;
/** Larger pieces get memory of their own: at most an eighth of a block stays unused. */
export const LARGEST_PIECE = 8 * 1024;

let block = Buffer.allocUnsafeSlow(BLOCK_SIZE);
let view = new DataView(block.buffer, block.byteOffset, BLOCK_SIZE);
let used = 0;

/** Where the piece that was kept last stands in its block. */
export let keptAt = 0;

/**
 * Copies a part of `bytes`, at most {@link LARGEST_PIECE}. No object is made for it: who keeps it keeps the block, and
 * {@link keptAt}.
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

/** Copies a part of `bytes` right behind a piece that was kept; false where something else follows it. */
export function extend(end: number, of: Buffer, bytes: Buffer, from: number, to: number): boolean {
  if (of !== block || end !== used || BLOCK_SIZE - used < to - from) return false;
  copyTo(view, block, used, bytes, from, to);
  used += to - from;
  return true;
}
