/**
 * Reads entries of `.debug_info` (DWARF 4 and 5 sections 2 and 7; DWARF 2 and 3 as far as they are the same): units,
 * functions and inlined calls. Only the attributes that are needed for lines are kept.
 */
import { ElfError, type ElfFile } from '../../../helper/tls/elf.ts';
import { Cursor } from './cursor.ts';
import { FORM_IMPLICIT, FORM_STRING, isAddress, isLocal, readValue } from './forms.ts';
import type { ReadingBudget } from './readingBudget.ts';
import { SectionData } from './sectionData.ts';

const MAX_ABBREVIATIONS = 100_000;
const MAX_ATTRIBUTES = 1_000;
/** Bytes of one list: a few thousand ranges. */
const MAX_RANGE_BYTES = 64 * 1024;
/** Bytes that are read for one entry. */
const MAX_ENTRY_BYTES = 4_096;
const MAX_ABBREVIATION_BYTES = 4 * 1024 * 1024;
/** Tables of abbreviations that are kept, and numbers in all of them. */
const MAX_TABLES = 64;
const MAX_TABLE_NUMBERS = 4_000_000;

export const Tag = { CompileUnit: 0x11, Inlined: 0x1d, Function: 0x2e, Skeleton: 0x4a } as const;

/** A range of addresses; the end is outside. */
export type Range = readonly [start: number, end: number];

interface Abbreviation {
  readonly tag: number;
  readonly children: boolean;
  /** The result for every entry of this kind, if its attributes do not matter; null: entries are read. */
  readonly plain: Entry | null;
  /** Triples of name, form and value; the value is for DW_FORM_implicit_const. */
  readonly attributes: readonly number[];
}

interface AbbreviationTable {
  readonly entries: ReadonlyMap<number, Abbreviation>;
  readonly numbers: number;
}

interface Value {
  readonly form: number;
  readonly value: number;
}

/** One entry; numbers are raw: their meaning depends on their form and the unit. */
export interface Entry {
  readonly tag: number;
  readonly children: boolean;
  readonly low: Value | null;
  readonly high: Value | null;
  readonly ranges: Value | null;
  /** Offset of its line number program in `.debug_line`. */
  readonly lineProgram: number | null;
  readonly folder: Value | null;
  readonly name: Value | null;
  readonly callFile: number;
  readonly callLine: number;
  /** Offset of the entry that completes it: DW_AT_abstract_origin or DW_AT_specification; null: none. */
  readonly origin: number | null;
  readonly split: boolean;
}

export interface Unit {
  /** Offsets in `.debug_info`: of its first byte, after its last. */
  readonly start: number;
  readonly end: number;
  /** Of its first entry. */
  readonly first: number;
  readonly version: number;
  readonly offsetSize: 4 | 8;
  readonly abbreviations: ReadonlyMap<number, Abbreviation>;
}

/** Attributes of a unit's first entry, on which the meaning of others depends. */
export interface Bases {
  readonly low: number;
  readonly strOffsets: number;
  readonly addresses: number;
  readonly ranges: number;
}

export class DebugInfo {
  readonly info: SectionData;
  readonly #abbreviations: SectionData;
  readonly #text: SectionData | null;
  readonly #lineText: SectionData | null;
  readonly #textOffsets: SectionData | null;
  readonly #addresses: SectionData | null;
  readonly #ranges: SectionData | null;
  readonly #rangeLists: SectionData | null;
  readonly #budget: ReadingBudget;
  readonly #tables = new Map<number, AbbreviationTable>();

