/** The content of one section of an ELF file, read on demand; a compressed section is inflated once. */
import * as zlib from 'node:zlib';
import { ElfError, type ElfFile } from '../../../helper/tls/elf.ts';
import { Cursor } from './cursor.ts';
import type { ReadingBudget } from './readingBudget.ts';

const ELFCOMPRESS_ZLIB = 1;
const ELFCOMPRESS_ZSTD = 2;
const COMPRESSION_HEADER = 24;
/** Bytes of a compressed section, packed or inflated. */
const MAX_INFLATED = 64 * 1024 * 1024;
const MAX_TEXT = 4_096;
const TEXT_AT_ONCE = 256;
/** Sections up to this size are read once; of larger ones, only the requested bytes, each time. */
const MAX_KEPT = 8 * 1024 * 1024;

export class SectionData {
  readonly size: number;
  readonly #elf: ElfFile;
  readonly #offset: number;
  readonly #budget: ReadingBudget;
  #kept: Buffer | null;

  private constructor(
    size: number,
    elf: ElfFile,
    offset: number,
    budget: ReadingBudget,
    kept: Buffer | null,
  ) {
    this.size = size;
    this.#elf = elf;
    this.#offset = offset;
    this.#budget = budget;
    this.#kept = kept;
  }

  /** @returns null when there is no such section. @throws ElfError when it cannot be inflated */
  static read(elf: ElfFile, name: string, budget: ReadingBudget): SectionData | null {
    const section = elf.section(name);
    if (section === null) return null;
    if (section.packed === 0) return new SectionData(section.size, elf, section.offset, budget, null);
    if (section.packed > MAX_INFLATED) throw new ElfError('a compressed section that is too long');
    const packed = elf.bytes(section.offset, section.packed);
    const header = new Cursor(packed);
    const type = header.u32();
    header.skip(4);
    const size = header.u64();
    if (size > MAX_INFLATED) throw new ElfError('a compressed section that is too long');
    budget.hold(size);
    const inflated = inflate(type, packed.subarray(COMPRESSION_HEADER), size);
    return new SectionData(inflated.length, elf, 0, budget, inflated);
  }

  /** @throws ElfError when the range is not inside the section */
  bytes(offset: number, length: number): Buffer {
    if (!(offset >= 0 && length >= 0 && offset + length <= this.size))
      throw new ElfError('something beyond its section');
    if (this.#kept === null && this.size <= MAX_KEPT) {
      this.#budget.hold(this.size);
      this.#kept = this.#elf.bytes(this.#offset, this.size);
    }
    return this.#kept?.subarray(offset, offset + length) ?? this.#elf.bytes(this.#offset + offset, length);
  }

  /** Like {@link bytes}, but shorter if the section ends earlier. */
  upTo(offset: number, length: number): Buffer {
    return this.bytes(offset, Math.min(length, Math.max(0, this.size - offset)));
  }

  /** A NUL-terminated string, truncated to MAX_TEXT bytes. @throws ElfError when the section ends before the NUL */
  text(offset: number): string {
    for (let length = TEXT_AT_ONCE; ; length *= 4) {
      const bytes = this.upTo(offset, length);
      const end = bytes.indexOf(0);
      if (end >= 0) return bytes.toString('utf8', 0, end);
      if (bytes.length < length) throw new ElfError('a text without an end');
      if (length >= MAX_TEXT) return bytes.toString('utf8');
    }
  }
}

function inflate(type: number, packed: Buffer, size: number): Buffer {
  // Not in every Node.js that this runs in.
  const zstd = (zlib as { zstdDecompressSync?: typeof zlib.inflateSync }).zstdDecompressSync;
  try {
    // A length of 0 is refused.
    const options = { maxOutputLength: Math.max(1, size) };
    if (type === ELFCOMPRESS_ZLIB) return zlib.inflateSync(packed, options);
    if (type === ELFCOMPRESS_ZSTD && zstd !== undefined) return zstd(packed, options);
  } catch {
    throw new ElfError('a compressed section that cannot be inflated');
  }
  throw new ElfError('a section compressed in an unknown way');
}
