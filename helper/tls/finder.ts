/**
 * Finds the TLS libraries of processes. Each file is examined once, however many processes have it in memory, and a process
 * whose mappings have not changed costs only reading them.
 */
import { closeSync, fstatSync } from 'node:fs';
import { basename } from 'node:path';
import type { TlsLibrary } from '../protocol.ts';
import { candidatePaths } from './candidates.ts';
import { identify, type Library, recognise } from './libraries.ts';
import { type CodeMapping, idOf, openMapping, openRegular, readCodeMappings } from './maps.ts';
import type { ProgramPlace } from './program.ts';
import { loadDisassembler } from './returns.ts';

/** A file for probes, or the reason why it cannot have any. */
export interface LibraryFile extends Library {
  /** Equal for the same file in the same state; probes are attached once for each id. */
  readonly id: string;
  readonly device: bigint;
  readonly inode: bigint;
  /**
   * Open for reading as long as the finder is; `/proc/self/fd/N` is a path to the file that works whatever the
   * process's root is and whether or not the file still has a name. null when there are no probes.
   */
  readonly descriptor: number | null;
}

/** A file as one process has it. */
export interface FoundLibrary {
  readonly file: LibraryFile;
  /** As the process sees it. */
  readonly path: string;
  readonly inExecutable: boolean;
}

/** A file by a path in this process's own view. */
export interface NamedLibrary {
  readonly path: string;
  readonly file: LibraryFile;
}

export interface FoundProgram {
  readonly place: ProgramPlace;
  /** null when it has no TLS library in it, or none that is recognised without a search. */
  readonly file: LibraryFile | null;
}

interface ProcessEntry {
  readonly keys: string;
  /** Inode of the program that it executed then; null when that was not mapped. */
  readonly program: bigint | null;
  readonly found: readonly FoundLibrary[];
}

/** Files in the cache; above that, the oldest are dropped and parsed again when needed. */
const MAX_FILES = 16_384;
/** Files with probes, whose descriptors stay open. */
const MAX_OPEN = 512;
const MAX_PROCESSES = 16_384;

const UNREADABLE = 'its file cannot be read';

/** For a library that is in memory but whose file cannot be opened. */
const KNOWN_NAMES: readonly [RegExp, TlsLibrary['kind']][] = [
  [/^libssl\b.*\.so/, 'openssl'],
  [/^libgnutls\.so/, 'gnutls'],
  [/^libssl3\.so/, 'nss'],
  [/^libmbedtls\.so/, 'mbedtls'],
  [/^libwolfssl\.so/, 'wolfssl'],
];

export class TlsFinder {
  /** null = not a TLS library, or not recognised yet. */
  readonly #files = new Map<string, LibraryFile | null>();
  /** For files that are null: the calls of {@link recognise}. */
  readonly #asked = new Map<string, Promise<void>>();
  readonly #processes = new Map<number, ProcessEntry>();
  #system: readonly NamedLibrary[] | null = null;
  #open = 0;
  #closed = false;

  private constructor() {}

  static async create(): Promise<TlsFinder> {
    await loadDisassembler();
    return new TlsFinder();
  }

