/** Finds the places in a file where the functions of a TLS library are probed. */

import { WorkTime } from '../workTime.ts';
import type { Convention, Place } from './cheapPlaces.ts';
import type { ElfFile, ElfSymbol } from './elf.ts';
import { ElfError } from './elf.ts';
import { type ProbedFunction, TlsFunction } from './functions.ts';
import { relocationAt } from './relocations.ts';
import { findReturns, MAX_FUNCTION, MAX_RETURNS, type Returns, stubSlot } from './returns.ts';
import type { Extent } from './unwind.ts';
import { UnwindTable } from './unwind.ts';

export interface Probe {
  readonly function: TlsFunction;
  /** The function's name in the file. */
  readonly symbol: string;
  /** In the file: of the function's first instruction or, for `return-instruction`, of an instruction that returns. */
  readonly offset: number;
  /**
   * A `uretprobe` is used when it is not certain that every return of the function was found. It covers the whole
   * function, and is set on its first instruction.
   */
  readonly kind: 'entry' | 'return-instruction' | 'uretprobe';
  /**
   * Where the probe is really set, as it costs less there (cheapPlaces.ts): an offset in the file, and the bytes to be
   * added to the stack pointer there to get its value at `offset`. `offset` and 0 when there is no cheaper place.
   */
  readonly place: { readonly offset: number; readonly stack: number };
}

/** Limit of the parts of a function, and of functions that it jumps to. */
const MAX_PARTS = 12;
/**
 * Limit of work time (workTime.ts) for all functions of one file; compiler output takes some hundredths of a second.
 * The remaining functions get their probes on the first instruction. MAX_FUNCTION bounds the cost of one function.
 */
const MAX_MS = 1_000;
const STUB_SIZE = 16;

/** A function that ends in a jump to one with probes of its own, which see the rest of it. */
const DELEGATED = 'delegated';

