/**
 * OpenSSL as a BIO. Since OpenSSL 1.1.1, reads and writes through BIO_f_ssl (BIO_new_ssl_connect, Tcl, `openssl s_server
 * -www`) use none of libssl's exported functions. The BIO's two functions directly call the internal ones below SSL_read_ex
 * and SSL_write_ex (`ssl_read_internal`). The probes are set on these calls, so programs that do not use the BIO pay
 * nothing.
 *
 * This assumes nothing about how the library was built. If SSL_read_ex calls a single function and passes its own arguments
 * on unchanged, that function has the arguments of SSL_read_ex. If the compiler has inlined it, nothing is found.
 */
import { argumentRegisters, writes } from './cheapPlaces.ts';
import type { ElfFile, ElfSymbol } from './elf.ts';
import type { ProbedFunction } from './functions.ts';
import type { Probe } from './probes.ts';
import { relocationAt } from './relocations.ts';
import { decode, MAX_FUNCTION } from './returns.ts';
import type { Extent } from './unwind.ts';
import { UnwindTable } from './unwind.ts';

/** The function that returns the BIO's method. */
export const BIO_METHOD = 'BIO_f_ssl';

/** BIO_TYPE_SSL */
const TYPE = 7 | 0x200;
/** In struct bio_method_st (include/internal/bio.h, since 1.1.1): `bwrite` and `bread`. */
const METHODS = [16, 32];

interface Call {
  readonly address: number;
  readonly target: number;
  /** Address of the next instruction; null when jumps lead to it, too. */
  readonly next: number | null;
  /** No register that passes an argument was changed before it. */
  readonly sameArguments: boolean;
}

/** @throws ElfError */
export function probesOfBio(
  elf: ElfFile,
  functions: readonly ProbedFunction[],
  symbols: ReadonlyMap<string, ElfSymbol>,
): Probe[] {
  const method = symbols.get(BIO_METHOD);
  const unwind = method === undefined || elf.machine !== 'x64' ? null : UnwindTable.read(elf);
  if (method === undefined || unwind === null) return [];
  const table = methodTable(elf, method);
  if (table === null) return [];
  const ways = METHODS.flatMap((at) => callsOf(elf, unwind.at(pointerAt(elf, table + at)), unwind));
  const probes: Probe[] = [];
  for (const { symbol, calledBy, function: of } of functions) {
    const caller = calledBy === null ? undefined : symbols.get(calledBy);
    if (caller === undefined) continue;
    const calls = callsOf(elf, { start: caller.address, size: caller.size }, unwind);
    const [only] = calls;
    if (only?.sameArguments !== true || calls.length !== 1) continue;
    for (const { address, target, next } of ways) {
      const entry = elf.fileOffset(address, true);
      const returned = next === null ? null : elf.fileOffset(next, true);
      if (target !== only.target || entry === null || returned === null) continue;
      const what = { function: of, symbol };
      probes.push(
        { ...what, offset: entry, kind: 'entry', place: { offset: entry, stack: 0 } },
        { ...what, offset: returned, kind: 'return-instruction', place: { offset: returned, stack: 0 } },
      );
    }
  }
  return probes;
}

/** Address of the method that the function returns. */
function methodTable(elf: ElfFile, { address, size }: ElfSymbol): number | null {
  const offset = elf.fileOffset(address, true);
  if (offset === null || size === 0 || size > 64) return null;
  const found: number[] = [];
  let other = false;
  decode(elf.bytes(offset, size), address, (instruction, { Mnemonic, OpKind }) => {
    const { mnemonic } = instruction;
    if (mnemonic === Mnemonic.Endbr64 || mnemonic === Mnemonic.Ret) return;
    if (mnemonic === Mnemonic.Lea && instruction.isIpRelMemoryOperand)
      found.push(Number(instruction.ipRelMemoryAddress));
    else if (mnemonic === Mnemonic.Mov && instruction.op1Kind === OpKind.Immediate32)
      found.push(instruction.immediate32 >>> 0);
    else other = true;
  });
  const [table, second] = found;
  const place = table === undefined ? null : elf.fileOffset(table);
  if (other || table === undefined || second !== undefined || place === null) return null;
  return elf.bytes(place, 4).readUInt32LE(0) === TYPE ? table : null;
}

/** 0 when there is none. */
function pointerAt(elf: ElfFile, address: number): number {
  const offset = elf.fileOffset(address);
  const value = offset === null ? 0n : elf.bytes(offset, 8).readBigUInt64LE(0);
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) return 0;
  return Number(value) || (relocationAt(elf, address)?.addend ?? 0);
}

/** Direct calls of functions in this file: not through a pointer or a PLT stub. */
function callsOf(elf: ElfFile, extent: Extent | null, unwind: UnwindTable): Call[] {
  const offset = extent === null ? null : elf.fileOffset(extent.start, true);
  if (extent === null || offset === null || extent.size === 0 || extent.size > MAX_FUNCTION) return [];
  const calls: Call[] = [];
  const targets = new Set<number>();
  let changed = false;
  const whole = decode(elf.bytes(offset, extent.size), extent.start, (instruction, iced, factory) => {
    const { FlowControl } = iced;
    const target = Number(instruction.nearBranchTarget);
    const { flowControl } = instruction;
    if (flowControl === FlowControl.Call) {
      const address = Number(instruction.ip);
      // The stubs have one entry in that table for all of them, if any.
      if (unwind.at(target)?.start !== target) return;
      calls.push({ address, target, next: address + instruction.length, sameArguments: !changed });
      return;
    }
    if (flowControl === FlowControl.ConditionalBranch || flowControl === FlowControl.UnconditionalBranch)
      targets.add(target);
    changed ||= writes(iced, factory, instruction, argumentRegisters(iced));
  });
  if (!whole) return [];
  return calls.map((call) => (targets.has(call.next ?? 0) ? { ...call, next: null } : call));
}
