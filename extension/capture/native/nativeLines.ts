/**
 * Finds the lines of a program's addresses in its debug information (DWARF), including inlined calls. The file is
 * untrusted: every step is bounded, and so is the total time spent on one file.
 */
import { ElfError, type ElfFile, isUnreadable } from '../../../helper/tls/elf.ts';
import { Cursor } from './cursor.ts';
import { type Bases, DebugInfo, type Entry, type Range, Tag, type Unit } from './debugUnits.ts';
import { LineProgram, type LineSections, type Place } from './lineProgram.ts';
import { FILE_LIMITS, ReadingBudget } from './readingBudget.ts';
import { SectionData } from './sectionData.ts';

/** The line that is executed, or that called the next inner function. */
export interface NativeFrame {
  readonly path: string;
  readonly line: number;
  /** As in the source, without its namespace; empty: not known. */
  readonly function: string;
}

const MAX_UNITS = 200_000;
const MAX_UNIT_RANGES = 2_000_000;
/** Of one unit; the largest C++ units have about 10 MB. */
const MAX_UNIT_BYTES = 64 * 1024 * 1024;
const MAX_ENTRIES = 4_000_000;
const MAX_FUNCTIONS = 500_000;
/** Of all functions of one unit. */
const MAX_RANGES = 1_000_000;
const MAX_DEPTH = 512;
/** Depth of nested inlined calls in one function. */
const MAX_INLINED = 128;
/** UTF-16 units. Longer names are truncated; longer paths dropped. */
const MAX_NAME = 512;
const MAX_PATH = 1_024;
const MAX_ORIGINS = 4;
/** Units whose lines and functions are kept. */
const MAX_KEPT = 32;
const MAX_KEPT_BYTES = 96 * 1024 * 1024;
/** Estimated bytes in memory: a unit, and each function and range. */
const UNIT_BYTES = 512;
const FUNCTION_BYTES = 150;
const RANGE_BYTES = 72;

interface UnitRange {
  readonly start: number;
  readonly end: number;
  readonly unit: number;
}

/** A function with code of its own. */
interface FunctionEntry {
  readonly ranges: readonly Range[];
  /** Offsets in `.debug_info`: of the entry, and after its children. */
  readonly start: number;
  readonly end: number;
}

interface KnownUnit {
  readonly unit: Unit;
  readonly bases: Bases;
  readonly lines: LineProgram | null;
  /** null: they are in another file (-gsplit-dwarf), or too many. */
  readonly functions: readonly FunctionEntry[] | null;
  /** In memory. */
  readonly bytes: number;
}

export class NativeLines {
  readonly #info: DebugInfo;
  readonly #sections: LineSections;
  readonly #units: readonly UnitRange[];
  readonly #known = new Map<number, KnownUnit | null>();
  readonly #budget: ReadingBudget;

  /** @throws ElfError when it has no debug information that can be read */
  constructor(elf: ElfFile, budget = new ReadingBudget(FILE_LIMITS)) {
    this.#budget = budget;
    const line = SectionData.read(elf, '.debug_line', budget);
    if (line === null) throw new ElfError('no lines');
    const lineText = SectionData.read(elf, '.debug_line_str', budget);
    this.#sections = { line, lineText, text: SectionData.read(elf, '.debug_str', budget), budget };
    this.#info = new DebugInfo(elf, budget);
    this.#units = budget.run(() => this.#readUnits());
  }

  /**
   * The frames of one address, innermost first: several if functions were inlined. Empty: the file says
   * nothing about this address.
   * @param address of an instruction, as linked
   * @returns not `certain`: at most the innermost line is known, not the functions that it was inlined into
   */
  framesOf(address: number): { readonly frames: readonly NativeFrame[]; readonly certain: boolean } {
    try {
      return this.#budget.run(() => this.#framesOf(address));
    } catch (error) {
      if (!isUnreadable(error)) throw error;
      return { frames: [], certain: false };
    }
  }

