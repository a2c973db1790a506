/** Which function of another file (or of this one, by way of the linker's tables) a PLT stub stands for. */
import type { ElfFile, Section } from './elf.ts';

const SHT_RELA = 4;
const RELOCATION_SIZE = 24;
const SYMBOL_SIZE = 24;
const MAX_RELOCATIONS = 16 * 1024 * 1024;
const MAX_NAME = 512;

/**
 * The name of the symbol whose address the loader writes to a slot of the global offset table; null when unknown.
 * @throws ElfError
 */
export function importAt(elf: ElfFile, slot: number): string | null {
  for (const section of elf.sections) {
    if (section.type !== SHT_RELA || section.size > MAX_RELOCATIONS) continue;
    const relocations = elf.bytes(section.offset, section.size);
    for (let at = 0; at + RELOCATION_SIZE <= relocations.length; at += RELOCATION_SIZE) {
      if (relocations.readUInt32LE(at) !== slot >>> 0) continue;
      if (relocations.readUInt32LE(at + 4) !== Math.floor(slot / 2 ** 32)) continue;
      // The upper half of r_info is the index of the symbol.
      return symbolName(elf, elf.sections[section.link], relocations.readUInt32LE(at + 12));
    }
  }
  return null;
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
