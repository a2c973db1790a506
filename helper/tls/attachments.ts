/**
 * Attaches BPF programs to functions of TLS libraries, and reports which libraries each process uses. A file gets its
 * probes once, however many processes have it in memory. It loses them some seconds after the last of these processes
 * has ended. The probes of the system's own libraries stay as long as the trace, so that short-lived programs find them
 * in place.
 */
import { close, closeSync } from 'node:fs';
import { release } from 'node:os';
import { basename, dirname, isAbsolute, join } from 'node:path';
import { promisify } from 'node:util';
import { type Facts, INHERITED, tlsOff } from '../facts.ts';
import type { Native } from '../native.ts';
import type { Tls, TlsFile, TlsKind, TlsLibrary } from '../protocol.ts';
import { candidatePaths } from './candidates.ts';
import { ExpectedLibraries } from './expectedLibraries.ts';
import { describe, type FoundLibrary, type LibraryFile, TlsFinder } from './finder.ts';
import { LinkerOutputs } from './linkerOutputs.ts';
import { type Program, runningProgram } from './program.ts';
import { endsSandboxedPrograms } from './returnProbes.ts';
import { upcomingOf, upcomingPrograms } from './upcomingPrograms.ts';

/** enum tls_library of bpf/trace_http.h. */
const LIBRARY_NUMBERS: Partial<Record<TlsKind, number>> = {
  openssl: 1,
  gnutls: 2,
  go: 3,
  boringssl: 4,
  nss: 5,
  mbedtls: 6,
  wolfssl: 7,
};

/** enum broker_kind of helper/loader/broker.h. */
const KINDS = {
  entry: 0,
  'return-instruction': 1,
  uretprobe: 2,
} as const;

interface Attached {
  /** As its sessions' records name it; from 1 up. */
  readonly number: number;
  /** The broker's number for its probes. */
  readonly set: number;
  readonly links: readonly number[];
  /** Process ids; the system's libraries are kept without any. */
  readonly users: Set<number>;
  /** Boot time (ns): every call after that is seen. */
  readonly since: bigint;
  readonly device: bigint;
  readonly inode: bigint;
  readonly places: string;
  kept: boolean;
  /** How long the probes stay without a user. */
  readonly keepMs: number;
  /** When the last user was seen to leave, by performance.now(); null while there is one. */
  unusedSince: number | null;
  /** Its version was sent to the client. */
  versionReported: boolean;
}

/** A file by a path in this process's own view. */
interface Named {
  readonly path: string;
  readonly file: LibraryFile;
}

/** After the last change of a process's libraries. */
const RECOGNISE_AFTER_MS = 500;

/**
 * Probes stay that much longer than their last user: in the middle of an exec a process has no libraries at all, and
 * what was attached for a command that is about to run must not go when `env` runs before it.
 */
const KEEP_UNUSED_MS = 10_000;
/** Of a program that has its library inside: whoever tries it tries it again, and it may be over in some milliseconds. */
const KEEP_PROGRAM_MS = 600_000;

/** NSPR is used in sandboxes, Firefox's for one, and nearly all of its functions need a return probe. */
const NSPR_OFF = endsSandboxedPrograms(release(), process.arch)
  ? `return probes of Linux ${release()} end programs in a sandbox; 6.14 and later are sound`
  : null;

const BROKER_GONE = 'the part of HTTP Trace that attaches has ended; start the trace again';

/** Receives what is reported to the client. */
export interface TlsClient {
  libraries(tls: Tls): void;
  file(file: TlsFile): void;
}

export class Attachments {
  readonly #files = new Map<string, Attached>();
  /** Why a file's probes could not be attached; not tried again. */
  readonly #refused = new Map<string, string>();
  /** What each process had in memory when it was last looked at. */
  readonly #known = new Map<number, readonly FoundLibrary[]>();
  /** What was last reported of each process, as JSON; none of those for which nothing was found. */
  readonly #reported = new Map<number, string>();
  /** Of processes in which what can only be named is still being looked for. */
  readonly #recognising = new Map<number, NodeJS.Timeout>();
  readonly #recognisings = new Set<Promise<void>>();
  readonly #outputs = new LinkerOutputs();
  readonly #expected = new ExpectedLibraries();
  #ownPidfd: number | null = null;
  #brokerGone = false;
  #lastNumber = 0;

  readonly #native: Native;
  readonly #facts: Pick<Facts, 'tlsAttach' | 'tlsWanted' | 'missing'>;
  readonly #finder: TlsFinder;
  readonly #client: TlsClient;

  private constructor(
    native: Native,
    facts: Pick<Facts, 'tlsAttach' | 'tlsWanted' | 'missing'>,
    finder: TlsFinder,
    client: TlsClient,
  ) {
    this.#native = native;
    this.#facts = facts;
    this.#finder = finder;
    this.#client = client;
  }

