/**
 * A file of captured traffic: for its owner only (0600), never half written under its name, never through a link.
 *
 * Data goes to a new file beside it, `NAME.partial`, which is renamed when it is complete. It can be followed meanwhile
 * (`tail -F NAME.partial`), and after a kill -9 its name shows that it is incomplete. A write that fails removes it. An
 * older file of the same name stays until the rename.
 *
 * A symbolic link at the name is refused, not replaced: its owner would look for the trace at its target, and with elevated
 * rights or in a shared folder another user may have chosen that target. Devices, pipes and descriptors (`/dev/stdout`,
 * `>(command)`) cannot be renamed and are written to directly.
 */
import {
  accessSync,
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  fsyncSync,
  lstatSync,
  openSync,
  renameSync,
  type Stats,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { EXIT_USAGE, Exit } from './exitStatus.ts';

const PRIVATE = 0o600;
const SUFFIX = '.partial';
/** Limit of other traces' partial files, running or killed, of the same name. */
const MAX_PARTIAL = 100;
/** Bytes of a name that leave room for the suffix; file systems allow 255. */
const MAX_NAME = 200;
/** Sticky bit: only a file's owner may rename or remove it in such a folder. */
const STICKY = 0o1000;

const DESCRIPTOR = /^(?:\/dev\/(?:stdin|(stdout)|(stderr)|fd\/(\d+))|\/proc\/self\/fd\/(\d+))$/;

export class PrivateFile {
  readonly #path: string;
  readonly #file: number;
  /** Path of the partial file until it is committed; null: written to directly. */
  readonly #partial: string | null;
  /** The descriptor is not ours to close. */
  readonly #borrowed: boolean;
  #open = true;

  private constructor(path: string, file: number, partial: string | null, borrowed = false) {
    this.#path = path;
    this.#file = file;
    this.#partial = partial;
    this.#borrowed = borrowed;
  }

  /** @throws Exit with a message for people. */
  static open(path: string): PrivateFile {
    try {
      const descriptor = descriptorOf(path);
      if (descriptor !== null) return PrivateFile.#ofDescriptor(path, descriptor);
      const stats = lstatSync(path, { throwIfNoEntry: false });
      if (stats?.isSymbolicLink() === true) throw new Refusal('it is a link, and links are not followed');
      if (stats !== undefined && !stats.isFile()) {
        return new PrivateFile(path, openSpecial(path, stats), null);
      }
      if (stats !== undefined) checkReplaceable(path, stats);
      const [file, partial] = createPartial(path);
      return new PrivateFile(path, file, partial);
    } catch (error) {
      throw new Exit(EXIT_USAGE, `${JSON.stringify(path)} cannot be written: ${reasonOf(error)}.`);
    }
  }

  static #ofDescriptor(path: string, descriptor: number): PrivateFile {
    const stats = fstatSync(descriptor);
    // Not opened again: a file would be overwritten from its beginning, and a socket cannot be opened.
    if (stats.isFile() || stats.isSocket()) return new PrivateFile(path, descriptor, null, true);
    // Reopened, a pipe waits for its reader; the descriptor that Node has set up may not.
    const flags = constants.O_WRONLY | constants.O_NOCTTY;
    return new PrivateFile(path, openSync(`/proc/self/fd/${descriptor}`, flags), null);
  }

  /** Writes everything, even if the system accepts only parts. @throws the system's error, after discarding the file */
  write(bytes: Uint8Array): void {
    if (!this.#open) return;
    try {
      for (let at = 0; at < bytes.length; ) at += writeSync(this.#file, bytes, at);
    } catch (error) {
      this.discard();
      throw error;
    }
  }

  /** The file is complete: renames it. @throws when it cannot be renamed */
  commit(): void {
    if (!this.#open) return;
    try {
      // A full disk or a used-up quota may show only now.
      if (this.#partial !== null) fsyncSync(this.#file);
    } catch (error) {
      this.discard();
      throw error;
    }
    this.#close();
    if (this.#partial === null) return;
    try {
      renameSync(this.#partial, this.#path);
    } catch (error) {
      // The file is complete, so it is kept.
      throw new Refusal(`${reasonOf(error)}; it is kept as ${JSON.stringify(this.#partial)}`);
    }
  }

  /** Removes the partial file; an older file of the name stays. */
  discard(): void {
    if (!this.#open) return;
    this.#close();
    if (this.#partial === null) return;
    try {
      unlinkSync(this.#partial);
    } catch {
      // Somebody else has removed it.
    }
  }

  #close(): void {
    this.#open = false;
    if (this.#borrowed) return;
    try {
      closeSync(this.#file);
    } catch {
      // The descriptor is closed even if this fails, and fsync has reported any write error.
    }
  }
}

/** Why a file must not be written to. The message completes "… cannot be written: ". */
class Refusal extends Error {
  override readonly name = 'Refusal';
}

/** The descriptor that a path such as `/dev/fd/3` means; null: an ordinary path. */
function descriptorOf(path: string): number | null {
  const [whole, output, error, ...numbers] = DESCRIPTOR.exec(path) ?? [];
  if (whole === undefined) return null;
  if (output !== undefined) return 1;
  if (error !== undefined) return 2;
  const number = numbers.find((digits) => digits !== undefined);
  return number === undefined ? 0 : Number(number);
}

/** Device or pipe. */
function openSpecial(path: string, stats: Stats): number {
  const user = process.geteuid?.() ?? -1;
  // Another user may have created it to eavesdrop (the kernel's fs.protected_fifos guards against this).
  if (stats.isFIFO() && stats.uid !== user && stats.uid !== 0) {
    throw new Refusal('it is a pipe of another user');
  }
  const flags = constants.O_WRONLY | constants.O_NOFOLLOW | constants.O_NOCTTY;
  const file = openSync(path, flags);
  const opened = fstatSync(file);
  if (opened.ino === stats.ino && opened.dev === stats.dev) return file;
  closeSync(file);
  throw new Refusal('it was replaced while it was opened');
}

/** Checked at once, not when the trace has ended. */
function checkReplaceable(path: string, stats: Stats): void {
  // A file that its owner has made read-only must not be replaced.
  accessSync(path, constants.W_OK);
  const user = process.geteuid?.() ?? -1;
  const folder = statSync(dirname(path));
  const sticky = (folder.mode & STICKY) !== 0;
  if (sticky && user !== 0 && stats.uid !== user && folder.uid !== user) {
    throw new Refusal('it belongs to another user');
  }
}

function createPartial(path: string): [file: number, partial: string] {
  let name = basename(path);
  while (Buffer.byteLength(name) > MAX_NAME) name = name.slice(0, -1);
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
  for (let number = 1; ; number++) {
    const partial = join(dirname(path), name + SUFFIX + (number === 1 ? '' : `-${number}`));
    try {
      const file = openSync(partial, flags, PRIVATE);
      fchmodSync(file, PRIVATE);
      return [file, partial];
    } catch (error) {
      if (codeOf(error) !== 'EEXIST' || number >= MAX_PARTIAL) throw error;
    }
  }
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
  EBUSY: 'it is in use as a mount point',
  EBADF: 'it is not open for writing',
  ENXIO: 'nobody reads it',
};

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}

/** What a system error means, without the path and the call that Node's message repeats. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return REASONS[codeOf(error)] ?? error.message;
}

/** The reader of a pipe has gone. */
export function isGone(error: unknown): boolean {
  return codeOf(error) === 'EPIPE';
}
