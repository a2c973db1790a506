/** Line number programs: `.debug_line` of DWARF 2 to 5 (DWARF 5 section 6.2). Every step is bounded. */
import { posix } from 'node:path';
import { ElfError } from '../../../helper/tls/elf.ts';
import { Cursor } from './cursor.ts';
import type { ReadingBudget } from './readingBudget.ts';
import type { SectionData } from './sectionData.ts';

/** Bytes of one unit's line program: the largest C++ units have a few MB. */
const MAX_PROGRAM = 16 * 1024 * 1024;
const MAX_ROWS = 2_000_000;
const MAX_FILES = 100_000;
const MAX_FORMATS = 32;
/** Of all names of files and folders of one unit, in UTF-16 units. */
const MAX_NAMES = 4 * 1024 * 1024;
const ROW_BYTES = 16;

const LNCT_PATH = 1;
const LNCT_DIRECTORY = 2;

export interface LineSections {
  readonly line: SectionData;
  readonly lineText: SectionData | null;
  readonly text: SectionData | null;
  readonly budget: ReadingBudget;
}

export interface Place {
  readonly path: string;
  readonly line: number;
}

/** A sequence of increasing addresses: rows `first` to `last`; the last only marks the end. */
interface Sequence {
  readonly start: number;
  readonly end: number;
  readonly first: number;
  readonly last: number;
}

interface FileName {
  readonly path: string;
  readonly folder: number;
}

interface Header {
  readonly version: number;
  readonly minimum: number;
  readonly base: number;
  readonly range: number;
  /** Operand counts of the standard opcodes, by opcode. */
  readonly operands: readonly number[];
  readonly folders: readonly string[];
  readonly files: readonly FileName[];
  /** Length of all of their names. */
  readonly names: number;
}

export class LineProgram {
  readonly #header: Header;
  readonly #folder: string;
  readonly #sequences: readonly Sequence[];
  readonly #rows: Rows;
  /** In memory. */
  readonly bytes: number;

  /**
   * @param offset of the unit in `.debug_line`
   * @param folder in which it was compiled; empty: not known
   * @throws ElfError
   */
  constructor(sections: LineSections, offset: number, folder: string) {
    const start = new Cursor(sections.line.upTo(offset, 12));
    const { length, offsetSize } = start.unitLength();
    if (length > MAX_PROGRAM) throw new ElfError('a line program that is too long');
    const cursor = new Cursor(sections.line.bytes(offset + start.at, length));
    const { header, program } = readHeader(cursor, offsetSize, sections);
    this.#header = header;
    this.#folder = folder;
    this.#rows = new Rows();
    this.#sequences = run(new Cursor(cursor.bytes, program), header, this.#rows, sections.budget);
    this.bytes = this.#rows.count * ROW_BYTES + this.#sequences.length * 64 + header.names;
  }

