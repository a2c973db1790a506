/**
 * The wire format of protocol buffers (protobuf.dev, Encoding). Hostile input: nothing throws, all is
 * bounded.
 */

export const VARINT = 0;
export const I64 = 1;
export const LEN = 2;
export const START_GROUP = 3;
const END_GROUP = 4;
export const I32 = 5;

const LARGEST_FIELD = 2 ** 29 - 1;

/** One field as it is written. */
export interface WireField {
  readonly number: number;
  readonly wire: number;
  /** VARINT, I64 and I32: unsigned. */
  readonly value: bigint;
  /** LEN: the content. Groups: the fields between its tags. */
  readonly from: number;
  readonly to: number;
}

/** Reads fields one after the other. */
export class WireReader {
  readonly #bytes: Buffer;
  readonly #end: number;
  /** Where the next field begins; if `broken`, where reading failed. */
  at: number;
  /** What follows is not protobuf, or is truncated. */
  broken = false;
  #value = 0n;

  constructor(bytes: Buffer, from = 0, to = bytes.length) {
    this.#bytes = bytes;
    this.at = from;
    this.#end = to;
  }

  /** null: no more, or `broken`. */
  next(): WireField | null {
    if (this.at >= this.#end || this.broken) return null;
    const start = this.at;
    const field = this.#field();
    if (field === null) {
      this.broken = true;
      this.at = start;
    }
    return field;
  }

  /** An untagged varint, as in packed fields; null: no more, or `broken`. */
  varint(): bigint | null {
    if (this.at >= this.#end || this.broken) return null;
    if (this.#varint()) return this.#value;
    this.broken = true;
    return null;
  }

  /** 4 or 8 bytes, as in packed fields. */
  fixed(size: 4 | 8): bigint | null {
    if (this.at >= this.#end || this.broken) return null;
    if (this.at + size > this.#end) {
      this.broken = true;
      return null;
    }
    const value =
      size === 8 ? this.#bytes.readBigUInt64LE(this.at) : BigInt(this.#bytes.readUInt32LE(this.at));
    this.at += size;
    return value;
  }

  #field(): WireField | null {
    if (!this.#varint()) return null;
    const tag = Number(this.#value);
    const number = Math.floor(tag / 8);
    const wire = tag % 8;
    if (number < 1 || number > LARGEST_FIELD) return null;
    const from = this.at;
    switch (wire) {
      case VARINT:
        return this.#varint() ? { number, wire, value: this.#value, from, to: this.at } : null;
      case I64:
      case I32: {
        const value = this.fixed(wire === I64 ? 8 : 4);
        return value === null ? null : { number, wire, value, from, to: this.at };
      }
      case LEN: {
        if (!this.#varint()) return null;
        const length = Number(this.#value);
        const content = this.at;
        if (length > this.#end - content) return null;
        this.at = content + length;
        return { number, wire, value: 0n, from: content, to: this.at };
      }
      case START_GROUP: {
        const to = this.#skipGroup(number);
        return to === null ? null : { number, wire, value: 0n, from, to };
      }
      default:
        return null;
    }
  }

  /** @returns where the group's content ends; null: it does not. */
  #skipGroup(number: number): number | null {
    const open = [number];
    while (this.at < this.#end) {
      const start = this.at;
      if (!this.#varint()) return null;
      const tag = Number(this.#value);
      const wire = tag % 8;
      if (wire === START_GROUP) {
        // Limit on group nesting; real messages are not nested deeper.
        if (open.push(Math.floor(tag / 8)) > 100) return null;
      } else if (wire === END_GROUP) {
        if (open.pop() !== Math.floor(tag / 8)) return null;
        if (open.length === 0) return start;
      } else {
        this.at = start;
        if (this.#field() === null) return null;
      }
    }
    return null;
  }

  #varint(): boolean {
    let value = 0n;
    let low = 0;
    // Up to 28 bits without bigint: most values fit.
    for (let i = 0; i < 10; i++) {
      const byte = this.#bytes[this.at];
      if (byte === undefined || this.at >= this.#end) return false;
      this.at++;
      if (i < 4) low |= (byte & 0x7f) << (7 * i);
      else value |= BigInt(byte & 0x7f) << BigInt(7 * i);
      if (byte < 0x80) {
        this.#value = i < 4 ? BigInt(low) : BigInt.asUintN(64, value | BigInt(low));
        return true;
      }
    }
    return false;
  }
}

/** Decodes ZigZag integers (`sint32`, `sint64`). */
export function zigzag(value: bigint): bigint {
  return (value & 1n) === 0n ? value >> 1n : -((value + 1n) >> 1n);
}

const SCRATCH = Buffer.alloc(8);

export function asFloat(value: bigint): number {
  SCRATCH.writeUInt32LE(Number(value & 0xffff_ffffn));
  return SCRATCH.readFloatLE();
}

export function asDouble(value: bigint): number {
  SCRATCH.writeBigUInt64LE(BigInt.asUintN(64, value));
  return SCRATCH.readDoubleLE();
}