  static async create(
    native: Native,
    facts: Pick<Facts, 'tlsAttach' | 'tlsWanted' | 'missing'>,
    client: TlsClient,
  ): Promise<Attachments> {
    return new Attachments(native, facts, await TlsFinder.create(), client);
  }

  /** Attaches to the system's own libraries, before any program calls them. */
  attachSystem(): void {
    if (this.#facts.tlsAttach === 'none') return;
    const kept: Named[] = [];
    for (const path of candidatePaths()) {
      const file = this.#finder.lookAt(path);
      if (file === null) continue;
      kept.push({ path, file });
      this.#keep(file);
    }
    this.#reportVersions(kept);
  }

  /**
   * A process has executed a program, and may have ended since: what is inside the executable itself is attached
   * and reported at once, before anything else is read of the process.
   * @param path in its own view
   */
  executed(pid: number, path: string, inode: bigint): void {
    const seen = this.#pathHere(pid, path);
    const file = this.#finder.lookAtProgram(seen, inode);
    if (file === 'gone') {
      // Of a process that still runs, consider() says more.
      this.#reported.delete(pid);
      this.#client.libraries({ pid, libraries: [goneProgram(path)] });
      return;
    }
    if (file !== null && this.#facts.tlsAttach !== 'none') this.#use(file, pid);
    this.#known.set(pid, this.#known.get(pid) ?? []);
    if (file?.part === 'tls') this.#report(pid, [{ file, path, inExecutable: true }]);
    if (this.#facts.tlsAttach !== 'none') {
      this.#outputs.executed(pid);
      for (const program of upcomingOf(pid)) this.#prepare(program.path);
    }
    if (file !== null && file.part === 'tls') return;
    if (runningProgram(pid) === null) this.#reportNeeded(pid, path);
    const recognising = this.#finder.recogniseProgram(seen, inode).then((found) => {
      this.#recognisings.delete(recognising);
      if (runningProgram(pid) !== null) {
        this.consider(pid);
        return;
      }
      // It has ended: nothing more than this is going to be known, but for what it had loaded when it was looked at.
      this.#stopRecognising(pid);
      const loaded = this.#known.get(pid) ?? [];
      if (found?.part === 'tls') this.#report(pid, [{ file: found, path, inExecutable: true }, ...loaded]);
      else if (loaded.length === 0) this.#reportNeeded(pid, path);
    });
    this.#recognisings.add(recognising);
  }

  /** Resolves when everything that was executed has been looked at. */
  async recognised(): Promise<void> {
    await Promise.all(this.#recognisings);
  }

  /** A process is a target now, has executed a program, or has loaded more libraries. */
  consider(pid: number): void {
    const upcoming = this.#facts.tlsAttach === 'none' ? [] : upcomingPrograms(pid);
    const found = this.#finder.find(pid);
    const before = this.#known.get(pid);
    if (before === found && upcoming.length === 0) return;
    this.#known.set(pid, found);
    this.#recogniseSoon(pid);
    if (this.#facts.tlsAttach !== 'none') {
      // What is in memory comes first: it may be called in this moment.
      for (const { file } of found) this.#use(file, pid);
      const likely = this.#likely(pid, upcoming);
      const files = [...likely, ...found].map(({ file }) => file);
      for (const file of files) this.#use(file, pid);
      this.#release(pid, new Set(files.map(({ id }) => id)));
      this.#reportVersions(likely);
    }
    // What is known of its executable stays.
    if (this.#finder.hasSeen(pid)) this.#report(pid, found);
  }

  #report(pid: number, found: readonly FoundLibrary[]): void {
    const shown = found.filter(({ file }) => file.part === 'tls').map(({ file }) => file);
    const libraries = describe(found, (file) => this.#files.get(file.id)?.since ?? null).map(
      (library, index) => this.#explain(library, shown[index]),
    );
    for (const [index, file] of shown.entries()) this.#reportVersion(file, libraries[index]?.version ?? null);
    const partial = this.#recognising.has(pid);
    const text = JSON.stringify([libraries, partial]);
    if (text === this.#reported.get(pid) || (libraries.length === 0 && !this.#reported.has(pid))) return;
    this.#reported.set(pid, text);
    this.#client.libraries(partial ? { pid, libraries, partial } : { pid, libraries });
  }

  /** The process has ended before anybody saw what it had loaded: the libraries that its executable asks for. */
  #reportNeeded(pid: number, path: string): void {
    if (!isAbsolute(path)) return;
    const needed = this.#expected.of({ path, view: '', root: '', libraryPath: '' }).flatMap((library) => {
      const file = this.#finder.lookAt(library);
      return file === null ? [] : [{ file, path: library, inExecutable: false }];
    });
    if (this.#facts.tlsAttach !== 'none') for (const { file } of needed) this.#attach(file);
    if (needed.length > 0) this.#report(pid, needed);
    this.#reported.delete(pid);
  }

