/**
 * Reads the needed parts of an ELF file (System V ABI, "gabi4+"; 64 bits, little-endian, x86-64 or AArch64) from a
 * descriptor. The file is untrusted: every size is checked against the file's size and against a limit, and malformed data
 * is an {@link ElfError}.
 */
import { fstatSync, readSync } from 'node:fs';

export type Machine = 'x64' | 'arm64';

/** The file is not an ELF file that can be read here. Its message is for the log, not for the user. */
export class ElfError extends Error {
  override readonly name = 'ElfError';
}

/** Whether the error only means that the file is not an ELF file or cannot be read, and not a bug in this program. */
export function isUnreadable(error: unknown): boolean {
  if (error instanceof ElfError) return true;
  return error instanceof Error && 'syscall' in error && 'code' in error && typeof error.code === 'string';
}

export interface Section {
  readonly name: string;
  /** SHT_… */
  readonly type: number;
  readonly address: number;
  /** In the file. */
  readonly offset: number;
  readonly size: number;
  /** Bytes in the file of a compressed section, whose `size` is then 0; 0: it is not compressed. */
  readonly packed: number;
  readonly link: number;
}

interface Segment {
  readonly type: number;
  readonly executable: boolean;
  readonly offset: number;
  readonly address: number;
  readonly fileSize: number;
}

export interface ElfSymbol {
  readonly name: string;
  /** Virtual address as linked. */
  readonly address: number;
  /** Bytes; 0 = unknown. */
  readonly size: number;
}

const MACHINES: Readonly<Record<number, Machine>> = { 62: 'x64', 183: 'arm64' };
const HEADER_SIZE = 64;
const SECTION_HEADER_SIZE = 64;
const PROGRAM_HEADER_SIZE = 56;
const SYMBOL_SIZE = 24;
/** `struct elf64_sym` in 32-bit words: st_name, st_info / st_other / st_shndx, st_value, st_size. */
const SYMBOL_WORDS = SYMBOL_SIZE / 4;

const SHT_SYMTAB = 2;
const SHT_NOBITS = 8;
const SHT_DYNSYM = 11;
const SHF_COMPRESSED = 0x800n;
const STT_FUNC = 2;
const STB_LOCAL = 0;
const PT_LOAD = 1;
const PF_X = 1;

const MAX_SECTIONS = 20_000;
const MAX_SEGMENTS = 256;
const MAX_NAME_TABLE = 1024 * 1024;
/** Of a section; none that is looked for is as long. */
const MAX_SECTION_NAME = 64;
/** Longest table of symbols or of their names that is searched: Node's are 3 and 12 MB, a debug build's far more. */
const MAX_TABLE = 128 * 1024 * 1024;
/** Occurrences of a prefix among the names that are looked at. */
const MAX_NAMES = 200_000;
const MAX_SYMBOL_NAME = 512;

export class ElfFile {
  private constructor(
    readonly descriptor: number,
    /** Bytes. */
    readonly size: number,
    readonly machine: Machine,
    readonly sections: readonly Section[],
    private readonly segments: readonly Segment[],
  ) {}

  /**
   * @param descriptor of a regular file, open for reading; stays the caller's
   * @throws ElfError
   */
  static read(descriptor: number): ElfFile {
    const status = fstatSync(descriptor);
    if (!status.isFile()) throw new ElfError('no regular file');
    const header = readExactly(descriptor, 0, HEADER_SIZE, status.size);
    // \x7fELF, 64 bits, little-endian
    if (header.readUInt32BE(0) !== 0x7f454c46 || header[4] !== 2 || header[5] !== 1) {
      throw new ElfError('no 64-bit little-endian ELF file');
    }
    const machine = MACHINES[header.readUInt16LE(18)];
    if (machine === undefined) throw new ElfError('another machine');
    const segments = readSegments(descriptor, header, status.size);
    const sections = readSections(descriptor, header, status.size);
    return new ElfFile(descriptor, status.size, machine, sections, segments);
  }

  /** The first section of that name that has bytes in the file; null when there is none. */
  section(name: string): Section | null {
    return this.sections.find((section) => section.name === name && section.type !== SHT_NOBITS) ?? null;
  }

