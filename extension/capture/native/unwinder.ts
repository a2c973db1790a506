/**
 * Unwinds a thread's stack: from its registers and a copy of the stack to return addresses. Uses call frame information, or
 * the frame pointer if a function's first instructions show that it sets one up. Stops as soon as it is not certain. Pure,
 * except that the modules read their files.
 */
import { ElfError, isUnreadable, type Machine } from '../../../helper/tls/elf.ts';
import type { CallFrame } from './callFrames.ts';
import { Cursor } from './cursor.ts';

/** A file in the program's memory, as far as the unwinder needs it. */
export interface CodeModule {
  /** @param address as linked. @throws ElfError */
  frameAt(address: number): CallFrame | null;
  /** Whether the function has set up a frame pointer at this address. @throws ElfError */
  keepsFramePointer(address: number): boolean;
}

export interface Place<M extends CodeModule = CodeModule> {
  readonly module: M;
  /** Address as linked. */
  readonly linked: number;
}

export interface UnwoundFrame<M extends CodeModule = CodeModule> extends Place<M> {
  /** The stack pointer in this frame. */
  readonly stackPointer: number;
}

export interface Snapshot {
  readonly machine: Machine;
  /** In the order of `struct record_stack` (bpf/trace_http.h): instruction pointer, stack pointer, then as {@link SAVED}. */
  readonly registers: readonly number[];
  /** From the stack pointer on. */
  readonly stack: Buffer;
}

interface Conventions {
  readonly stackPointer: number;
  readonly framePointer: number;
  /** DWARF numbers of the registers that follow the stack pointer in a snapshot. */
  readonly saved: readonly number[];
  /** The bits of an address without AArch64's pointer authentication signature. */
  readonly addressBits: number;
}

const SAVED: Readonly<Record<Machine, readonly number[]>> = {
  x64: [6, 3, 12, 13, 14, 15], // rbp, rbx, r12 to r15
  arm64: [29, 30, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28],
};
const CONVENTIONS: Readonly<Record<Machine, Conventions>> = {
  x64: { stackPointer: 7, framePointer: 6, saved: SAVED.x64, addressBits: 64 },
  arm64: { stackPointer: 31, framePointer: 29, saved: SAVED.arm64, addressBits: 48 },
};

const MAX_FRAMES = 64;
const WORD = 8;
const MAX_OPERATIONS = 64;

/**
 * @returns the addresses with their modules, innermost first. The first address, and any that a signal interrupted, are
 * instruction addresses; all others are return addresses.
 */
export function unwind<M extends CodeModule>(
  { machine, registers, stack }: Snapshot,
  placeOf: (address: number) => Place<M> | null,
): UnwoundFrame<M>[] {
  const conventions = CONVENTIONS[machine];
  const [instruction = 0, bottom = 0, ...rest] = registers;
  let known = new Map(conventions.saved.map((number, index) => [number, rest[index] ?? 0]));
  known.set(conventions.stackPointer, bottom);
  const memory: Memory = (address) => {
    const offset = address - bottom;
    return offset >= 0 && offset + WORD <= stack.length ? new Cursor(stack, offset).u64() : null;
  };
  const found: UnwoundFrame<M>[] = [];
  let address = instruction;
  /** The address is that of an instruction, not a return address. */
  let interrupted = true;
  while (found.length < MAX_FRAMES) {
    const place = placeOf(interrupted ? address : address - 1);
    if (place === null) break;
    const stackPointer = known.get(conventions.stackPointer) ?? 0;
    found.push({ module: place.module, linked: place.linked + (interrupted ? 0 : 1), stackPointer });
    let next: Step | null = null;
    try {
      next = step(place, known, conventions, memory, interrupted);
    } catch (error) {
      if (!isUnreadable(error)) throw error;
    }
    // Each frame must be above the previous one.
    if (next === null || next.base <= stackPointer) break;
    known = next.registers;
    address = next.address % 2 ** conventions.addressBits;
    interrupted = next.interrupted;
  }
  return found;
}

type Memory = (address: number) => number | null;

interface Step {
  readonly registers: Map<number, number>;
  readonly base: number;
  readonly address: number;
  readonly interrupted: boolean;
}

function step(
  { module, linked }: Place,
  known: ReadonlyMap<number, number>,
  conventions: Conventions,
  memory: Memory,
  interrupted: boolean,
): Step | null {
  const frame = module.frameAt(linked);
  if (frame === null) {
    // Only after the instructions that set it up; an epilogue that has already restored it is not recognised.
    if (!module.keepsFramePointer(linked)) return null;
    return byFramePointer(known, conventions, memory);
  }
  const base = baseOf(frame, known, memory);
  if (base === null) return null;
  const registers = new Map(known);
  let address: number | null = null;
  for (const [register, rule] of frame.rules) {
    let value: number | null = null;
    if (rule.kind === 'saved') value = memory(base + rule.offset);
    else if (rule.kind === 'value') value = base + rule.offset;
    else if (rule.kind === 'register') value = known.get(rule.register) ?? null;
    if (register === frame.returnRegister) address = value;
    if (value === null) registers.delete(register);
    else registers.set(register, value);
  }
  if (!frame.rules.has(frame.returnRegister)) {
    // Only the innermost function may leave it unsaved.
    if (!interrupted) return null;
    address = known.get(frame.returnRegister) ?? null;
  }
  if (address === null || address === 0) return null;
  registers.set(conventions.stackPointer, base);
  return { registers, base, address, interrupted: frame.signal };
}

function byFramePointer(
  known: ReadonlyMap<number, number>,
  { stackPointer, framePointer }: Conventions,
  memory: Memory,
): Step | null {
  const frame = known.get(framePointer);
  if (frame === undefined) return null;
  const [outer, address] = [memory(frame), memory(frame + WORD)];
  if (outer === null || address === null || address === 0) return null;
  // Other registers that the function has saved are not known.
  const base = frame + 2 * WORD;
  const registers = new Map([
    [framePointer, outer],
    [stackPointer, base],
  ]);
  return { registers, base, address, interrupted: false };
}

function baseOf({ base }: CallFrame, known: ReadonlyMap<number, number>, memory: Memory): number | null {
  if ('expression' in base) return evaluate(base.expression, known, memory);
  const value = known.get(base.register);
  return value === undefined ? null : value + base.offset;
}

/** The few operations that assembler functions and procedure linkage tables use (DWARF 5 section 2.5). */
function evaluate(expression: Buffer, known: ReadonlyMap<number, number>, memory: Memory): number | null {
  const cursor = new Cursor(expression);
  const stack: number[] = [];
  for (let count = 0; cursor.left > 0; count++) {
    if (count > MAX_OPERATIONS) throw new ElfError('too many operations');
    const operation = cursor.u8();
    if (operation >= 0x70 && operation <= 0x8f) {
      const value = known.get(operation - 0x70);
      const offset = cursor.sleb();
      if (value === undefined) return null;
      stack.push(value + offset);
    } else if (operation === 0x06) {
      const value = memory(stack.pop() ?? 0);
      if (value === null) return null;
      stack.push(value);
    } else if (operation === 0x23) stack.push((stack.pop() ?? 0) + cursor.uleb());
    else return null;
  }
  return stack.pop() ?? null;
}