  /** Where a process's program is found from here: `path` may be relative, or mean something else here (`/proc/self/exe`). */
  #pathHere(pid: number, path: string): string {
    if (runningProgram(pid) !== null) return `/proc/${pid}/exe`;
    return isAbsolute(path) ? path : `/proc/${pid}/cwd/${path}`;
  }

  /** The process has ended, or is not a target any more. */
  forget(pid: number): void {
    for (const path of this.#outputs.ended(pid)) this.#prepare(path);
    this.#known.delete(pid);
    this.#reported.delete(pid);
    this.#stopRecognising(pid);
    this.#finder.forget(pid);
    this.#release(pid, new Set());
  }

  /** Looks at every known process again, as an event may have been lost. */
  considerAll(): void {
    for (const pid of [...this.#known.keys()]) this.consider(pid);
    this.#detachUnused();
  }

  /** The broker was killed: its probes are removed, and every library is reported as not decrypted. */
  endWithBroker(): void {
    this.#brokerGone = true;
    const links = [...this.#files.values()].flatMap((file) => file.links);
    this.#files.clear();
    void detach(links);
    const pids = [...this.#known.keys()];
    this.#known.clear();
    for (const pid of pids) this.consider(pid);
  }

  /** When the promise resolves, nothing is left in the kernel. */
  async close(): Promise<void> {
    const files = [...this.#files.values()];
    this.#files.clear();
    const links = files.flatMap((file) => file.links);
    for (const file of files) this.#forgetSet(file);
    this.#known.clear();
    this.#reported.clear();
    for (const timer of this.#recognising.values()) clearTimeout(timer);
    this.#recognising.clear();
    this.#finder.close();
    if (this.#ownPidfd !== null) closeSync(this.#ownPidfd);
    this.#ownPidfd = null;
    await detach(links);
  }

  /** What is likely to be executed soon, by whatever process. */
  #prepare(path: string): void {
    if (this.#facts.tlsAttach === 'none') return;
    const file = this.#finder.lookAt(path);
    if (file !== null && file.part === 'tls') this.#attach(file);
  }

  /** What a process has not in memory yet, and may call as soon as it has. */
  #likely(pid: number, upcoming: readonly Program[]): Named[] {
    const running = upcoming.length > 0 ? null : runningProgram(pid);
    const paths = upcoming.map(({ path }) => path);
    for (const program of running === null ? upcoming : [running]) paths.push(...this.#expected.of(program));
    return paths.flatMap((path) => {
      const file = this.#finder.lookAt(path);
      return file === null ? [] : [{ path, file }];
    });
  }

  /** What can only be named takes longer to find: when the process has had time to load what it wants. */
  #recogniseSoon(pid: number): void {
    clearTimeout(this.#recognising.get(pid));
    const timer = setTimeout(async () => {
      await this.#finder.findAll(pid);
      // Looked at again meanwhile, or forgotten. Of one that has ended its executable may still be searched.
      if (this.#recognising.get(pid) !== timer || runningProgram(pid) === null) return;
      this.#recognising.delete(pid);
      this.consider(pid);
      if (this.#finder.hasSeen(pid)) this.#report(pid, this.#known.get(pid) ?? []);
    }, RECOGNISE_AFTER_MS);
    this.#recognising.set(pid, timer);
  }

  #stopRecognising(pid: number): void {
    clearTimeout(this.#recognising.get(pid));
    this.#recognising.delete(pid);
  }

  #explain(library: TlsLibrary, file: LibraryFile | undefined): TlsLibrary {
    if (library.attached) return library;
    if (file === undefined || file.probes.length === 0) return library;
    const gone = this.#brokerGone ? BROKER_GONE : null;
    return {
      ...library,
      reason: tlsOff(this.#facts) ?? this.#refused.get(file.id) ?? gone ?? nsprOff(file) ?? library.reason,
    };
  }

  #keep(file: LibraryFile): void {
    const attached = this.#attach(file);
    if (attached !== null) attached.kept = true;
  }

  /** For libraries that no process has loaded yet: a process may end before it is looked at. */
  #reportVersions(files: readonly Named[]): void {
    for (const { path, file } of files)
      this.#reportVersion(file, file.version ?? versionOfPackage(files, path));
  }

  /** Once for each attached file. */
  #reportVersion(file: LibraryFile, version: string | null): void {
    const attached = this.#files.get(file.id);
    if (attached === undefined || attached.versionReported || version === null || file.part !== 'tls') return;
    attached.versionReported = true;
    this.#client.file({ file: attached.number, version });
  }

  #use(file: LibraryFile, pid: number): void {
    const attached = this.#attach(file);
    if (attached === null) return;
    attached.users.add(pid);
    attached.unusedSince = null;
  }

  /** From now on the process uses only these files. */
  #release(pid: number, used: ReadonlySet<string>): void {
    for (const [id, attached] of this.#files) {
      if (used.has(id) || !attached.users.delete(pid) || attached.users.size > 0) continue;
      attached.unusedSince = performance.now();
    }
  }

  #detachUnused(): void {
    const now = performance.now();
    for (const [id, attached] of this.#files) {
      const { unusedSince, kept, links, keepMs } = attached;
      if (kept || unusedSince === null || now - unusedSince < keepMs) continue;
      this.#files.delete(id);
      this.#forgetSet(attached);
      void detach(links);
    }
  }

  #attach(file: LibraryFile): Attached | null {
    const known = this.#files.get(file.id) ?? this.#rewritten(file);
    if (known !== undefined) return known;
    if (file.probes.length === 0 || file.descriptor === null || this.#refused.has(file.id)) return null;
    if (this.#brokerGone || nsprOff(file) !== null) return null;
    try {
      const number = ++this.#lastNumber;
      const { set, links } = this.#askBroker(file, number, file.descriptor);
      const unusedSince = performance.now();
      const [since] = this.#native.readClocks();
      const attached: Attached = {
        ...{ device: file.device, inode: file.inode, places: placesOf(file) },
        ...{ since, number, set, links, users: new Set(), kept: false, unusedSince, versionReported: false },
        keepMs: file.kind === 'go' ? KEEP_PROGRAM_MS : KEEP_UNUSED_MS,
      };
      this.#files.set(file.id, attached);
      return attached;
    } catch (error) {
      this.#refused.set(file.id, `its probes could not be attached (${(error as Error).message})`);
      return null;
    }
  }

  /** The same file, whose contents have been changed elsewhere than where its probes are: it must not have them twice. */
  #rewritten(file: LibraryFile): Attached | undefined {
    const places = placesOf(file);
    for (const [id, attached] of this.#files) {
      if (attached.inode !== file.inode || attached.device !== file.device || attached.places !== places)
        continue;
      this.#files.delete(id);
      this.#files.set(file.id, attached);
      return attached;
    }
    return undefined;
  }

  /** The broker wants a mapping of the file in one of the requester's processes, so this process maps it. */
  #askBroker(
    file: LibraryFile,
    number: number,
    descriptor: number,
  ): { set: number; links: readonly number[] } {
    this.#ownPidfd ??= this.#native.openPidfd(process.pid);
    const [start, end] = this.#native.mapExecutable(descriptor);
    try {
      return this.#native.attachProbes(INHERITED.broker, {
        ...{
          pidfd: this.#ownPidfd,
          descriptor,
          start,
          end,
          file: number,
          library: LIBRARY_NUMBERS[file.kind] ?? 0,
        },
        probes: file.probes.map(({ symbol, kind, place }) => ({
          ...{ symbol, kind: KINDS[kind], offset: BigInt(place.offset), stack: place.stack & 0xffff },
        })),
      });
    } finally {
      this.#native.unmap(start, end);
    }
  }

  /** The broker closes its descriptors of the set. After that only this process holds its links. */
  #forgetSet({ set }: Attached): void {
    if (this.#brokerGone) return;
    try {
      this.#native.detachProbes(INHERITED.broker, set);
    } catch {
      // The broker has ended, and closed its descriptors with that.
    }
  }
}

