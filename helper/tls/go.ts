/**
 * Finds functions in Go programs, stripped or not, by the pclntab: the Go runtime itself needs this table, so every program
 * has it (go.dev/src/debug/gosym/pclntab.go; layouts of Go 1.16, 1.18 and 1.20 and later).
 */
import type { ElfFile, ElfSymbol, Section } from './elf.ts';
import { ElfError, textAt } from './elf.ts';
import { relocationAt } from './relocations.ts';

/** By the first word of the table. Since 1.18 addresses are distances from the beginning of the code. */
const LAYOUTS: Readonly<Record<number, { readonly relative: boolean }>> = {
  4294967290: { relative: false }, // 1.16, 1.17
  4294967280: { relative: true }, // 1.18, 1.19
  4294967281: { relative: true }, // 1.20 and later
};
/** 1.2 to 1.15. */
const OLD_MAGIC = 0xfffffffb;

const SECTIONS = ['.gopclntab', '.data.rel.ro.gopclntab'];
const HEADER_SIZE = 72;
const TEXT_START = 24;
const MAX_FUNCTIONS = 4_000_000;
const MAX_NAME = 256;

/** `runtime.moduledata`, in a section of its own since 1.26: where its `minpc` and `text` are. */
const MODULE_MIN_PC = 160;
const MODULE_TEXT = 176;

/** go.dev/src/debug/buildinfo/buildinfo.go */
const BUILD_INFO_MAGIC = Buffer.from('\xff Go buildinf:', 'latin1');
const MAX_VERSION = 128;
const VERSION = /^(?:devel )?go(\d+)\.(\d+)[\w.-]*/;

export interface GoProgram {
  /** `1.19.8`; null when it does not say. */
  readonly version: string | null;
  /** Arguments are passed in registers: since 1.17 on amd64, 1.18 on arm64. null when that is unknown. */
  readonly registers: boolean | null;
  /** It has a function with one of the names, even if its address is not known (Go 1.15 and earlier). */
  readonly hasAny: boolean;
  /** The functions that were found; their sizes include the padding before the next function. */
  readonly functions: ReadonlyMap<string, ElfSymbol>;
}

/**
 * @param prefixes of all names; the first is that of crypto/tls
 * @returns null when it is not a Go program
 * @throws ElfError
 */
export function readGoProgram(
  elf: ElfFile,
  names: ReadonlySet<string>,
  prefixes: readonly string[],
): GoProgram | null {
  const section = SECTIONS.map((name) => elf.section(name)).find((found) => found !== null);
  if (section === undefined || section === null || section.size < HEADER_SIZE) return null;
  const table = elf.bytes(section.offset, section.size);
  const magic = table.readUInt32LE(0);
  const version = readVersion(elf);
  const layout = LAYOUTS[magic];
  if (layout === undefined) {
    if (magic !== OLD_MAGIC) return null;
    return { version, registers: false, hasAny: table.includes(prefixes[0] ?? ''), functions: new Map() };
  }
  // Two zeros, the size of an instruction, the size of a pointer.
  if (table[4] !== 0 || table[5] !== 0 || table[7] !== 8) return null;
  const find = layout.relative ? findRelative : findAbsolute;
  const functions = find(elf, section, table, names, prefixes);
  const registers = hasRegisterArguments(elf, version, layout.relative);
  return { version, registers, hasAny: functions.size > 0, functions };
}

/** Header: functions, files, names, compilation units, files, counters, functions. */
function findAbsolute(
  _elf: ElfFile,
  _section: Section,
  table: Buffer,
  names: ReadonlySet<string>,
  prefixes: readonly string[],
): Map<string, ElfSymbol> {
  const count = wordAt(table, 8);
  const wanted = namesIn(table, wordAt(table, 24), wordAt(table, 32), names, prefixes);
  const start = wordAt(table, 56);
  checkTable(table, start, count, 16);
  const found = new Map<string, ElfSymbol>();
  for (let index = 0; index < count && wanted.size > 0; index++) {
    const entry = start + index * 16;
    const at = start + wordAt(table, entry + 8);
    if (at + 12 > table.length) continue;
    const name = wanted.get(table.readUInt32LE(at + 8));
    if (name === undefined) continue;
    const address = wordAt(table, entry);
    found.set(name, { name, address, size: wordAt(table, entry + 16) - address });
  }
  return found;
}

