/**
 * Reads bytes that a traced program has sent from a file (sendfile), if the file certainly still holds them. The path comes
 * from a possibly hostile program, so the file is opened only after its identity was checked, and with the user's own
 * rights: whoever may trace a process may read what it sends.
 */
import { constants, fstatSync } from 'node:fs';
import { type FileHandle, open, readFile } from 'node:fs/promises';
import { Omission } from '../engine/record.ts';
import type { SentFile, Unread } from './sentFile.ts';

/** O_PATH: a descriptor that names a file without opening it, so that no device, FIFO or lease notices. */
const O_PATH = 0o10000000;
const NAME_ONLY = O_PATH | constants.O_NOFOLLOW;
/** For a checked regular file. O_NOATIME leaves no trace, but only the file's owner may use it. */
const READ_ONLY = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY;

/**
 * Timer ticks that one read, including the open, may take, and their length in milliseconds: five seconds. On a machine
 * so busy that this process hardly runs, ticks come late, and the read gets that much longer.
 */
const TURNS = 50;
const TURN_MS = 100;
/**
 * Nanoseconds. Two changes of a file within one tick of the kernel's clock (at most 10 ms) have the same timestamp, so a
 * file that was changed this shortly before it was sent may have been changed again since.
 */
const SAME_TIME = 20_000_000n;
/** Longest list of mounts that is read. */
const MAX_MOUNTINFO = 4 * 1024 * 1024;

interface Held {
  readonly key: string;
  readonly handle: FileHandle;
}

let hanging = 0;

/** A read has not returned. A process with such a thread does not exit by itself. */
export function readHangs(): boolean {
  return hanging > 0;
}

export class SentFileReader {
  /** The file that was read last, kept open because the next bytes often come from it. */
  #held: Held | null = null;
  /** A read takes too long. Nothing is opened until it ends, so only one can hang. */
  #stuck = false;
  readonly #turns: number;

  /** @param turns of 100 ms, which one read may take */
  constructor(turns = TURNS) {
    this.#turns = turns;
  }

  /**
   * @param sent wall time of the call in nanoseconds since the epoch
   * @returns all bytes, or the reason why not
   */
  async read(file: SentFile, sent: bigint): Promise<Uint8Array | Unread> {
    if (file.foreign) return Omission.FileSystem;
    if (file.writableMap || changedJustBefore(file, sent)) return Omission.FileUncertain;
    if (this.#stuck) return Omission.FileSlow;
    const reading = this.#attempt(file).catch((): Unread => Omission.FileUnreadable);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<null>((resolve) => {
      let turns = 0;
      timer = setInterval(() => {
        if (++turns >= this.#turns) resolve(null);
      }, TURN_MS);
    });
    const result = await Promise.race([reading, late]);
    clearInterval(timer);
    if (result !== null) return result;
    this.#stuck = true;
    hanging++;
    void reading.then(() => {
      this.#stuck = false;
      hanging--;
    });
    return Omission.FileSlow;
  }

  /** Closes the file that is kept open. */
  async close(): Promise<void> {
    if (this.#stuck) return;
    const held = this.#held;
    this.#held = null;
    await held?.handle.close();
  }

  async #attempt(file: SentFile): Promise<Uint8Array | Unread> {
    const { device, inode, changed, size } = file;
    const key = [file.pid, device.major, device.minor, inode, changed, size].join(' ');
    if (this.#held?.key !== key) {
      const held = this.#held;
      this.#held = null;
      await held?.handle.close();
      const opened = await openSame(file);
      if (typeof opened === 'number') return opened;
      this.#held = { key, handle: opened };
    }
    const { handle } = this.#held as Held;
    if (!isUnchanged(handle, file)) return Omission.FileChanged;
    const bytes = Buffer.allocUnsafe(file.length);
    for (let at = 0; at < bytes.length; ) {
      const position = file.position + BigInt(at);
      const { bytesRead } = await handle.read(bytes, at, bytes.length - at, Number(position));
      if (bytesRead === 0) return Omission.FileChanged;
      at += bytesRead;
    }
    return isUnchanged(handle, file) ? bytes : Omission.FileChanged;
  }
}

function changedJustBefore(file: SentFile, sent: bigint): boolean {
  if (file.stamped) return false;
  const coarse = 2n * BigInt(file.granularity);
  return file.changed > sent - (coarse > SAME_TIME ? coarse : SAME_TIME);
}

/** Synchronous: fstat() of an open file on a local file system does not block. */
function isUnchanged(handle: FileHandle, file: SentFile): boolean {
  const status = fstatSync(handle.fd, { bigint: true });
  return status.size === file.size && status.ctimeNs === file.changed;
}

/**
 * Tries the path as the process sees it; its descriptor, which a server soon closes, but which also finds an unlinked
 * file; and, if the process has ended, the path as this process sees it.
 */
async function openSame(file: SentFile): Promise<FileHandle | Unread> {
  const { pid, descriptor, path } = file;
  let reason: Unread = Omission.FileUnreadable;
  const byDescriptor = `/proc/${pid}/fd/${descriptor}`;
  const places = path === null ? [byDescriptor] : [`/proc/${pid}/root${path}`, byDescriptor, path];
  for (const at of places) {
    const flags = at === byDescriptor ? O_PATH : NAME_ONLY;
    const named = await open(Buffer.from(at, 'latin1'), flags).catch(() => null);
    if (named === null) continue;
    try {
      if (!(await isSame(named, file))) {
        // Descriptors are soon reused, so a different file here does not mean that this one has changed.
        if (flags === NAME_ONLY) reason = Omission.FileChanged;
        continue;
      }
      return await openChecked(`/proc/self/fd/${named.fd}`);
    } catch {
      reason = Omission.FileUnreadable;
    } finally {
      await named.close();
    }
  }
  return reason;
}

async function openChecked(path: string): Promise<FileHandle> {
  try {
    return await open(path, READ_ONLY | constants.O_NOATIME);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') throw error;
    return await open(path, READ_ONLY);
  }
}

async function isSame(handle: FileHandle, file: SentFile): Promise<boolean> {
  const status = await handle.stat({ bigint: true });
  if (!status.isFile() || status.ino !== file.inode) return false;
  const { major, minor } = file.device;
  if (majorOf(status.dev) === major && minorOf(status.dev) === minor) return true;
  // On btrfs and overlayfs, stat() reports another device than the kernel's own, which is the mount's.
  return (await mountDevice(handle.fd, file.pid)) === `${major}:${minor}`;
}

/** gnu_dev_major(3) */
function majorOf(device: bigint): number {
  return Number(((device >> 8n) & 0xfffn) | ((device >> 32n) & 0xfffff000n));
}

function minorOf(device: bigint): number {
  return Number((device & 0xffn) | ((device >> 12n) & 0xffffff00n));
}

/** `MAJOR:MINOR` of the mount through which a file was opened; null: not known. */
async function mountDevice(descriptor: number, pid: number): Promise<string | null> {
  const info = await readFile(`/proc/self/fdinfo/${descriptor}`, 'latin1');
  const mount = /^mnt_id:\s*(\d+)$/m.exec(info)?.[1];
  if (mount === undefined) return null;
  for (const owner of ['self', String(pid)]) {
    const mounts = await readFile(`/proc/${owner}/mountinfo`, 'latin1').catch(() => '');
    if (mounts.length > MAX_MOUNTINFO) return null;
    const found = new RegExp(`^${mount} \\d+ (\\d+:\\d+) `, 'm').exec(mounts)?.[1];
    if (found !== undefined) return found;
  }
  return null;
}
