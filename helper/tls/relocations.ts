/** Reads relocations: which function a PLT stub calls, and where pointers in a file will point. */
import type { ElfFile, Section } from './elf.ts';

export interface Relocation {
  /** Name of the symbol that is looked up; null when there is none. */
  readonly symbol: string | null;
  /** Without a symbol: the pointer's value, relative to the address at which the file is loaded. */
  readonly addend: number;
}

const SHT_RELA = 4;
const RELOCATION_SIZE = 24;
const SYMBOL_SIZE = 24;
/** Of all sections that are searched, in bytes; those that the dynamic loader reads come first. */
const MAX_RELOCATIONS = 64 * 1024 * 1024;
const MAX_FOUND = 1_024;
const MAX_NAME = 512;

/**
 * @param address of the eight bytes that are written
 * @returns null when nothing is known to be written there
 * @throws ElfError
 */
export function relocationAt(elf: ElfFile, address: number): Relocation | null {
  const low = address >>> 0;
  const high = Math.floor(address / 2 ** 32);
  for (const { section, words } of tables(elf)) {
    for (let at = 0; at < words.length; at += RELOCATION_SIZE / 4) {
      if (words[at] !== low || words[at + 1] !== high) continue;
      const index = words[at + 3] ?? 0;
      const addend = (words[at + 4] ?? 0) + (words[at + 5] ?? 0) * 2 ** 32;
      return { symbol: index === 0 ? null : symbolName(elf, elf.sections[section.link], index), addend };
    }
  }
  return null;
}

/** Where pointers to this address will be written, up to a limit. @throws ElfError */
export function relocationsTo(elf: ElfFile, addend: number): number[] {
  const low = addend >>> 0;
  const high = Math.floor(addend / 2 ** 32);
  const found: number[] = [];
  for (const { words } of tables(elf)) {
    for (let at = 0; at < words.length && found.length < MAX_FOUND; at += RELOCATION_SIZE / 4)
      if (words[at + 4] === low && words[at + 5] === high && words[at + 3] === 0)
        found.push((words[at] ?? 0) + (words[at + 1] ?? 0) * 2 ** 32);
  }
  return found;
}

/** As 32-bit words: r_offset, r_info (type, symbol), r_addend. */
function* tables(elf: ElfFile): Generator<{ readonly section: Section; readonly words: Uint32Array }> {
  let left = MAX_RELOCATIONS;
  for (const section of elf.sections) {
    if (section.type !== SHT_RELA || section.size > left) continue;
    left -= section.size;
    const size = section.size - (section.size % RELOCATION_SIZE);
    if (size > 0) yield { section, words: elf.words(section.offset, size) };
  }
}

function symbolName(elf: ElfFile, table: Section | undefined, index: number): string | null {
  const strings = table === undefined ? undefined : elf.sections[table.link];
  if (table === undefined || strings === undefined || (index + 1) * SYMBOL_SIZE > table.size) return null;
  const start = elf.bytes(table.offset + index * SYMBOL_SIZE, 4).readUInt32LE(0);
  if (start >= strings.size) return null;
  const text = elf.bytes(strings.offset + start, Math.min(MAX_NAME, strings.size - start));
  const end = text.indexOf(0);
  return end > 0 ? text.toString('latin1', 0, end) : null;
}
