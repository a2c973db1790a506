/** How values of `.debug_info` are encoded: DW_FORM_… of DWARF 5 section 7.5.6, and GNU's. */
import { ElfError } from '../../../helper/tls/elf.ts';
import type { Cursor } from './cursor.ts';

export const FORM_STRING = 0x08;
export const FORM_IMPLICIT = 0x21;

/** An address, or an address index. */
export function isAddress(form: number): boolean {
  return form === 0x01 || form === 0x1b || (form >= 0x29 && form <= 0x2c) || form === 0x1f01;
}

/** References within the unit. */
export function isLocal(form: number): boolean {
  return form >= 0x11 && form <= 0x15;
}

/** @returns the number; for an inline string or block, its offset in `cursor`'s bytes; for strp, in the section */
export function readValue(
  cursor: Cursor,
  form: number,
  unit: { readonly version: number; readonly offsetSize: number },
  implicit: number,
): number {
  switch (form) {
    case 0x01: // addr
    case 0x07: // data8
    case 0x14: // ref8
    case 0x20: // ref_sig8
    case 0x24: // ref_sup8
      return cursor.u64();
    case 0x0b: // data1
    case 0x0c: // flag
    case 0x11: // ref1
    case 0x25: // strx1
    case 0x29: // addrx1
      return cursor.u8();
    case 0x05: // data2
    case 0x12: // ref2
    case 0x26:
    case 0x2a:
      return cursor.u16();
    case 0x27: // strx3
    case 0x2b: // addrx3
      return cursor.u24();
    case 0x06: // data4
    case 0x13: // ref4
    case 0x1c: // ref_sup4
    case 0x28:
    case 0x2c:
      return cursor.u32();
    case FORM_STRING: {
      const before = cursor.at;
      const end = cursor.bytes.indexOf(0, before);
      if (end < 0 || end >= cursor.end) throw new ElfError('a text without an end');
      cursor.skip(end + 1 - before);
      return before;
    }
    case 0x03: // block2
      return cursor.skip(cursor.u16());
    case 0x04: // block4
      return cursor.skip(cursor.u32());
    case 0x0a: // block1
      return cursor.skip(cursor.u8());
    case 0x09: // block
    case 0x18: // exprloc
      return cursor.skip(cursor.uleb());
    case 0x0d: // sdata
      return cursor.sleb();
    case 0x0f: // udata
    case 0x15: // ref_udata
    case 0x1a: // strx
    case 0x1b: // addrx
    case 0x22: // loclistx
    case 0x23: // rnglistx
    case 0x1f01: // GNU_addr_index
    case 0x1f02: // GNU_str_index
      return cursor.uleb();
    case 0x10: // ref_addr
      return unit.version === 2 ? cursor.u64() : cursor.unsigned(unit.offsetSize);
    case 0x0e: // strp
    case 0x17: // sec_offset
    case 0x1d: // strp_sup
    case 0x1f: // line_strp
    case 0x1f20: // GNU_ref_alt
    case 0x1f21: // GNU_strp_alt
      return cursor.unsigned(unit.offsetSize);
    case 0x19: // flag_present
      return 1;
    case 0x1e: // data16
      return cursor.skip(16);
    case FORM_IMPLICIT:
      return implicit;
    default:
      throw new ElfError('an unknown form');
  }
}
