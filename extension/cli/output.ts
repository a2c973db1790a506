/** Where the trace is written: standard output, or a file that only its owner can read. */
import { closeSync, constants, fchmodSync, fstatSync, openSync, writeSync } from 'node:fs';
import { EXIT_USAGE, Exit } from './exitStatus.ts';

/** Captured traffic: for its owner only. */
const PRIVATE = 0o600;

/**
 * What may wait for a slow reader of standard output, in bytes. Beyond it the trace ends with an error rather
 * than growing or dropping lines.
 */
const MAX_WAITING = 256 * 1024 * 1024;
/** `drained` waits above this many bytes. */
const HIGH_WATER = 1024 * 1024;

export interface Output {
  /** Characters a line has; null where there is no terminal. */
  readonly columns: number | null;
  /** Does nothing once broken. */
  write(text: string): void;
  /** Resolves when there is room, at once unless a reader is slow. */
  drained(): Promise<void>;
  /** Resolves when nothing more can be written: null when nobody reads any more, else what is wrong. */
  readonly broken: Promise<string | null>;
  /** Resolves when all is written. */
  end(): Promise<void>;
}

/** Creates or empties a private file. @throws Exit with a message for people. */
export function openPrivate(path: string): number {
  try {
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC;
    const file = openSync(path, flags, PRIVATE);
    // An older file keeps its mode when it is opened; devices and pipes are not ours to change.
    if (fstatSync(file).isFile()) fchmodSync(file, PRIVATE);
    return file;
  } catch (error) {
    throw new Exit(EXIT_USAGE, `${JSON.stringify(path)} cannot be written: ${reasonOf(error)}.`);
  }
}

/** Writes all of it, however often the system takes only a part. */
export function writeWhole(file: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
}

export class FileOutput implements Output {
  readonly #path: string;
  readonly #file: number;
  readonly columns = null;
  readonly broken: Promise<string | null>;
  #break: (problem: string | null) => void = () => {};
  #open = true;

  constructor(path: string, file: number) {
    this.#path = path;
    this.#file = file;
    this.broken = new Promise((resolve) => {
      this.#break = resolve;
    });
  }

  write(text: string): void {
    if (!this.#open) return;
    try {
      writeWhole(this.#file, Buffer.from(text));
    } catch (error) {
      this.#close();
      const gone = isGone(error);
      this.#break(gone ? null : `${JSON.stringify(this.#path)} cannot be written: ${reasonOf(error)}.`);
    }
  }

  async drained(): Promise<void> {}

  async end(): Promise<void> {
    this.#close();
  }

  #close(): void {
    if (!this.#open) return;
    this.#open = false;
    closeSync(this.#file);
  }
}

export class StandardOutput implements Output {
  readonly broken: Promise<string | null>;
  readonly columns: number | null;
  #open = true;
  #break: (problem: string | null) => void = () => {};

  readonly #stream: NodeJS.WriteStream;

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream;
    this.columns = stream.isTTY && stream.columns > 0 ? stream.columns : null;
    this.broken = new Promise((resolve) => {
      this.#break = (problem) => {
        this.#open = false;
        resolve(problem);
      };
    });
    stream.on('error', (error: unknown) => {
      this.#break(isGone(error) ? null : `Standard output cannot be written: ${reasonOf(error)}.`);
    });
  }

  write(text: string): void {
    if (!this.#open) return;
    this.#stream.write(text);
    if (this.#stream.writableLength > MAX_WAITING) {
      this.#break('The reader of standard output is too slow: 256 MiB are waiting. Use --output FILE.');
    }
  }

  async drained(): Promise<void> {
    if (!this.#open || this.#stream.writableLength < HIGH_WATER) return;
    await Promise.race([new Promise((resolve) => this.#stream.once('drain', resolve)), this.broken]);
  }

  async end(): Promise<void> {
    if (!this.#open) return;
    await Promise.race([new Promise((resolve) => this.#stream.write('', resolve)), this.broken]);
  }
}

function isGone(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EPIPE';
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'the file or its folder does not exist',
  EACCES: 'permission denied',
  EPERM: 'not permitted',
  EISDIR: 'it is a folder',
  ENOTDIR: 'a part of the path is not a folder',
  EROFS: 'the file system is read-only',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the quota is used up',
  EFBIG: 'the file would be too large',
  ELOOP: 'too many links',
  ENAMETOOLONG: 'the name is too long',
  ETXTBSY: 'it is a program that is running',
};

/** What a system error means, without the path and the call that Node's message repeats. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = 'code' in error ? String(error.code) : '';
  return REASONS[code] ?? error.message;
}
