/**
 * Finds where functions begin and end, by the unwinding tables that every program with C++ or a C library has, even a
 * stripped one (Linux Standard Base, "Exception Frames": .eh_frame_hdr and .eh_frame). Parts of a function that the
 * compiler moved away have entries of their own.
 */
import type { ElfFile } from './elf.ts';

export interface Extent {
  /** Virtual address. */
  readonly start: number;
  /** Bytes. */
  readonly size: number;
}

const MAX_HEADER = 64 * 1024 * 1024;
/** Pointer encodings, DW_EH_PE_…: the only ones that linkers make for these tables. */
const PCREL_SDATA4 = 0x1b;
const UDATA4 = 0x03;
const DATAREL_SDATA4 = 0x3b;
const HEADER_SIZE = 12;

export class UnwindTable {
  private constructor(
    private readonly elf: ElfFile,
    private readonly address: number,
    private readonly table: Buffer,
  ) {}

  /** @returns null when there is none that can be read. @throws ElfError */
  static read(elf: ElfFile): UnwindTable | null {
    const header = elf.section('.eh_frame_hdr');
    if (header === null || header.size < HEADER_SIZE || header.size > MAX_HEADER) return null;
    const bytes = elf.bytes(header.offset, header.size);
    const usual =
      bytes[0] === 1 && bytes[1] === PCREL_SDATA4 && bytes[2] === UDATA4 && bytes[3] === DATAREL_SDATA4;
    if (!usual) return null;
    const count = Math.min(bytes.readUInt32LE(8), Math.floor((bytes.length - HEADER_SIZE) / 8));
    return new UnwindTable(elf, header.address, bytes.subarray(HEADER_SIZE, HEADER_SIZE + count * 8));
  }

  /** The function, or part of one, that holds an address. @throws ElfError */
  at(address: number): Extent | null {
    let low = 0;
    let high = this.table.length / 8;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.address + this.table.readInt32LE(middle * 8) <= address) low = middle + 1;
      else high = middle;
    }
    if (low === 0) return null;
    const entry = (low - 1) * 8;
    const start = this.address + this.table.readInt32LE(entry);
    const size = this.#size(this.address + this.table.readInt32LE(entry + 4), start);
    return size !== null && address < start + size ? { start, size } : null;
  }

  /** Of a frame description entry: u32 length, i32 CIE pointer, i32 PC begin, u32 PC range. */
  #size(entry: number, start: number): number | null {
    const offset = this.elf.fileOffset(entry);
    if (offset === null) return null;
    const bytes = this.elf.bytes(offset, 16);
    // It has the same start address, so its pointers have the usual encoding.
    return entry + 8 + bytes.readInt32LE(8) === start ? bytes.readUInt32LE(12) : null;
  }
}
