/**
 * TLS libraries that a program is likely to load from folders that are not the system's: what was built or shipped
 * with it (conda, a bundle, one's own prefix), what LD_LIBRARY_PATH leads to, and all of them in a container. Found
 * before the program has them in memory, so that its first call is not lost while its libraries are looked at.
 *
 * This only looks; a wrong answer costs time, nothing else.
 */
import { closeSync } from 'node:fs';
import { basename, dirname, isAbsolute, join } from 'node:path';
import { candidatesIn, isCandidateName, SYSTEM_FOLDERS } from './candidates.ts';
import { type Dynamic, readDynamic } from './dynamic.ts';
import { ElfFile, isUnreadable } from './elf.ts';
import { idOf, openRegular } from './maps.ts';
import type { Program } from './program.ts';

/** From the executable's own folder: the prefix that it was installed to, and where Ruby's builders put OpenSSL. */
const FROM_EXECUTABLE = ['../lib', '../lib64', '../openssl/lib'];
const MAX_FOLDERS = 64;
/** Libraries whose own needs are followed. */
const MAX_FOLLOWED = 64;
/** Files that are looked for; an odd program may name a thousand in each of its folders. */
const MAX_LOOKS = 4_096;
const MAX_EXPECTED = 128;
/** Programs, and views, that are remembered. */
const MAX_PROGRAMS = 256;

const NOTHING: Dynamic = { needed: [], folders: [] };

export class ExpectedLibraries {
  /** Paths in the programs' own views. */
  readonly #known = new Map<string, readonly string[]>();
  /** By view, the paths of what is in its system's folders: as many names are read once, not for each program. */
  readonly #systems = new Map<string, readonly string[]>();

  /** Paths in this process's view. */
  of(program: Program): readonly string[] {
    const descriptor = openRegular(program.root + program.path);
    if (descriptor === null) return [];
    try {
      const key = [idOf(descriptor), program.view, program.libraryPath].join('\0');
      const own = remembered(this.#known, key, () => search(program));
      // Of this system's own folders everything is attached already; a container's are others.
      const system =
        program.view === ''
          ? []
          : remembered(this.#systems, program.view, () => candidatesIn(SYSTEM_FOLDERS, program.root));
      return [...new Set([...system, ...own])].map((path) => program.root + path);
    } finally {
      closeSync(descriptor);
    }
  }
}

function remembered(
  known: Map<string, readonly string[]>,
  key: string,
  find: () => readonly string[],
): readonly string[] {
  const before = known.get(key);
  if (before !== undefined) return before;
  const found = find();
  if (known.size >= MAX_PROGRAMS) known.delete(known.keys().next().value ?? '');
  known.set(key, found);
  return found;
}

/** Paths, without the root. */
function search({ path, root, libraryPath }: Program): string[] {
  const passed = new Set(SYSTEM_FOLDERS);
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
  for (const library of candidatesIn([...folders], root)) {
    if (found.size < MAX_EXPECTED) found.add(library);
  }
  // What is most likely wanted comes first: each takes its milliseconds.
  const likely = (library: string): number => (isCandidateName(basename(library)) ? 0 : 1);
  return [...found].sort((a, b) => likely(a) - likely(b));
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
