/**
 * Makes frames and field blocks of HTTP/2 for tests. Written apart from the decoder, so that both can be
 * wrong.
 */
import type { Field } from '../exchange.ts';
import { STATIC_TABLE } from '../http2/staticTable.ts';

export const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');

export const END_STREAM = 1;
export const ACK = 1;
export const END_HEADERS = 4;
export const PADDED = 8;
export const PRIORITY = 32;

export function frame(
  type: number,
  flags: number,
  stream: number,
  payload: Uint8Array | string = '',
): Buffer {
  const body = Buffer.from(payload as Uint8Array);
  const head = Buffer.alloc(9);
  head.writeUIntBE(body.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, body]);
}

export const data = (stream: number, text: Uint8Array | string, flags = END_STREAM): Buffer =>
  frame(0, flags, stream, text);
export const headers = (stream: number, block: Uint8Array, flags = END_HEADERS): Buffer =>
  frame(1, flags, stream, block);
export const reset = (stream: number, code: number): Buffer => frame(3, 0, stream, uint32(code));
export const settings = (...pairs: readonly (readonly [number, number])[]): Buffer =>
  frame(4, 0, 0, Buffer.concat(pairs.map(([id, value]) => Buffer.concat([uint16(id), uint32(value)]))));
export const settingsAck = (): Buffer => frame(4, ACK, 0);
export const push = (stream: number, promised: number, block: Uint8Array, flags = END_HEADERS): Buffer =>
  frame(5, flags, stream, Buffer.concat([uint32(promised), block]));
export const ping = (): Buffer => frame(6, 0, 0, 'pingpong');
export const goAway = (last: number, code = 0, text = ''): Buffer =>
  frame(7, 0, 0, Buffer.concat([uint32(last), uint32(code), Buffer.from(text)]));
export const windowUpdate = (stream: number, increment: number): Buffer =>
  frame(8, 0, stream, uint32(increment));
export const continuation = (stream: number, block: Uint8Array, flags = END_HEADERS): Buffer =>
  frame(9, flags, stream, block);

function uint16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
}

export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** RFC 7541 section 5.1. */
export function integer(value: number, prefix: number, pattern = 0): Buffer {
  const max = 2 ** prefix - 1;
  if (value < max) return Buffer.from([pattern | value]);
  const bytes = [pattern | max];
  let rest = value - max;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  bytes.push(rest);
  return Buffer.from(bytes);
}

/** Section 5.2, without Huffman coding. */
export function literal(text: string): Buffer {
  const bytes = Buffer.from(text, 'latin1');
  return Buffer.concat([integer(bytes.length, 7), bytes]);
}

/** Encodes field blocks with a dynamic table of its own. */
export class FieldEncoder {
  #table: Field[] = [];
  #capacity = 4_096;
  #pending = Buffer.alloc(0);

  /** Section 6.3: announced by the next block. */
  resize(capacity: number): void {
    this.#capacity = capacity;
    this.#evict(0);
    this.#pending = Buffer.concat([this.#pending, integer(capacity, 5, 0x20)]);
  }

  /**
   * @param choose 0: refer where possible, and insert what is new; 1: only refer; 2: refer to names only; 3:
   *   not at all.
   */
  block(fields: readonly Field[], choose: () => number = () => 0): Buffer {
    const parts: Buffer[] = [this.#pending];
    this.#pending = Buffer.alloc(0);
    for (const field of fields) parts.push(this.#field(field, choose()));
    return Buffer.concat(parts);
  }

  #field([name, value]: Field, way: number): Buffer {
    const all = [...STATIC_TABLE, ...this.#table];
    const whole = all.findIndex(([n, v]) => n === name && v === value) + 1;
    if (whole > 0 && way < 2) return integer(whole, 7, 0x80);
    const named = way === 3 ? 0 : all.findIndex(([n]) => n === name) + 1;
    const insert = way === 0;
    const start = insert ? integer(named, 6, 0x40) : integer(named, 4, way === 2 ? 0x10 : 0);
    const bytes = Buffer.concat([start, ...(named === 0 ? [literal(name)] : []), literal(value)]);
    if (insert) this.#insert([name, value]);
    return bytes;
  }

  #insert(field: Field): void {
    const size = sizeOf(field);
    this.#evict(size);
    if (size <= this.#capacity) this.#table.unshift(field);
  }

  #evict(room: number): void {
    let size = this.#table.reduce((sum, field) => sum + sizeOf(field), 0);
    while (size + room > this.#capacity && this.#table.length > 0) {
      size -= sizeOf(this.#table.pop() as Field);
    }
  }
}

function sizeOf([name, value]: Field): number {
  return 32 + name.length + value.length;
}

/** A request's fields. */
export function requestFields(path: string, method = 'GET', extra: readonly Field[] = []): Field[] {
  return [[':method', method], [':scheme', 'http'], [':authority', 'a'], [':path', path], ...extra];
}

export function responseFields(status: number, extra: readonly Field[] = []): Field[] {
  return [[':status', String(status)], ...extra];
}
