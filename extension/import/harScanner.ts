/**
 * Finds the entries of an HTTP Archive without reading it as a whole: an archive may be larger than memory, cut off, or
 * malicious. The result is unparsed JSON; everything that is not an entry is skipped.
 */

/** Bytes of one entry: browsers' bodies are far smaller. */
export const MAX_ENTRY = 64 * 1024 * 1024;
/**
 * Values of one entry, and their nesting depth. Parsed, each takes many times its size in memory: 64 MiB of brackets
 * would be gigabytes. A browser's entry with 100,000 WebSocket messages has half as many values.
 */
export const MAX_VALUES = 1_000_000;
export const MAX_DEPTH = 1_000;
/** Bytes of the entry about the archive's creator. */
const MAX_ABOUT = 4 * 1024;
/** Bytes of a name that matters here: `entries`. */
const MAX_NAME = 16;

export type HarPiece =
  /** JSON of one entry. */
  | { readonly kind: 'entry'; readonly json: Buffer }
  /** An entry above {@link MAX_ENTRY}. */
  | { readonly kind: 'too-large' }
  /** An entry above {@link MAX_VALUES} or {@link MAX_DEPTH}. */
  | { readonly kind: 'too-many-values' }
  /** An item of the list of entries that is not an object. */
  | { readonly kind: 'foreign' }
  /** JSON of `log.creator`. */
  | { readonly kind: 'creator'; readonly json: Buffer };

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;
const COMMA = 0x2c;
const COLON = 0x3a;
const MARK = [0xef, 0xbb, 0xbf] as const;

const isBlank = (byte: number): boolean => byte === 0x20 || (byte >= 0x09 && byte <= 0x0d);

/** Reads an archive in pieces of any size. Holds one entry at most. */
export class HarScanner {
  readonly #maxEntry: number;
  /** Open objects and lists. */
  #depth = 0;
  #inString = false;
  #escaped = false;
  /** Bytes of a byte order mark seen so far. */
  #mark = 0;
  #begun = false;
  #isForeign = false;
  /** The latest string that may be a name, at the depths where names matter; null: too long, or none. */
  #text: number[] | null = null;
  #name = '';
  #inLog = false;
  #inEntries = false;
  #sawEntries = false;
  #complete = false;
  /** What is collected; null: nothing is. */
  #pieces: Buffer[] | null = null;
  #collected = 0;
  /** Values in it, but the last of each list and object. */
  #values = 0;
  #tooMany = false;
  #kind: 'entry' | 'creator' = 'entry';
  /** The list of entries contains an item that is not an object. */
  #stray = false;

  /** @param maxEntry bytes */
  constructor(maxEntry = MAX_ENTRY) {
    this.#maxEntry = maxEntry;
  }

  /** @returns whether this can be an archive: its first character is that of an object; null: not known yet. */
  get isObject(): boolean | null {
    return this.#begun ? !this.#isForeign : null;
  }

  get sawEntries(): boolean {
    return this.#sawEntries;
  }

  /** All of the archive has been seen. */
  get complete(): boolean {
    return this.#complete;
  }

