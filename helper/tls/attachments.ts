/**
 * Decides which files with functions of TLS libraries get probes (probedFiles.ts), and reports which libraries each
 * process uses. The probes of the system's own libraries stay as long as the trace, so that short-lived programs find
 * them in place.
 */
import { basename, dirname, isAbsolute, join } from 'node:path';
import { type Facts, tlsOff } from '../facts.ts';
import type { Native } from '../native.ts';
import type { GoProgram, Tls, TlsFile, TlsLibrary } from '../protocol.ts';
import { candidatePaths, SYSTEM_FOLDERS } from './candidates.ts';
import { ExpectedLibraries } from './expectedLibraries.ts';
import {
  describe,
  type FoundLibrary,
  type LibraryFile,
  type NamedLibrary,
  type TlsFinder,
} from './finder.ts';
import { goProgram } from './goProgram.ts';
import { LinkerOutputs } from './linkerOutputs.ts';
import { ProbedFiles } from './probedFiles.ts';
import { goneProgram, type Program, type ProgramPlace, placeIn, runningProgram, startOf } from './program.ts';
import { upcomingOf, upcomingPrograms } from './upcomingPrograms.ts';

/** Roots or working folders of other processes that are tried. */
const MAX_FOLDERS = 64;
/** With perf, the kernel needs a tenth of a second to remove each probe. */
const MAX_EXPECTED_PERF = 4;
/** How long the first process waits at most for what earlier traces have found; an idle machine takes 10 ms for each. */
const EXPECT_MS = 1_000;
/** Delay after the last change of a process's libraries. */
const RECOGNISE_AFTER_MS = 500;

/** How reports without any library begin, as JSON. */
const NONE = '[[],';

/** Receives what is reported to the client. */
export interface TlsClient {
  libraries(tls: Tls): void;
  file(file: TlsFile): void;
  /** A Go program whose requests have caller records from now on. */
  goProgram(program: GoProgram): void;
}

export class Attachments {
  /** The libraries of each process when it was last examined. */
  readonly #known = new Map<number, readonly FoundLibrary[]>();
  /** When each of them began. The event of its end may be lost, and its id may be reused. */
  readonly #starts = new Map<number, string>();
  /** Known processes that were not there at the last {@link considerAll}. */
  #missing = new Set<number>();
  /** What was last reported of each process, as JSON; no entry if nothing was found. */
  readonly #reported = new Map<number, string>();
  /** Timers of processes still being searched for libraries that can only be named. */
  readonly #recognising = new Map<number, NodeJS.Timeout>();
  readonly #recognisings = new Set<Promise<void>>();
  /** Processes that have executed a program or loaded libraries since they were last examined. */
  readonly #unseen = new Set<number>();
  /** Processes whose program is being searched. */
  readonly #searched = new Set<number>();
  readonly #outputs = new LinkerOutputs();
  readonly #expected = new ExpectedLibraries();
  /** Files that earlier traces found, without probes yet. */
  readonly #awaited: string[] = [];
  /** By performance.now(). */
  #expectedUntil = 0;

  #closed = false;

  readonly #files: ProbedFiles;
  readonly #facts: Pick<Facts, 'tlsAttach' | 'tlsWanted' | 'missing'>;
  readonly #finder: TlsFinder;
  readonly #client: TlsClient;
  readonly #startOf: (pid: number) => string | null;

