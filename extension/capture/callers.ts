/**
 * A stage between the helper and the consumers of its events. It adds source lines to records with addresses of a Go
 * program or the stack of a native program, so that the engine, recordings and replays do not need the program's file. A
 * record whose lines are not certain is passed on unchanged, or without its stack.
 */
import { closeSync } from 'node:fs';
import type { GoProgram, NativeProgram } from '../../helper/protocol.ts';
import { ElfFile, isUnreadable } from '../../helper/tls/elf.ts';
import { FLAG_NAMED, RecordType } from '../engine/record.ts';
import { LAYOUT } from '../engine/recordLayout.ts';
import { type GoFrame, GoLines } from './goLines.ts';
import { goStack } from './goStack.ts';
import { bytesOf } from './native/nativeModule.ts';
import { callerRecord, NativeStacks } from './native/nativeStacks.ts';
import { FILE_LIMITS, ReadingBudget, TRACE_LIMITS } from './native/readingBudget.ts';
import { readProgramFile } from './programFile.ts';

/** The newest programs, whose files are kept open. */
const MAX_PROGRAMS = 64;
/** Distinct stacks and addresses cached for each program. */
const MAX_STACKS = 4_096;
const MAX_ADDRESSES = 16_384;
/** Bytes of these stacks, and of the frames of these addresses. */
const MAX_STACK_BYTES = 8 * 1024 * 1024;
const MAX_FRAME_BYTES = 8 * 1024 * 1024;
/** Frames kept per call. */
const MAX_FRAMES = 40;
/** Bytes of them, as JSON. */
const MAX_NAMED = 16 * 1024;
/** Programs are loaded at multiples of this, even on systems with larger pages. */
const PAGE = 4_096;

/** A stack as the engine reads it: frames as [path, line, function], innermost first, and which one is the program's own. */
export type NamedFrames = readonly [own: number | null, ...frames: (readonly [string, number, string])[]];

export class Callers {
  readonly #budget = new ReadingBudget(TRACE_LIMITS);
  readonly #native = new NativeStacks(this.#budget);
  readonly #programs = new Map<number, Program>();

  /** Must come before the program's records. */
  add(described: GoProgram): void {
    const program = Program.open(described, this.#budget);
    if (program === null) return;
    this.#programs.get(described.file)?.close();
    this.#programs.set(described.file, program);
    const [oldest] = this.#programs;
    if (this.#programs.size <= MAX_PROGRAMS || oldest === undefined) return;
    this.#programs.delete(oldest[0]);
    oldest[1].close();
  }

  addNative(described: NativeProgram): void {
    this.#native.add(described);
  }

  close(): void {
    this.#native.close();
    for (const program of this.#programs.values()) program.close();
    this.#programs.clear();
  }

  /** Adds lines to the caller records of a batch. @param batch not changed; returned as it is if it has none */
  name(batch: Uint8Array): Uint8Array {
    const view = new DataView(batch.buffer, batch.byteOffset, batch.byteLength);
    const { header } = LAYOUT;
    const parts: Uint8Array[] = [];
    /** The batch up to here is in `parts`. */
    let done = 0;
    for (let at = 0; at + header.size <= batch.length; ) {
      const length = view.getUint32(at + header.length, true);
      // A malformed record is passed on: the engine reports it.
      if (length < header.size || length > batch.length - at) break;
      const type = view.getUint16(at + header.type, true);
      const changed = CHANGED.has(type) ? this.#changed(type, batch.subarray(at, at + length)) : null;
      if (changed !== null) {
        parts.push(batch.subarray(done, at), changed);
        done = at + length;
      }
      at += length;
    }
    return parts.length === 0 ? batch : Buffer.concat([...parts, batch.subarray(done)]);
  }

  /** The record that replaces this one; null: it stays. */
  #changed(type: number, record: Uint8Array): Uint8Array | null {
    if (type === RecordType.Caller) return isCaller(record) ? this.#named(record) : null;
    if (type === RecordType.Stack) return this.#ofStack(record);
    const view = new DataView(record.buffer, record.byteOffset, record.byteLength);
    const pid = view.getUint32(LAYOUT.header.pid, true);
    if (record.length < LAYOUT.process.size) return null;
    if (type === RecordType.ProcessReplaced)
      this.#native.replaced(pid, view.getBigUint64(LAYOUT.header.time, true));
    else this.#native.forked(pid, view.getUint32(LAYOUT.process.parent, true));
    return null;
  }

  #ofStack(record: Uint8Array): Uint8Array {
    const { frames, own } = this.#native.stackOf(record) ?? { frames: [], own: null };
    const text = own === null ? null : textOf(frames, own);
    return callerRecord(record, text);
  }

  #named(record: Uint8Array): Uint8Array | null {
    const view = new DataView(record.buffer, record.byteOffset, record.byteLength);
    const f = LAYOUT.caller;
    const count = Math.min(view.getUint8(f.count), (record.length - f.frames) / 8);
    const program = this.#programs.get(view.getUint32(f.file, true));
    if (count === 0 || program === undefined) return null;
    const place = Number(view.getBigUint64(f.place, true));
    const bias = program.biasOf(view.getUint8(f.function), place);
    if (bias === null) return null;
    const addresses = Array.from(
      { length: count },
      (_, index) => Number(view.getBigUint64(f.frames + index * 8, true)) - bias,
    );
    const text = program.stackOf(addresses);
    if (text === null) return null;
    const named = new Uint8Array((f.frames + text.length + 7) & ~7);
    named.set(record.subarray(0, f.frames));
    named.set(text, f.frames);
    const fields = new DataView(named.buffer);
    fields.setUint32(LAYOUT.header.length, named.length, true);
    fields.setUint16(LAYOUT.header.flags, view.getUint16(LAYOUT.header.flags, true) | FLAG_NAMED, true);
    return named;
  }
}