  #framesOf(address: number): { frames: NativeFrame[]; certain: boolean } {
    const range = this.#rangeAt(address);
    if (range === null) return { frames: [], certain: true };
    const known = this.#unitAt(range.unit);
    const place = known?.lines?.at(address) ?? null;
    if (known === null || place === null || place.path.length > MAX_PATH)
      return { frames: [], certain: false };
    if (known.functions === null) return { frames: [{ ...place, function: '' }], certain: false };
    const found = known.functions.find(({ ranges }) => holds(ranges, address));
    if (found === undefined) return { frames: [{ ...place, function: '' }], certain: true };
    const frames = this.#inlined(known, found, address, place);
    return frames === null
      ? { frames: [{ ...place, function: '' }], certain: false }
      : { frames, certain: true };
  }

  /** null: not certain. */
  #inlined(known: KnownUnit, found: FunctionEntry, address: number, place: Place): NativeFrame[] | null {
    const { unit, bases, lines } = known;
    const cursor = new Cursor(this.#info.info.bytes(found.start, found.end - found.start));
    const outer = this.#info.read(cursor, unit, found.start);
    if (outer === null) return null;
    /** Outermost first. */
    const calls: { readonly name: string; readonly place: Place | null }[] = [
      { name: this.#nameOf(outer, known), place: null },
    ];
    for (let count = 0; cursor.left > 0; count++) {
      if (count > MAX_ENTRIES || calls.length > MAX_INLINED) return null;
      const entry = this.#info.read(cursor, unit, found.start);
      if (entry?.tag !== Tag.Inlined) continue;
      if (!holds(this.#info.rangesOf(entry, bases, unit), address)) continue;
      const path = lines?.file(entry.callFile) ?? null;
      if (path === null || path.length > MAX_PATH || entry.callLine <= 0) return null;
      calls.push({ name: this.#nameOf(entry, known), place: { path, line: entry.callLine } });
    }
    const frames: NativeFrame[] = [];
    let at = place;
    for (const { name, place: caller } of calls.reverse()) {
      frames.push({ ...at, function: name });
      if (caller !== null) at = caller;
    }
    return frames;
  }

  #nameOf(entry: Entry, { unit, bases }: KnownUnit): string {
    let at: Entry | null = entry;
    for (let hop = 0; at !== null && hop < MAX_ORIGINS; hop++) {
      if (at.name !== null) return this.#info.text(at.name, bases, unit).slice(0, MAX_NAME);
      at = at.origin === null ? null : this.#info.entryAt(unit, at.origin);
    }
    return '';
  }

  #rangeAt(address: number): UnitRange | null {
    let low = 0;
    let high = this.#units.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#units[middle]?.start ?? 0) <= address) low = middle + 1;
      else high = middle;
    }
    const found = this.#units[low - 1];
    return found !== undefined && address < found.end ? found : null;
  }

  /** Sorted by start address. */
  #readUnits(): UnitRange[] {
    const found: UnitRange[] = [];
    for (let at = 0, count = 0; at < this.#info.info.size; count++) {
      this.#budget.step();
      if (count > MAX_UNITS || found.length > MAX_UNIT_RANGES) throw new ElfError('too many units');
      const unit = this.#info.unitAt(at);
      at = unit.end;
      if (unit.first === null) continue;
      const { entry, bases } = this.#info.firstOf(unit);
      if (entry.tag !== Tag.CompileUnit && entry.tag !== Tag.Skeleton) continue;
      for (const [start, end] of this.#info.rangesOf(entry, bases, unit)) {
        // Code that the linker has discarded is at address 0.
        if (start > 0 && end > start) found.push({ start, end, unit: unit.start });
      }
    }
    this.#budget.hold(found.length * RANGE_BYTES);
    return found.sort((a, b) => a.start - b.start);
  }

  #unitAt(start: number): KnownUnit | null {
    const known = this.#known.get(start);
    if (known !== undefined) return known;
    let read: KnownUnit | null = null;
    try {
      read = this.#readUnit(start);
      this.#makeRoom(read?.bytes ?? 0);
      this.#budget.hold(read?.bytes ?? 0);
    } catch (error) {
      if (!isUnreadable(error)) throw error;
      read = null;
    }
    this.#known.set(start, read);
    return read;
  }

  #makeRoom(bytes: number): void {
    let kept = bytes;
    for (const unit of this.#known.values()) kept += unit?.bytes ?? 0;
    for (const [start, unit] of this.#known) {
      if (this.#known.size < MAX_KEPT && kept <= MAX_KEPT_BYTES) return;
      this.#known.delete(start);
      kept -= unit?.bytes ?? 0;
      this.#budget.release(unit?.bytes ?? 0);
    }
  }

  #readUnit(start: number): KnownUnit | null {
    const unit = this.#info.unitAt(start);
    if (unit.first === null) return null;
    const { entry, bases } = this.#info.firstOf(unit);
    const folder = this.#info.text(entry.folder, bases, unit);
    const lines =
      entry.lineProgram === null ? null : new LineProgram(this.#sections, entry.lineProgram, folder);
    const whole = !entry.split && unit.end - unit.first <= MAX_UNIT_BYTES;
    const functions = whole ? this.#readFunctions(unit, bases) : null;
    let bytes = UNIT_BYTES + (lines?.bytes ?? 0);
    for (const { ranges } of functions ?? []) bytes += FUNCTION_BYTES + ranges.length * RANGE_BYTES;
    return { unit, bases, lines, functions, bytes };
  }

  /** The whole unit: functions may be in namespaces, types and other functions. */
  #readFunctions(unit: Unit, bases: Bases): FunctionEntry[] | null {
    const cursor = new Cursor(this.#info.info.bytes(unit.first, unit.end - unit.first));
    const found: { ranges: Range[]; start: number; end: number }[] = [];
    /** For each open list of children, the function that it belongs to. */
    const open: ({ end: number } | null)[] = [];
    let rangeCount = 0;
    for (let count = 0; cursor.left > 0; count++) {
      if (count > MAX_ENTRIES || found.length > MAX_FUNCTIONS || open.length > MAX_DEPTH) return null;
      const start = unit.first + cursor.at;
      const entry = this.#info.read(cursor, unit, unit.first);
      if (entry === null) {
        const closed = open.pop();
        if (closed != null) closed.end = unit.first + cursor.at;
        continue;
      }
      let own: (typeof found)[number] | null = null;
      if (entry.tag === Tag.Function) {
        const ranges = this.#info.rangesOf(entry, bases, unit).filter(([from, to]) => from > 0 && to > from);
        if (ranges.length > 0) {
          rangeCount += ranges.length;
          if (rangeCount > MAX_RANGES) return null;
          own = { ranges, start, end: unit.first + cursor.at };
          found.push(own);
        }
      }
      if (entry.children) open.push(own);
    }
    return found;
  }
}

function holds(ranges: readonly Range[], address: number): boolean {
  return ranges.some(([start, end]) => address >= start && address < end);
}