  constructor(
    native: Native,
    facts: Pick<Facts, 'tlsAttach' | 'tlsWanted' | 'missing'>,
    finder: TlsFinder,
    client: TlsClient,
    /** When a process began; null when it has ended. */
    start: (pid: number) => string | null = startOf,
  ) {
    this.#startOf = start;
    this.#files = new ProbedFiles(native, facts, (file, { number }) => {
      const program = facts.missing.callers ? null : goProgram(file, number);
      if (program !== null) client.goProgram(program);
    });
    this.#facts = facts;
    this.#finder = finder;
    this.#client = client;
  }

  /** Attaches to the system's own libraries, before any program calls them. */
  attachSystem(): void {
    if (this.#facts.tlsAttach === 'none') return;
    const libraries = this.#finder.systemLibraries();
    for (const { file } of libraries) this.#files.keep(file);
    this.#reportVersions(libraries);
  }

  /**
   * Attaches to files that programs of earlier traces used, one by one between other work. Their probes stay as long as the
   * trace, as those of the system's libraries.
   * @param paths in this process's own view
   */
  expect(paths: readonly string[]): void {
    if (this.#facts.tlsAttach === 'none') return;
    const most = this.#facts.tlsAttach === 'perf' ? MAX_EXPECTED_PERF : paths.length;
    this.#awaited.push(...paths.filter((path) => !SYSTEM_FOLDERS.includes(dirname(path))).slice(0, most));
    this.#expectedUntil = performance.now() + EXPECT_MS;
    const next = (): void => {
      const path = this.#awaited.shift();
      if (path === undefined || this.#closed) return;
      this.#keepExpected(path);
      setImmediate(next);
    };
    setImmediate(next);
  }

  /** Attaches the rest at once, as far as time allows: a process that is about to be traced may use them next. */
  attachExpected(): void {
    while (performance.now() < this.#expectedUntil) {
      const path = this.#awaited.shift();
      if (path === undefined) return;
      this.#keepExpected(path);
    }
  }

  #keepExpected(path: string): void {
    // libssl comes with the libcrypto of its package.
    const beside = path.replace(/libssl([^/]*)$/, 'libcrypto$1');
    const kept = [...new Set([path, beside])].flatMap((place) => {
      const file = this.#finder.lookAt(place);
      return file === null || file.probes.length === 0 ? [] : [{ path: place, file }];
    });
    for (const { file } of kept) this.#files.keep(file);
    this.#reportVersions(kept);
  }

  /**
   * A process has executed a program, and may have ended since: what is inside the executable itself is attached
   * and reported at once, before anything else is read of the process.
   * @param written its path as it was executed, in its own view
   * @param last no later program of the process has been reported yet
   */
  executed(pid: number, written: string, inode: bigint, last = true): void {
    this.#forgetFormer(pid);
    this.#unseen.add(pid);
    if (last && this.#finder.forgetOther(pid, inode)) this.#forgetProgram(pid);
    const program = this.#finder.lookAtProgram(this.#placesOf(pid, written), inode);
    if (program === 'gone') {
      // If the process still runs, consider() reports more.
      this.#reported.delete(pid);
      this.#client.libraries({ pid, libraries: [goneProgram(written)] });
      return;
    }
    const { place, file } = program;
    const { path } = place;
    if (file !== null && this.#facts.tlsAttach !== 'none') this.#files.use(file, pid);
    this.#known.set(pid, this.#known.get(pid) ?? []);
    if (file?.part === 'tls') this.#report(pid, [{ file, path, inExecutable: true }]);
    if (this.#facts.tlsAttach !== 'none') {
      this.#outputs.executed(pid);
      for (const program of upcomingOf(pid)) this.#prepare(program.path);
    }
    if (file !== null && file.part === 'tls') return;
    if (runningProgram(pid) === null) this.#reportNeeded(pid, place);
    this.#searched.add(pid);
    const recognising = this.#finder.recogniseProgram(this.#placesOf(pid, written), inode).then((found) => {
      this.#recognisings.delete(recognising);
      if (this.#closed) return;
      this.#searched.delete(pid);
      if (runningProgram(pid) !== null) {
        this.consider(pid);
        return;
      }
      // It has ended: nothing more will be known, except the libraries that it had when it was examined.
      this.#stopRecognising(pid);
      const loaded = this.#known.get(pid) ?? [];
      const isUnseen = loaded.length === 0 || this.#unseen.has(pid);
      if (found?.part === 'tls') this.#report(pid, [{ file: found, path, inExecutable: true }, ...loaded]);
      else if (isUnseen && !loaded.some(({ file }) => file.part === 'tls') && !this.#reportNeeded(pid, place))
        this.#reportUnseen(pid);
      this.#unseen.delete(pid);
    });
    this.#recognisings.add(recognising);
  }

  /** Resolves when every executed program has been examined. */
  async recognised(): Promise<void> {
    await Promise.all(this.#recognisings);
  }

  /** A process has loaded libraries. It may end before it is examined ({@link consider}). */
  loaded(pid: number): void {
    this.#unseen.add(pid);
  }

  /** A process is a target now, has executed a program, or has loaded more libraries. */
  consider(pid: number): void {
    if (this.#closed) return;
    this.#forgetFormer(pid);
    const upcoming = this.#facts.tlsAttach === 'none' ? [] : upcomingPrograms(pid);
    const found = this.#finder.find(pid);
    // The process still runs, so the findings are current.
    if (this.#unseen.has(pid) && runningProgram(pid) !== null) this.#unseen.delete(pid);
    const before = this.#known.get(pid);
    if (before === found && upcoming.length === 0) return;
    this.#known.set(pid, found);
    this.#recogniseSoon(pid);
    if (this.#facts.tlsAttach !== 'none') {
      // Libraries in memory come first, because they may be called at this moment, and of these the functions that read and
      // write: with perf, each file may have to wait for the removal of other probes.
      for (const { file } of byUrgency(found)) this.#files.use(file, pid);
      const likely = this.#likely(pid, upcoming);
      const files = byUrgency([...likely, ...found]).map(({ file }) => file);
      for (const file of files) this.#files.use(file, pid);
      this.#files.release(pid, new Set(files.map(({ id }) => id)));
      this.#reportVersions(likely);
    }
    // The findings about its executable are kept.
    if (this.#finder.hasSeen(pid)) this.#report(pid, found);
  }

  #report(pid: number, found: readonly FoundLibrary[]): void {
    const shown = found.filter(({ file }) => file.part === 'tls').map(({ file }) => file);
    const libraries = describe(found, (file) => this.#files.get(file)?.since ?? null).map((library, index) =>
      this.#explain(library, shown[index]),
    );
    for (const [index, file] of shown.entries()) this.#reportVersion(file, libraries[index]?.version ?? null);
    const partial = this.#recognising.has(pid);
    const text = JSON.stringify([libraries, partial]);
    if (text === this.#reported.get(pid) || (libraries.length === 0 && !this.#reported.has(pid))) return;
    this.#reported.set(pid, text);
    this.#client.libraries(partial ? { pid, libraries, partial } : { pid, libraries });
  }

  /**
   * The process ended before its libraries were seen: reports those that its executable depends on.
   * @returns whether there are any
   */
  #reportNeeded(pid: number, { path, isOwn }: ProgramPlace): boolean {
    // In a container the path, and those of the libraries, mean other files.
    if (!isOwn) return false;
    const needed = this.#expected.of({ path, view: '', root: '', libraryPath: '' }).flatMap((library) => {
      const file = this.#finder.lookAt(library);
      return file === null ? [] : [{ file, path: library, inExecutable: false }];
    });
    if (this.#facts.tlsAttach !== 'none') for (const { file } of needed) this.#files.attach(file);
    if (needed.length > 0) this.#report(pid, needed);
    this.#reported.delete(pid);
    return needed.length > 0;
  }

  /** What was reported is about a program that the process does not execute any more. */
  #forgetProgram(pid: number): void {
    this.#known.set(pid, []);
    if (!this.#reported.has(pid)) return;
    this.#reported.set(pid, JSON.stringify([[], true]));
    this.#client.libraries({ pid, libraries: [], partial: true });
  }

  /** The process has ended, and its last libraries were not examined: it is not known which library it used. */
  #reportUnseen(pid: number): void {
    const reported = this.#reported.get(pid) ?? NONE;
    if (!this.#unseen.delete(pid) || !reported.startsWith(NONE)) return;
    this.#client.libraries({ pid, libraries: [], unseen: true });
  }

  /**
   * Where an executed file may be found, the best place first. The process may end, or execute another program, before any
   * of them is opened. Its path may mean something else here (`/proc/self/exe`, or in a container), or be relative (`./app`):
   * the root and the working folder of a process that has ended were usually those of one which still runs.
   */
  *#placesOf(pid: number, written: string): Generator<ProgramPlace> {
    const running = runningProgram(pid);
    const path = isAbsolute(written) ? written : running?.path;
    if (path !== undefined) {
      yield { path, here: `/proc/${pid}/exe`, isOwn: running?.view === '' };
      yield { path, here: path, isOwn: true };
    }
    for (const other of [...this.#known.keys()].slice(-MAX_FOLDERS)) {
      const place = placeIn(other, written);
      if (place !== null) yield place;
    }
  }

  /**
   * Probes the C library's send functions in one process, for Break on Calls. Before its first instruction no C library
   * is mapped: the system's is used, which it is likely to load.
   * @returns a function that removes them
   * @throws with the reason, for the user
   */
  attachSends(pid: number): () => Promise<void> {
    const off = tlsOff(this.#facts);
    if (off !== null) throw new Error(off);
    const mapped = this.#finder.find(pid).map(({ file }) => file);
    const known = mapped.filter(({ sends = [] }) => sends.length > 0);
    const files = known.length > 0 ? known : this.#systemSends();
    if (files.length === 0) throw new Error('no C library was found with functions to stop at');
    const taking = files.map((file) => this.#files.attachOnly(file, file.sends ?? [], pid));
    return async () => {
      await Promise.all(taking.map((take) => take()));
    };
  }

  #systemSends(): LibraryFile[] {
    return candidatePaths().flatMap((path) => {
      const file = this.#finder.lookAt(path);
      return file?.sends === undefined || file.sends.length === 0 ? [] : [file];
    });
  }

  /** The process ends. Linux 6.16 and later report this while it still has its memory, for a moment. */
  ended(pid: number): void {
    if (this.#unseen.has(pid) && runningProgram(pid) !== null) this.consider(pid);
    if (!this.#searched.has(pid)) this.#reportUnseen(pid);
    this.forget(pid);
  }

  /** The process has ended, or is not a target any more. */
  forget(pid: number): void {
    // Otherwise this is reported when its program has been searched.
    if (!this.#searched.has(pid)) {
      if (runningProgram(pid) === null) this.#reportUnseen(pid);
      this.#unseen.delete(pid);
    }
    for (const path of this.#outputs.ended(pid)) this.#prepare(path);
    this.#known.delete(pid);
    this.#starts.delete(pid);
    this.#reported.delete(pid);
    this.#stopRecognising(pid);
    this.#finder.forget(pid);
    this.#files.release(pid, new Set());
  }

  /** A new process has this id: what is known is about an earlier one. */
  begun(pid: number): void {
    if (this.#known.has(pid)) this.forget(pid);
  }

  /** Forgets an earlier process with the same id. */
  #forgetFormer(pid: number): void {
    const start = this.#startOf(pid);
    if (start === null) return;
    const known = this.#starts.get(pid);
    if (known !== undefined && known !== start) this.forget(pid);
    this.#starts.set(pid, start);
  }

  /** Examines every known process again, in case an event was lost, even that of its end. */
  considerAll(): void {
    const missing = new Set<number>();
    for (const pid of [...this.#known.keys()]) {
      const start = this.#startOf(pid);
      const known = this.#starts.get(pid);
      if (start === null && !this.#missing.has(pid)) {
        // A late event arrives before the next check.
        missing.add(pid);
        continue;
      }
      if (start === null || (known !== undefined && known !== start)) this.forget(pid);
      else this.consider(pid);
    }
    this.#missing = missing;
    this.#files.detachUnused();
  }

  /** The broker was killed: its probes are removed, and every library is reported as not decrypted. */
  endWithBroker(): void {
    this.#files.endWithBroker();
    const pids = [...this.#known.keys()];
    this.#known.clear();
    for (const pid of pids) this.consider(pid);
  }

  /** When the promise resolves, nothing is left in the kernel. */
  async close(): Promise<void> {
    this.#closed = true;
    const closed = this.#files.close();
    this.#known.clear();
    this.#starts.clear();
    this.#reported.clear();
    for (const timer of this.#recognising.values()) clearTimeout(timer);
    this.#recognising.clear();
    this.#finder.close();
    await closed;
  }

  /** A program that is likely to be executed soon, by any process. */
  #prepare(path: string): void {
    if (this.#facts.tlsAttach === 'none') return;
    const file = this.#finder.lookAt(path);
    if (file !== null && file.part === 'tls') this.#files.attach(file);
  }

  /** Libraries that a process has not loaded yet, and may call as soon as it has. */
  #likely(pid: number, upcoming: readonly Program[]): NamedLibrary[] {
    const running = upcoming.length > 0 ? null : runningProgram(pid);
    const paths = upcoming.map(({ path }) => path);
    for (const program of running === null ? upcoming : [running]) paths.push(...this.#expected.of(program));
    return paths.flatMap((path) => {
      const file = this.#finder.lookAt(path);
      return file === null ? [] : [{ path, file }];
    });
  }

  /** Libraries that can only be named take longer to find, so this waits until the process has loaded its libraries. */
  #recogniseSoon(pid: number): void {
    clearTimeout(this.#recognising.get(pid));
    const timer = setTimeout(async () => {
      await this.#finder.findAll(pid);
      // The process was examined again meanwhile, or forgotten. If it has ended, its executable may still be searched.
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
    return { ...library, reason: this.#files.whyNone(file) ?? library.reason };
  }

  /** For libraries that no process has loaded yet: a process may end before it is examined. */
  #reportVersions(files: readonly NamedLibrary[]): void {
    for (const { path, file } of files)
      this.#reportVersion(file, file.version ?? versionOfPackage(files, path));
  }

  /** Once for each attached file. */
  #reportVersion(file: LibraryFile, version: string | null): void {
    const attached = this.#files.get(file);
    if (attached === null || attached.versionReported || version === null || file.part !== 'tls') return;
    attached.versionReported = true;
    this.#client.file({ file: attached.number, version });
  }
}

const URGENCY: readonly LibraryFile['part'][] = ['tls', 'nspr', 'bio', 'loader', 'version'];

function byUrgency<T extends { readonly file: LibraryFile }>(found: readonly T[]): T[] {
  return found.toSorted((a, b) => URGENCY.indexOf(a.file.part) - URGENCY.indexOf(b.file.part));
}

/** libssl's version is that of the libcrypto of its package, which is in the same folder and ends in the same digits. */
function versionOfPackage(files: readonly NamedLibrary[], path: string): string | null {
  const other = join(dirname(path), basename(path).replace('libssl', 'libcrypto'));
  return files.find(({ path: place, file }) => place === other && file.part === 'bio')?.file.version ?? null;
}
