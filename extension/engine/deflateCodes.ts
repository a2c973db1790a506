/** The Huffman codes of DEFLATE (RFC 1951): tables, their construction, and symbol decoding. */

export const LENGTH_BASE = [
  3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195,
  227, 258,
];
export const LENGTH_EXTRA = [
  0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0,
];
export const DISTANCE_BASE = [
  1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097,
  6145, 8193, 12289, 16385, 24577,
];
export const DISTANCE_EXTRA = [
  0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13,
];
/** Order of the lengths of the code length codes. */
export const ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

const LONGEST_CODE = 15;
/** Codes up to this length take one table lookup. */
const FAST_BITS = 9;

/** Canonical Huffman code (RFC 1951 section 3.2.2). */
export class Codes {
  /** Indexed by the next bits: symbol and length, or 0 if the code is longer or invalid. */
  readonly #fast = new Uint16Array(1 << FAST_BITS);
  readonly #counts = new Uint16Array(LONGEST_CODE + 1);
  readonly #symbols: Uint16Array;

  constructor(symbols: number) {
    this.#symbols = new Uint16Array(symbols);
  }

  /** @returns false if the lengths form no code by zlib's rules. */
  build(lengths: Uint8Array, from: number, to: number, mayBeSingle: boolean): boolean {
    const counts = this.#counts.fill(0);
    let longest = 0;
    for (let i = from; i < to; i++) {
      const length = lengths[i] as number;
      counts[length] = (counts[length] as number) + 1;
      if (length > longest) longest = length;
    }
    counts[0] = 0;
    const fast = this.#fast.fill(0);
    if (longest === 0) return true;
    const offsets = new Uint16Array(LONGEST_CODE + 2);
    const next = new Uint16Array(LONGEST_CODE + 2);
    let left = 1;
    for (let length = 1; length <= LONGEST_CODE; length++) {
      const count = counts[length] as number;
      left = 2 * left - count;
      if (left < 0) return false;
      offsets[length + 1] = (offsets[length] as number) + count;
      next[length + 1] = ((next[length] as number) + count) << 1;
    }
    if (left > 0 && !(mayBeSingle && longest === 1)) return false;
    for (let i = from; i < to; i++) {
      const length = lengths[i] as number;
      if (length === 0) continue;
      const symbol = i - from;
      const offset = offsets[length] as number;
      this.#symbols[offset] = symbol;
      offsets[length] = offset + 1;
      const code = next[length] as number;
      next[length] = code + 1;
      if (length > FAST_BITS) continue;
      let reversed = 0;
      for (let bit = 0; bit < length; bit++) reversed |= ((code >> bit) & 1) << (length - 1 - bit);
      for (let at = reversed; at < 1 << FAST_BITS; at += 1 << length) fast[at] = (symbol << 4) | length;
    }
    return true;
  }

  /**
   * @param count number of bits in `bits`.
   * @returns symbol << 4 | length; {@link TOO_FEW} or {@link NO_CODE}.
   */
  decode(bits: number, count: number): number {
    const found = this.#fast[bits & ((1 << FAST_BITS) - 1)] as number;
    if (found !== 0) return (found & 15) <= count ? found : TOO_FEW;
    let code = 0;
    let first = 0;
    let index = 0;
    for (let length = 1; length <= LONGEST_CODE; length++) {
      if (length > count) return TOO_FEW;
      code |= (bits >>> (length - 1)) & 1;
      const number = this.#counts[length] as number;
      if (code - number < first) return ((this.#symbols[index + code - first] as number) << 4) | length;
      index += number;
      first = (first + number) << 1;
      code <<= 1;
    }
    return NO_CODE;
  }
}

export const TOO_FEW = -1;
export const NO_CODE = -2;

/** The tables for a block with dynamic Huffman codes. */
export class Tables {
  readonly lengths = new Uint8Array(320);
  readonly codes = new Codes(19);
  readonly lengthCodes = new Codes(288);
  readonly distanceCodes = new Codes(32);
}

/** Estimated bytes of {@link Tables}. */
export const TABLES_COST = 5_000;

function fixed(symbols: number, length: (symbol: number) => number): Codes {
  const codes = new Codes(symbols);
  codes.build(
    Uint8Array.from({ length: symbols }, (_, i) => length(i)),
    0,
    symbols,
    false,
  );
  return codes;
}
export const FIXED_LENGTHS = fixed(288, (i) => (i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8));
export const FIXED_DISTANCES = fixed(32, () => 5);
