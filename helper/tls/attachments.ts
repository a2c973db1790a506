/**
 * Programs on functions of TLS libraries: which files have them, for whose sake, and what each process's plaintext
 * depends on. A file gets its probes once, whoever has it in memory, and loses them when the last process that has
 * it is gone and none has come for a while; those of the system's own libraries stay as long as the trace, so that a
 * short-lived program finds them in place.
 */
import { close, closeSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { DESCRIPTORS, type Facts, tlsOff } from '../facts.ts';
import type { BrokerProbe, Native } from '../native.ts';
import type { Tls, TlsFile, TlsKind, TlsLibrary } from '../protocol.ts';
import { candidatePaths } from './candidates.ts';
import { ExpectedLibraries } from './expected.ts';
import { describe, type FoundLibrary, type LibraryFile, TlsFinder } from './finder.ts';
import type { Probe } from './probes.ts';
import { type Program, runningProgram } from './program.ts';
import { upcomingPrograms } from './upcoming.ts';

/** enum tls_library of bpf/trace_http.h. */
const LIBRARY_NUMBERS: Partial<Record<TlsKind, number>> = {
  openssl: 1,
  gnutls: 2,
  go: 3,
  boringssl: 4,
  nss: 5,
};

/** Probes of one request to the broker (BROKER_PROBES_MAX). */
const BROKER_PROBES = 64;

interface Attached {
  /** As its sessions' records name it; from 1 up. */
  readonly number: number;
  readonly links: readonly number[];
  /** Process ids; the system's libraries are kept without any. */
  readonly users: Set<number>;
  kept: boolean;
  /** When the last user was seen to leave, by performance.now(); null while there is one. */
  unusedSince: number | null;
  /** The client knows its version. */
  told: boolean;
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

/** What the client is told. */
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
  /** What was last told of each process, as JSON. */
  readonly #told = new Map<number, string>();
  readonly #recognising = new Map<number, NodeJS.Timeout>();
  readonly #expected = new ExpectedLibraries();
  #ownPidfd: number | null = null;
  #lastNumber = 0;

  private constructor(
    private readonly native: Native,
    private readonly facts: Pick<Facts, 'tlsAttach' | 'tlsWanted' | 'missing'>,
    private readonly finder: TlsFinder,
    private readonly client: TlsClient,
  ) {}

  static async create(
    native: Native,
    facts: Pick<Facts, 'tlsAttach' | 'tlsWanted' | 'missing'>,
    client: TlsClient,
  ): Promise<Attachments> {
    return new Attachments(native, facts, await TlsFinder.create(), client);
  }

  /** The system's own libraries, before anybody calls them. */
  attachSystem(): void {
    if (this.facts.tlsAttach === 'none') return;
    const kept: Named[] = [];
    for (const path of candidatePaths()) {
      const file = this.finder.lookAt(path);
      if (file === null) continue;
      kept.push({ path, file });
      this.#keep(file);
    }
    this.#tellVersions(kept);
  }

  /** A process is a target now, has executed a program, or has loaded more libraries. */
  consider(pid: number): void {
    const upcoming = this.facts.tlsAttach === 'none' ? [] : upcomingPrograms(pid);
    const found = this.finder.find(pid);
    const before = this.#known.get(pid);
    if (before === found && upcoming.length === 0) return;
    this.#known.set(pid, found);
    this.#recogniseSoon(pid);
    if (this.facts.tlsAttach !== 'none') {
      const likely = this.#likely(pid, upcoming);
      const files = [...likely, ...found].map(({ file }) => file);
      for (const file of files) this.#use(file, pid);
      this.#release(pid, new Set(files.map(({ id }) => id)));
      this.#tellVersions(likely);
    }
    const shown = found.filter(({ file }) => file.part === 'tls').map(({ file }) => file);
    const libraries = describe(found, (file) => this.#files.has(file.id)).map((library, index) =>
      this.#explain(library, shown[index]),
    );
    for (const [index, file] of shown.entries()) this.#tellFile(file, libraries[index]?.version ?? null);
    const text = JSON.stringify(libraries);
    if (text === (this.#told.get(pid) ?? '[]')) return;
    this.#told.set(pid, text);
    this.client.libraries({ pid, libraries });
  }

  /** The process has ended, or is no target any more. */
  forget(pid: number): void {
    this.#known.delete(pid);
    this.#told.delete(pid);
    clearTimeout(this.#recognising.get(pid));
    this.#recognising.delete(pid);
    this.finder.forget(pid);
    this.#release(pid, new Set());
  }

  /** Every process that is known, looked at again: an event may have been lost. */
  considerAll(): void {
    for (const pid of [...this.#known.keys()]) this.consider(pid);
    this.#detachUnused();
  }

  /** When it is done, nothing is left in the kernel. */
  async close(): Promise<void> {
    const links = [...this.#files.values()].flatMap((file) => file.links);
    this.#files.clear();
    this.#known.clear();
    this.#told.clear();
    for (const timer of this.#recognising.values()) clearTimeout(timer);
    this.#recognising.clear();
    this.finder.close();
    if (this.#ownPidfd !== null) closeSync(this.#ownPidfd);
    this.#ownPidfd = null;
    await detach(links);
  }

  /** What a process has not in memory yet, and may call as soon as it has. */
  #likely(pid: number, upcoming: readonly Program[]): Named[] {
    const running = upcoming.length > 0 ? null : runningProgram(pid);
    const paths = upcoming.map(({ path }) => path);
    for (const program of running === null ? upcoming : [running]) paths.push(...this.#expected.of(program));
    return paths.flatMap((path) => {
      const file = this.finder.lookAt(path);
      return file === null ? [] : [{ path, file }];
    });
  }

  /** What can only be named takes longer to find: when the process has had time to load what it wants. */
  #recogniseSoon(pid: number): void {
    clearTimeout(this.#recognising.get(pid));
    const timer = setTimeout(async () => {
      this.#recognising.delete(pid);
      await this.finder.findAll(pid);
      if (this.#known.has(pid)) this.consider(pid);
    }, RECOGNISE_AFTER_MS);
    this.#recognising.set(pid, timer);
  }

  #explain(library: TlsLibrary, file: LibraryFile | undefined): TlsLibrary {
    if (library.attached)
      return this.facts.tlsAttach === 'broker' ? { ...library, returns: 'uretprobe' } : library;
    if (file === undefined || file.probes.length === 0) return library;
    return { ...library, reason: tlsOff(this.facts) ?? this.#refused.get(file.id) ?? library.reason };
  }

  #keep(file: LibraryFile): void {
    const attached = this.#attach(file);
    if (attached !== null) attached.kept = true;
  }

  /** Of what nobody has in memory yet: a process may be over before it is looked at. */
  #tellVersions(files: readonly Named[]): void {
    for (const { path, file } of files) this.#tellFile(file, file.version ?? versionOfPackage(files, path));
  }

  /** Each version once, and of what is attached. */
  #tellFile(file: LibraryFile, version: string | null): void {
    const attached = this.#files.get(file.id);
    if (attached === undefined || attached.told || version === null || file.part !== 'tls') return;
    attached.told = true;
    this.client.file({ file: attached.number, version });
  }

  #use(file: LibraryFile, pid: number): void {
    const attached = this.#attach(file);
    if (attached === null) return;
    attached.users.add(pid);
    attached.unusedSince = null;
  }

  /** The process uses these files and no others any more. */
  #release(pid: number, used: ReadonlySet<string>): void {
    for (const [id, attached] of this.#files) {
      if (used.has(id) || !attached.users.delete(pid) || attached.users.size > 0) continue;
      attached.unusedSince = performance.now();
    }
  }

  #detachUnused(): void {
    const now = performance.now();
    for (const [id, { unusedSince, kept, links }] of this.#files) {
      if (kept || unusedSince === null || now - unusedSince < KEEP_UNUSED_MS) continue;
      this.#files.delete(id);
      void detach(links);
    }
  }

  #attach(file: LibraryFile): Attached | null {
    const known = this.#files.get(file.id);
    if (known !== undefined) return known;
    if (file.probes.length === 0 || file.descriptor === null || this.#refused.has(file.id)) return null;
    try {
      const number = ++this.#lastNumber;
      const links =
        this.facts.tlsAttach === 'multi'
          ? this.#attachHere(file, number, file.descriptor)
          : this.#askBroker(file, number, file.descriptor);
      const unusedSince = performance.now();
      const attached: Attached = { number, links, users: new Set(), kept: false, unusedSince, told: false };
      this.#files.set(file.id, attached);
      return attached;
    } catch (error) {
      this.#refused.set(file.id, `its probes could not be attached (${(error as Error).message})`);
      return null;
    }
  }

  /** One link each for the entries, the return instructions and the uretprobes. */
  #attachHere(file: LibraryFile, number: number, descriptor: number): number[] {
    const links: number[] = [];
    try {
      for (const kind of ['entry', 'return-instruction', 'uretprobe'] as const) {
        const probes = file.probes.filter((probe) => probe.kind === kind);
        if (probes.length === 0) continue;
        links.push(
          this.native.attachUprobes(
            kind === 'entry' ? DESCRIPTORS.tlsEnter : DESCRIPTORS.tlsLeave,
            `/proc/self/fd/${descriptor}`,
            BigUint64Array.from(probes, ({ place }) => BigInt(place.offset)),
            BigUint64Array.from(probes, (probe) => cookieOf(file, number, probe, probe.place.stack)),
            kind === 'uretprobe',
          ),
        );
      }
      return links;
    } catch (error) {
      for (const link of links) closeSync(link);
      throw error;
    }
  }

  /** The broker takes a mapping of one of the requester's processes: this one will do. */
  #askBroker(file: LibraryFile, number: number, descriptor: number): number[] {
    this.#ownPidfd ??= this.native.openPidfd(process.pid);
    const [start, end] = this.native.mapExecutable(descriptor);
    const probes = brokerProbes(file, number);
    const links: number[] = [];
    try {
      for (let from = 0; from < probes.length; from += BROKER_PROBES) {
        const part = probes.slice(from, from + BROKER_PROBES);
        links.push(...this.native.askBroker(DESCRIPTORS.broker, this.#ownPidfd, start, end, part));
      }
      return links;
    } catch (error) {
      for (const link of links) closeSync(link);
      throw error;
    } finally {
      this.native.unmap(start, end);
    }
  }
}

const closeLater = promisify(close);

/**
 * The kernel waits for whoever runs the program, up to a tenth of a second for each link: so for all of them at once,
 * and not here, as records are to be read meanwhile.
 */
async function detach(links: readonly number[]): Promise<void> {
  await Promise.all(links.map((link) => closeLater(link)));
}

/** From 0 up: the function (8 bits), the library (8), how much longer the stack is there (16), the file (32). */
function cookieOf(file: LibraryFile, number: number, probe: Probe, stack = 0): bigint {
  const low = BigInt(probe.function | ((LIBRARY_NUMBERS[file.kind] ?? 0) << 8)) | (BigInt(stack) << 16n);
  return low | (BigInt(number) << 32n);
}

/** libssl's version is that of the libcrypto of its package, which is in the same folder and ends in the same digits. */
function versionOfPackage(files: readonly Named[], path: string): string | null {
  const other = join(dirname(path), basename(path).replace('libssl', 'libcrypto'));
  return files.find(({ path: place, file }) => place === other && file.part === 'bio')?.file.version ?? null;
}

/**
 * The broker knows functions by their names, and takes other places only in the requester's own files: so a return
 * is a uretprobe there, except in Go, whose stacks move.
 */
function brokerProbes(file: LibraryFile, number: number): BrokerProbe[] {
  const probes: BrokerProbe[] = [];
  const returns = new Set<string>();
  for (const probe of file.probes) {
    const place = { cookie: cookieOf(file, number, probe), symbol: probe.symbol };
    if (probe.kind === 'entry') {
      probes.push({ ...place, offset: BigInt(probe.offset), program: 0, atReturn: 0 });
    } else if (file.kind === 'go') {
      probes.push({ ...place, offset: BigInt(probe.offset), program: 1, atReturn: 0 });
    } else if (!returns.has(probe.symbol)) {
      returns.add(probe.symbol);
      const entry = file.probes.find(
        ({ symbol, kind }) => symbol === probe.symbol && kind !== 'return-instruction',
      );
      if (entry !== undefined) {
        probes.push({ ...place, offset: BigInt(entry.offset), program: 1, atReturn: 1 });
      }
    }
  }
  return probes;
}
