/**
 * Reads DWARF numbers and strings (little-endian, 64-bit) sequentially. The bytes are untrusted: malformed data
 * is an ElfError. Numbers above 2^53 lose precision, but no relevant number is that large.
 */
import { ElfError } from '../../../helper/tls/elf.ts';

const MAX_LEB_BYTES = 10;
/** Longest path or name, in bytes. */
const MAX_TEXT = 4_096;

export class Cursor {
  readonly bytes: Buffer;
  readonly end: number;
  at: number;

  /** @param end after the last byte that may be read */
  constructor(bytes: Buffer, at = 0, end = bytes.length) {
    if (at < 0 || at > end || end > bytes.length) throw new ElfError('something beyond its end');
    this.bytes = bytes;
    this.at = at;
    this.end = end;
  }

  get left(): number {
    return this.end - this.at;
  }

  /** @returns where it was before */
  skip(count: number): number {
    const before = this.at;
    if (!(count >= 0 && count <= this.end - before)) throw new ElfError('cut short');
    this.at = before + count;
    return before;
  }

  u8(): number {
    return this.bytes[this.skip(1)] ?? 0;
  }

  i8(): number {
    return this.bytes.readInt8(this.skip(1));
  }

  u16(): number {
    return this.bytes.readUInt16LE(this.skip(2));
  }

  u24(): number {
    return this.bytes.readUIntLE(this.skip(3), 3);
  }

  u32(): number {
    return this.bytes.readUInt32LE(this.skip(4));
  }

  i32(): number {
    return this.bytes.readInt32LE(this.skip(4));
  }

  u64(): number {
    const at = this.skip(8);
    return this.bytes.readUInt32LE(at) + this.bytes.readUInt32LE(at + 4) * 2 ** 32;
  }

  i64(): number {
    const at = this.skip(8);
    return this.bytes.readUInt32LE(at) + this.bytes.readInt32LE(at + 4) * 2 ** 32;
  }

  /** Of 1, 2, 4 or 8 bytes. */
  unsigned(size: number): number {
    if (size === 8) return this.u64();
    if (size === 4) return this.u32();
    if (size === 2) return this.u16();
    if (size === 1) return this.u8();
    throw new ElfError('a number of an odd size');
  }

  uleb(): number {
    let value = 0;
    for (let index = 0; index < MAX_LEB_BYTES; index++) {
      const byte = this.u8();
      value += (byte & 0x7f) * 2 ** (7 * index);
      if (byte < 0x80) return value;
    }
    throw new ElfError('a number that is too long');
  }

  sleb(): number {
    let value = 0;
    for (let index = 0; index < MAX_LEB_BYTES; index++) {
      const byte = this.u8();
      value += (byte & 0x7f) * 2 ** (7 * index);
      if (byte < 0x80) return (byte & 0x40) === 0 ? value : value - 2 ** (7 * (index + 1));
    }
    throw new ElfError('a number that is too long');
  }

  /** A string; its NUL is consumed. */
  text(): string {
    const start = this.at;
    const end = this.bytes.indexOf(0, start);
    if (end < 0 || end >= this.end) throw new ElfError('a text without an end');
    this.at = end + 1;
    return this.bytes.toString('utf8', start, Math.min(end, start + MAX_TEXT));
  }

  /** DWARF's unit_length: in the 64-bit format, 0xffffffff precedes it. */
  unitLength(): { readonly length: number; readonly offsetSize: 4 | 8 } {
    const length = this.u32();
    if (length < 0xffff_fff0) return { length, offsetSize: 4 };
    if (length !== 0xffff_ffff) throw new ElfError('an odd length');
    return { length: this.u64(), offsetSize: 8 };
  }
}