  /**
   * The file offset of an address in memory, as linked; null when the file does not contain it.
   * @param executable only in segments that hold code
   */
  fileOffset(address: number, executable = false): number | null {
    for (const { type, offset, address: start, fileSize, executable: isCode } of this.segments) {
      if (type !== PT_LOAD || (executable && !isCode)) continue;
      if (address < start || address >= start + fileSize) continue;
      const found = address - start + offset;
      return found < this.size ? found : null;
    }
    return null;
  }

  /** The linked address of a byte of code in the file; null when it is not code. */
  addressOf(fileOffset: number): number | null {
    const segment = this.segments.find(
      ({ type, executable, offset, fileSize }) =>
        type === PT_LOAD && executable && fileOffset >= offset && fileOffset < offset + fileSize,
    );
    return segment === undefined ? null : fileOffset - segment.offset + segment.address;
  }

  /** @throws ElfError when the file does not hold that much. */
  bytes(offset: number, length: number): Buffer {
    return readExactly(this.descriptor, offset, length, this.size);
  }

  /** A table as 32-bit words, in a tenth of the time of reading them one by one. @throws ElfError */
  words(offset: number, length: number): Uint32Array {
    checkRange(offset, length, this.size);
    // A copy of its own, so aligned.
    const bytes = new Uint8Array(length - (length % 4));
    readInto(this.descriptor, bytes, offset);
    return new Uint32Array(bytes.buffer);
  }

  /**
   * Functions that the file itself defines, by name: from its dynamic symbols or, if none is there, from its symbol
   * table, which is far larger and usually stripped.
   * @param names all begin with one of the prefixes
   * @param prefixes by which the table of names is searched; the longer and rarer the faster
   * @throws ElfError
   */
  functions(names: ReadonlySet<string>, prefixes: readonly string[]): Map<string, ElfSymbol> {
    const found = new Map<string, ElfSymbol>();
    for (const type of [SHT_DYNSYM, SHT_SYMTAB]) {
      // Real files have one table of each kind; more only serve to waste time. The broker does the same.
      const table = this.sections.find((section) => section.type === type);
      if (table === undefined) continue;
      for (const symbol of this.#search(table, names, prefixes)) {
        if (!found.has(symbol.name)) found.set(symbol.name, symbol);
      }
      if (found.size > 0) break;
    }
    return found;
  }

  #search(table: Section, names: ReadonlySet<string>, prefixes: readonly string[]): ElfSymbol[] {
    const strings = this.sections[table.link];
    if (strings === undefined || table.size > MAX_TABLE || strings.size > MAX_TABLE) return [];
    const text = this.bytes(strings.offset, strings.size);
    const wanted = namesAt(text, names, prefixes);
    if (wanted.size === 0) return [];
    const count = Math.floor(table.size / SYMBOL_SIZE);
    const words = this.words(table.offset, count * SYMBOL_SIZE);
    const found: ElfSymbol[] = [];
    const local: ElfSymbol[] = [];
    for (let at = 0; at < words.length; at += SYMBOL_WORDS) {
      const name = wanted.get(words[at]!);
      if (name === undefined) continue;
      const info = words[at + 1]!;
      // Defined here, and a function.
      if (info >>> 16 === 0 || (info & 0xf) !== STT_FUNC) continue;
      const symbol = {
        name,
        address: words[at + 2]! + words[at + 3]! * 2 ** 32,
        size: words[at + 4]! + words[at + 5]! * 2 ** 32,
      };
      if (!Number.isSafeInteger(symbol.address) || !Number.isSafeInteger(symbol.size)) continue;
      ((info & 0xff) >> 4 === STB_LOCAL ? local : found).push(symbol);
    }
    return [...found, ...local];
  }
}

/** Offset in a string table → name. A name may be the end of another one, which linkers make use of. */
function namesAt(text: Buffer, names: ReadonlySet<string>, prefixes: readonly string[]): Map<number, string> {
  const found = new Map<number, string>();
  for (const prefix of prefixes) {
    const bytes = Buffer.from(prefix, 'latin1');
    let at = text.indexOf(bytes);
    for (let seen = 0; at >= 0 && seen < MAX_NAMES; seen++) {
      const name = textAt(text, at, MAX_SYMBOL_NAME);
      if (name !== null && names.has(name)) found.set(at, name);
      at = text.indexOf(bytes, at + 1);
    }
  }
  return found;
}

