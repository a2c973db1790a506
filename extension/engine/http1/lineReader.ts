/**
 * Assembles the lines of one direction from pieces of any size: start lines, field lines, chunk-size lines.
 */
import type { Origin } from '../byteStream.ts';
import { CR, LF } from './characters.ts';
import { LineBuffer } from './lineBuffer.ts';

export interface Line {
  /** Without its line end, in Latin-1. */
  readonly text: string;
  /** Bytes beyond the limit are missing in the text. */
  readonly cut: boolean;
  /** It ends with CRLF, not with LF alone. */
  readonly withCr: boolean;
  /** In bytes, with the line end. */
  readonly length: number;
  /** Offset in the piece, after the line. */
  readonly end: number;
}

const NOWHERE: Origin = { time: 0, end: 0, pid: 0, file: null };

export class LineReader {
  /** The beginning of a line whose end has not arrived. */
  readonly pending = new LineBuffer();
  /** The newest line's position in the stream, and when and by whom its first byte was sent or received. */
  position = 0;
  origin: Origin = NOWHERE;

  /** A line begins here, unless one is pending. */
  begin(position: number, context: Origin): void {
    if (this.pending.length > 0) return;
    this.position = position;
    this.origin = context;
  }

  /** The line that ends in these bytes; null when it does not: then all of them are pending. */
  read(bytes: Buffer, at: number, limit: number): Line | null {
    const { pending } = this;
    const end = bytes.indexOf(LF, at);
    if (end < 0) {
      pending.append(bytes, at, bytes.length, limit);
      return null;
    }
    let text: string;
    let cut: boolean;
    let length: number;
    const withCr = (end > at ? bytes[end - 1] : pending.last) === CR;
    if (pending.length === 0) {
      length = end - at;
      cut = length > limit;
      text = bytes.toString('latin1', at, cut ? at + limit : end);
    } else {
      pending.append(bytes, at, end, limit);
      length = pending.length;
      cut = pending.cut;
      text = pending.text();
      pending.clear();
    }
    if (withCr && !cut) text = text.slice(0, -1);
    return { text, cut, withCr, length: length + 1, end: end + 1 };
  }

  /** Drops the pending bytes: they are not a line, or not one that is wanted. */
  clear(): void {
    this.pending.clear();
  }
}
