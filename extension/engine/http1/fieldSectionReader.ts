/** Reads the field lines of a head or a trailer section as they arrive, up to its limit in bytes. */
import { MAX_LINE_BEYOND_HEAD } from '../limits.ts';
import type { StoredMessage } from '../storedMessage.ts';
import { FieldLines } from './fieldLines.ts';
import type { Line, LineReader } from './lineReader.ts';

export class FieldSectionReader {
  readonly #message: StoredMessage;
  readonly #reader: LineReader;
  readonly #bound: number;
  readonly #lines: FieldLines;
  /** Bytes of the section's lines so far. */
  #bytes: number;

  /** @param bytes of the lines before the field lines. */
  constructor(message: StoredMessage, reader: LineReader, bound: number, bytes: number) {
    this.#message = message;
    this.#reader = reader;
    this.#bound = bound;
    this.#bytes = bytes;
    this.#lines = new FieldLines((name) => message.breaks(name, reader.position));
  }

  /** Bytes of the next line that are examined. */
  get lineLimit(): number {
    return Math.max(this.#bound - this.#bytes, MAX_LINE_BEYOND_HEAD);
  }

  /** @returns true for the empty line that ends the section. */
  add({ text, cut, withCr, length }: Line): boolean {
    const message = this.#message;
    const before = this.#bytes;
    this.#bytes += length;
    if (!withCr) message.breaks('bare-lf', this.#reader.position);
    if (text === '' && !cut) return true;
    if (cut) {
      message.breaks('line-too-long', this.#reader.position);
      message.headIncomplete = true;
    }
    this.#lines.add(text, before < this.#bound);
    return false;
  }

  /** The fields so far, without an unfinished line. */
  close(): FieldLines {
    this.#lines.finish();
    if (this.#lines.incomplete) this.#message.headIncomplete = true;
    return this.#lines;
  }
}
