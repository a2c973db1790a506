/**
 * Finds where a function returns. Probes on the return instructions see the same as a uretprobe, but do not change the
 * return address on the stack. So debuggers, unwinders, shadow stacks and Go's moving stacks keep working.
 *
 * x86-64 is decoded by iced-x86 (MIT; WebAssembly, so hostile code bytes are decoded in a sandbox). AArch64 has instructions
 * of one width, and few of them matter here.
 */
import type * as Iced from 'iced-x86';
import { type Convention, type Disassembler, type Place, PlaceFinder } from './cheapPlaces.ts';
import type { Machine } from './elf.ts';

export interface Returns {
  /** Addresses of the return instructions. */
  readonly at: readonly number[];
  /** The best place for a probe on the entry, and one for each return; none if there are more than MAX_RETURNS. */
  readonly entry: Place;
  readonly places: readonly Place[];
  /** Addresses outside the function that it jumps to (a tail call, or a part that the compiler moved away). */
  readonly jumps: readonly number[];
  /** It may end in a jump to an address that is only known at run time. */
  readonly indirect: boolean;
}

/** Bytes of a function that is worth a probe; longer ones are not decoded (FUNCTION_MAX of helper/loader/decoder.h). */
export const MAX_FUNCTION = 64 * 1024;
/** Return instructions per function; above that, a uretprobe is cheaper. */
export const MAX_RETURNS = 64;

let iced: Disassembler | null = null;

/** Makes {@link findReturns} usable. Takes some hundredths of a second, once. */
export async function loadDisassembler(): Promise<void> {
  iced ??= await import('iced-x86');
}

/**
 * @param code all of the function
 * @param address of its first byte
 * @returns null when no compiler makes such bytes, so that nothing is known
 */
export function findReturns(
  code: Uint8Array,
  address: number,
  machine: Machine,
  convention: Convention = 'c',
): Returns | null {
  if (code.length > MAX_FUNCTION) return null;
  return machine === 'x64' ? findReturnsX64(code, address, convention) : findReturnsArm64(code, address);
}

function findReturnsX64(code: Uint8Array, address: number, convention: Convention): Returns | null {
  if (iced === null) throw new Error('loadDisassembler comes first.');
  const { Decoder, DecoderOptions, FlowControl, Instruction } = iced;
  const table = new TableJump(iced);
  const end = address + code.length;
  const starts = new Set<number>();
  const targets: number[] = [];
  const at: number[] = [];
  let indirect = false;
  const decoder = new Decoder(64, code, DecoderOptions.None);
  const instruction = new Instruction();
  try {
    decoder.ip = BigInt(address);
    while (decoder.canDecode) {
      decoder.decodeOut(instruction);
      const start = Number(instruction.ip);
      if (instruction.isInvalid) return null;
      starts.add(start);
      switch (instruction.flowControl) {
        case FlowControl.Return:
          at.push(start);
          break;
        case FlowControl.IndirectBranch:
          indirect ||= !table.isTaken(instruction);
          break;
        case FlowControl.UnconditionalBranch:
        case FlowControl.ConditionalBranch:
        case FlowControl.XbeginXabortXend:
          if (instruction.nearBranchTarget !== 0n) targets.push(Number(instruction.nearBranchTarget));
          break;
        default:
          break;
      }
      table.remember(instruction);
    }
  } finally {
    instruction.free();
    decoder.free();
  }
  const jumps = targets.filter((target) => target < address || target >= end);
  // A jump into an instruction: there is data in the code, and the decoded instructions are not those that run.
  if (targets.some((target) => target >= address && target < end && !starts.has(target))) return null;
  const finder = new PlaceFinder(iced, code, address, [...starts], new Set(targets));
  try {
    const places = at.length > MAX_RETURNS ? [] : at.map((one) => finder.beforeReturn(one));
    return { at, entry: finder.entry(convention), places, jumps: [...new Set(jumps)], indirect };
  } finally {
    finder.free();
  }
}

/**
 * Distinguishes a `switch` from a call through a pointer in tail position: both are jumps to a computed address, but only
 * the first is computed from a table of distances (`movsxd r, [table + i * 4]`, `add r, table`, `jmp r`) or taken
 * from one of addresses (`jmp [table + i * 8]`). Its targets lie inside the function.
 */
class TableJump {
  readonly #iced: Disassembler;
  /** Register into which the distance was loaded, and instructions since. */
  #loaded = 0;
  #age = 0;
  #added = 0;

  constructor(module: Disassembler) {
    this.#iced = module;
  }

