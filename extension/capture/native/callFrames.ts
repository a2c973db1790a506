/**
 * Reads call frame information from `.eh_frame` (Linux Standard Base, "Exception Frames"; instructions as in DWARF 5 section
 * 6.4): where the caller's registers are at a given instruction. Null if not certain.
 */
import { ElfError, type ElfFile } from '../../../helper/tls/elf.ts';
import { Cursor } from './cursor.ts';
import type { ReadingBudget } from './readingBudget.ts';

/** Where a register of the caller is saved. `unknown`: given by an expression that is not evaluated here. */
export type Rule =
  | { readonly kind: 'saved'; readonly offset: number }
  | { readonly kind: 'value'; readonly offset: number }
  | { readonly kind: 'register'; readonly register: number }
  | { readonly kind: 'undefined' | 'unknown' };

export interface CallFrame {
  /** The stack pointer before the call (CFA): a register plus an offset, or an expression. */
  readonly base: { readonly register: number; readonly offset: number } | { readonly expression: Buffer };
  /** By DWARF register number; registers without a rule still have the caller's values. */
  readonly rules: ReadonlyMap<number, Rule>;
  readonly returnRegister: number;
  /** A signal frame: the caller was interrupted, and made no call. */
  readonly signal: boolean;
}

const HEADER_SIZE = 12;
const MAX_HEADER = 64 * 1024 * 1024;
const MAX_SECTION = 16 * 1024 * 1024;
const MAX_ENTRY = 1024 * 1024;
/** Bytes of a CIE, at most; about thirty are usual. */
const MAX_CIE_BYTES = 4_096;
const MAX_EXPRESSION = 256;
/** DWARF register numbers: AArch64 has 128. */
const MAX_REGISTER = 127;
/** Memory per row of a table built here. */
const ROW_BYTES = 64;
const MAX_INSTRUCTIONS = 100_000;
const MAX_REMEMBERED = 64;
const MAX_CIES = 10_000;
/** Pointer encodings, DW_EH_PE_…: in the header, linkers use no others. */
const PCREL_SDATA4 = 0x1b;
const UDATA4 = 0x03;
const DATAREL_SDATA4 = 0x3b;
const OMITTED = 0xff;

/** Common Information Entry: data shared by several entries. */
interface Cie {
  readonly codeFactor: number;
  readonly dataFactor: number;
  readonly returnRegister: number;
  readonly encoding: number;
  readonly augmented: boolean;
  readonly signal: boolean;
  readonly instructions: Buffer;
}

/** Start addresses of functions, ascending, and the offsets of their entries. */
interface Table {
  readonly count: number;
  start(index: number): number;
  entry(index: number): number;
}

export class CallFrames {
  readonly #elf: ElfFile;
  readonly #table: Table;
  readonly #budget: ReadingBudget;
  readonly #cies = new Map<number, Cie>();

  private constructor(elf: ElfFile, table: Table | null, budget: ReadingBudget) {
    this.#elf = elf;
    this.#budget = budget;
    this.#table = table ?? this.#readAll();
  }

  /** @returns null when it has none. @throws ElfError */
  static read(elf: ElfFile, budget: ReadingBudget): CallFrames | null {
    const header = elf.section('.eh_frame_hdr');
    // Static programs have no such header.
    if (header === null) return elf.section('.eh_frame') === null ? null : new CallFrames(elf, null, budget);
    if (header.size < HEADER_SIZE || header.size > MAX_HEADER) return null;
    budget.hold(header.size);
    const bytes = elf.bytes(header.offset, header.size);
    const usual =
      bytes[0] === 1 && bytes[1] === PCREL_SDATA4 && bytes[2] === UDATA4 && bytes[3] === DATAREL_SDATA4;
    if (!usual) return null;
    const count = Math.min(bytes.readUInt32LE(8), Math.floor((bytes.length - HEADER_SIZE) / 8));
    const { address } = header;
    const table: Table = {
      count,
      start: (index) => address + bytes.readInt32LE(HEADER_SIZE + index * 8),
      entry: (index) => address + bytes.readInt32LE(HEADER_SIZE + index * 8 + 4),
    };
    return new CallFrames(elf, table, budget);
  }

  /** For a file without a search table. */
  #readAll(): Table {
    const section = this.#elf.section('.eh_frame');
    if (section === null || section.size > MAX_SECTION) throw new ElfError('too many frames');
    const cursor = new Cursor(this.#elf.bytes(section.offset, section.size));
    const found: [start: number, entry: number][] = [];
    while (cursor.left >= 4) {
      this.#budget.step();
      const entry = section.address + cursor.at;
      const length = cursor.u32();
      // Each object file's part may end with an empty entry.
      if (length === 0) continue;
      const inner = new Cursor(cursor.bytes, cursor.at, cursor.skip(length) + length);
      const distance = inner.u32();
      if (distance === 0) continue;
      const { encoding } = this.#cieAt(entry + 4 - distance);
      const start = pointer(inner, encoding, section.address);
      if (start === null) continue;
      this.#budget.hold(ROW_BYTES);
      found.push([start, entry]);
    }
    found.sort(([a], [b]) => a - b);
    return {
      count: found.length,
      start: (index) => found[index]?.[0] ?? 0,
      entry: (index) => found[index]?.[1] ?? 0,
    };
  }

