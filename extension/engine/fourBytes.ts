/**
 * Reads and copies bytes of a batch four at a time. Most of the time spent on a head goes into scanning its bytes, and
 * four at once cost hardly more than one.
 */

/** The view of the current batch, whose pieces are read one after the other. */
let buffer: ArrayBufferLike = new ArrayBuffer(0);
let all: Uint8Array = new Uint8Array(buffer);
let view: DataView = new DataView(buffer);

function turnTo(bytes: Buffer): void {
  if (bytes.buffer === buffer) return;
  buffer = bytes.buffer;
  all = new Uint8Array(buffer);
  view = new DataView(buffer);
}

/** A view of the whole buffer behind `bytes`, with offsets from its beginning. Valid until the next call. */
export function viewOf(bytes: Buffer): DataView {
  turnTo(bytes);
  return view;
}

/** Drops the reference to the batch. */
export function release(): void {
  buffer = new ArrayBuffer(0);
  all = new Uint8Array(buffer);
  view = new DataView(buffer);
}

/** Up to this many bytes, a loop is faster than `Uint8Array.set`. */
const SHORT = 160;

/** Copies `bytes` from `from` to `to` into `block` (viewed by `target`) at offset `at`. */
export function copyTo(
  target: DataView,
  block: Uint8Array,
  at: number,
  bytes: Buffer,
  from: number,
  to: number,
): void {
  turnTo(bytes);
  const length = to - from;
  const start = bytes.byteOffset + from;
  if (length > SHORT) {
    block.set(all.subarray(start, start + length), at);
    return;
  }
  let i = 0;
  for (; i + 4 <= length; i += 4) target.setInt32(at + i, view.getInt32(start + i));
  for (; i < length; i++) target.setInt8(at + i, view.getInt8(start + i));
}

const DEL = 127;
const SPACE = 32;
const TAB = 9;

/** @returns the offset of the first byte that a field value must not contain (RFC 9110 section 5.5), or `to`. */
export function plainEnd(view: DataView, from: number, to: number): number {
  let at = from;
  for (; at + 4 <= to; at += 4) {
    // In each of the four bytes the highest bit is set if it is below 32, or DEL.
    const four = view.getInt32(at);
    const del = four ^ 0x7f7f7f7f;
    if (((((four - 0x20202020) & ~four) | ((del - 0x01010101) & ~del)) & -0x7f7f7f80) !== 0) break;
  }
  for (; at < to; at++) {
    const code = view.getUint8(at);
    if (code === DEL || (code < SPACE && code !== TAB)) break;
  }
  return at;
}