/** Header: functions, files, beginning of the code, names, compilation units, files, counters, functions. */
function findRelative(
  elf: ElfFile,
  section: Section,
  table: Buffer,
  names: ReadonlySet<string>,
  prefixes: readonly string[],
): Map<string, ElfSymbol> {
  const count = wordAt(table, 8);
  const wanted = namesIn(table, wordAt(table, 32), wordAt(table, 40), names, prefixes);
  const start = wordAt(table, 64);
  checkTable(table, start, count, 8);
  const found = new Map<string, ElfSymbol>();
  if (wanted.size === 0 || count === 0) return found;
  const text = textStart(elf, section, table, table.readUInt32LE(start));
  for (let index = 0; index < count; index++) {
    const entry = start + index * 8;
    const at = start + table.readUInt32LE(entry + 4);
    if (at + 8 > table.length) continue;
    const name = wanted.get(table.readUInt32LE(at + 4));
    if (name === undefined) continue;
    const address = table.readUInt32LE(entry);
    found.set(name, { name, address: text + address, size: table.readUInt32LE(entry + 8) - address });
  }
  return found;
}

/** The table has one entry more than functions: the end of the last one. */
function checkTable(table: Buffer, start: number, count: number, entrySize: number): void {
  if (count > MAX_FUNCTIONS || start + (count + 1) * entrySize > table.length) {
    throw new ElfError('a table of functions that is longer than it can be');
  }
}

/** Distance from the beginning of the names → name. */
function namesIn(
  table: Buffer,
  start: number,
  end: number,
  names: ReadonlySet<string>,
  prefixes: readonly string[],
): Map<number, string> {
  const found = new Map<number, string>();
  if (start > end || end > table.length) return found;
  const text = table.subarray(start, end);
  for (const prefix of prefixes)
    for (let at = text.indexOf(prefix); at >= 0; at = text.indexOf(prefix, at + 1)) {
      if (at > 0 && text[at - 1] !== 0) continue;
      const name = textAt(text, at, MAX_NAME);
      if (name !== null && names.has(name)) found.set(at, name);
    }
  return found;
}

/** The address of the first Go function; linked C code lies before it. */
function textStart(elf: ElfFile, section: Section, table: Buffer, first: number): number {
  const start = wordAt(table, TEXT_START) || (relocationAt(elf, section.address + TEXT_START)?.addend ?? 0);
  if (elf.fileOffset(start, true) !== null) return start;
  // Since 1.26 it is not in the header, but in the module.
  const module = elf.section('.go.module');
  if (module !== null && module.size >= MODULE_TEXT + 8) {
    const text = pointerAt(elf, module, MODULE_TEXT);
    if (pointerAt(elf, module, MODULE_MIN_PC) === text + first && elf.fileOffset(text, true) !== null)
      return text;
  }
  const code = elf.section('.text');
  if (code === null) throw new ElfError('no code');
  return code.address;
}

function pointerAt(elf: ElfFile, section: Section, at: number): number {
  return (
    wordAt(elf.bytes(section.offset + at, 8), 0) || (relocationAt(elf, section.address + at)?.addend ?? 0)
  );
}

function wordAt(bytes: Buffer, at: number): number {
  if (at + 8 > bytes.length) throw new ElfError('a number beyond the end');
  const value = bytes.readBigUInt64LE(at);
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new ElfError('a number that is too large');
  return Number(value);
}

function hasRegisterArguments(elf: ElfFile, version: string | null, since118: boolean): boolean | null {
  if (since118) return true;
  if (version === null) return null;
  const minor = Number(version.split('.')[1]);
  return elf.machine === 'x64' && minor >= 17;
}

function readVersion(elf: ElfFile): string | null {
  const section = elf.section('.go.buildinfo');
  if (section === null || section.size < 32) return null;
  const bytes = elf.bytes(section.offset, Math.min(section.size, 32 + 1 + MAX_VERSION));
  if (!bytes.subarray(0, BUILD_INFO_MAGIC.length).equals(BUILD_INFO_MAGIC)) return null;
  const flags = bytes[15] ?? 0;
  if ((flags & 2) !== 0) return parseVersion(bytes.subarray(33, 33 + (bytes[32] ?? 0)));
  // Until 1.17: a pointer to a string, which is a pointer and a length.
  const header = elf.fileOffset(wordAt(bytes, 16));
  if (header === null) return null;
  const text = elf.bytes(header, 16);
  const offset = elf.fileOffset(wordAt(text, 0));
  const length = wordAt(text, 8);
  return offset === null || length > MAX_VERSION ? null : parseVersion(elf.bytes(offset, length));
}

function parseVersion(bytes: Buffer): string | null {
  const match = VERSION.exec(bytes.toString('latin1'));
  return match === null ? null : match[0].replace(/^(?:devel )?go/, '');
}