/** Up to a NUL. null: longer, or unterminated. Reads no further, so that many names cost no more than their table. */
export function textAt(bytes: Buffer, at: number, longest: number): string | null {
  const text = bytes.subarray(at, at + longest + 1);
  const end = text.indexOf(0);
  return end < 0 ? null : text.toString('latin1', 0, end);
}

function readSegments(descriptor: number, header: Buffer, size: number): Segment[] {
  const offset = toNumber(header.readBigUInt64LE(32));
  const entrySize = header.readUInt16LE(54);
  const count = header.readUInt16LE(56);
  if (count === 0) return [];
  if (entrySize !== PROGRAM_HEADER_SIZE || count > MAX_SEGMENTS) throw new ElfError('odd program headers');
  const table = readExactly(descriptor, offset, count * PROGRAM_HEADER_SIZE, size);
  return Array.from({ length: count }, (_, index) => {
    const at = index * PROGRAM_HEADER_SIZE;
    return {
      type: table.readUInt32LE(at),
      executable: (table.readUInt32LE(at + 4) & PF_X) !== 0,
      offset: toNumber(table.readBigUInt64LE(at + 8)),
      address: toNumber(table.readBigUInt64LE(at + 16)),
      fileSize: toNumber(table.readBigUInt64LE(at + 32)),
    };
  });
}

/** None when the file has been stripped of them. */
function readSections(descriptor: number, header: Buffer, size: number): Section[] {
  const offset = toNumber(header.readBigUInt64LE(40));
  const entrySize = header.readUInt16LE(58);
  const count = header.readUInt16LE(60);
  const nameIndex = header.readUInt16LE(62);
  if (count === 0 || offset === 0) return [];
  if (entrySize !== SECTION_HEADER_SIZE || count > MAX_SECTIONS) throw new ElfError('odd section headers');
  const table = readExactly(descriptor, offset, count * SECTION_HEADER_SIZE, size);
  const read = (index: number) => {
    const at = index * SECTION_HEADER_SIZE;
    return {
      nameOffset: table.readUInt32LE(at),
      type: table.readUInt32LE(at + 4),
      flags: table.readBigUInt64LE(at + 8),
      address: toNumber(table.readBigUInt64LE(at + 16)),
      offset: toNumber(table.readBigUInt64LE(at + 24)),
      size: toNumber(table.readBigUInt64LE(at + 32)),
      link: table.readUInt32LE(at + 40),
    };
  };
  if (nameIndex >= count) throw new ElfError('no section names');
  const nameTable = read(nameIndex);
  if (nameTable.size > MAX_NAME_TABLE) throw new ElfError('too many section names');
  const names = readExactly(descriptor, nameTable.offset, nameTable.size, size);
  const sections: Section[] = [];
  for (let index = 0; index < count; index++) {
    const { nameOffset, flags, ...section } = read(index);
    const name = textAt(names, nameOffset, MAX_SECTION_NAME) ?? '';
    const inFile = section.type === SHT_NOBITS || section.offset + section.size <= size;
    // Kept with no bytes, so that the section indices stay valid.
    const compressed = (flags & SHF_COMPRESSED) !== 0n && section.type !== SHT_NOBITS;
    sections.push({
      ...section,
      name,
      size: inFile && !compressed ? section.size : 0,
      packed: inFile && compressed ? section.size : 0,
    });
  }
  return sections;
}

/** Numbers above 2^53 are larger than any file. */
function toNumber(value: bigint): number {
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new ElfError('a number that is too large');
  return Number(value);
}

function checkRange(offset: number, length: number, size: number): void {
  if (offset < 0 || length < 0 || offset + length > size || length > MAX_TABLE) {
    throw new ElfError('something beyond its end');
  }
}

function readExactly(descriptor: number, offset: number, length: number, size: number): Buffer {
  checkRange(offset, length, size);
  const bytes = Buffer.allocUnsafe(length);
  readInto(descriptor, bytes, offset);
  return bytes;
}

function readInto(descriptor: number, bytes: Uint8Array, offset: number): void {
  for (let at = 0; at < bytes.length; ) {
    const count = readSync(descriptor, bytes, at, bytes.length - at, offset + at);
    if (count === 0) throw new ElfError('cut short while it was read');
    at += count;
  }
}
