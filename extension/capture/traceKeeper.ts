/**
 * Writes the running trace to files as its frames arrive: they survive a crash of the extension host, and when a window is
 * closed there is no time to write much. Runs in the engine's thread, which may block; writing goes to the page cache
 * at the speed of a copy. Files are readable by their owner only.
 *
 * Beyond the limit the oldest part is deleted. So each part begins with the state that is needed to understand it (hello,
 * clock, processes, TLS); connections that were opened in earlier parts then count as joined late.
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
/** Size of one part, as a share of the limit: this much is deleted at once. */
const PART = 1 / 4;
/** Bytes that are buffered, so that many small frames need one system call. */
const BUFFER = 256 * 1024;
/** State frames that are repeated at the beginning of each part. */
const MAX_REPEATED = 4_096;
/** Largest share of a part for them: if they filled it, each further frame would start a new part. */
const REPEATED_SHARE = 1 / 2;
/** Types of state frames that each further part repeats. */
const REPEATED: ReadonlySet<FrameType> = new Set([FrameType.Process, FrameType.TlsFile, FrameType.Tls]);

type Part = Omit<KeptPart, 'size'> & { size: number };

export class TraceKeeper {
  #options: KeepOptions | null = null;
  #began = 0;
  #file: number | null = null;
  #encoder = new RecordingEncoder();
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  /** Parts of the running trace, the last of which is being written. */
  #parts: Part[] = [];
  #partNumber = 0;
  /** Frames that start further parts. */
  #first: Frame[] = [];
  #known: Frame[] = [];
  #knownBytes = 0;
  /** Parts of earlier traces of this window, oldest first. */
  #earlier: Part[] = [];
  #problem: string | null = null;

  /** Why the running trace is not kept; null: it is. */
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
      REPEATED.has(type) &&
      this.#known.length < MAX_REPEATED &&
      this.#knownBytes + payload.length <= limit * PART * REPEATED_SHARE
    ) {
      this.#known.push({ type, payload: payload.slice() });
      this.#knownBytes += payload.length + FRAME_HEADER_SIZE;
    }
    const current = this.#parts.at(-1);
    if (current !== undefined && current.size >= limit * PART) this.#roll();
    if (this.#file !== null) this.#write({ type, payload });
  }

  /** Writes what is buffered to the file. */
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

  /** The list was cleared: deletes everything. The running trace continues in a new file. */
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

  /** Stops keeping the running trace, because it may contain calls that are not shown. */
  abandon(reason: string): void {
    this.#waiting = [];
    this.#waitingBytes = 0;
    this.#close();
    this.#remove(this.#parts);
    this.#parts = [];
    this.#problem = reason;
  }

  /** Begins the next part with the known state. */
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

  /** Deletes the oldest parts, so that all together, with the new one, stay within the limit. */
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
    // Copied: the payload is valid only during this call.
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
      // The descriptor is closed even if this fails.
    }
  }

  #remove(parts: readonly Part[]): void {
    for (const { path } of parts) {
      try {
        unlinkSync(path);
      } catch {
        // Another process has removed it.
      }
    }
  }

  /** On error, the trace goes on unkept. */
  #try(act: () => void): void {
    try {
      act();
    } catch (error) {
      this.abandon(`The trace is not kept: ${(error as Error).message}`);
    }
  }
}
