/** Files whose code a process has in memory (proc_pid_maps(5)), and how they are opened from outside of it. */
import { closeSync, constants, fstatSync, openSync, readlinkSync, readSync } from 'node:fs';

/** A file that is mapped to be executed. */
export interface CodeMapping {
  /** `major:minor inode` as the kernel wrote them: equal for two mappings of one file. */
  readonly key: string;
  readonly inode: bigint;
  /** Path in the process's own view of the file system; if the file is outside of that view, as the kernel writes it. */
  readonly path: string;
  /** As the kernel writes it for this process. */
  readonly written: string;
  /** Its name has been removed, or leads to another file by now. */
  readonly deleted: boolean;
  /** `start-end` of the first such mapping, in hexadecimal. */
  readonly range: string;
  /** It is the program that the process executes. */
  readonly executed: boolean;
}

/** Longest list of mappings that is read, in bytes; a process may have 65,530 by default. */
const MAX_MAPS = 16 * 1024 * 1024;
const MAX_FILES = 4_096;
/** How often a process that executes one program after the other is read. */
const MAX_TRIES = 3;
const DELETED = ' (deleted)';
/** address perms offset device inode path; of executable mappings. Only line breaks are escaped in the path. */
const LINE = /^([0-9a-f]+-[0-9a-f]+) ..x. [0-9a-f]+ ([0-9a-f]+:[0-9a-f]+) ([1-9]\d*) +(\/.*)$/gm;
const RANGE = /^([0-9a-f]+)-([0-9a-f]+) ..x. ([0-9a-f]+) ([0-9a-f]+:[0-9a-f]+) ([1-9]\d*) /gm;

/** Each file once. Empty when the process has ended, or may not be inspected. */
export function readCodeMappings(pid: number): CodeMapping[] {
  for (let tries = 1; ; tries++) {
    // Read before the mappings: if the process ends in between, nothing is known, instead of "executes none of them".
    const [program, root] = [writtenProgram(pid), writtenRoot(pid)];
    const text = readMaps(pid);
    if (text === null) return [];
    // It may have executed another program meanwhile.
    const after = writtenProgram(pid);
    if (after === program || after === null || tries === MAX_TRIES)
      return parseCodeMappings(text, root, program);
  }
}

/** A range of addresses that holds code of a file. */
export interface CodeRange {
  /** Of its {@link CodeMapping}. */
  readonly key: string;
  /** In hexadecimal. */
  readonly start: string;
  readonly end: string;
  /** In the file. */
  readonly offset: number;
}

/**
 * As {@link readCodeMappings}, with all of the ranges.
 * @param maps what was in /proc/PID/maps; empty: it is read now
 */
export function readCodeRanges(
  pid: number,
  maps = '',
): {
  readonly mappings: readonly CodeMapping[];
  readonly ranges: readonly CodeRange[];
} {
  const [program, root] = [writtenProgram(pid), writtenRoot(pid)];
  const text = maps || (readMaps(pid) ?? '');
  const ranges = [...text.matchAll(RANGE)].map(([, start = '', end = '', offset = '', device, inode]) => {
    return { key: `${device} ${inode}`, start, end, offset: Number.parseInt(offset, 16) };
  });
  // For a process that has ended: a position-independent program is mapped before its libraries.
  const [first] = text.matchAll(LINE);
  return { mappings: parseCodeMappings(text, root, program ?? first?.[4] ?? null), ranges };
}

/** As the kernel writes it; null when the process has ended, or may not be inspected. */
function writtenProgram(pid: number): string | null {
  try {
    return readlinkSync(`/proc/${pid}/exe`);
  } catch {
    return null;
  }
}

/**
 * The root folder of a process as the kernel writes it, which prefixes every path in it: from this process's own root
 * or, if that does not lead there (another mount namespace), from the top of the mount tree. '' for `/`.
 */
export function writtenRoot(pid: number | 'self'): string {
  try {
    const root = readlinkSync(`/proc/${pid}/root`);
    return root === '/' ? '' : root;
  } catch {
    return '';
  }
}

/** @returns the path as the process with that root sees it; unchanged when it lies outside (chroot(2)) */
export function pathInRoot(written: string, root: string): string {
  return root !== '' && written.startsWith(`${root}/`) ? written.slice(root.length) : written;
}