  /** @throws ElfError when there is none */
  constructor(elf: ElfFile, budget: ReadingBudget) {
    this.#budget = budget;
    const section = (name: string) => SectionData.read(elf, name, budget);
    const [info, abbreviations] = [section('.debug_info'), section('.debug_abbrev')];
    if (info === null || abbreviations === null) throw new ElfError('no debug information');
    this.info = info;
    this.#abbreviations = abbreviations;
    this.#text = section('.debug_str');
    this.#lineText = section('.debug_line_str');
    this.#textOffsets = section('.debug_str_offsets');
    this.#addresses = section('.debug_addr');
    this.#ranges = section('.debug_ranges');
    this.#rangeLists = section('.debug_rnglists');
  }

  /** @param start of a unit, in `.debug_info` */
  unitAt(start: number): Unit | { readonly end: number; readonly first: null } {
    const cursor = new Cursor(this.info.upTo(start, 48));
    const { length, offsetSize } = cursor.unitLength();
    const end = start + cursor.at + length;
    const version = cursor.u16();
    if (end > this.info.size || length < 7) throw new ElfError('a unit beyond its section');
    if (version < 2 || version > 5) return { end, first: null };
    const type = version >= 5 ? cursor.u8() : 1;
    const before = version >= 5 ? cursor.u8() : 0;
    const table = cursor.unsigned(offsetSize);
    const size = version >= 5 ? before : cursor.u8();
    if (size !== 8) return { end, first: null };
    if (type === 4 || type === 5)
      cursor.skip(8); // DW_UT_skeleton, DW_UT_split_compile: dwo_id
    else if (type !== 1) return { end, first: null }; // type and partial units
    const abbreviations = this.#tableAt(table);
    return { start, end, first: start + cursor.at, version, offsetSize, abbreviations };
  }

  /** The unit's first entry, and the bases it sets. */
  firstOf(unit: Unit): { entry: Entry; bases: Bases } {
    const bytes = this.info.upTo(unit.first, Math.min(MAX_ENTRY_BYTES, unit.end - unit.first));
    const bases: Record<keyof Bases, number> = { low: 0, strOffsets: 0, addresses: 0, ranges: 0 };
    const entry = readEntry(new Cursor(bytes), unit, unit.first, bases);
    if (entry === null) throw new ElfError('a unit without an entry');
    const low = entry.low === null ? 0 : (this.#address(entry.low, bases) ?? 0);
    return { entry, bases: { ...bases, low } };
  }

  /** An entry anywhere in the section. @param unit in which it is */
  entryAt(unit: Unit, offset: number): Entry | null {
    if (offset < unit.first || offset >= unit.end) return null;
    const bytes = this.info.upTo(offset, Math.min(MAX_ENTRY_BYTES, unit.end - offset));
    this.#budget.step();
    return readEntry(new Cursor(bytes), unit, offset);
  }

  /**
   * The next entry; null at the end of a list of children.
   * @param cursor in the bytes of the section from `base` on
   */
  read(cursor: Cursor, unit: Unit, base: number): Entry | null {
    this.#budget.step();
    return readEntry(cursor, unit, base);
  }

  text(value: Value | null, { strOffsets }: Bases, unit: Unit): string {
    if (value === null) return '';
    switch (value.form) {
      case FORM_STRING:
        return this.info.text(value.value);
      case 0x0e: // DW_FORM_strp
        return this.#text?.text(value.value) ?? '';
      case 0x1f: // DW_FORM_line_strp
        return this.#lineText?.text(value.value) ?? '';
      case 0x1a: // DW_FORM_strx, strx1 to strx4
      case 0x25:
      case 0x26:
      case 0x27:
      case 0x28: {
        if (this.#textOffsets === null || this.#text === null) return '';
        const at = strOffsets + value.value * unit.offsetSize;
        return this.#text.text(
          new Cursor(this.#textOffsets.bytes(at, unit.offsetSize)).unsigned(unit.offsetSize),
        );
      }
      default:
        return '';
    }
  }

  /** Addresses of the entry, as linked. */
  rangesOf({ low, high, ranges }: Entry, bases: Bases, unit: Unit): Range[] {
    if (ranges !== null)
      return unit.version >= 5 ? this.#rangeList(ranges, bases) : this.#oldRanges(ranges, bases);
    if (low === null || high === null) return [];
    const start = this.#address(low, bases);
    if (start === null) return [];
    const end = isAddress(high.form) ? this.#address(high, bases) : start + high.value;
    return end === null ? [] : [[start, end]];
  }

  #address({ form, value }: Value, { addresses }: Bases): number | null {
    if (form === 0x01) return value; // DW_FORM_addr
    return isAddress(form) ? this.#addressAt(addresses, value) : null;
  }

  #addressAt(base: number, index: number): number | null {
    return this.#addresses === null ? null : new Cursor(this.#addresses.bytes(base + index * 8, 8)).u64();
  }

