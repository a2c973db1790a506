/**
 * TLS libraries of this system that a program is likely to load. They get probes before any program loads them, so that
 * nothing is missed of short-lived programs (`curl`, a script).
 */
import { closeSync, fstatSync, opendirSync, readSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { openRegular } from './maps.ts';

/** TLS libraries and their companions, with the version that programs ask for, and the C library, which loads others. */
const WANTED =
  /^(?:libssl\.so\.[\d.]+|libcrypto\.so\.[\d.]+|libgnutls\.so\.\d+|libssl3\.so|libnspr4\.so|libmbed(?:tls|crypto)\.so\.\d+|libwolfssl\.so\.\d+|libmono-btls-shared\.so|libc\.so\.6|libdl\.so\.2|ld-musl-[\w-]+\.so\.\d+)$/;
/**
 * Those that few programs use, and whose probes are costly for others: with NSPR's functions programs also read and write
 * files, and every process that has a library in memory pays for its probes. Before Linux 6.6, each probe also takes a tenth
 * of a second to remove. So these are attached only when a target is expected to load them.
 */
const COSTLY = /^(?:libssl3|libnspr4|libmbed\w+|libwolfssl|libmono-btls-shared)\.so\b/;
/** Where Debian, Fedora, Arch, Alpine and their derivatives put them, and where local builds go. */
export const SYSTEM_FOLDERS: readonly string[] = [
  '/lib/x86_64-linux-gnu',
  '/usr/lib/x86_64-linux-gnu',
  '/lib/aarch64-linux-gnu',
  '/usr/lib/aarch64-linux-gnu',
  '/lib64',
  '/usr/lib64',
  '/lib',
  '/usr/lib',
  '/usr/local/lib',
  '/usr/local/lib64',
];
const CACHE = '/etc/ld.so.cache';
/** glibc, sysdeps/generic/dl-cache.h: `struct cache_file_new`, which old caches have after their own table. */
const MAGIC = Buffer.from('glibc-ld.so.cache1.1', 'latin1');
const HEADER_SIZE = 48;
const ENTRY_SIZE = 24;
const MAX_CACHE = 16 * 1024 * 1024;
const MAX_ENTRIES = 200_000;
const MAX_PATH = 4_096;
const MAX_CANDIDATES = 64;
/** In one search. */
const MAX_FOUND = 128;
/** Names in one folder that are looked at. */
const MAX_NAMES = 20_000;

/** Changes when libraries are installed: the linker's cache is rebuilt. */
export function libraryState(): string {
  const status = statSync(CACHE, { bigint: true, throwIfNoEntry: false });
  return status === undefined ? '' : `${status.ino} ${status.mtimeNs}`;
}

/** Is a file of that name worth examining before a process has loaded it? */
export function isCandidateName(name: string): boolean {
  return WANTED.test(name);
}

/** Whether a library of the system is attached only when a target is expected to load it. */
export function isCostlyName(name: string): boolean {
  return COSTLY.test(name);
}

/** Paths of such files in the folders of a system, without the root and without those that a target has to load first. */
export function systemCandidates(root: string): string[] {
  return candidatesIn(SYSTEM_FOLDERS, root).filter((path) => !isCostlyName(basename(path)));
}

/**
 * Paths of such files, without the root; a folder with two names is read once.
 * @param root what comes before the folders in this process's view
 */
export function candidatesIn(folders: readonly string[], root: string): string[] {
  const found: string[] = [];
  const read = new Set<string>();
  for (const folder of folders) {
    // /lib is /usr/lib on most systems, and long.
    const identity = identityOf(root + folder);
    if (identity === null || read.has(identity)) continue;
    read.add(identity);
    for (const name of namesIn(root + folder)) {
      if (isCandidateName(name) && found.length < MAX_FOUND) found.push(join(folder, name));
    }
  }
  return found;
}

/** Paths, in this process's own view; some may lead to one file. */
export function candidatePaths(): string[] {
  const paths = new Set<string>();
  const cache = readCache();
  for (const [name, path] of cache === null ? [] : parseLoaderCache(cache)) {
    if (isCandidateName(name) && !isCostlyName(name) && paths.size < MAX_CANDIDATES) paths.add(path);
  }
  for (const path of systemCandidates('')) {
    if (paths.size < MAX_CANDIDATES) paths.add(path);
  }
  return [...paths];
}

/** [name that programs ask for, path] of each library that the dynamic loader knows; empty when it is malformed. */
export function* parseLoaderCache(bytes: Buffer): Generator<[name: string, path: string]> {
  const start = bytes.indexOf(MAGIC);
  if (start < 0 || start + HEADER_SIZE > bytes.length) return;
  const count = Math.min(bytes.readUInt32LE(start + 20), MAX_ENTRIES);
  for (let index = 0; index < count; index++) {
    const at = start + HEADER_SIZE + index * ENTRY_SIZE;
    if (at + ENTRY_SIZE > bytes.length) return;
    const name = text(bytes, start + bytes.readUInt32LE(at + 4));
    const path = text(bytes, start + bytes.readUInt32LE(at + 8));
    if (name !== null && path?.startsWith('/')) yield [name, path];
  }
}

function text(bytes: Buffer, at: number): string | null {
  const end = at < bytes.length ? bytes.indexOf(0, at) : -1;
  return end < 0 || end - at > MAX_PATH ? null : bytes.toString('utf8', at, end);
}

function readCache(): Buffer | null {
  const descriptor = openRegular(CACHE);
  if (descriptor === null) return null;
  try {
    const bytes = Buffer.alloc(Math.min(fstatSync(descriptor).size, MAX_CACHE));
    return bytes.subarray(0, readSync(descriptor, bytes, 0, bytes.length, 0));
  } catch {
    return null;
  } finally {
    closeSync(descriptor);
  }
}

/** null: it does not exist, or must not be read. */
function identityOf(folder: string): string | null {
  try {
    const { dev, ino } = statSync(folder, { bigint: true });
    return `${dev}:${ino}`;
  } catch {
    return null;
  }
}

/** Names in a folder, 20,000 at most; none where it cannot be read. */
export function* namesIn(folder: string): Generator<string> {
  try {
    const open = opendirSync(folder);
    try {
      for (let seen = 0; seen < MAX_NAMES; seen++) {
        const entry = open.readSync();
        if (entry === null) break;
        yield entry.name;
      }
    } finally {
      open.closeSync();
    }
  } catch {
    // It is not there, or not to be read.
  }
}