/**
 * @param root as {@link writtenRoot} has it
 * @param program as the kernel writes it
 */
export function parseCodeMappings(text: string, root = '', program: string | null = null): CodeMapping[] {
  const found = new Map<string, CodeMapping>();
  for (const [, range = '', device = '', inode = '0', escaped = ''] of text.matchAll(LINE)) {
    const key = `${device} ${inode}`;
    if (found.has(key)) continue;
    if (found.size >= MAX_FILES) break;
    const name = escaped.replaceAll('\\012', '\n');
    const deleted = name.endsWith(DELETED);
    const written = deleted ? name.slice(0, -DELETED.length) : name;
    const path = pathInRoot(written, root);
    found.set(key, { key, inode: BigInt(inode), path, written, deleted, range, executed: name === program });
  }
  return [...found.values()];
}

/**
 * Opens the file that is mapped: by its path inside the process's root, which may be a container's, else by the links
 * that /proc has for the executable and, for the privileged, for each mapping, or outside of that root, which the
 * process may have changed after it had loaded the file. If the process has ended meanwhile, only the path is left.
 * @returns a descriptor for reading, which the caller closes; null when the file cannot be opened
 */
export function openMapping(pid: number, mapping: CodeMapping): number | null {
  const ways = mapping.deleted ? [] : [`/proc/${pid}/root${mapping.path}`];
  if (mapping.executed) ways.push(`/proc/${pid}/exe`);
  ways.push(`/proc/${pid}/map_files/${mapping.range}`);
  if (!mapping.deleted && mapping.written === mapping.path && sharesMounts(pid)) ways.push(mapping.written);
  for (const way of ways) {
    const descriptor = openRegular(way);
    if (descriptor === null) continue;
    // The device is not compared: on overlay and btrfs, stat(2) and the mappings show different ones.
    if (fstatSync(descriptor, { bigint: true }).ino === mapping.inode) return descriptor;
    closeSync(descriptor);
  }
  return null;
}

/** @returns null when it cannot be opened or is not a regular file */
export function openRegular(path: string): number | null {
  let descriptor: number;
  try {
    // Does not wait for a pipe of that name, and does not make a device this process's terminal.
    descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch {
    return null;
  }
  try {
    if (fstatSync(descriptor).isFile()) return descriptor;
  } catch {}
  closeSync(descriptor);
  return null;
}

/** Equal for two descriptors of the same file in the same state. */
export function idOf(descriptor: number): string {
  const { dev, ino, size, mtimeNs } = fstatSync(descriptor, { bigint: true });
  return `${dev}:${ino}:${size}:${mtimeNs}`;
}

/**
 * Whether a path that the kernel writes for that process may lead there in this one, too. If it has ended, this is
 * unknown, and the inode alone decides.
 */
function sharesMounts(pid: number): boolean {
  let theirs: string;
  try {
    theirs = readlinkSync(`/proc/${pid}/ns/mnt`);
  } catch {
    return true;
  }
  return theirs === readlinkSync('/proc/self/ns/mnt');
}

/**
 * /proc/PID/maps. The kernel returns it a page at a time, and only the first pages if the process ends meanwhile.
 * @param read for tests
 * @returns null when the process has ended, also while it was read, or may not be inspected
 */
export function readMaps(pid: number, read: typeof readSync = readSync): string | null {
  const descriptor = openRegular(`/proc/${pid}/maps`);
  if (descriptor === null) return null;
  const pieces: Buffer[] = [];
  try {
    for (let length = 0; length < MAX_MAPS; ) {
      const piece = Buffer.allocUnsafe(64 * 1024);
      const count = read(descriptor, piece, 0, piece.length, null);
      if (count === 0) break;
      pieces.push(piece.subarray(0, count));
      length += count;
    }
    // If it still has memory, the list is complete.
    if (read(descriptor, Buffer.allocUnsafe(1), 0, 1, 0) === 0) return null;
  } catch {
    return null; // It has ended meanwhile, or belongs to another user.
  } finally {
    closeSync(descriptor);
  }
  return Buffer.concat(pieces).toString('utf8');
}
