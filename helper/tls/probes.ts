/** The places in a file at which the functions of a TLS library are seen. */
import type { ElfFile, ElfSymbol } from './elf.ts';
import { ElfError } from './elf.ts';
import { type ProbedFunction, TlsFunction } from './functions.ts';
import { relocationAt } from './relocations.ts';
import { findReturns, MAX_FUNCTION, stubSlot } from './returns.ts';
import type { Extent } from './unwind.ts';
import { UnwindTable } from './unwind.ts';

export interface Probe {
  readonly function: TlsFunction;
  /** The function's name in the file. */
  readonly symbol: string;
  /** In the file: of the function's first instruction or, for `return-instruction`, of an instruction that returns. */
  readonly offset: number;
  /**
   * A `uretprobe` is asked for where it is not sure that every return of the function was found. It stands for
   * the function as a whole, at its first instruction.
   */
  readonly kind: 'entry' | 'return-instruction' | 'uretprobe';
}

/** Parts of a function, and functions that it leaves by a jump, that are looked at. */
const MAX_PARTS = 12;
/** Return instructions of one function; above, one uretprobe is cheaper. */
const MAX_RETURNS = 64;
const STUB_SIZE = 16;

/** A function that leaves by a jump to one that has probes itself: nothing is left to see of it. */
const DELEGATED = 'delegated';

/** @throws ElfError */
export function probesOf(
  elf: ElfFile,
  wanted: readonly ProbedFunction[],
  symbols: ReadonlyMap<string, ElfSymbol>,
): Probe[] {
  const finder = new ReturnFinder(elf, wanted, symbols);
  const probes: Probe[] = [];
  for (const probed of wanted) {
    const symbol = symbols.get(probed.symbol);
    const offset = symbol === undefined ? null : elf.fileOffset(symbol.address, true);
    if (symbol === undefined || offset === null) continue;
    const place = { function: probed.function, symbol: probed.symbol };
    const returns = probed.returns ? finder.find(symbol, probed) : [];
    if (returns === DELEGATED) continue;
    probes.push({ ...place, offset, kind: 'entry' });
    if (returns === null) probes.push({ ...place, offset, kind: 'uretprobe' });
    else for (const at of returns) probes.push({ ...place, offset: at, kind: 'return-instruction' });
  }
  return unique(probes);
}

/** Two functions may end in the same code. */
function unique(probes: readonly Probe[]): Probe[] {
  const seen = new Set<string>();
  return probes.filter(({ function: tlsFunction, offset, kind }) => {
    const key = `${tlsFunction} ${offset} ${kind}`;
    return !seen.has(key) && seen.add(key);
  });
}

/** Functions of one purpose stand for each other: SSL_write_ex may end in SSL_write_ex2. */
function purposeOf({ function: of }: ProbedFunction): TlsFunction {
  if (of === TlsFunction.ReadEx || of === TlsFunction.ReadEarly) return TlsFunction.Read;
  if (of === TlsFunction.WriteEx || of === TlsFunction.WriteEx2 || of === TlsFunction.WriteEarly) {
    return TlsFunction.Write;
  }
  return of;
}

class ReturnFinder {
  #unwind: UnwindTable | null | undefined;
  readonly #probed = new Map<number, ProbedFunction>();
  readonly #byName = new Map<string, ProbedFunction>();

  constructor(
    private readonly elf: ElfFile,
    wanted: readonly ProbedFunction[],
    symbols: ReadonlyMap<string, ElfSymbol>,
  ) {
    for (const probed of wanted) {
      const symbol = symbols.get(probed.symbol);
      if (symbol === undefined) continue;
      this.#probed.set(symbol.address, probed);
      this.#byName.set(probed.symbol, probed);
    }
  }

  /** Offsets in the file; null when it is not sure that these are all. */
  find(symbol: ElfSymbol, probed: ProbedFunction): number[] | typeof DELEGATED | null {
    try {
      return this.#find(symbol, probed);
    } catch (error) {
      if (error instanceof ElfError) return null;
      throw error;
    }
  }

  #find(symbol: ElfSymbol, probed: ProbedFunction): number[] | typeof DELEGATED | null {
    const extent =
      symbol.size > 0 ? { start: symbol.address, size: symbol.size } : this.#extentAt(symbol.address);
    if (extent === null || extent.start !== symbol.address) return null;
    const parts: Extent[] = [extent];
    const offsets: number[] = [];
    let delegates = 0;
    let leavesOtherwise = false;
    for (const part of parts) {
      const code = this.#code(part);
      const found = code === null ? null : findReturns(code, part.start, this.elf.machine);
      if (found === null || found.indirect) return null;
      for (const at of found.at) {
        const offset = this.elf.fileOffset(at, true);
        if (offset === null) return null;
        offsets.push(offset);
      }
      for (const target of found.jumps) {
        if (parts.some(({ start, size }) => target >= start && target < start + size)) continue;
        const other = this.#probedAt(target);
        if (other !== null) {
          // Its own probes see the entry, with the same arguments and stack, and the return.
          if (!other.returns || purposeOf(other) !== purposeOf(probed)) leavesOtherwise = true;
          delegates++;
          continue;
        }
        const next = this.#extentAt(target);
        if (next === null || parts.length >= MAX_PARTS) return null;
        parts.push(next);
      }
    }
    if (leavesOtherwise || offsets.length > MAX_RETURNS) return null;
    if (offsets.length > 0) return offsets;
    return delegates > 0 ? DELEGATED : null;
  }

  #code({ start, size }: Extent): Buffer | null {
    const offset = this.elf.fileOffset(start, true);
    return offset === null || size > MAX_FUNCTION ? null : this.elf.bytes(offset, size);
  }

  /** The probed function that a jump to this address runs, be it by way of the linker's stub. */
  #probedAt(target: number): ProbedFunction | null {
    const direct = this.#probed.get(target);
    if (direct !== undefined) return direct;
    const offset = this.elf.fileOffset(target, true);
    if (offset === null || offset + STUB_SIZE > this.elf.size) return null;
    const slot = stubSlot(this.elf.bytes(offset, STUB_SIZE), target, this.elf.machine);
    const name = slot === null ? null : relocationAt(this.elf, slot)?.symbol;
    return this.#byName.get(name ?? '') ?? null;
  }

  #extentAt(address: number): Extent | null {
    if (this.#unwind === undefined) this.#unwind = UnwindTable.read(this.elf);
    return this.#unwind?.at(address) ?? null;
  }
}