  /** What is found in this piece; nothing after the end of the archive. */
  *push(piece: Buffer): Generator<HarPiece, void, undefined> {
    let from = 0;
    for (let at = 0; at < piece.length; at++) {
      if (this.#complete) return;
      const byte = piece[at] as number;
      if (!this.#begun) {
        if (byte === MARK[this.#mark]) {
          this.#mark++;
          continue;
        }
        if (isBlank(byte)) continue;
        this.#begun = true;
        if (byte !== OPEN_OBJECT) {
          this.#isForeign = true;
          this.#complete = true;
          return;
        }
      }
      if (this.#inString) {
        if (this.#text === null) at = this.#skipString(piece, at);
        else this.#character(byte);
        continue;
      }
      switch (byte) {
        case QUOTE:
          this.#inString = true;
          this.#text = this.#depth <= 2 ? [] : null;
          if (this.#isBetween) this.#stray = true;
          break;
        case COLON:
          if (this.#depth <= 2) this.#name = this.#text === null ? '' : String.fromCharCode(...this.#text);
          break;
        case OPEN_OBJECT:
        case OPEN_LIST:
          if (this.#opens(byte)) from = at;
          break;
        case CLOSE_OBJECT:
        case CLOSE_LIST: {
          if (this.#stray) yield* this.#strayed();
          const found = this.#closes(piece, from, at);
          if (found !== null) yield found;
          break;
        }
        case COMMA:
          this.#count();
          if (this.#stray) yield* this.#strayed();
          break;
        default:
          if (this.#isBetween && !isBlank(byte)) this.#stray = true;
      }
    }
    if (this.#pieces !== null) this.#collect(piece, from, piece.length);
  }

  /** Between two entries. */
  get #isBetween(): boolean {
    return this.#inEntries && this.#depth === 3;
  }

  *#strayed(): Generator<HarPiece, void, undefined> {
    if (!this.#isBetween) return;
    this.#stray = false;
    yield { kind: 'foreign' };
  }

  /** Most of an archive is strings whose characters do not matter. @returns where the last of them is */
  #skipString(piece: Buffer, from: number): number {
    let at = from;
    for (; at < piece.length; at++) {
      const byte = piece[at];
      if (this.#escaped) this.#escaped = false;
      else if (byte === BACKSLASH) this.#escaped = true;
      else if (byte === QUOTE) {
        this.#inString = false;
        return at;
      }
    }
    return at;
  }

  #character(byte: number): void {
    if (this.#escaped) this.#escaped = false;
    else if (byte === BACKSLASH) this.#escaped = true;
    else if (byte === QUOTE) {
      this.#inString = false;
      return;
    }
    if (this.#text === null) return;
    if (this.#text.length < MAX_NAME) this.#text.push(byte);
    else this.#text = null;
  }

  /** @returns whether something is collected from here on. */
  #opens(byte: number): boolean {
    this.#depth++;
    this.#count();
    if (this.#depth === 2) this.#inLog = byte === OPEN_OBJECT && this.#name === 'log';
    if (this.#depth === 3 && this.#inLog) {
      if (byte === OPEN_LIST && this.#name === 'entries') {
        this.#inEntries = true;
        this.#sawEntries = true;
      } else if (byte === OPEN_OBJECT && this.#name === 'creator') return this.#begin('creator');
    }
    if (this.#depth !== 4 || !this.#inEntries) return false;
    if (byte === OPEN_OBJECT) return this.#begin('entry');
    this.#stray = true;
    return false;
  }

  #begin(kind: 'entry' | 'creator'): true {
    this.#kind = kind;
    this.#pieces = [];
    this.#collected = 0;
    this.#values = 0;
    this.#tooMany = false;
    return true;
  }

  /** Counts a collected value. */
  #count(): void {
    if (this.#pieces === null || this.#tooMany) return;
    this.#values++;
    if (this.#values <= MAX_VALUES && this.#depth <= MAX_DEPTH) return;
    this.#tooMany = true;
    this.#pieces = [];
  }

  #closes(piece: Buffer, from: number, at: number): HarPiece | null {
    this.#depth--;
    const ends = this.#pieces !== null && this.#depth === (this.#kind === 'entry' ? 3 : 2);
    const found = ends ? this.#end(piece, from, at + 1) : null;
    if (this.#depth === 2) this.#inEntries = false;
    if (this.#depth === 1) this.#inLog = false;
    if (this.#depth === 0) this.#complete = true;
    return found;
  }

  #end(piece: Buffer, from: number, to: number): HarPiece | null {
    this.#collect(piece, from, to);
    const pieces = this.#pieces;
    const kind = this.#kind;
    this.#pieces = null;
    const tooLarge = this.#collected > this.#most;
    if (pieces !== null && !tooLarge && !this.#tooMany) return { kind, json: Buffer.concat(pieces) };
    return kind === 'entry' ? { kind: tooLarge ? 'too-large' : 'too-many-values' } : null;
  }

  get #most(): number {
    return this.#kind === 'entry' ? this.#maxEntry : MAX_ABOUT;
  }

  /** Copies: the buffer is reused. @param from 0 if collecting began in an earlier piece. */
  #collect(piece: Buffer, from: number, to: number): void {
    this.#collected += to - from;
    if (this.#collected > this.#most || this.#tooMany) this.#pieces = [];
    else this.#pieces?.push(Buffer.from(piece.subarray(from, to)));
  }
}
