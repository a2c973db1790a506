/**
 * Finds cheaper places for a probe on x86-64. The kernel emulates `push`, jumps and calls (arch/x86/kernel/uprobes.c,
 * branch_setup_xol_ops and push_setup_xol_ops). It single-steps every other instruction, which takes another
 * interrupt and costs two to ten times as much. So the probe of a function's entry is set on the first emulated
 * instruction that runs while the arguments are still in their registers. The probe of a return is set on the jump of
 * the stack protector's check before it, if there is one: that jump is taken only to a function that never returns.
 */
import type * as Iced from 'iced-x86';

export interface Place {
  /** Of the instruction. */
  readonly address: number;
  /** Bytes by which the stack is deeper there than at the function's first instruction or at the return instruction. */
  readonly stack: number;
}

/** Which registers hold the arguments: as in C (those that the probed functions use), or as in Go. */
export type Convention = 'c' | 'go';

/** Instructions that are looked at from the function's first one. */
const MAX_PROLOGUE = 24;
/** Instructions that are looked at backwards from a return. */
const MAX_EPILOGUE = 20;
/** Offset of the stack protector's canary from FS: sysdeps/x86_64/nptl/tls.h of glibc; the same in musl. */
const CANARY = 0x28n;
const MAX_INSTRUCTION = 15;
/** The largest positive number in a probe's cookie (COOKIE_STACK in bpf/tls_session.h). */
const MAX_STACK = 0x7fff;

/** The bundled part of iced-x86 (scripts/bundles.mjs): the codes of all instructions would be read for every trace. */
export type Disassembler = Omit<typeof Iced, 'Code'>;

export class PlaceFinder {
  readonly #iced: Disassembler;
  readonly #factory: Iced.InstructionInfoFactory;
  readonly #instruction: Iced.Instruction;
  readonly #arguments: Readonly<Record<Convention, ReadonlySet<number>>>;