  /** @param address as linked, of an instruction. @returns null: not known */
  at(address: number): Place | null {
    for (const { start, end, first, last } of this.#sequences) {
      if (address < start || address >= end) continue;
      let low = first;
      let high = last;
      while (low < high) {
        const middle = (low + high) >>> 1;
        if (this.#rows.address(middle) <= address) low = middle + 1;
        else high = middle;
      }
      if (low === first) continue;
      const path = this.file(this.#rows.file(low - 1));
      const line = this.#rows.line(low - 1);
      return path === null || line <= 0 ? null : { path, line };
    }
    return null;
  }

  /** The path of a file by its number, as rows and `DW_AT_call_file` have it; null: none. */
  file(number: number): string | null {
    const { version, files, folders } = this.#header;
    const file = files[version >= 5 ? number : number - 1];
    if (file === undefined || file.path === '') return null;
    // Up to DWARF 4, the compilation directory is not in the list.
    const folder = version >= 5 ? folders[file.folder] : file.folder === 0 ? '' : folders[file.folder - 1];
    const path = posix.join(folder ?? '', file.path);
    if (file.path.startsWith('/')) return posix.normalize(file.path);
    return path.startsWith('/') ? path : posix.join(this.#folder, path);
  }
}

/** Columns that grow. */
class Rows {
  #addresses = new Float64Array(1_024);
  #lines = new Uint32Array(1_024);
  #files = new Uint32Array(1_024);
  count = 0;

  add(address: number, file: number, line: number): void {
    if (this.count >= MAX_ROWS) throw new ElfError('too many lines');
    if (this.count === this.#addresses.length) {
      const grown = new Float64Array(2 * this.count);
      grown.set(this.#addresses);
      this.#addresses = grown;
      const lines = new Uint32Array(2 * this.count);
      lines.set(this.#lines);
      this.#lines = lines;
      const files = new Uint32Array(2 * this.count);
      files.set(this.#files);
      this.#files = files;
    }
    this.#addresses[this.count] = address;
    this.#lines[this.count] = line;
    this.#files[this.count++] = file;
  }

  address(index: number): number {
    return this.#addresses[index] ?? 0;
  }

  line(index: number): number {
    return this.#lines[index] ?? 0;
  }

  file(index: number): number {
    return this.#files[index] ?? 0;
  }
}

function readHeader(
  cursor: Cursor,
  offsetSize: number,
  sections: LineSections,
): { header: Header; program: number } {
  const version = cursor.u16();
  if (version < 2 || version > 5) throw new ElfError('an unknown version of line programs');
  if (version >= 5) cursor.skip(2);
  const length = cursor.unsigned(offsetSize);
  const program = cursor.at + length;
  const minimum = cursor.u8();
  if (version >= 4 && cursor.u8() > 1) throw new ElfError('several operations in one instruction');
  cursor.skip(1);
  const base = cursor.i8();
  const range = cursor.u8();
  const opcodes = cursor.u8();
  if (range === 0 || opcodes === 0) throw new ElfError('an odd line program');
  const operands = [0, ...Array.from({ length: opcodes - 1 }, () => cursor.u8())];
  const names = version >= 5 ? readTables(cursor, offsetSize, sections) : readLists(cursor);
  return { header: { version, minimum, base, range, operands, ...names }, program };
}

/** DWARF 2 to 4. */
function readLists(cursor: Cursor): Pick<Header, 'folders' | 'files' | 'names'> {
  const start = cursor.at;
  const folders: string[] = [];
  for (let name = cursor.text(); name !== ''; name = cursor.text()) {
    if (folders.length >= MAX_FILES) throw new ElfError('too many folders');
    folders.push(name);
  }
  const files: FileName[] = [];
  for (let path = cursor.text(); path !== ''; path = cursor.text()) {
    if (files.length >= MAX_FILES) throw new ElfError('too many files');
    files.push({ path, folder: cursor.uleb() });
    cursor.uleb();
    cursor.uleb();
  }
  return { folders, files, names: cursor.at - start };
}

function readTables(
  cursor: Cursor,
  offsetSize: number,
  sections: LineSections,
): Pick<Header, 'folders' | 'files' | 'names'> {
  const folders = readTable(cursor, offsetSize, sections, MAX_NAMES);
  const files = readTable(cursor, offsetSize, sections, MAX_NAMES - folders.names);
  return {
    folders: folders.files.map(({ path }) => path),
    files: files.files,
    names: folders.names + files.names,
  };
}

function readTable(
  cursor: Cursor,
  offsetSize: number,
  sections: LineSections,
  room: number,
): Pick<Header, 'files' | 'names'> {
  const formats = Array.from({ length: cursor.u8() }, () => ({
    content: cursor.uleb(),
    form: cursor.uleb(),
  }));
  const count = cursor.uleb();
  if (formats.length > MAX_FORMATS || count > MAX_FILES || (formats.length === 0 && count > 0))
    throw new ElfError('too many files');
  let names = 0;
  const files = Array.from({ length: count }, () => {
    let path = '';
    let folder = 0;
    for (const { content, form } of formats) {
      sections.budget.step();
      const value = readEntry(cursor, form, offsetSize, sections);
      if (content === LNCT_PATH && typeof value === 'string') path = value;
      else if (content === LNCT_DIRECTORY && typeof value === 'number') folder = value;
    }
    names += path.length;
    // Thousands of entries may refer to the same string.
    if (names > room) throw new ElfError('names of files that are too long');
    return { path, folder };
  });
  return { files, names };
}

function readEntry(
  cursor: Cursor,
  form: number,
  offsetSize: number,
  { text, lineText }: LineSections,
): string | number {
  switch (form) {
    case 0x08: // DW_FORM_string
      return cursor.text();
    case 0x0e: // DW_FORM_strp
      return text?.text(cursor.unsigned(offsetSize)) ?? '';
    case 0x1f: // DW_FORM_line_strp
      return lineText?.text(cursor.unsigned(offsetSize)) ?? '';
    case 0x0b: // DW_FORM_data1, 2, 4, 8
      return cursor.u8();
    case 0x05:
      return cursor.u16();
    case 0x06:
      return cursor.u32();
    case 0x07:
      return cursor.u64();
    case 0x0f: // DW_FORM_udata
      return cursor.uleb();
    case 0x1e: // DW_FORM_data16
      return cursor.skip(16);
    case 0x09: // DW_FORM_block
      return cursor.skip(cursor.uleb());
    default:
      throw new ElfError('an unknown form in a list of files');
  }
}

/** The state machine's registers. */
interface State {
  address: number;
  file: number;
  line: number;
}

function run(cursor: Cursor, header: Header, rows: Rows, budget: ReadingBudget): Sequence[] {
  const sequences: Sequence[] = [];
  const { base, range, minimum, operands } = header;
  let state: State = { address: 0, file: 1, line: 1 };
  let first = 0;
  const add = () => rows.add(state.address, state.file, state.line);
  const end = () => {
    add();
    const start = rows.address(first);
    // Discarded code is at address 0, or at the top of the address space.
    const rising = isRising(rows, first);
    if (start > 0 && state.address > start && rising)
      sequences.push({ start, end: state.address, first, last: rows.count - 1 });
    first = rows.count;
    state = { address: 0, file: 1, line: 1 };
  };
  while (cursor.left > 0) {
    budget.step();
    const opcode = cursor.u8();
    if (opcode >= operands.length) {
      const step = opcode - operands.length;
      state.address += Math.floor(step / range) * minimum;
      state.line += base + (step % range);
      add();
    } else if (opcode === 0) {
      extended(cursor, state, end);
    } else standard(cursor, opcode, header, state, add);
  }
  return sequences;
}

/** A sequence with decreasing addresses cannot be searched. */
function isRising(rows: Rows, first: number): boolean {
  for (let index = first + 1; index < rows.count; index++) {
    if (rows.address(index) < rows.address(index - 1)) return false;
  }
  return true;
}

function extended(cursor: Cursor, state: State, end: () => void): void {
  const length = cursor.uleb();
  const next = cursor.skip(length) + length;
  if (length === 0) return;
  const inner = new Cursor(cursor.bytes, next - length, next);
  const opcode = inner.u8();
  if (opcode === 1) end();
  else if (opcode === 2) state.address = inner.unsigned(inner.left);
}

function standard(cursor: Cursor, opcode: number, header: Header, state: State, add: () => void): void {
  const { minimum, range, operands } = header;
  switch (opcode) {
    case 1: // DW_LNS_copy
      add();
      return;
    case 2: // DW_LNS_advance_pc
      state.address += cursor.uleb() * minimum;
      return;
    case 3: // DW_LNS_advance_line
      state.line += cursor.sleb();
      return;
    case 4: // DW_LNS_set_file
      state.file = cursor.uleb();
      return;
    case 8: // DW_LNS_const_add_pc
      state.address += Math.floor((255 - operands.length) / range) * minimum;
      return;
    case 9: // DW_LNS_fixed_advance_pc
      state.address += cursor.u16();
      return;
    default:
      for (let index = 0; index < (operands[opcode] ?? 0); index++) cursor.uleb();
  }
}