  /**
   * The libraries that the process has in memory now, without slow searches: all that can be decrypted. The same
   * array as before when nothing has changed.
   */
  find(pid: number): readonly FoundLibrary[] {
    const mappings = readCodeMappings(pid);
    const keys = mappings.map(({ key, path }) => `${key} ${path}`).join('\n');
    const known = this.#processes.get(pid);
    // Without any code it is ending, or in the middle of an exec: the last known libraries count.
    if (known !== undefined && (known.keys === keys || mappings.length === 0)) return known.found;
    if (mappings.length === 0) return [];
    const found: FoundLibrary[] = [];
    for (const mapping of mappings) {
      const file = this.#fileOf(pid, mapping);
      if (file === null || found.some((other) => other.file.id === file.id)) continue;
      found.push({ file, path: mapping.path, inExecutable: mapping.executed });
    }
    // If the process has ended since its mappings were read, that is why a file could not be opened.
    if (found.some(({ file }) => file.reason === UNREADABLE) && readCodeMappings(pid).length === 0)
      return known?.found ?? [];
    this.#processes.delete(pid);
    if (this.#processes.size >= MAX_PROCESSES)
      this.#processes.delete(this.#processes.keys().next().value ?? 0);
    const program = mappings.find(({ executed }) => executed)?.inode ?? null;
    this.#processes.set(pid, { keys, program, found });
    return found;
  }

  /**
   * Forgets what was found of a process if that was of another program than the one with this inode.
   * @returns whether it was
   */
  forgetOther(pid: number, inode: bigint): boolean {
    const known = this.#processes.get(pid);
    if (known === undefined || known.program === null || known.program === inode) return false;
    return this.#processes.delete(pid);
  }

  /** Its mappings were seen at least once, before it ended. */
  hasSeen(pid: number): boolean {
    return this.#processes.has(pid);
  }

  /**
   * As {@link find}, with the libraries that can be named but not decrypted. Slow for files that were not searched before:
   * some milliseconds for each MB, in small steps.
   */
  async findAll(pid: number): Promise<readonly FoundLibrary[]> {
    this.find(pid);
    for (const mapping of readCodeMappings(pid)) {
      if (this.#closed) return [];
      const descriptor = openMapping(pid, mapping);
      if (descriptor === null) continue;
      const id = idOf(descriptor);
      try {
        if (this.#files.get(id) === null) await this.#recognised(id, descriptor);
      } finally {
        closeSync(descriptor);
      }
    }
    return this.#closed ? [] : this.find(pid);
  }

  /** The system's libraries, as they were when this was first asked: reading them takes a tenth of a second. */
  systemLibraries(): readonly NamedLibrary[] {
    this.#system ??= candidatePaths().flatMap((path) => {
      const file = this.lookAt(path);
      return file === null ? [] : [{ path, file }];
    });
    return this.#system;
  }

  /** A file by its path in this process's own view; null when it is not a TLS library. */
  lookAt(path: string): LibraryFile | null {
    const descriptor = openRegular(path);
    return descriptor === null ? null : this.#identified(descriptor);
  }

  /**
   * As {@link lookAt}, for the file with this inode. Its process may end meanwhile, so each place is opened in turn.
   * @returns also the place where it was found; `gone`: none of them leads to that inode any more
   */
  lookAtProgram(places: Iterable<ProgramPlace>, inode: bigint): FoundProgram | 'gone' {
    const opened = openProgram(places, inode);
    return opened === null ? 'gone' : { place: opened.place, file: this.#identified(opened.descriptor) };
  }

  /** As {@link lookAtProgram}, after a search that is slow for files that were not searched before. */
  async recogniseProgram(places: Iterable<ProgramPlace>, inode: bigint): Promise<LibraryFile | null> {
    const descriptor = openProgram(places, inode)?.descriptor ?? null;
    if (descriptor === null) return null;
    const id = idOf(descriptor);
    try {
      if (this.#files.get(id) === null) await this.#recognised(id, descriptor);
      return this.#closed ? null : (this.#files.get(id) ?? null);
    } finally {
      closeSync(descriptor);
    }
  }

  /** The process has ended. */
  forget(pid: number): void {
    this.#processes.delete(pid);
  }

  close(): void {
    this.#closed = true;
    for (const file of this.#files.values()) if (file?.descriptor != null) closeSync(file.descriptor);
    this.#files.clear();
    this.#asked.clear();
    this.#processes.clear();
  }

  #recognised(id: string, descriptor: number): Promise<void> {
    const known = this.#asked.get(id);
    if (known !== undefined) return known;
    const asked = recognise(descriptor).then((library) => {
      if (library === null || this.#files.get(id) !== null) return;
      const { dev, ino } = fstatSync(descriptor, { bigint: true });
      this.#files.set(id, { ...library, id, device: dev, inode: ino, descriptor: null });
      // Processes that have it in memory are examined again.
      this.#processes.clear();
    });
    this.#asked.set(id, asked);
    return asked;
  }

  #fileOf(pid: number, mapping: CodeMapping): LibraryFile | null {
    const descriptor = openMapping(pid, mapping);
    if (descriptor !== null) return this.#identified(descriptor);
    const kind = KNOWN_NAMES.find(([name]) => name.test(basename(mapping.path)))?.[1];
    if (kind === undefined) return null;
    const reason = mapping.deleted
      ? 'its file was replaced after the program had loaded it; start the program again'
      : UNREADABLE;
    return {
      ...{ id: `gone ${mapping.key}`, device: 0n, inode: mapping.inode, descriptor: null },
      ...{ part: 'tls', kind, version: null, probes: [], returns: null, reason },
    };
  }

  /** Takes over the descriptor. */
  #identified(descriptor: number): LibraryFile | null {
    const { dev, ino } = fstatSync(descriptor, { bigint: true });
    const id = idOf(descriptor);
    const known = this.#files.get(id);
    if (known !== undefined) {
      closeSync(descriptor);
      return known;
    }
    const library = identify(descriptor);
    const keep = library !== null && library.probes.length > 0 && this.#open < MAX_OPEN;
    if (keep) this.#open++;
    else closeSync(descriptor);
    const file =
      library === null
        ? null
        : { ...library, id, device: dev, inode: ino, descriptor: keep ? descriptor : null };
    if (this.#files.size >= MAX_FILES) this.#forgetOldest();
    this.#files.set(id, file);
    return file;
  }

  /** Only files without an open descriptor. */
  #forgetOldest(): void {
    for (const [id, file] of this.#files) {
      if (file?.descriptor != null) continue;
      this.#files.delete(id);
      this.#asked.delete(id);
      return;
    }
  }
}

function openProgram(
  places: Iterable<ProgramPlace>,
  inode: bigint,
): { readonly place: ProgramPlace; readonly descriptor: number } | null {
  for (const place of places) {
    const descriptor = openRegular(place.here);
    if (descriptor === null) continue;
    if (fstatSync(descriptor, { bigint: true }).ino === inode) return { place, descriptor };
    closeSync(descriptor);
  }
  return null;
}

/**
 * The libraries of a process, as reported to the client.
 * @param attached since when (boot time, ns) the probes of that file are in place; true where that does not matter
 */
export function describe(
  found: readonly FoundLibrary[],
  attached: (file: LibraryFile) => bigint | boolean | null,
): TlsLibrary[] {
  return found
    .filter(({ file }) => file.part === 'tls')
    .map(({ file, path, inExecutable }) => {
      const since = file.probes.length === 0 ? null : attached(file);
      const isAttached = isSince(since) && isReadable(found, file, attached);
      return {
        kind: file.kind,
        version: file.version ?? versionBeside(found, file),
        path,
        inExecutable,
        attached: isAttached,
        ...(typeof since === 'bigint' ? { since: since.toString() } : {}),
        returns: isAttached ? file.returns : null,
        reason: isAttached ? null : (file.reason ?? 'its probes could not be attached'),
      };
    });
}

function isSince(since: bigint | boolean | null): boolean {
  return since !== null && since !== false;
}

/** Programs read and write with NSPR's functions, so NSS is not decrypted without its probes. */
function isReadable(
  found: readonly FoundLibrary[],
  { kind, probes }: LibraryFile,
  attached: (file: LibraryFile) => bigint | boolean | null,
): boolean {
  if (kind !== 'nss' || probes.some(({ symbol }) => symbol === 'PR_Read')) return true;
  return found.some(({ file }) => file.part === 'nspr' && isSince(attached(file)));
}

/** libssl and libmbedtls do not hold their version; the libcrypto that each was built and is loaded with does. */
function versionBeside(found: readonly FoundLibrary[], { kind }: LibraryFile): string | null {
  const part = kind === 'openssl' ? 'bio' : 'version';
  const beside = found.filter(({ file }) => file.part === part && file.kind === kind);
  const versions = new Set(beside.map(({ file }) => file.version));
  const [version = null] = versions;
  return versions.size === 1 ? version : null;
}