  constructor(
    iced: Disassembler,
    /** The whole function. */
    private readonly code: Uint8Array,
    private readonly address: number,
    /** Addresses of its instructions, in order. */
    private readonly starts: readonly number[],
    /** Addresses that jumps lead to. */
    private readonly targets: ReadonlySet<number>,
  ) {
    const { Register } = iced;
    this.#iced = iced;
    this.#factory = new iced.InstructionInfoFactory();
    this.#instruction = new iced.Instruction();
    this.#arguments = {
      c: argumentRegisters(iced),
      go: new Set([Register.RAX, Register.RBX, Register.RCX, Register.R14]),
    };
  }

  free(): void {
    this.#factory.free();
    this.#instruction.free();
  }

  /** For the function's entry; its first instruction when there is no cheaper place. */
  entry(convention: Convention): Place {
    const first = { address: this.address, stack: 0 };
    let stack = 0;
    for (const [index, start] of this.starts.slice(0, MAX_PROLOGUE).entries()) {
      // A jump to here may come from anywhere in the function, long after its entry.
      if (index > 0 && this.targets.has(start)) return first;
      const instruction = this.#decode(start);
      if (this.#isEmulated(instruction))
        return stack >= 0 && stack <= MAX_STACK ? { address: start, stack } : first;
      const longer = this.#growth(instruction);
      if (longer === null || this.#writes(instruction, this.#arguments[convention])) return first;
      stack += longer;
    }
    return first;
  }

  /** For a return instruction; the instruction itself when there is no cheaper place. */
  beforeReturn(address: number): Place {
    const self = { address, stack: 0 };
    const result = new Set([this.#iced.Register.RAX]);
    let stack = 0;
    let below = this.#indexOf(address);
    for (let count = 0; count < MAX_EPILOGUE && below > 0; count++, below--) {
      // A jump leads to here, too: returns by that path would be missed.
      if (this.targets.has(this.starts[below] ?? 0)) return self;
      const start = this.starts[below - 1] ?? 0;
      const instruction = this.#decode(start);
      if (instruction.isJccShortOrNear) {
        return this.#isCanaryRead(this.#decode(this.starts[below - 2] ?? start))
          ? { address: start, stack }
          : self;
      }
      const longer = this.#growth(instruction);
      if (longer === null || this.#writes(instruction, result)) return self;
      stack -= longer;
    }
    return self;
  }

  /** Index of the instruction at that address; -1 when none begins there. */
  #indexOf(address: number): number {
    let low = 0;
    let high = this.starts.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.starts[middle] ?? 0) < address) low = middle + 1;
      else high = middle;
    }
    return this.starts[low] === address ? low : -1;
  }

  #decode(address: number): Iced.Instruction {
    const at = address - this.address;
    const decoder = new this.#iced.Decoder(
      64,
      this.code.subarray(at, at + MAX_INSTRUCTION),
      this.#iced.DecoderOptions.None,
    );
    decoder.ip = BigInt(address);
    decoder.decodeOut(this.#instruction);
    decoder.free();
    return this.#instruction;
  }

  #isEmulated(instruction: Iced.Instruction): boolean {
    if (instruction.isJccShortOrNear || instruction.isJmpShortOrNear || instruction.isCallNear) return true;
    const { Mnemonic, OpKind, RegisterExt } = this.#iced;
    return (
      instruction.mnemonic === Mnemonic.Push &&
      instruction.op0Kind === OpKind.Register &&
      RegisterExt.isGPR64(instruction.op0Register)
    );
  }

  /** Bytes by which the instruction makes the stack deeper; null when it changes the stack otherwise, or jumps. */
  #growth(instruction: Iced.Instruction): number | null {
    const { FlowControl, Mnemonic, OpKind, Register } = this.#iced;
    if (instruction.flowControl !== FlowControl.Next) return null;
    if (instruction.op0Kind === OpKind.Register && instruction.op0Register === Register.RSP) {
      const constant =
        instruction.op1Kind === OpKind.Immediate8to64 || instruction.op1Kind === OpKind.Immediate32to64;
      if (!constant) return this.#writes(instruction, new Set([Register.RSP])) ? null : 0;
      const value = Number(instruction.immediate(1));
      if (instruction.mnemonic === Mnemonic.Sub) return value;
      if (instruction.mnemonic === Mnemonic.Add) return -value;
      return instruction.mnemonic === Mnemonic.Cmp || instruction.mnemonic === Mnemonic.Test ? 0 : null;
    }
    if (instruction.stackPointerIncrement !== 0) {
      const plain = instruction.mnemonic === Mnemonic.Push || instruction.mnemonic === Mnemonic.Pop;
      return plain ? -instruction.stackPointerIncrement : null;
    }
    return this.#writes(instruction, new Set([Register.RSP])) ? null : 0;
  }

  #writes(instruction: Iced.Instruction, registers: ReadonlySet<number>): boolean {
    return writes(this.#iced, this.#factory, instruction, registers);
  }

  #isCanaryRead(instruction: Iced.Instruction): boolean {
    const { Mnemonic, Register } = this.#iced;
    const compares = [Mnemonic.Sub, Mnemonic.Xor, Mnemonic.Cmp].includes(instruction.mnemonic);
    return (
      compares &&
      instruction.memorySegment === Register.FS &&
      instruction.memoryBase === Register.None &&
      instruction.memoryDisplacement === CANARY
    );
  }
}

/** Those that pass the arguments of a C function. */
export function argumentRegisters({ Register }: Disassembler): ReadonlySet<number> {
  return new Set([Register.RDI, Register.RSI, Register.RDX, Register.RCX, Register.R8]);
}

/** Whether the instruction may change one of the registers. */
export function writes(
  { OpAccess, RegisterExt }: Disassembler,
  factory: Iced.InstructionInfoFactory,
  instruction: Iced.Instruction,
  registers: ReadonlySet<number>,
): boolean {
  const info = factory.info(instruction);
  let found = false;
  for (const used of info.usedRegisters() as Iced.UsedRegister[]) {
    const changes =
      used.access === OpAccess.Write ||
      used.access === OpAccess.CondWrite ||
      used.access === OpAccess.ReadWrite ||
      used.access === OpAccess.ReadCondWrite;
    if (changes && registers.has(RegisterExt.fullRegister(used.register))) found = true;
    used.free();
  }
  info.free();
  return found;
}
