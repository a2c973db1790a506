/** A program or library that is mapped in a process: its call frames, functions and lines, read on demand. */
import { closeSync } from 'node:fs';
import type { ProgramFile } from '../../../helper/protocol.ts';
import { hasLines, separateDebugFile } from '../../../helper/tls/debugFile.ts';
import { ElfFile, type ElfSymbol, isUnreadable, type Machine } from '../../../helper/tls/elf.ts';
import { readProgramFile } from '../programFile.ts';
import { type CallFrame, CallFrames } from './callFrames.ts';
import { type NativeFrame, NativeLines } from './nativeLines.ts';
import { EVENT_LOOP_PREFIXES, EVENT_LOOPS, isSystemLibrary, type ModuleFrames } from './nativeStack.ts';
import { FILE_LIMITS, ReadingBudget } from './readingBudget.ts';
import type { CodeModule } from './unwinder.ts';

/** Different addresses whose frames and lines are kept. */
const MAX_ADDRESSES = 4_096;
/** Estimated bytes in memory: an address, a register's rule, and a frame without its strings. */
const ADDRESS_BYTES = 128;
const RULE_BYTES = 64;
const FRAME_BYTES = 64;
const SYMBOL_WORDS = 6;
const STT_FUNC = 2;
const MAX_SYMBOLS = 64 * 1024 * 1024;
const PROLOGUE = 16;

const NOT_CERTAIN: ModuleFrames = { frames: [], certain: false, loop: false };

let last = 0;

export class NativeModule implements CodeModule {
  /** Unique among all modules. */
  readonly number = ++last;
  readonly path: string;
  readonly machine: Machine;
  readonly #descriptors: number[];
  readonly #elf: ElfFile;
  readonly #callFrames: CallFrames | null;
  readonly #budget: ReadingBudget;
  readonly #frames: Kept<CallFrame | null>;
  readonly #found: Kept<ModuleFrames>;
  readonly #framePointers: Kept<boolean>;
  #loops: readonly ElfSymbol[] | null = null;
  /** undefined: not looked for yet. */
  #lines: NativeLines | null | undefined;

  private constructor(path: string, descriptor: number, budget: ReadingBudget) {
    this.path = path;
    this.#descriptors = [descriptor];
    this.#elf = ElfFile.read(descriptor);
    this.machine = this.#elf.machine;
    this.#budget = budget;
    this.#frames = new Kept(budget, (frame) => (frame?.rules.size ?? 0) * RULE_BYTES);
    this.#found = new Kept(budget, ({ frames }) => bytesOf(frames));
    this.#framePointers = new Kept(budget, () => 0);
    this.#callFrames = budget.run(() => CallFrames.read(this.#elf, budget));
  }

  /** @returns null when there is no file at that path, or a different one */
  static open(file: ProgramFile, whole: ReadingBudget | null = null): NativeModule | null {
    const budget = new ReadingBudget(FILE_LIMITS, whole);
    const module = readProgramFile(file, (descriptor) => new NativeModule(file.path, descriptor, budget));
    if (module === null) budget.release();
    return module;
  }

  close(): void {
    this.#budget.release();
    for (const descriptor of this.#descriptors.splice(0)) closeSync(descriptor);
  }

  /** The linked address of this offset in the file; null when it is not code. */
  linked(offset: number): number | null {
    return this.#elf.addressOf(offset);
  }

  frameAt(address: number): CallFrame | null {
    return this.#frames.get(address, () => this.#callFrames?.at(address) ?? null);
  }

  keepsFramePointer(address: number): boolean {
    return this.#framePointers.get(address, () => this.#readPrologue(address));
  }

  #readPrologue(address: number): boolean {
    const start = this.#functionStart(address);
    const offset = start === null ? null : this.#elf.fileOffset(start, true);
    if (start === null || offset === null) return false;
    const code = this.#elf.bytes(offset, Math.min(PROLOGUE, this.#elf.size - offset));
    const length = this.machine === 'x64' ? prologueX64(code) : prologueArm64(code);
    return length > 0 && address >= start + length;
  }

  /** @param address of an instruction, as linked */
  linesOf(address: number): ModuleFrames {
    try {
      return this.#found.get(address, () => this.#readLinesOf(address));
    } catch (error) {
      if (!isUnreadable(error)) throw error;
      return NOT_CERTAIN;
    }
  }

