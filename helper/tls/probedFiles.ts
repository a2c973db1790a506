/**
 * The files that have probes, and the processes that use them. A file gets its probes once, however many processes have
 * it in memory. It loses them some seconds after the last of these processes has ended.
 */
import { close, closeSync } from 'node:fs';
import { release } from 'node:os';
import { promisify } from 'node:util';
import { type Facts, INHERITED, tlsOff } from '../facts.ts';
import type { Native } from '../native.ts';
import type { TlsKind } from '../protocol.ts';
import type { LibraryFile } from './finder.ts';
import { FIRST_CALLER_FUNCTION } from './functions.ts';
import type { Probe } from './probes.ts';
import { endsSandboxedPrograms } from './returnProbes.ts';

/** enum tls_library of bpf/trace_http.h. */
export const LIBRARY_NUMBERS: Partial<Record<TlsKind, number>> = {
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

export interface Attached {
  /** Its number in the records of its sessions; from 1 up. */
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

/**
 * Probes stay this much longer than their last user: in the middle of an exec a process has no libraries at all, and probes
 * for a command that is about to run must not be removed when `env` runs before it.
 */
const KEEP_UNUSED_MS = 10_000;
/** For a program with a library inside: it is often run repeatedly, and may run for only some milliseconds. */
const KEEP_PROGRAM_MS = 600_000;

/** NSPR is used in sandboxes, Firefox's for one, and nearly all of its functions need a return probe. */
const NSPR_OFF = endsSandboxedPrograms(release(), process.arch)
  ? `return probes of Linux ${release()} kill sandboxed programs; 6.14 and later do not`
  : null;

const BROKER_GONE = 'the process of HTTP Trace that attaches probes has ended; start the trace again';

export class ProbedFiles {
  readonly #files = new Map<string, Attached>();
  /** Why a file's probes could not be attached; not tried again. */
  readonly #refused = new Map<string, string>();
  #ownPidfd: number | null = null;
  #brokerGone = false;
  #lastNumber = 0;

  readonly #native: Native;
  readonly #facts: Pick<Facts, 'tlsAttach' | 'tlsWanted' | 'missing'>;

  readonly #onAttach: (file: LibraryFile, attached: Attached) => void;

  /** @param onAttach called once for each file, before any record of its probes is read */
  constructor(
    native: Native,
    facts: Pick<Facts, 'tlsAttach' | 'tlsWanted' | 'missing'>,
    onAttach: (file: LibraryFile, attached: Attached) => void = () => {},
  ) {
    this.#native = native;
    this.#facts = facts;
    this.#onAttach = onAttach;
  }

  /** null: the file has no probes. */
  get(file: LibraryFile): Attached | null {
    return this.#files.get(file.id) ?? null;
  }

  /** Why a file that could have probes has none; null: it is not known. */
  whyNone(file: LibraryFile): string | null {
    const gone = this.#brokerGone ? BROKER_GONE : null;
    return tlsOff(this.#facts) ?? this.#refused.get(file.id) ?? gone ?? nsprOff(file);
  }

  /** The broker was killed, and every probe is removed. */
  endWithBroker(): void {
    this.#brokerGone = true;
    const links = [...this.#files.values()].flatMap((file) => file.links);
    this.#files.clear();
    void detach(links);
  }

  /** When the promise resolves, nothing is left in the kernel. */
  async close(): Promise<void> {
    const files = [...this.#files.values()];
    this.#files.clear();
    const links = files.flatMap((file) => file.links);
    for (const file of files) this.#forgetSet(file.set);
    if (this.#ownPidfd !== null) closeSync(this.#ownPidfd);
    this.#ownPidfd = null;
    await detach(links);
  }

  /** Keeps its probes until the trace ends. */
  keep(file: LibraryFile): void {
    const attached = this.attach(file);
    if (attached !== null) attached.kept = true;
  }

  use(file: LibraryFile, pid: number): void {
    const attached = this.attach(file);
    if (attached === null) return;
    attached.users.add(pid);
    attached.unusedSince = null;
  }

  /**
   * Attaches probes in a single process, until they are released.
   * @throws with the reason, for the user
   */
  attachOnly(file: LibraryFile, probes: LibraryFile['probes'], pid: number): () => Promise<void> {
    if (this.#brokerGone || file.descriptor === null) throw new Error(BROKER_GONE);
    const { set, links } = this.#askBroker({ ...file, probes }, 0, file.descriptor, pid);
    return async () => {
      this.#forgetSet(set);
      await detach(links);
    };
  }

  /** Sets the files that the process uses from now on. */
  release(pid: number, used: ReadonlySet<string>): void {
    for (const [id, attached] of this.#files) {
      if (used.has(id) || !attached.users.delete(pid) || attached.users.size > 0) continue;
      attached.unusedSince = performance.now();
    }
  }

  detachUnused(): void {
    const now = performance.now();
    for (const [id, attached] of this.#files) {
      const { unusedSince, kept, links, keepMs } = attached;
      if (kept || unusedSince === null || now - unusedSince < keepMs) continue;
      this.#files.delete(id);
      this.#forgetSet(attached.set);
      void detach(links);
    }
  }

  /** @returns null: the file has no probes, see {@link whyNone}. */
  attach(file: LibraryFile): Attached | null {
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
      this.#onAttach(file, attached);
      return attached;
    } catch (error) {
      this.#refused.set(file.id, `its probes could not be attached (${(error as Error).message})`);
      return null;
    }
  }

  /** The same file with changed contents but the same places: it must not be probed twice. */
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

  /** The broker requires that one of the requester's processes maps the file, so this process does. */
  #askBroker(
    file: LibraryFile,
    number: number,
    descriptor: number,
    only = 0,
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
          only,
        },
        probes: this.#wanted(file).map(({ symbol, kind, place }) => ({
          ...{ symbol, kind: KINDS[kind], offset: BigInt(place.offset), stack: place.stack & 0xffff },
        })),
      });
    } finally {
      this.#native.unmap(start, end);
    }
  }

  /** Leaves out probes whose program this kernel has refused. */
  #wanted({ probes }: LibraryFile): readonly Probe[] {
    if (!this.#facts.missing.callers) return probes;
    return probes.filter(({ function: of }) => of < FIRST_CALLER_FUNCTION);
  }

  /** The broker closes its descriptors of the set. After that only this process holds its links. */
  #forgetSet(set: number): void {
    if (this.#brokerGone) return;
    try {
      this.#native.detachProbes(INHERITED.broker, set);
    } catch {
      // The broker has ended, and closed its descriptors with that.
    }
  }
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
 * links are closed in parallel, and on other threads, because records have to be read meanwhile.
 */
async function detach(links: readonly number[]): Promise<void> {
  await Promise.all(links.map((link) => closeLater(link)));
}
