/**
 * Cheaper places for a probe on x86-64. The kernel emulates `push`, jumps and calls (arch/x86/kernel/uprobes.c,
 * branch_setup_xol_ops and push_setup_xol_ops) and has the processor step over anything else, for which it is
 * interrupted once more: twice to ten times the cost. So a probe on a function's entry goes to the first such
 * instruction that is reached with the arguments still in their registers, and one on a return to the check of the
 * stack protector before it, if there is one: what it jumps to never returns.
 */
import type * as Iced from 'iced-x86';

export interface Place {
  /** Of the instruction. */
  readonly address: number;
  /** Bytes by which the stack is longer there than at the function's first instruction, which it is at a return. */
  readonly stack: number;
}

/** Whose arguments are in which registers: C's, as far as probed functions have any, or Go's. */
export type Convention = 'c' | 'go';

/** Instructions between a function's first and the place of its probe. */
const MAX_PROLOGUE = 24;
/** Between a return and the check before it. */
const MAX_EPILOGUE = 20;
/** Of the canary, behind FS: sysdeps/x86_64/nptl/tls.h of glibc, and musl's. */
const CANARY = 0x28n;
const MAX_INSTRUCTION = 15;
/** What a probe's cookie has room for (COOKIE_STACK in bpf/tls.h), its sign bit left alone. */
const MAX_STACK = 0x7fff;

export class PlaceFinder {
  readonly #iced: typeof Iced;
  readonly #factory: Iced.InstructionInfoFactory;
  readonly #instruction: Iced.Instruction;
  readonly #arguments: Readonly<Record<Convention, ReadonlySet<number>>>;

  constructor(
    iced: typeof Iced,
    /** All of a function. */
    private readonly code: Uint8Array,
    private readonly address: number,
    /** Addresses of its instructions, in order. */
    private readonly starts: readonly number[],
    /** Addresses that are jumped to. */
    private readonly targets: ReadonlySet<number>,
  ) {
    const { Register } = iced;
    this.#iced = iced;
    this.#factory = new iced.InstructionInfoFactory();
    this.#instruction = new iced.Instruction();
    this.#arguments = {
      c: new Set([Register.RDI, Register.RSI, Register.RDX, Register.RCX, Register.R8]),
      go: new Set([Register.RAX, Register.RBX, Register.RCX, Register.R14]),
    };
  }

  free(): void {
    this.#factory.free();
    this.#instruction.free();
  }

  /** For the entry; the function's first instruction when there is no better. */
  entry(convention: Convention): Place {
    const first = { address: this.address, stack: 0 };
    let stack = 0;
    for (const [index, start] of this.starts.slice(0, MAX_PROLOGUE).entries()) {
      // Whoever jumps to here has passed the first instruction, but perhaps long ago.
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

  /** For a return instruction; itself when there is no better. */
  beforeReturn(address: number): Place {
    const self = { address, stack: 0 };
    const result = new Set([this.#iced.Register.RAX]);
    let stack = 0;
    let below = this.#indexOf(address);
    for (let count = 0; count < MAX_EPILOGUE && below > 0; count++, below--) {
      // Reached from elsewhere, too: that way would not be seen.
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

  /** Of an instruction's address among all; -1 when none begins there. */
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

  /** Bytes by which the instruction makes the stack longer; null when it does something else with it, or jumps. */
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
    const { OpAccess, RegisterExt } = this.#iced;
    const info = this.#factory.info(instruction);
    let found = false;
    for (const used of info.usedRegisters() as Iced.UsedRegister[]) {
      const writes =
        used.access === OpAccess.Write ||
        used.access === OpAccess.CondWrite ||
        used.access === OpAccess.ReadWrite ||
        used.access === OpAccess.ReadCondWrite;
      if (writes && registers.has(RegisterExt.fullRegister(used.register))) found = true;
      used.free();
    }
    info.free();
    return found;
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