  /** `.debug_ranges`, up to DWARF 4. */
  #oldRanges({ value }: Value, { low, ranges: offset }: Bases): Range[] {
    if (this.#ranges === null) return [];
    const cursor = new Cursor(this.#ranges.upTo(offset + value, MAX_RANGE_BYTES));
    const found: Range[] = [];
    let base = low;
    while (cursor.left >= 16) {
      this.#budget.step();
      const start = cursor.u64();
      const end = cursor.u64();
      if (start === 0 && end === 0) break;
      if (start >= 2 ** 64 - 2 ** 12) base = end;
      else found.push([base + start, base + end]);
    }
    return found;
  }

  #rangeList({ form, value }: Value, bases: Bases): Range[] {
    const section = this.#rangeLists;
    if (section === null) return [];
    const at =
      form === 0x23 ? bases.ranges + new Cursor(section.bytes(bases.ranges + value * 4, 4)).u32() : value;
    const cursor = new Cursor(section.upTo(at, MAX_RANGE_BYTES));
    const address = () => this.#addressAt(bases.addresses, cursor.uleb()) ?? 0;
    const found: Range[] = [];
    let base = bases.low;
    for (;;) {
      this.#budget.step();
      const kind = cursor.u8();
      if (kind === 0) break;
      if (kind === 1) base = address();
      else if (kind === 5) base = cursor.u64();
      else if (kind === 4) found.push([base + cursor.uleb(), base + cursor.uleb()]);
      else if (kind === 6) found.push([cursor.u64(), cursor.u64()]);
      else if (kind === 2) found.push([address(), address()]);
      else if (kind === 3 || kind === 7) {
        const start = kind === 3 ? address() : cursor.u64();
        found.push([start, start + cursor.uleb()]);
      } else throw new ElfError('an unknown kind of range');
    }
    return found;
  }