function goneProgram(path: string): TlsLibrary {
  // Neither a relative path nor this one leads to it any more.
  const reason =
    isAbsolute(path) && !path.startsWith('/proc/')
      ? 'the program had ended, and its file was removed, before it could be looked at'
      : 'the program had ended before it could be looked at';
  return {
    ...{ kind: 'unknown', version: null, path, inExecutable: true, attached: false, returns: null },
    reason,
  };
}

function placesOf({ probes }: LibraryFile): string {
  return probes.map(({ kind, place }) => `${kind} ${place.offset}`).join();
}

function nsprOff({ kind }: LibraryFile): string | null {
  return kind === 'nss' ? NSPR_OFF : null;
}

const closeLater = promisify(close);

/**
 * Closing a link waits in the kernel until the program is not running on any CPU: up to a tenth of a second. So all
 * links are closed in parallel, and on other threads, as records are to be read meanwhile.
 */
async function detach(links: readonly number[]): Promise<void> {
  await Promise.all(links.map((link) => closeLater(link)));
}

/** libssl's version is that of the libcrypto of its package, which is in the same folder and ends in the same digits. */
function versionOfPackage(files: readonly Named[], path: string): string | null {
  const other = join(dirname(path), basename(path).replace('libssl', 'libcrypto'));
  return files.find(({ path: place, file }) => place === other && file.part === 'bio')?.file.version ?? null;
}