  /** @param address of an instruction, as linked. @returns null when there is no entry for it. @throws ElfError */
  at(address: number): CallFrame | null {
    let low = 0;
    let high = this.#table.count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#table.start(middle) <= address) low = middle + 1;
      else high = middle;
    }
    return low === 0 ? null : this.#read(this.#table.entry(low - 1), address);
  }

  #read(entry: number, address: number): CallFrame | null {
    const cursor = new Cursor(this.#entryAt(entry, MAX_ENTRY));
    const distance = cursor.u32();
    if (distance === 0) return null;
    const cie = this.#cieAt(entry + 4 - distance);
    const start = pointer(cursor, cie.encoding, entry + 4);
    const size = pointer(cursor, cie.encoding & 0x0f, 0);
    if (start === null || size === null || address < start || address >= start + size) return null;
    if (cie.augmented) cursor.skip(cursor.uleb());
    const own = cursor.bytes.subarray(cursor.at);
    return execute(cie, own, start, address, entry + 4 + cursor.at, this.#budget);
  }

  /** After its length. */
  #entryAt(address: number, longest: number): Buffer {
    const offset = this.#elf.fileOffset(address);
    if (offset === null) throw new ElfError('an entry that is not in the file');
    const length = this.#elf.bytes(offset, 4).readUInt32LE(0);
    if (length > longest) throw new ElfError('an entry that is too long');
    return this.#elf.bytes(offset + 4, length);
  }

  #cieAt(address: number): Cie {
    const known = this.#cies.get(address);
    if (known !== undefined) return known;
    const cie = readCie(new Cursor(this.#entryAt(address, MAX_CIE_BYTES)));
    if (this.#cies.size >= MAX_CIES) this.#cies.clear();
    this.#cies.set(address, cie);
    return cie;
  }
}

function readCie(cursor: Cursor): Cie {
  if (cursor.u32() !== 0) throw new ElfError('not a CIE');
  const version = cursor.u8();
  if (version !== 1 && version !== 3) throw new ElfError('an unknown version of frames');
  const augmentation = cursor.text();
  const codeFactor = cursor.uleb();
  const dataFactor = cursor.sleb();
  const returnRegister = version === 1 ? cursor.u8() : cursor.uleb();
  let encoding = 0;
  let signal = false;
  const augmented = augmentation.startsWith('z');
  if (augmented) {
    const length = cursor.uleb();
    const end = cursor.at + length;
    const inner = new Cursor(cursor.bytes, cursor.skip(length), end);
    for (const letter of augmentation.slice(1)) {
      if (letter === 'R') encoding = inner.u8();
      else if (letter === 'P') pointer(inner, inner.u8() & 0x0f, 0);
      else if (letter === 'L') inner.skip(1);
      else if (letter === 'S') signal = true;
      // B: return addresses are signed with key B (AArch64). Signatures are removed, whatever the key.
      else if (letter !== 'B') throw new ElfError('an unknown augmentation');
    }
  } else if (augmentation !== '') throw new ElfError('an unknown augmentation');
  const instructions = cursor.bytes.subarray(cursor.at);
  return { codeFactor, dataFactor, returnRegister, encoding, augmented, signal, instructions };
}

/** @param base address of the cursor's first byte. @returns null for encodings that no compiler uses here */
function pointer(cursor: Cursor, encoding: number, base: number): number | null {
  if (encoding === OMITTED) return null;
  const from = (encoding & 0x70) === 0x10 ? base + cursor.at : 0;
  if ((encoding & 0x70) > 0x10 || (encoding & 0x80) !== 0) return null;
  switch (encoding & 0x0f) {
    case 0x00:
    case 0x04:
      return from + cursor.u64();
    case 0x02:
      return from + cursor.u16();
    case 0x03:
      return from + cursor.u32();
    case 0x0b:
      return from + cursor.i32();
    case 0x0c:
      return from + cursor.i64();
    default:
      return null;
  }
}

interface State {
  base: CallFrame['base'] | null;
  rules: Map<number, Rule>;
}

/** @param place address of the first byte of `own` */
function execute(
  cie: Cie,
  own: Buffer,
  start: number,
  address: number,
  place: number,
  budget: ReadingBudget,
): CallFrame | null {
  const state: State = { base: null, rules: new Map() };
  run(new Cursor(cie.instructions), cie, state, null, start, start, 0, budget);
  const initial = new Map(state.rules);
  run(new Cursor(own), cie, state, initial, start, address, place, budget);
  if (state.base === null) return null;
  return {
    base: state.base,
    rules: state.rules,
    returnRegister: cie.returnRegister,
    signal: cie.signal,
  };
}

function run(
  cursor: Cursor,
  { codeFactor, dataFactor, encoding }: Cie,
  state: State,
  initial: ReadonlyMap<number, Rule> | null,
  start: number,
  address: number,
  place: number,
  budget: ReadingBudget,
): void {
  const remembered: State[] = [];
  let at = start;
  const rule = (register: number, rule: Rule) => {
    if (register > MAX_REGISTER) throw new ElfError('an unknown register');
    state.rules.set(register, rule);
  };
  const restore = (register: number) => {
    const before = initial?.get(register);
    if (before === undefined) state.rules.delete(register);
    else state.rules.set(register, before);
  };
  const base = (change: { register?: number; offset?: number }) => {
    if (state.base === null || 'expression' in state.base) throw new ElfError('a frame without a base');
    state.base = { ...state.base, ...change };
  };
  for (let count = 0; cursor.left > 0; count++) {
    if (count > MAX_INSTRUCTIONS) throw new ElfError('too many instructions');
    budget.step();
    const instruction = cursor.u8();
    const operand = instruction & 0x3f;
    if (instruction >> 6 === 1) at += operand * codeFactor;
    else if (instruction >> 6 === 2) rule(operand, { kind: 'saved', offset: cursor.uleb() * dataFactor });
    else if (instruction >> 6 === 3) restore(operand);
    else {
      switch (instruction) {
        case 0x00: // nop
          break;
        case 0x01: {
          const location = pointer(cursor, encoding, place);
          if (location === null) throw new ElfError('a location that cannot be read');
          at = location;
          break;
        }
        case 0x02:
          at += cursor.u8() * codeFactor;
          break;
        case 0x03:
          at += cursor.u16() * codeFactor;
          break;
        case 0x04:
          at += cursor.u32() * codeFactor;
          break;
        case 0x05: // offset_extended
          rule(cursor.uleb(), { kind: 'saved', offset: cursor.uleb() * dataFactor });
          break;
        case 0x06:
          restore(cursor.uleb());
          break;
        case 0x07:
          rule(cursor.uleb(), { kind: 'undefined' });
          break;
        case 0x08: // same_value
          state.rules.delete(cursor.uleb());
          break;
        case 0x09:
          rule(cursor.uleb(), { kind: 'register', register: cursor.uleb() });
          break;
        case 0x0a: // remember_state
          if (remembered.length >= MAX_REMEMBERED) throw new ElfError('too many states');
          remembered.push({ base: state.base, rules: new Map(state.rules) });
          break;
        case 0x0b: {
          const before = remembered.pop();
          if (before === undefined) throw new ElfError('no state');
          state.base = before.base;
          state.rules = before.rules;
          break;
        }
        case 0x0c: // def_cfa
          state.base = { register: cursor.uleb(), offset: cursor.uleb() };
          break;
        case 0x0d:
          base({ register: cursor.uleb() });
          break;
        case 0x0e:
          base({ offset: cursor.uleb() });
          break;
        case 0x0f: {
          const length = cursor.uleb();
          const from = cursor.skip(length);
          if (length > MAX_EXPRESSION) throw new ElfError('an expression that is too long');
          // Copied, as the entry itself is not kept.
          state.base = { expression: Buffer.from(cursor.bytes.subarray(from, from + length)) };
          break;
        }
        case 0x10: // expression
        case 0x16: {
          rule(cursor.uleb(), { kind: 'unknown' });
          cursor.skip(cursor.uleb());
          break;
        }
        case 0x11: // offset_extended_sf
          rule(cursor.uleb(), { kind: 'saved', offset: cursor.sleb() * dataFactor });
          break;
        case 0x12: // def_cfa_sf
          state.base = { register: cursor.uleb(), offset: cursor.sleb() * dataFactor };
          break;
        case 0x13:
          base({ offset: cursor.sleb() * dataFactor });
          break;
        case 0x14: // val_offset
          rule(cursor.uleb(), { kind: 'value', offset: cursor.uleb() * dataFactor });
          break;
        case 0x15:
          rule(cursor.uleb(), { kind: 'value', offset: cursor.sleb() * dataFactor });
          break;
        case 0x2d: // AArch64: whether the return address is signed; it is read without its signature
          break;
        case 0x2e: // GNU_args_size
          cursor.uleb();
          break;
        case 0x2f: // GNU_negative_offset_extended
          rule(cursor.uleb(), { kind: 'saved', offset: -cursor.uleb() * dataFactor });
          break;
        default:
          throw new ElfError('an unknown instruction');
      }
      if (instruction > 0x04) continue;
    }
    // The remaining instructions apply to later addresses.
    if (at > address) return;
  }
}
