/**
 * Keeps the trace that runs in files, as the frames come: a crash of the extension host leaves what was written, and when
 * a window is closed there is no time to write much. In the engine's thread, which nobody waits for: what is written goes
 * into the system's cache at the speed of a copy. A file is for its owner only.
 *
 * Beyond the limit the oldest part goes. Each part begins with what the others need to be understood (hello, clock, what
 * is known of processes and TLS); connections that were open before it are as if they had been joined late.
 */
import { closeSync, constants, openSync, unlinkSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { Frame } from '../../helper/frames.ts';
import { FRAME_HEADER_SIZE, FrameType } from '../../helper/protocol.ts';
import { type KeptPart, keptName } from './keptFiles.ts';
import { RecordingEncoder } from './recording.ts';

export interface KeepOptions {
  readonly folder: string;
  /** Bytes of all that is kept. */
  readonly limit: number;
  readonly run: string;
}

const PRIVATE = 0o600;
/** Share of the limit that one part has: so much goes at once. */
const PART = 1 / 4;
/** Bytes that wait to be written: one call of the system for many small frames. */
const BUFFER = 256 * 1024;
/** Frames of what is known that are written again in each part. */
const MAX_KNOWN = 4_096;
/** Share of a part that these may have: a part that they filled would be followed by another with each frame. */
const KNOWN = 1 / 2;
/** Of these a later one does not take the place of an earlier one. */
const ALL: ReadonlySet<FrameType> = new Set([FrameType.Process, FrameType.TlsFile, FrameType.Tls]);

type Part = Omit<KeptPart, 'size'> & { size: number };

export class TraceKeeper {
  #options: KeepOptions | null = null;
  #began = 0;
  #file: number | null = null;
  #encoder = new RecordingEncoder();
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  /** Of the trace that runs, the last of which is being written. */
  #parts: Part[] = [];
  #partNumber = 0;
  /** What a further part begins with. */
  #first: Frame[] = [];
  #known: Frame[] = [];
  #knownBytes = 0;
  /** Of earlier traces of this window, oldest first. */
  #earlier: Part[] = [];
  #problem: string | null = null;

  /** Why what runs is not kept; null: it is. */
  get problem(): string | null {
    return this.#problem;
  }

  /** A trace begins. @param now milliseconds since the epoch */
  begin(options: KeepOptions | null, now: number): void {
    this.end();
    this.#options = options;
    this.#problem = null;
    this.#began = now;
    this.#partNumber = 0;
    this.#first = [];
    this.#known = [];
    this.#knownBytes = 0;
    if (options !== null) this.#try(() => this.#newPart());
  }

  /** Files of earlier windows that were taken over. */
  adopt(parts: readonly KeptPart[]): void {
    this.#earlier.unshift(...parts);
  }

  frame({ type, payload }: Frame): void {
    if (this.#file === null) return;
    const { limit } = this.#options as KeepOptions;
    if (type === FrameType.Hello || (type === FrameType.Clock && this.#first.length < 2)) {
      this.#first.push({ type, payload: payload.slice() });
    } else if (
      ALL.has(type) &&
      this.#known.length < MAX_KNOWN &&
      this.#knownBytes + payload.length <= limit * PART * KNOWN
    ) {
      this.#known.push({ type, payload: payload.slice() });
      this.#knownBytes += payload.length + FRAME_HEADER_SIZE;
    }
    const current = this.#parts.at(-1);
    if (current !== undefined && current.size >= limit * PART) this.#roll();
    if (this.#file !== null) this.#write({ type, payload });
  }

  /** What was read is on its way to the disk. */
  flush(): void {
    if (this.#file === null || this.#waitingBytes === 0) return;
    const bytes = Buffer.concat(this.#waiting);
    this.#waiting = [];
    this.#waitingBytes = 0;
    const file = this.#file;
    this.#try(() => {
      for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
    });
  }

  end(): void {
    this.flush();
    this.#close();
    this.#earlier.push(...this.#parts);
    this.#parts = [];
  }

  /** The list was cleared: nothing of what was in it stays. What runs goes on in a new file. */
  clear(): void {
    this.#waiting = [];
    this.#waitingBytes = 0;
    const running = this.#file !== null;
    this.#close();
    this.#remove([...this.#earlier, ...this.#parts]);
    this.#earlier = [];
    this.#parts = [];
    if (running) this.#roll();
  }

  /** What runs is not kept: it may hold what is not shown. */
  abandon(reason: string): void {
    this.#waiting = [];
    this.#waitingBytes = 0;
    this.#close();
    this.#remove(this.#parts);
    this.#parts = [];
    this.#problem = reason;
  }

  /** The next part, which begins with what is known. */
  #roll(): void {
    this.flush();
    this.#close();
    this.#try(() => this.#newPart());
    if (this.#file === null) return;
    for (const frame of [...this.#first, ...this.#known]) this.#write(frame);
  }

  #newPart(): void {
    const options = this.#options;
    if (options === null) return;
    this.#partNumber++;
    const name = { began: this.#began, pid: process.pid, run: options.run, part: this.#partNumber };
    const path = join(options.folder, keptName(name));
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | (constants.O_NOFOLLOW ?? 0);
    this.#file = openSync(path, flags, PRIVATE);
    this.#parts.push({ ...name, path, size: 0 });
    this.#makeRoom(options.limit);
    this.#encoder = new RecordingEncoder();
    this.#push(this.#encoder.header('little'));
  }

  /** The oldest go first. The part that is begun has room. */
  #makeRoom(limit: number): void {
    const all = [...this.#earlier, ...this.#parts.slice(0, -1)];
    let total = all.reduce((sum, { size }) => sum + size, 0);
    const gone: Part[] = [];
    for (const part of all) {
      if (total <= limit * (1 - PART)) break;
      total -= part.size;
      gone.push(part);
    }
    this.#remove(gone);
    this.#earlier = this.#earlier.filter((part) => !gone.includes(part));
    this.#parts = this.#parts.filter((part) => !gone.includes(part));
  }

  #write({ type, payload }: Frame): void {
    this.#push(this.#encoder.frame(type, payload));
    // A view that is valid only now.
    this.#push(payload.slice());
    if (this.#waitingBytes >= BUFFER) this.flush();
  }

  #push(bytes: Uint8Array): void {
    this.#waiting.push(bytes);
    this.#waitingBytes += bytes.length;
    const current = this.#parts.at(-1);
    if (current !== undefined) current.size += bytes.length;
  }

  #close(): void {
    if (this.#file === null) return;
    const file = this.#file;
    this.#file = null;
    try {
      closeSync(file);
    } catch {
      // The descriptor is gone in any case.
    }
  }

  #remove(parts: readonly Part[]): void {
    for (const { path } of parts) {
      try {
        unlinkSync(path);
      } catch {
        // Somebody else has removed it.
      }
    }
  }

  /** A trace goes on without being kept. */
  #try(act: () => void): void {
    try {
      act();
    } catch (error) {
      this.abandon(`The trace is not kept: ${(error as Error).message}`);
    }
  }
}
