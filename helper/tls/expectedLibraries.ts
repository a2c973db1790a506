/**
 * Predicts the TLS libraries that a program will load from folders other than the system's: those that were built or
 * shipped with it (conda, a bundle, a prefix of its own), those in LD_LIBRARY_PATH, those that its plugins need, and in a
 * container all of them. They are found before the program has loaded them, so that its first call is not missed.
 *
 * This only reads files. A wrong prediction costs time, nothing else.
 */
import { closeSync } from 'node:fs';
import { basename, dirname, isAbsolute, join } from 'node:path';
import {
  candidatesIn,
  isCandidateName,
  isCostlyName,
  namesIn,
  SYSTEM_FOLDERS,
  systemCandidates,
} from './candidates.ts';
import { type Dynamic, readDynamic } from './dynamic.ts';
import { ElfFile, isUnreadable } from './elf.ts';
import { idOf, openRegular } from './maps.ts';
import type { Program } from './program.ts';

/** Relative to the executable's folder: its installation prefix, and where builds of Ruby put OpenSSL. */
const FROM_EXECUTABLE = ['../lib', '../lib64', '../openssl/lib'];
/** Folders of plugins that programs load with dlopen(3), as lighttpd and nginx do; relative to the prefix. */
const PLUGINS = ['lib/%', 'lib/%/modules', 'lib64/%', 'lib64/%/modules', 'libexec/%'];
const MAX_PLUGINS = 256;
const MAX_FOLDERS = 64;
/** Libraries whose own dependencies are followed. */
const MAX_FOLLOWED = 64;
/** Attempts to open a file; a hostile program may name a thousand libraries and a thousand folders. */
const MAX_LOOKS = 4_096;
const MAX_EXPECTED = 128;
/** Programs and mount namespaces whose results are cached. */
const MAX_PROGRAMS = 256;

const NOTHING: Dynamic = { needed: [], folders: [] };

export class ExpectedLibraries {
  /** By program: paths as the program sees them. */
  readonly #known = new Map<string, readonly string[]>();
  /** By mount namespace: the libraries in its system folders. These folders are large, so they are read only once. */
  readonly #systems = new Map<string, readonly string[]>();

  /** Paths as this process sees them. */
  of(program: Program): readonly string[] {
    const descriptor = openRegular(program.root + program.path);
    if (descriptor === null) return [];
    try {
      const key = [idOf(descriptor), program.view, program.libraryPath].join('\0');
      const own = remembered(this.#known, key, () => search(program));
      // Libraries in the host's system folders are attached already, except the costly ones; those of a container are not.
      const system =
        program.view === ''
          ? []
          : remembered(this.#systems, program.view, () => systemCandidates(program.root));
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

/** Paths below the program's root folder. */
function search({ path, root, libraryPath }: Program): string[] {
  const passed = new Set(SYSTEM_FOLDERS);
  const folders = new Set<string>();
  const add = (folder: string): void => {
    if (isAbsolute(folder) && !passed.has(folder) && folders.size < MAX_FOLDERS) folders.add(folder);
  };
  for (const folder of libraryPath.split(/[:;]/)) add(join(folder));
  let looks = 0;
  const placeOf = (name: string): string | null => {
    for (const folder of isCostlyName(name) ? [...folders, ...SYSTEM_FOLDERS] : folders) {
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
  for (const plugin of pluginsOf(path, root)) {
    for (const name of dynamicOf(root + plugin).needed) {
      const library = isCandidateName(name) ? placeOf(name) : null;
      if (library !== null && found.size < MAX_EXPECTED) found.add(library);
    }
  }
  for (const step of FROM_EXECUTABLE) add(join(dirname(path), step));
  for (const library of candidatesIn([...folders], root)) {
    if (found.size < MAX_EXPECTED) found.add(library);
  }
  // The most likely ones come first, as each takes some milliseconds.
  const likely = (library: string): number => (isCandidateName(basename(library)) ? 0 : 1);
  return [...found].sort((a, b) => likely(a) - likely(b));
}

/** Paths of the shared objects in the folders that bear the program's name. */
function pluginsOf(path: string, root: string): string[] {
  const prefix = dirname(dirname(path));
  const folders = PLUGINS.map((folder) => join(prefix, folder.replace('%', basename(path))));
  const found: string[] = [];
  for (const folder of folders) {
    for (const name of namesIn(root + folder)) {
      if (name.endsWith('.so') && found.length < MAX_PLUGINS) found.push(join(folder, name));
    }
  }
  return found;
}

/** Expands `$ORIGIN` and `${ORIGIN}` (ld.so(8)). The other variables lead to the system's folders. */
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