/** Record types that are examined. */
const CHANGED: ReadonlySet<number> = new Set([
  RecordType.Caller,
  RecordType.Stack,
  RecordType.ProcessStarted,
  RecordType.ProcessReplaced,
]);

/** As JSON, with as many frames as fit; null: the program's own frame is not among them. */
function textOf(frames: readonly GoFrame[], own: GoFrame | null): Uint8Array | null {
  const shown = frames.slice(0, Math.max(MAX_FRAMES, own === null ? 0 : frames.indexOf(own) + 1));
  for (let count = shown.length; count > 0; count = Math.floor(count / 2)) {
    const some = shown.slice(0, count);
    const index = own === null ? -1 : some.indexOf(own);
    if (own !== null && index < 0) return null;
    const named: NamedFrames = [
      index < 0 ? null : index,
      ...some.map(({ path, line, function: name }) => [path, line, name] as const),
    ];
    const text = Buffer.from(JSON.stringify(named));
    if (text.length <= MAX_NAMED) return text;
  }
  return null;
}

function isCaller(record: Uint8Array): boolean {
  if (record.length < LAYOUT.caller.size) return false;
  const view = new DataView(record.buffer, record.byteOffset, record.byteLength);
  return (
    view.getUint16(LAYOUT.header.type, true) === RecordType.Caller &&
    (view.getUint16(LAYOUT.header.flags, true) & FLAG_NAMED) === 0
  );
}

class Program {
  readonly #descriptor: number;
  readonly #lines: GoLines;
  /** Addresses of the probes, as linked, by function. */
  readonly #places: readonly { readonly function: number; readonly address: number }[];
  /** As JSON; null: not certain. */
  readonly #stacks = new Map<string, Uint8Array | null>();
  readonly #frames = new Map<number, readonly GoFrame[] | null>();
  /** Sizes of these two. */
  #stackBytes = 0;
  #frameBytes = 0;

  private constructor(
    descriptor: number,
    lines: GoLines,
    places: readonly { readonly function: number; readonly address: number }[],
  ) {
    this.#descriptor = descriptor;
    this.#lines = lines;
    this.#places = places;
  }

  /** @returns null when there is no file at that path, or another one. */
  static open({ places, ...file }: GoProgram, whole: ReadingBudget): Program | null {
    const budget = new ReadingBudget(FILE_LIMITS, whole);
    const read = (descriptor: number): Program => {
      const elf = ElfFile.read(descriptor);
      const probed = places.flatMap(({ function: of, offset }) => {
        const address = elf.addressOf(offset);
        return address === null ? [] : [{ function: of, address }];
      });
      return new Program(descriptor, new GoLines(elf, budget), probed);
    };
    return readProgramFile(file, read);
  }

  close(): void {
    closeSync(this.#descriptor);
  }

  /** The program's load bias: the difference between addresses in memory and linked addresses; null: not certain. */
  biasOf(probed: number, place: number): number | null {
    const found = this.#places
      .filter(({ function: of }) => of === probed)
      .map(({ address }) => place - address)
      .filter((bias) => bias >= 0 && bias % PAGE === 0);
    return found.length === 1 ? (found[0] ?? null) : null;
  }

  /** The frames of these calls, as JSON; null: not certain. @param addresses as linked, innermost first */
  stackOf(addresses: readonly number[]): Uint8Array | null {
    const key = addresses.join();
    const known = this.#stacks.get(key);
    if (known !== undefined) return known;
    const text = this.#read(addresses);
    if (this.#stacks.size >= MAX_STACKS || this.#stackBytes > MAX_STACK_BYTES) {
      this.#stacks.clear();
      this.#stackBytes = 0;
    }
    this.#stacks.set(key, text);
    this.#stackBytes += key.length + (text?.length ?? 0);
    return text;
  }

  #read(addresses: readonly number[]): Uint8Array | null {
    const all: GoFrame[] = [];
    let cut = false;
    for (const address of addresses) {
      const frames = this.#framesOf(address);
      if (frames === null) {
        cut = true;
        break;
      }
      all.push(...frames);
    }
    const { frames, own } = goStack(all);
    // A frame that was not read may be the program's own.
    if (frames.length === 0 || (cut && own === null)) return null;
    return textOf(frames, own);
  }

  #framesOf(address: number): readonly GoFrame[] | null {
    const known = this.#frames.get(address);
    if (known !== undefined) return known;
    let frames: readonly GoFrame[] | null = null;
    try {
      frames = this.#lines.framesOf(address);
    } catch (error) {
      if (!isUnreadable(error)) throw error;
    }
    if (this.#frames.size >= MAX_ADDRESSES || this.#frameBytes > MAX_FRAME_BYTES) {
      this.#frames.clear();
      this.#frameBytes = 0;
    }
    this.#frames.set(address, frames);
    this.#frameBytes += bytesOf(frames ?? []);
    return frames;
  }
}