/** @throws ElfError */
export function probesOf(
  elf: ElfFile,
  wanted: readonly ProbedFunction[],
  symbols: ReadonlyMap<string, ElfSymbol>,
  convention: Convention = 'c',
): Probe[] {
  const finder = new ReturnFinder(elf, wanted, symbols, convention);
  const probes: Probe[] = [];
  for (const probed of wanted) {
    if (probed.calledBy !== null) continue;
    const symbol = symbols.get(probed.symbol);
    const offset = symbol === undefined ? null : elf.fileOffset(symbol.address, true);
    if (symbol === undefined || offset === null) continue;
    const what = { function: probed.function, symbol: probed.symbol };
    const returns = probed.returns ? finder.returns(symbol, probed) : [];
    if (returns === DELEGATED) continue;
    probes.push({ ...what, offset, kind: 'entry', place: finder.entry(symbol) ?? { offset, stack: 0 } });
    if (returns === null) probes.push({ ...what, offset, kind: 'uretprobe', place: { offset, stack: 0 } });
    else for (const at of returns) probes.push({ ...what, ...at, kind: 'return-instruction' });
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

/** Functions of one purpose are treated as equal: SSL_write_ex may end in a jump to SSL_write_ex2. */
function purposeOf({ function: of }: ProbedFunction): TlsFunction {
  if (of === TlsFunction.ReadEx || of === TlsFunction.ReadEarly) return TlsFunction.Read;
  if (of === TlsFunction.WriteEx || of === TlsFunction.WriteEx2 || of === TlsFunction.WriteEarly) {
    return TlsFunction.Write;
  }
  return of;
}

type ReturnPlace = Pick<Probe, 'offset' | 'place'>;

function orNull<T>(find: () => T): T | null {
  try {
    return find();
  } catch (error) {
    if (error instanceof ElfError) return null;
    throw error;
  }
}

class ReturnFinder {
  #unwind: UnwindTable | null | undefined;
  readonly #probed = new Map<number, ProbedFunction>();
  readonly #byName = new Map<string, ProbedFunction>();
  readonly #decoded = new Map<number, Returns | null>();
  readonly #work = new WorkTime();

  readonly #elf: ElfFile;
  readonly #convention: Convention;

  constructor(
    elf: ElfFile,
    wanted: readonly ProbedFunction[],
    symbols: ReadonlyMap<string, ElfSymbol>,
    convention: Convention,
  ) {
    this.#elf = elf;
    this.#convention = convention;
    for (const probed of wanted) {
      const symbol = symbols.get(probed.symbol);
      if (symbol === undefined) continue;
      this.#probed.set(symbol.address, probed);
      this.#byName.set(probed.symbol, probed);
    }
  }

  /** The best place for a probe on the entry; null when it is the first instruction. */
  entry(symbol: ElfSymbol): Probe['place'] | null {
    return orNull(() => {
      const extent = this.#extentOf(symbol);
      const found = extent === null ? null : this.#decode(extent);
      return found === null ? null : this.#inFile(found.entry);
    });
  }

  /** null when it is not certain that these are all. */
  returns(symbol: ElfSymbol, probed: ProbedFunction): ReturnPlace[] | typeof DELEGATED | null {
    return orNull(() => this.#returns(symbol, probed));
  }

  #returns(symbol: ElfSymbol, probed: ProbedFunction): ReturnPlace[] | typeof DELEGATED | null {
    const extent = this.#extentOf(symbol);
    if (extent === null) return null;
    const parts: Extent[] = [extent];
    const returns: ReturnPlace[] = [];
    let delegates = 0;
    let leavesOtherwise = false;
    for (const part of parts) {
      const found = this.#decode(part);
      if (found === null || found.indirect || returns.length + found.at.length > MAX_RETURNS) return null;
      for (const [index, at] of found.at.entries()) {
        const offset = this.#elf.fileOffset(at, true);
        const place = this.#inFile(found.places[index] ?? { address: at, stack: 0 });
        if (offset === null || place === null) return null;
        returns.push({ offset, place });
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
    if (leavesOtherwise) return null;
    if (returns.length > 0) return returns;
    return delegates > 0 ? DELEGATED : null;
  }

  #decode(part: Extent): Returns | null {
    const known = this.#decoded.get(part.start);
    if (known !== undefined) return known;
    if (this.#work.exceeds(MAX_MS)) return null;
    const offset = this.#elf.fileOffset(part.start, true);
    const found =
      offset === null || part.size > MAX_FUNCTION
        ? null
        : findReturns(this.#elf.bytes(offset, part.size), part.start, this.#elf.machine, this.#convention);
    this.#decoded.set(part.start, found);
    return found;
  }

  #inFile({ address, stack }: Place): Probe['place'] | null {
    const offset = this.#elf.fileOffset(address, true);
    return offset === null ? null : { offset, stack };
  }

  #extentOf(symbol: ElfSymbol): Extent | null {
    if (symbol.size > 0) return { start: symbol.address, size: symbol.size };
    const extent = this.#extentAt(symbol.address);
    return extent?.start === symbol.address ? extent : null;
  }

  /** The probed function that a jump to this address reaches, directly or through a PLT stub. */
  #probedAt(target: number): ProbedFunction | null {
    const direct = this.#probed.get(target);
    if (direct !== undefined) return direct;
    if (this.#work.exceeds(MAX_MS)) throw new ElfError('its functions take too long to analyse');
    const offset = this.#elf.fileOffset(target, true);
    if (offset === null || offset + STUB_SIZE > this.#elf.size) return null;
    const slot = stubSlot(this.#elf.bytes(offset, STUB_SIZE), target, this.#elf.machine);
    const name = slot === null ? null : relocationAt(this.#elf, slot)?.symbol;
    return this.#byName.get(name ?? '') ?? null;
  }

  #extentAt(address: number): Extent | null {
    if (this.#unwind === undefined) this.#unwind = UnwindTable.read(this.#elf);
    return this.#unwind?.at(address) ?? null;
  }
}
