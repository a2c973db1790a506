/**
 * TLS libraries of this system that a program is likely to load: attached before any has, so that one that lives
 * shortly (`curl`, a script) loses nothing.
 */
import { closeSync, fstatSync, readdirSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { openRegular } from './maps.ts';

/** libssl, libcrypto and libgnutls with the version that programs ask for, and the C library, which loads others. */
const WANTED =
  /^(?:libssl\.so\.[\d.]+|libcrypto\.so\.[\d.]+|libgnutls\.so\.\d+|libc\.so\.6|libdl\.so\.2|ld-musl-[\w-]+\.so\.\d+)$/;
/** Where they are on Debian, Fedora, Arch, Alpine and their kind, and where one's own builds go. */
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

/** Whether a file of that name is worth a look before anybody has it in memory. */
export function isCandidateName(name: string): boolean {
  return WANTED.test(name);
}

/** Paths, in this process's own view; some may lead to one file. */
export function candidatePaths(): string[] {
  const paths = new Set<string>();
  const cache = readCache();
  for (const [name, path] of cache === null ? [] : parseLoaderCache(cache)) {
    if (isCandidateName(name) && paths.size < MAX_CANDIDATES) paths.add(path);
  }
  for (const folder of SYSTEM_FOLDERS) {
    for (const name of list(folder)) {
      if (isCandidateName(name) && paths.size < MAX_CANDIDATES) paths.add(join(folder, name));
    }
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

function list(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
