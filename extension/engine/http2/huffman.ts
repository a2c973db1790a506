/**
 * The Huffman code of RFC 7541 appendix B, read four bits at a time. The code is canonical: codes of one length
 * are assigned in the order of their symbols, shorter ones first, so the lengths define it.
 */

/** Bits of the code of each octet, and of EOS (256). */
const LENGTHS: readonly number[] = [
  13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28,
  28, 28, 28, 28, 28, 6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7,
  8, 15, 6, 12, 10, 13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19,
  13, 14, 6, 15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13,
  28, 20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21,
  22, 23, 22, 23, 23, 24, 22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23,
  22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23, 26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25,
  19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27, 20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25,
  25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26, 30,
];

const EOS = 256;
/** A symbol ends in this step. Its octet is in bits 8 to 15, the next state in bits 0 to 7. */
const EMITS = 1 << 16;
const FAILS = 1 << 17;
/** Padding is at most seven bits of EOS (section 5.2). */
const MAX_PADDING = 7;

/** Transitions by state and four bits; a state is an inner node of the tree, 0 its root. */
const STEPS = new Uint32Array(256 * 16);
/** 1 for states where a string may end. */
const ENDS = new Uint8Array(256);
/** The tables are built on first use: many traces have no HTTP/2. */
let built = false;

function build(): void {
  built = true;
  // Children of inner nodes: a node's number, or `~symbol`.
  const children: [number, number][] = [[0, 0]];
  let code = 0;
  let length = 0;
  const symbols = [...LENGTHS.keys()].sort((a, b) => bitsOf(a) - bitsOf(b) || a - b);
  for (const symbol of symbols) {
    code *= 2 ** (bitsOf(symbol) - length);
    length = bitsOf(symbol);
    let node = 0;
    for (let bit = length - 1; bit >= 0; bit--) {
      const side = (code >>> bit) & 1;
      const pair = children[node] as [number, number];
      if (bit === 0) pair[side] = ~symbol;
      else {
        if (pair[side] === 0) pair[side] = children.push([0, 0]) - 1;
        node = pair[side] as number;
      }
    }
    code++;
  }
  let node = 0;
  for (let depth = 0; depth <= MAX_PADDING; depth++) {
    ENDS[node] = 1;
    node = children[node]?.[1] as number;
  }
  for (const state of children.keys()) {
    for (let bits = 0; bits < 16; bits++) STEPS[state * 16 + bits] = step(children, state, bits);
  }
}

function bitsOf(symbol: number): number {
  return LENGTHS[symbol] as number;
}

function step(children: readonly [number, number][], state: number, bits: number): number {
  let node = state;
  let emitted = 0;
  for (let bit = 3; bit >= 0; bit--) {
    const next = children[node]?.[(bits >> bit) & 1] as number;
    if (next >= 0) node = next;
    else {
      if (~next === EOS) return FAILS;
      // No code is shorter than five bits, so at most one symbol ends in four.
      emitted = EMITS | (~next << 8);
      node = 0;
    }
  }
  return emitted | node;
}

let scratch = Buffer.allocUnsafe(4_096);

/** @returns the string as Latin-1, or null when the encoding is invalid (section 5.2). */
export function decodeHuffman(bytes: Uint8Array, from: number, to: number): string | null {
  if (!built) build();
  // The shortest code has five bits.
  const room = Math.ceil(((to - from) * 8) / 5);
  if (scratch.length < room) scratch = Buffer.allocUnsafe(room);
  const out = scratch;
  let length = 0;
  let state = 0;
  let failed = 0;
  for (let at = from; at < to; at++) {
    const byte = bytes[at] as number;
    let step = STEPS[(state << 4) | (byte >> 4)] as number;
    if ((step & EMITS) !== 0) out[length++] = step >> 8;
    failed |= step;
    step = STEPS[((step & 0xff) << 4) | (byte & 15)] as number;
    if ((step & EMITS) !== 0) out[length++] = step >> 8;
    failed |= step;
    state = step & 0xff;
  }
  if ((failed & FAILS) !== 0 || ENDS[state] === 0) return null;
  return out.toString('latin1', 0, length);
}
