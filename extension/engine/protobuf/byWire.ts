/**
 * Decodes a protobuf message without its definition: field numbers and possible values, in the format of
 * `protoc --decode_raw`. Numbers have no type on the wire, so other interpretations are in brackets.
 */
import { maskBody } from '../../privacy/maskBody.ts';
import { MAX_PROTOBUF_DEPTH, MAX_PROTOBUF_FIELDS, MAX_PROTOBUF_TEXT } from '../limits.ts';
import type { MessageText } from './messageText.ts';
import { asDouble, asFloat, I32, I64, LEN, START_GROUP, VARINT, WireReader, zigzag } from './wire.ts';

/** Bytes of a field that are printed if they are not text. */
const MAX_HEX = 64;
/** Budget for finding out whether contents are messages, per byte of the whole message. */
const WORK_PER_BYTE = 4;

const UNTYPED = { essence: '', boundary: null };

/** @param whole false: `bytes` is truncated. */
export function byWire(bytes: Buffer, whole: boolean, reveal: boolean): MessageText {
  const printer = new Printer(bytes, reveal);
  const end = printer.print(0, bytes.length, 0, 0);
  return { text: printer.text(), end, masked: printer.masked, cut: printer.full || !whole };
}

class Printer {
  masked = false;
  full = false;
  readonly #bytes: Buffer;
  readonly #reveal: boolean;
  readonly #lines: string[] = [];
  #size = 0;
  #fields = 0;
  #work: number;

  constructor(bytes: Buffer, reveal: boolean) {
    this.#bytes = bytes;
    this.#reveal = reveal;
    this.#work = WORK_PER_BYTE * bytes.length;
  }

  text(): string {
    return this.#lines.join('\n');
  }

  /** @returns the offset where it stops being protobuf. */
  print(from: number, to: number, depth: number, indent: number): number {
    const reader = new WireReader(this.#bytes, from, to);
    for (;;) {
      const field = reader.next();
      if (field === null || this.full) return reader.at;
      const { number, wire, value } = field;
      if (++this.#fields > MAX_PROTOBUF_FIELDS) {
        this.full = true;
        return reader.at;
      }
      if (wire === VARINT) this.#line(indent, `${number}: ${varint(value)}`);
      else if (wire === I32) this.#line(indent, `${number}: ${fixed32(value)}`);
      else if (wire === I64) this.#line(indent, `${number}: ${fixed64(value)}`);
      else if (wire === START_GROUP || (wire === LEN && this.#isMessage(field.from, field.to, depth))) {
        if (depth >= MAX_PROTOBUF_DEPTH) {
          this.#line(indent, `${number} { … }`);
          continue;
        }
        this.#line(indent, `${number} {`);
        this.print(field.from, field.to, depth + 1, indent + 1);
        this.#line(indent, '}');
      } else this.#line(indent, `${number}: ${this.#content(field.from, field.to)}`);
    }
  }

  #line(indent: number, text: string): void {
    this.#size += text.length + 2 * indent + 1;
    if (this.#size > MAX_PROTOBUF_TEXT) this.full = true;
    else this.#lines.push('  '.repeat(indent) + text);
  }

  #content(from: number, to: number): string {
    const text = this.#text(from, to);
    if (text !== null) {
      const shown = this.#reveal ? text : maskBody(text, UNTYPED);
      if (shown !== text) this.masked = true;
      return JSON.stringify(shown);
    }
    const more = to - from > MAX_HEX ? '…' : '';
    return `<${to - from} bytes> ${this.#bytes.toString('hex', from, Math.min(to, from + MAX_HEX))}${more}`;
  }

  #text(from: number, to: number): string | null {
    const text = this.#bytes.toString('utf8', from, to);
    return isText(text) ? text : null;
  }

  /**
   * Text without control characters is no message, though digits could be one; other content is one
   * if it parses to its end.
   */
  #isMessage(from: number, to: number, depth: number): boolean {
    if (from === to || depth >= MAX_PROTOBUF_DEPTH) return false;
    this.#work -= to - from;
    if (this.#work < 0) return false;
    const first = this.#bytes[from];
    const text = first === 0x0a || first === 0x0d ? null : this.#text(from, to);
    if (text !== null) return false;
    const reader = new WireReader(this.#bytes, from, to);
    while (reader.next() !== null);
    return !reader.broken;
  }
}

/** U+FFFD replaces invalid UTF-8. */
function isText(text: string): boolean {
  return !/[\0-\x08\x0b\x0c\x0e-\x1f\x7f\ufffd]/.test(text);
}

function varint(value: bigint): string {
  if (value < 2n) return String(value);
  const signed = BigInt.asIntN(64, value);
  return signed < 0n ? `${value} [${signed}]` : `${value} [zigzag ${zigzag(value)}]`;
}

function fixed32(value: bigint): string {
  const signed = BigInt.asIntN(32, value);
  return `${value} [${signed < 0n ? `${signed}, ` : ''}float ${asFloat(value)}]`;
}

function fixed64(value: bigint): string {
  const signed = BigInt.asIntN(64, value);
  return `${value} [${signed < 0n ? `${signed}, ` : ''}double ${asDouble(value)}]`;
}
