/**
 * Removes content codings from a body while it arrives (RFC 9110 section 8.4.1). gzip and deflate are decoded byte by
 * byte. For br and zstd there is no decoder that returns output at once, so everything received so far is decoded again
 * as it grows, within a budget of work, and at the end.
 */
import { removeCodings } from '../coding.ts';
import { Inflate } from '../inflate.ts';
import { MAX_REPEATED_CODING_BYTES } from '../limits.ts';
import type { LabelName } from './labels.ts';

export interface StreamDecoder {
  /** Bytes of memory. */
  readonly cost: number;
  /** The coded data has reached its end. For br and zstd known only after `end`. */
  readonly whole: boolean;
  /** @returns the permanent error; null when more may follow. */
  push(bytes: Buffer): LabelName | null;
  /** The input has ended. */
  end(): void;
}

/** Takes output, a view that is valid during the call only. */
type Sink = (bytes: Buffer) => void;

/** @returns null for a coding that is not known. */
export function streamDecoder(coding: string, sink: Sink): StreamDecoder | null {
  switch (coding) {
    case 'gzip':
    case 'x-gzip':
      return new GzipDecoder(sink);
    case 'deflate':
      return new DeflateDecoder(sink);
    case 'br':
    case 'zstd':
      return new RepeatingDecoder(coding, sink);
    default:
      return null;
  }
}

function inflateTo(sink: Sink): Inflate {
  return new Inflate((bytes) => {
    sink(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length));
    return true;
  });
}

/** RFC 1952: members, each with a header and a trailer. */
class GzipDecoder implements StreamDecoder {
  readonly #inflate: Inflate;
  /** The header or trailer so far. */
  #held: Buffer = Buffer.alloc(0);
  #state: 'header' | 'data' | 'trailer' | 'ended' = 'header';
  #members = 0;

  constructor(sink: Sink) {
    this.#inflate = inflateTo(sink);
  }

  get cost(): number {
    return this.#inflate.cost + this.#held.length;
  }

  get whole(): boolean {
    return (
      this.#state === 'ended' || (this.#state === 'header' && this.#members > 0 && this.#held.length === 0)
    );
  }

  push(bytes: Buffer): LabelName | null {
    let input = bytes;
    for (;;) {
      if (this.#state === 'data') {
        const used = this.#inflate.push(input);
        if (this.#inflate.status === 'more') return null;
        if (this.#inflate.status !== 'end') return 'coding-broken';
        input = input.subarray(used);
        this.#state = 'trailer';
        continue;
      }
      if (this.#state === 'ended') return null;
      if (input.length === 0) return null;
      const held = Buffer.concat([this.#held, input]);
      this.#held = NOTHING;
      const size = this.#state === 'trailer' ? 8 : headerSize(held);
      if (size === 'broken') {
        // Padding after the last member is ignored.
        this.#state = 'ended';
        return this.#members > 0 ? null : 'coding-broken';
      }
      if (size === null || held.length < size) {
        this.#held = held;
        return held.length > MAX_GZIP_HEADER ? 'coding-broken' : null;
      }
      input = held.subarray(size);
      if (this.#state === 'trailer') this.#state = 'header';
      else {
        this.#members++;
        this.#inflate.restart(true);
        this.#state = 'data';
      }
    }
  }

  end(): void {}
}

/** A header's name and comment may be long; in practice they are not. */
const MAX_GZIP_HEADER = 64 * 1024;

/** @returns bytes of the header; null when it is incomplete. */
function headerSize(bytes: Buffer): number | null | 'broken' {
  if ((bytes[0] ?? 0x1f) !== 0x1f || (bytes[1] ?? 0x8b) !== 0x8b || (bytes[2] ?? 8) !== 8) return 'broken';
  const flags = bytes[3];
  if (flags === undefined || bytes.length < 10) return null;
  let at = 10;
  if ((flags & 4) !== 0) {
    if (bytes.length < at + 2) return null;
    at += 2 + bytes.readUInt16LE(at);
  }
  for (const flag of [8, 16]) {
    if ((flags & flag) === 0) continue;
    const end = bytes.indexOf(0, at);
    if (end < 0) return null;
    at = end + 1;
  }
  return (flags & 2) === 0 ? at : at + 2;
}

/** zlib (RFC 1950), or the raw deflate that some senders use for `deflate`. */
class DeflateDecoder implements StreamDecoder {
  readonly #inflate: Inflate;
  #held: Buffer = Buffer.alloc(0);
  #begun = false;

  constructor(sink: Sink) {
    this.#inflate = inflateTo(sink);
  }

  get cost(): number {
    return this.#inflate.cost;
  }

  get whole(): boolean {
    return this.#inflate.status === 'end';
  }

  push(bytes: Buffer): LabelName | null {
    let input = bytes;
    if (!this.#begun) {
      input = Buffer.concat([this.#held, bytes]);
      this.#held = input;
      const [first, second] = input;
      if (first === undefined || second === undefined) return null;
      this.#begun = true;
      const isZlib = (first & 0x0f) === 8 && ((first << 8) | second) % 31 === 0;
      if (isZlib) input = input.subarray(2);
    }
    this.#inflate.push(input);
    return this.#inflate.status === 'broken' ? 'coding-broken' : null;
  }

  end(): void {}
}

/** Budget for decoding again: decoded bytes granted at the beginning. */
const FREE_WORK = 4 * 1024 * 1024;
/** Budget for decoding again: decoded bytes granted per byte of input. */
const WORK_PER_BYTE = 8;

class RepeatingDecoder implements StreamDecoder {
  readonly #coding: string;
  readonly #sink: Sink;
  #chunks: Buffer[] = [];
  #size = 0;
  /** Decoded bytes that were passed on. */
  #passed = 0;
  #work = 0;
  whole = false;

  constructor(coding: string, sink: Sink) {
    this.#coding = coding;
    this.#sink = sink;
  }

  get cost(): number {
    return this.#size;
  }

  push(bytes: Buffer): LabelName | null {
    if (this.#size + bytes.length > MAX_REPEATED_CODING_BYTES) {
      this.#decode();
      return 'coding-limit';
    }
    this.#chunks.push(Buffer.from(bytes));
    this.#size += bytes.length;
    return this.#work <= FREE_WORK + WORK_PER_BYTE * this.#size ? this.#decode() : null;
  }

  end(): void {
    this.#decode(true);
  }

  #decode(whole = false): LabelName | null {
    const input = Buffer.concat(this.#chunks, this.#size);
    this.#chunks = [input];
    const { bytes, removed, note } = removeCodings(input, [this.#coding], whole);
    this.whole = whole && removed && note === null;
    // Decoding also reads all the input.
    this.#work += bytes.length + input.length + 1_024;
    if (!removed) return null;
    if (bytes.length > this.#passed) this.#sink(bytes.subarray(this.#passed));
    this.#passed = Math.max(this.#passed, bytes.length);
    return null;
  }
}

const NOTHING = Buffer.alloc(0);