  remember(instruction: Iced.Instruction): void {
    const { Mnemonic, OpKind, Register } = this.#iced;
    this.#added = 0;
    this.#age++;
    if (instruction.mnemonic === Mnemonic.Movsxd && instruction.op1Kind === OpKind.Memory) {
      if (instruction.memoryIndexScale !== 4) return;
      this.#loaded = instruction.op0Register;
      this.#age = 0;
    } else if (instruction.mnemonic === Mnemonic.Add && this.#loaded !== Register.None) {
      if (this.#age <= MAX_TABLE_DISTANCE && instruction.op0Register === this.#loaded)
        this.#added = this.#loaded;
    }
  }

  isTaken(jump: Iced.Instruction): boolean {
    const { OpKind, Register } = this.#iced;
    if (jump.op0Kind === OpKind.Memory) {
      return jump.memoryIndex !== Register.None && jump.memoryIndexScale === 8;
    }
    return jump.op0Kind === OpKind.Register && this.#added !== 0 && jump.op0Register === this.#added;
  }
}

/** Instructions that a compiler may put between the load and the addition. */
const MAX_TABLE_DISTANCE = 4;

/**
 * The slot of the global offset table through which a PLT stub jumps; null when these are not the bytes of one.
 * @param code some 16 bytes
 */
export function stubSlot(code: Uint8Array, address: number, machine: Machine): number | null {
  if (machine !== 'x64' || iced === null) return null;
  const { Decoder, DecoderOptions, FlowControl, Instruction, Mnemonic } = iced;
  const decoder = new Decoder(64, code, DecoderOptions.None);
  const instruction = new Instruction();
  try {
    decoder.ip = BigInt(address);
    while (decoder.canDecode) {
      decoder.decodeOut(instruction);
      if (instruction.flowControl === FlowControl.IndirectBranch) {
        return instruction.isIpRelMemoryOperand ? Number(instruction.ipRelMemoryAddress) : null;
      }
      if (instruction.mnemonic !== Mnemonic.Endbr64) return null;
    }
    return null;
  } finally {
    instruction.free();
    decoder.free();
  }
}

/**
 * The number returned by a function that does nothing else (`mov eax, N; ret`); null if it does.
 * @param code all of the function
 */
export function readConstant(code: Uint8Array, address: number, machine: Machine): number | null {
  if (machine !== 'x64' || iced === null) return null;
  const { Decoder, DecoderOptions, Instruction, Mnemonic, OpKind, Register } = iced;
  const decoder = new Decoder(64, code, DecoderOptions.None);
  const instruction = new Instruction();
  let number: number | null = null;
  try {
    decoder.ip = BigInt(address);
    while (decoder.canDecode) {
      decoder.decodeOut(instruction);
      if (instruction.mnemonic === Mnemonic.Ret) return number;
      if (instruction.mnemonic === Mnemonic.Endbr64) continue;
      const isConstant = instruction.mnemonic === Mnemonic.Mov && instruction.op1Kind === OpKind.Immediate32;
      if (!isConstant || instruction.op0Register !== Register.EAX) return null;
      number = instruction.immediate32 >>> 0;
    }
    return null;
  } finally {
    instruction.free();
    decoder.free();
  }
}

/** Arm Architecture Reference Manual for A-profile, C4.1 "A64 instruction set encoding". */
function findReturnsArm64(code: Uint8Array, address: number): Returns | null {
  if (code.length % 4 !== 0) return null;
  const view = new DataView(code.buffer, code.byteOffset, code.byteLength);
  const end = address + code.length;
  const at: number[] = [];
  const jumps = new Set<number>();
  let indirect = false;
  for (let offset = 0; offset < code.length; offset += 4) {
    const word = view.getUint32(offset, true);
    const here = address + offset;
    // RET Xn; RETAA, RETAB
    if ((word & 0xffff_fc1f) >>> 0 === 0xd65f_0000 || (word & 0xffff_fbff) >>> 0 === 0xd65f_0bff)
      at.push(here);
    // BR Xn; BRAA, BRAB and their forms without a modifier
    else if ((word & 0xffff_fc1f) >>> 0 === 0xd61f_0000 || (word & 0xfeff_f800) >>> 0 === 0xd61f_0800) {
      indirect = true;
    } else {
      const target = branchTargetArm64(word, here);
      if (target !== null && (target < address || target >= end)) jumps.add(target);
    }
  }
  const places = at.map((one) => ({ address: one, stack: 0 }));
  return { at, entry: { address, stack: 0 }, places, jumps: [...jumps], indirect };
}

/** Of B, B.cond, CBZ, CBNZ, TBZ and TBNZ; not of calls. */
function branchTargetArm64(word: number, here: number): number | null {
  const signed = (shift: number, bits: number): number => ((word << (32 - shift - bits)) >> (32 - bits)) * 4;
  if (word >>> 26 === 0b000101) return here + signed(0, 26);
  if (word >>> 25 === 0b0101010 || ((word >>> 25) & 0b0111111) === 0b0011010) return here + signed(5, 19);
  if (((word >>> 25) & 0b0111111) === 0b0011011) return here + signed(5, 14);
  return null;
}

/**
 * Calls `take` with each instruction, in order; it is valid only during the call.
 * @returns false when something in it is not an instruction
 */
export function decode(
  code: Uint8Array,
  address: number,
  take: (instruction: Iced.Instruction, module: Disassembler, factory: Iced.InstructionInfoFactory) => void,
): boolean {
  if (iced === null) throw new Error('loadDisassembler comes first.');
  const decoder = new iced.Decoder(64, code, iced.DecoderOptions.None);
  const instruction = new iced.Instruction();
  const factory = new iced.InstructionInfoFactory();
  try {
    decoder.ip = BigInt(address);
    while (decoder.canDecode) {
      decoder.decodeOut(instruction);
      if (instruction.isInvalid) return false;
      take(instruction, iced, factory);
    }
    return true;
  } finally {
    factory.free();
    instruction.free();
    decoder.free();
  }
}