  #tableAt(offset: number): AbbreviationTable['entries'] {
    const known = this.#tables.get(offset);
    if (known !== undefined) return known.entries;
    const bytes = this.#abbreviations.upTo(offset, MAX_ABBREVIATION_BYTES);
    const table = readAbbreviations(new Cursor(bytes), this.#budget);
    this.#tables.set(offset, table);
    let numbers = 0;
    for (const each of this.#tables.values()) numbers += each.numbers;
    for (const [oldest, { numbers: fewer }] of this.#tables) {
      if (this.#tables.size === 1 || (this.#tables.size <= MAX_TABLES && numbers <= MAX_TABLE_NUMBERS)) break;
      this.#tables.delete(oldest);
      numbers -= fewer;
    }
    return table.entries;
  }
}

const READ: ReadonlySet<number> = new Set(Object.values(Tag));
const PLAIN: Entry = {
  tag: 0,
  children: false,
  low: null,
  high: null,
  ranges: null,
  lineProgram: null,
  folder: null,
  name: null,
  callFile: 0,
  callLine: 0,
  origin: null,
  split: false,
};

function readAbbreviations(cursor: Cursor, budget: ReadingBudget): AbbreviationTable {
  let numbers = 0;
  const table = new Map<number, Abbreviation>();
  for (let code = cursor.uleb(); code !== 0; code = cursor.uleb()) {
    const tag = cursor.uleb();
    const children = cursor.u8() !== 0;
    const attributes: number[] = [];
    for (;;) {
      budget.step();
      const name = cursor.uleb();
      const form = cursor.uleb();
      const implicit = form === FORM_IMPLICIT ? cursor.sleb() : 0;
      if (name === 0 && form === 0) break;
      attributes.push(name, form, implicit);
      if (attributes.length > 3 * MAX_ATTRIBUTES) throw new ElfError('too many attributes');
    }
    const plain = READ.has(tag) ? null : { ...PLAIN, tag, children };
    numbers += attributes.length + 8;
    table.set(code, { tag, children, plain, attributes });
    if (table.size > MAX_ABBREVIATIONS) throw new ElfError('too many abbreviations');
  }
  return { entries: table, numbers };
}

/** @param base of the cursor's bytes, in `.debug_info` */
function readEntry(
  cursor: Cursor,
  unit: Unit,
  base: number,
  bases?: Record<keyof Bases, number>,
): Entry | null {
  const code = cursor.uleb();
  if (code === 0) return null;
  const abbreviation = unit.abbreviations.get(code);
  if (abbreviation === undefined) throw new ElfError('an entry of an unknown kind');
  const { tag, children, plain, attributes } = abbreviation;
  if (plain !== null) {
    for (let index = 1; index < attributes.length; index += 3) {
      const form = attributes[index] ?? 0;
      readValue(cursor, form === 0x16 ? cursor.uleb() : form, unit, 0);
    }
    return plain;
  }
  let low: Value | null = null;
  let high: Value | null = null;
  let ranges: Value | null = null;
  let lineProgram: number | null = null;
  let folder: Value | null = null;
  let name: Value | null = null;
  let callFile = 0;
  let callLine = 0;
  let origin: number | null = null;
  let split = tag === Tag.Skeleton;
  for (let index = 0; index < attributes.length; index += 3) {
    const attribute = attributes[index] ?? 0;
    let form = attributes[index + 1] ?? 0;
    if (form === 0x16) form = cursor.uleb(); // DW_FORM_indirect
    const read = readValue(cursor, form, unit, attributes[index + 2] ?? 0);
    const value = form === FORM_STRING ? base + read : read;
    switch (attribute) {
      case 0x03: // DW_AT_name
        name = { form, value };
        break;
      case 0x10: // DW_AT_stmt_list
        lineProgram = value;
        break;
      case 0x11: // DW_AT_low_pc
        low = { form, value };
        break;
      case 0x12: // DW_AT_high_pc
        high = { form, value };
        break;
      case 0x1b: // DW_AT_comp_dir
        folder = { form, value };
        break;
      case 0x31: // DW_AT_abstract_origin
      case 0x47: // DW_AT_specification
        // References to another file (dwz) are not followed.
        if (isLocal(form)) origin = unit.start + value;
        else if (form === 0x10) origin = value; // DW_FORM_ref_addr
        break;
      case 0x55: // DW_AT_ranges
        ranges = { form, value };
        break;
      case 0x58: // DW_AT_call_file
        callFile = value;
        break;
      case 0x59: // DW_AT_call_line
        callLine = value;
        break;
      case 0x76: // DW_AT_dwo_name
      case 0x2130: // DW_AT_GNU_dwo_name
        split = true;
        break;
      case 0x72: // DW_AT_str_offsets_base
        if (bases !== undefined) bases.strOffsets = value;
        break;
      case 0x73: // DW_AT_addr_base
      case 0x2133: // DW_AT_GNU_addr_base
        if (bases !== undefined) bases.addresses = value;
        break;
      case 0x74: // DW_AT_rnglists_base
        if (bases !== undefined) bases.ranges = value;
        break;
      default:
        break;
    }
  }
  return { tag, children, low, high, ranges, lineProgram, folder, name, callFile, callLine, origin, split };
}
