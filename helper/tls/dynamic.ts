/** Reads an ELF file's dependencies on libraries (System V ABI, "Dynamic Section"). */
import { ElfError, type ElfFile } from './elf.ts';

export interface Dynamic {
  /** Names, or paths, of libraries. */
  readonly needed: readonly string[];
  /** Folders in which to look for them, as written: `$ORIGIN` is the file's own. */
  readonly folders: readonly string[];
}

const SHT_DYNAMIC = 6;
const ENTRY_SIZE = 16;
const DT_NULL = 0;
const DT_NEEDED = 1;
const DT_RPATH = 15;
const DT_RUNPATH = 29;
const MAX_ENTRIES = 1_024;
/** Bytes of one string. */
const MAX_TEXT = 4_096;

/** Empty for a static executable, and for one without section headers. @throws ElfError */
export function readDynamic(elf: ElfFile): Dynamic {
  const needed: string[] = [];
  const folders: string[] = [];
  const section = elf.sections.find(({ type }) => type === SHT_DYNAMIC);
  const strings = section === undefined ? undefined : elf.sections[section.link];
  if (section === undefined || strings === undefined) return { needed, folders };
  const count = Math.min(Math.floor(section.size / ENTRY_SIZE), MAX_ENTRIES);
  const entries = elf.bytes(section.offset, count * ENTRY_SIZE);
  const text = (at: number): string => {
    if (at >= strings.size) throw new ElfError('a name beyond its table');
    const bytes = elf.bytes(strings.offset + at, Math.min(MAX_TEXT, strings.size - at));
    const end = bytes.indexOf(0);
    if (end < 0) throw new ElfError('a name without an end');
    return bytes.toString('utf8', 0, end);
  };
  for (let at = 0; at < entries.length; at += ENTRY_SIZE) {
    const tag = entries.readBigInt64LE(at);
    const value = Number(entries.readBigUInt64LE(at + 8));
    if (tag === BigInt(DT_NULL)) break;
    if (tag === BigInt(DT_NEEDED)) needed.push(text(value));
    else if (tag === BigInt(DT_RPATH) || tag === BigInt(DT_RUNPATH)) folders.push(...text(value).split(':'));
  }
  return { needed, folders };
}
