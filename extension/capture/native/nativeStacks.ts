/**
 * Converts stack records (RECORD_STACK) to caller records (RECORD_CALLER), with lines where they are certain. The
 * copied stack itself is not passed on.
 */
import type { NativeModuleRange, NativeProgram } from '../../../helper/protocol.ts';
import type { Machine } from '../../../helper/tls/elf.ts';
import { FLAG_ANY_METHOD, FLAG_NAMED, RecordType } from '../../engine/record.ts';
import { LAYOUT } from '../../engine/recordLayout.ts';
import { bytesOf, NativeModule } from './nativeModule.ts';
import { type NativeStack, nativeStack } from './nativeStack.ts';
import type { ReadingBudget } from './readingBudget.ts';
import { type Place, unwind } from './unwinder.ts';

/** The newest processes whose memory maps are remembered. */
const MAX_PROCESSES = 1_024;
/** The most recently used files, which are kept open, and bytes that are cached of them. */
const MAX_MODULES = 128;
const MAX_MODULE_BYTES = 256 * 1024 * 1024;
/** Distinct stacks that are cached, and bytes of them. */
const MAX_STACKS = 4_096;
const MAX_STACK_BYTES = 32 * 1024 * 1024;
const STACK_BYTES = 256;
/** enum stack_machine of bpf/trace_http.h. */
export const MACHINES: Readonly<Record<number, Machine>> = { 1: 'x64', 2: 'arm64' };
const REGISTERS = 16;
/** RFC 9110 section 5.6.2. */
const METHOD = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+(?= |$)/;

interface Range {
  readonly start: number;
  readonly end: number;
  readonly described: NativeModuleRange;
}

interface Process {
  readonly since: bigint;
  readonly ranges: readonly Range[];
}

export class NativeStacks {
  readonly #processes = new Map<number, Process>();
  readonly #modules = new Map<string, NativeModule | null>();
  readonly #stacks = new Map<string, NativeStack>();
  #stackBytes = 0;
  readonly #budget: ReadingBudget;

  /** @param budget of all files of the trace */
  constructor(budget: ReadingBudget) {
    this.#budget = budget;
  }

  add({ pid, since, modules }: NativeProgram): void {
    const ranges = modules.map((described) => ({
      start: Number.parseInt(described.start, 16),
      end: Number.parseInt(described.end, 16),
      described,
    }));
    this.#set(pid, { since: BigInt(since), ranges });
  }

