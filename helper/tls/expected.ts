/**
 * TLS libraries that a program is likely to load from folders that are not the system's: what was built or shipped
 * with it (conda, a bundle, one's own prefix), what LD_LIBRARY_PATH leads to, and all of them in a container. Found
 * before the program has them in memory, so that its first call is not lost while its libraries are looked at.
 *
 * This only looks; a wrong answer costs time, nothing else.
 */
import { closeSync, opendirSync } from 'node:fs';
import { basename, dirname, isAbsolute, join } from 'node:path';
import { isCandidateName, SYSTEM_FOLDERS } from './candidates.ts';
import { type Dynamic, readDynamic } from './dynamic.ts';
import { ElfFile, isUnreadable } from './elf.ts';
import { idOf, openRegular } from './maps.ts';
import type { Program } from './program.ts';

/** From the executable's own folder: the prefix that it was installed to, and where Ruby's builders put OpenSSL. */
const FROM_EXECUTABLE = ['../lib', '../lib64', '../openssl/lib'];
const MAX_FOLDERS = 64;
/** Names in one folder that are looked at. */
const MAX_NAMES = 20_000;
/** Libraries whose own needs are followed. */
const MAX_FOLLOWED = 64;
/** Files that are looked for; an odd program may name a thousand in each of its folders. */
const MAX_LOOKS = 4_096;
const MAX_EXPECTED = 128;
/** Programs that are remembered. */
const MAX_PROGRAMS = 256;

const NOTHING: Dynamic = { needed: [], folders: [] };

export class ExpectedLibraries {
  readonly #known = new Map<string, readonly string[]>();

  /** Paths in this process's view. */
  of(program: Program): readonly string[] {
    const descriptor = openRegular(program.root + program.path);
    if (descriptor === null) return [];
    try {
      const key = [idOf(descriptor), program.root, program.libraryPath].join('\0');
      const known = this.#known.get(key);
      if (known !== undefined) return known;
      const found = search(program);
      if (this.#known.size >= MAX_PROGRAMS) this.#known.delete(this.#known.keys().next().value ?? '');
      this.#known.set(key, found);
      return found;
    } finally {
      closeSync(descriptor);
    }
  }
}

function search({ path, root, libraryPath }: Program): string[] {
  // Of this system's own folders everything is attached already; a container's are others.
  const passed = new Set(root === '' ? SYSTEM_FOLDERS : []);
  const folders = new Set<string>();
  const add = (folder: string): void => {
    if (isAbsolute(folder) && !passed.has(folder) && folders.size < MAX_FOLDERS) folders.add(folder);
  };
  for (const folder of libraryPath.split(/[:;]/)) add(join(folder));
  let looks = 0;
  const placeOf = (name: string): string | null => {
    for (const folder of folders) {
      if (++looks > MAX_LOOKS) return null;
      const place = join(folder, name);
      const descriptor = openRegular(root + place);
      if (descriptor === null) continue;
      closeSync(descriptor);
      return place;
    }
    return null;
  };
  const found = new Set<string>();
  const followed = [path];
  for (const file of followed) {
    const { needed, folders: own } = dynamicOf(root + file);
    for (const folder of own) add(join(expand(folder, file)));
    for (const name of needed) {
      const library = name.includes('/') ? expand(name, file) : placeOf(name);
      if (library === null || !isAbsolute(library) || found.has(library)) continue;
      if (found.size >= MAX_EXPECTED || followed.length >= MAX_FOLLOWED) break;
      found.add(library);
      followed.push(library);
    }
  }
  for (const step of FROM_EXECUTABLE) add(join(dirname(path), step));
  if (root !== '') for (const folder of SYSTEM_FOLDERS) add(folder);
  for (const folder of folders) {
    for (const name of namesIn(root + folder)) {
      if (isCandidateName(name) && found.size < MAX_EXPECTED) found.add(join(folder, name));
    }
  }
  // What is most likely wanted comes first: each takes its milliseconds.
  const likely = (library: string): number => (isCandidateName(basename(library)) ? 0 : 1);
  return [...found].sort((a, b) => likely(a) - likely(b)).map((library) => root + library);
}

/** ld.so(8): `$ORIGIN` and `${ORIGIN}`; what else it may stand for there leads to the system's folders. */
function expand(text: string, file: string): string {
  return text.replace(/\$ORIGIN\b|\$\{ORIGIN\}/g, () => dirname(file));
}

function dynamicOf(path: string): Dynamic {
  const descriptor = openRegular(path);
  if (descriptor === null) return NOTHING;
  try {
    return readDynamic(ElfFile.read(descriptor));
  } catch (error) {
    if (isUnreadable(error)) return NOTHING;
    throw error;
  } finally {
    closeSync(descriptor);
  }
}

function* namesIn(folder: string): Generator<string> {
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