  #readLinesOf(address: number): ModuleFrames {
    const lines = isSystemLibrary(this.path) ? null : this.#readLines();
    const found = lines?.framesOf(address) ?? { frames: [], certain: true };
    return { ...found, loop: this.#isLoop(address) };
  }

  #readLines(): NativeLines | null {
    if (this.#lines !== undefined) return this.#lines;
    this.#lines = null;
    try {
      const own = hasLines(this.#elf);
      const separate = own ? null : separateDebugFile(this.#elf, this.path);
      if (separate !== null) this.#descriptors.push(separate.descriptor);
      const file = own ? this.#elf : separate;
      if (file !== null) this.#lines = new NativeLines(file, this.#budget);
    } catch (error) {
      if (!isUnreadable(error)) throw error;
    }
    return this.#lines;
  }

  #isLoop(address: number): boolean {
    if (this.#loops === null) {
      this.#loops = [];
      try {
        this.#loops = [...this.#elf.functions(EVENT_LOOPS, EVENT_LOOP_PREFIXES).values()];
      } catch (error) {
        if (!isUnreadable(error)) throw error;
      }
    }
    return this.#loops.some(({ address: start, size }) => address >= start && address < start + size);
  }

  /** From the symbol tables. */
  #functionStart(address: number): number | null {
    for (const name of ['.symtab', '.dynsym']) {
      const table = this.#elf.section(name);
      if (table === null || table.size > MAX_SYMBOLS) continue;
      const words = this.#elf.words(table.offset, table.size);
      for (let at = 0; at + SYMBOL_WORDS <= words.length; at += SYMBOL_WORDS) {
        const info = words[at + 1] ?? 0;
        if ((info & 0xf) !== STT_FUNC || info >>> 16 === 0) continue;
        const start = (words[at + 2] ?? 0) + (words[at + 3] ?? 0) * 2 ** 32;
        const size = (words[at + 4] ?? 0) + (words[at + 5] ?? 0) * 2 ** 32;
        if (address >= start && address < start + size) return start;
      }
    }
    return null;
  }
}

/** Length of `push %rbp; mov %rsp, %rbp`, perhaps after `endbr64`; 0: the function begins differently. */
function prologueX64(code: Buffer): number {
  const start = code.length >= 4 && code.readUInt32BE(0) === 0xf30f1efa ? 4 : 0;
  const rest = code.subarray(start);
  const pushes = rest[0] === 0x55;
  const moves =
    (rest[1] === 0x48 && rest[2] === 0x89 && rest[3] === 0xe5) ||
    (rest[1] === 0x48 && rest[2] === 0x8b && rest[3] === 0xec);
  return pushes && moves ? start + 4 : 0;
}

/** `stp x29, x30, [sp, #…]!; mov x29, sp`, perhaps after `paciasp` or `bti c`. */
function prologueArm64(code: Buffer): number {
  for (let at = 0; at + 8 <= code.length && at <= 8; at += 4) {
    const [store, move] = [code.readUInt32LE(at), code.readUInt32LE(at + 4)];
    if ((store & 0xffc0_7fff) >>> 0 === 0xa980_7bfd && move === 0x9100_03fd) return at + 8;
  }
  return 0;
}

/** Caches results by address: each is read once, within the file's budget. */
class Kept<T> {
  readonly #budget: ReadingBudget;
  readonly #bytesOf: (found: T) => number;
  readonly #found = new Map<number, T>();
  #bytes = 0;

  constructor(budget: ReadingBudget, bytesOf: (found: T) => number) {
    this.#budget = budget;
    this.#bytesOf = bytesOf;
  }

  /** @throws ElfError, as `read` does */
  get(address: number, read: () => T): T {
    const known = this.#found.get(address);
    if (known !== undefined) return known;
    const found = this.#budget.run(read);
    if (this.#found.size >= MAX_ADDRESSES) {
      this.#found.clear();
      this.#budget.release(this.#bytes);
      this.#bytes = 0;
    }
    const bytes = ADDRESS_BYTES + this.#bytesOf(found);
    this.#budget.hold(bytes);
    this.#bytes += bytes;
    this.#found.set(address, found);
    return found;
  }
}

/** Estimated memory use. */
export function bytesOf(frames: readonly NativeFrame[]): number {
  let bytes = 0;
  for (const { path, function: name } of frames) bytes += FRAME_BYTES + path.length + name.length;
  return bytes;
}