  /** A process was forked: it has its parent's memory map. */
  forked(pid: number, parent: number): void {
    const process = this.#processes.get(parent);
    if (process !== undefined && !this.#processes.has(pid)) this.#set(pid, process);
  }

  /** The process executes another program. @param time boot time in nanoseconds */
  replaced(pid: number, time: bigint): void {
    if ((this.#processes.get(pid)?.since ?? time) < time) this.#processes.delete(pid);
  }

  close(): void {
    for (const module of this.#modules.values()) module?.close();
    this.#modules.clear();
  }

  /** @param record of type RECORD_STACK, or truncated */
  stackOf(record: Uint8Array): NativeStack | null {
    const f = LAYOUT.stack;
    if (record.length < f.stack) return null;
    const view = new DataView(record.buffer, record.byteOffset, record.byteLength);
    const process = this.#processes.get(view.getUint32(LAYOUT.header.pid, true));
    const machine = MACHINES[view.getUint8(f.machine)];
    const size = Math.min(view.getUint32(f.bytes, true), record.length - f.stack);
    if (process === undefined || machine === undefined) return null;
    const registers = Array.from({ length: REGISTERS }, (_, index) =>
      Number(view.getBigUint64(f.registers + index * 8, true)),
    );
    const stack = Buffer.from(record.buffer, record.byteOffset + f.stack, size);
    const frames = unwind({ machine, registers, stack }, (address) =>
      this.#placeOf(process, machine, address),
    );
    const floor = Number(view.getBigUint64(f.floor, true));
    const own = frames.filter(({ stackPointer }) => stackPointer >= floor);
    const found = this.#read(own);
    // Only now: #read() needs the open files.
    while (this.#budget.held > MAX_MODULE_BYTES && this.#modules.size > 0) this.#closeOldest();
    return found;
  }

  #read(frames: readonly Place<NativeModule>[]): NativeStack {
    const key = frames.map(({ module, linked }) => `${module.number}:${linked}`).join();
    const known = this.#stacks.get(key);
    if (known !== undefined) return known;
    const calls = frames.map(({ module, linked }) => ({
      module: module.path,
      ...module.linesOf(linked - 1),
    }));
    const stack = nativeStack(calls);
    this.#stacks.set(key, stack);
    this.#stackBytes += STACK_BYTES + bytesOf(stack.frames);
    for (const [oldest, { frames: gone }] of this.#stacks) {
      if (this.#stacks.size <= MAX_STACKS && this.#stackBytes <= MAX_STACK_BYTES) break;
      this.#stacks.delete(oldest);
      this.#stackBytes -= STACK_BYTES + bytesOf(gone);
    }
    return stack;
  }

  #placeOf({ ranges }: Process, machine: Machine, address: number): Place<NativeModule> | null {
    const range = ranges.find(({ start, end }) => address >= start && address < end);
    if (range === undefined) return null;
    const module = this.#module(range.described);
    const linked = module?.linked(address - range.start + range.described.offset) ?? null;
    return module === null || module.machine !== machine || linked === null ? null : { module, linked };
  }

  #module(file: NativeModuleRange): NativeModule | null {
    const key = [file.device, file.inode, file.size, file.modified, file.path].join();
    let module = this.#modules.get(key);
    if (module === undefined) module = NativeModule.open(file, this.#budget);
    this.#modules.delete(key);
    this.#modules.set(key, module);
    if (this.#modules.size > MAX_MODULES) this.#closeOldest();
    return module;
  }

  #closeOldest(): void {
    const [oldest] = this.#modules;
    if (oldest === undefined) return;
    this.#modules.delete(oldest[0]);
    oldest[1]?.close();
  }

  #set(pid: number, process: Process): void {
    this.#processes.delete(pid);
    this.#processes.set(pid, process);
    const [oldest] = this.#processes.keys();
    if (this.#processes.size > MAX_PROCESSES && oldest !== undefined) this.#processes.delete(oldest);
  }
}

/**
 * The caller record that replaces a stack record.
 * @param text the frames; null: not known, marked by FLAG_ANY_METHOD without FLAG_NAMED: the program may be a Go
 *   program, whose callers are in separate records.
 */
export function callerRecord(record: Uint8Array, text: Uint8Array | null): Uint8Array {
  const { header, caller, stack: f } = LAYOUT;
  const view = new DataView(record.buffer, record.byteOffset, record.byteLength);
  const made = new Uint8Array((caller.frames + (text?.length ?? 0) + 7) & ~7);
  const fields = new DataView(made.buffer);
  made.set(record.subarray(0, header.size));
  if (text !== null) made.set(text, caller.frames);
  const whole = record.length >= f.stack;
  const stream = whole ? view.getUint32(f.stream, true) : 0;
  const length = whole ? Math.min(view.getUint8(f.beginningLength), record.length - f.beginning) : 0;
  const beginning = Buffer.from(record.subarray(0, f.beginning + length)).toString('latin1', f.beginning);
  const method = METHOD.exec(beginning)?.[0] ?? '?';
  fields.setUint32(header.length, made.length, true);
  fields.setUint16(header.type, RecordType.Caller, true);
  fields.setUint16(header.flags, flagsOf(text !== null, stream), true);
  fields.setUint32(caller.stream, stream, true);
  if (stream === 0) {
    fields.setUint8(caller.methodLength, method.length);
    made.set(Buffer.from(method, 'latin1'), caller.method);
  }
  return made;
}

function flagsOf(named: boolean, stream: number): number {
  if (!named) return FLAG_ANY_METHOD;
  return stream === 0 ? FLAG_NAMED : FLAG_NAMED | FLAG_ANY_METHOD;
}
