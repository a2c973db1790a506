/**
 * The TLS libraries of the traced processes, as the helper found them (frame `Tls` of helper/protocol.ts), and
 * what was seen of each process through them.
 */
import { MAX_PROCESSES } from '../limits.ts';

export type TlsLibraryKind =
  | 'openssl'
  | 'boringssl'
  | 'gnutls'
  | 'go'
  | 'nss'
  | 'rustls'
  | 'java'
  | 'mbedtls'
  | 'wolfssl'
  | 'unknown';

export interface TlsLibrary {
  readonly kind: TlsLibraryKind;
  readonly version: string | null;
  /** Path as the process sees it. */
  readonly path: string;
  readonly inExecutable: boolean;
  /** Its functions are probed: the plaintext is seen. */
  readonly attached: boolean;
  /** Boot time (ns) when attached; null or missing: not attached or unknown. */
  readonly since?: string | null;
  /** How returns are probed; null if not attached. */
  readonly returns: 'instructions' | 'uretprobe' | null;
  /** Why it is not attached, as a text for the user, to follow "not decrypted: "; null when it is. */
  readonly reason: string | null;
}

/** A connection without plaintext. */
export interface Unread {
  /** It was already open when the trace first saw it. */
  readonly late: boolean;
  /** When its first byte was seen, in milliseconds since the trace's start; null: none was. */
  readonly first: number | null;
  /** A session was matched to it. */
  readonly hasSession: boolean;
}

/** What is known about decryption in one process. */
export interface ProcessTls {
  /** Why TLS libraries are not probed in this trace; null: they are. */
  readonly off: string | null;
  /** null: the helper has not looked, or the process is gone. */
  readonly libraries: readonly TlsLibrary[] | null;
  /** The process ended before the helper could look at the libraries that it loaded last. */
  readonly unseen?: boolean;
  /** Calls whose plaintext was seen. */
  readonly calls: number;
  /** TLS connections without plaintext. */
  readonly encrypted: number;
}

/** Library files whose versions are kept. */
const MAX_FILES = 16_384;

const NAMES: Readonly<Record<TlsLibraryKind, string>> = {
  openssl: 'OpenSSL',
  boringssl: 'BoringSSL',
  gnutls: 'GnuTLS',
  go: 'Go crypto/tls',
  nss: 'NSS',
  rustls: 'rustls',
  java: 'Java',
  mbedtls: 'Mbed TLS',
  wolfssl: 'wolfSSL',
  unknown: 'an unknown TLS library',
};

const UNMATCHED =
  'but not every session could be matched to its connection; the calls of this connection may be among those without addresses';

const UNRECOGNISED = 'the TLS library of the process was not recognised';
const UNSEEN = 'the program had ended before its TLS library could be looked at';

/** `OpenSSL`. */
export function tlsLibraryName(kind: TlsLibraryKind): string {
  return NAMES[kind];
}

/** Why these libraries are not decrypted: each reason once, with the names of the libraries. */
export function reasonsOf(libraries: readonly TlsLibrary[]): string[] {
  const named = new Map<string, Set<string>>();
  for (const { kind, reason } of libraries) {
    const text = reason ?? 'its plaintext cannot be read';
    const names = named.get(text) ?? new Set();
    named.set(text, names.add(tlsLibraryName(kind)));
  }
  return [...named].map(([reason, names]) => {
    const unsaid = [...names].filter((name) => !reason.includes(name));
    return unsaid.length === 0 ? reason : `${unsaid.join(' and ')}: ${reason}`;
  });
}

/** Says in sentences what is decrypted in a process and what is not. */
export function decryptionSentences({
  off,
  libraries,
  unseen = false,
  calls,
  encrypted,
}: ProcessTls): string[] {
  const sentences: string[] = [];
  for (const library of libraries ?? []) {
    const name = `${tlsLibraryName(library.kind)}${library.version === null ? '' : ` ${library.version}`}`;
    if (library.attached) sentences.push(`${name} is decrypted.`);
  }
  const others = (libraries ?? []).filter(({ attached }) => !attached);
  for (const reason of reasonsOf(others)) sentences.push(`Not decrypted: ${reason}.`);
  if (off !== null && sentences.length === 0) sentences.push(`Not decrypted: ${off}.`);
  else if (libraries?.length === 0 && !unseen)
    sentences.push('No TLS library was recognised in the process.');
  if (calls > 0) sentences.push(`${count(calls, 'call')} seen over TLS.`);
  if (encrypted > 0) sentences.push(`${count(encrypted, 'TLS connection')} without plaintext.`);
  return sentences;
}

function count(number: number, one: string): string {
  return `${number.toLocaleString('en-US')} ${one}${number === 1 ? '' : 's'}`;
}

/** Milliseconds from the connection's first byte until the last library was probed; 0 or less: all were by then. */
function lagOf(
  libraries: readonly TlsLibrary[],
  first: number,
  milliseconds: (bootTime: bigint) => number,
): number {
  const times = libraries.map(({ since }) => (since == null ? first : milliseconds(BigInt(since))));
  return Math.max(...times) - first;
}

interface Counted {
  libraries: readonly TlsLibrary[] | null;
  partial: boolean;
  unseen: boolean;
  calls: number;
  encrypted: number;
  /** Sessions whose socket is not known, including those that have ended. */
  unbound: number;
}

export class TlsLibraries {
  /** Why TLS libraries are not probed; null: they are. */
  off: string | null = null;
  readonly #processes = new Map<number, Counted>();
  readonly #files = new Map<number, string>();

  /**
   * @param partial more may follow soon
   * @param unseen the process ended before the helper could look at what it loaded last: earlier findings are kept
   */
  set(pid: number, libraries: readonly TlsLibrary[], partial: boolean, unseen: boolean): void {
    const known = this.#of(pid);
    known.partial = partial;
    if (unseen && (known.libraries?.length ?? 0) > 0) return;
    known.libraries = libraries;
    known.unseen = unseen;
  }

  /** True when nothing more will be learned about a process's libraries. */
  areKnown(pid: number): boolean {
    const known = this.#processes.get(pid);
    return this.off !== null || (known?.libraries != null && !known.partial);
  }

  /** null when nothing is known. */
  get(pid: number): ProcessTls | null {
    const known = this.#processes.get(pid);
    if (known === undefined) return null;
    const { libraries, unseen, calls, encrypted } = known;
    return { off: this.off, libraries, calls, encrypted, ...(unseen ? { unseen } : {}) };
  }

  /** @param file its number in TLS records */
  setFile(file: number, version: string): void {
    if (this.#files.size < MAX_FILES) this.#files.set(file, version);
  }

  /**
   * The version of a process's library of this kind: from its memory map, else of the file whose probes
   * saw the session, as the process may have ended before its map was read.
   * @param file 0 = not known.
   */
  versionOf(pid: number | null, kind: TlsLibraryKind, file: number): string | null {
    const libraries = pid === null ? null : this.#processes.get(pid)?.libraries;
    const found = libraries?.filter((library) => library.kind === kind) ?? [];
    const own = found.length === 1 ? found[0]?.version : null;
    return own ?? this.#files.get(file) ?? null;
  }

  /** Adds one to a counter of the process, or takes one away. */
  count(pid: number, what: 'calls' | 'encrypted' | 'unbound', change: 1 | -1): void {
    const known = this.#of(pid);
    known[what] = Math.max(0, known[what] + change);
  }

  /**
   * Why a connection of this process has no plaintext, as a clause.
   * @param milliseconds converts boot time to time since the trace's start
   */
  reason(
    pid: number,
    { late, first, hasSession }: Unread,
    milliseconds: (bootTime: bigint) => number,
  ): string {
    const known = this.#processes.get(pid);
    const libraries = known?.libraries ?? [];
    const attached = libraries.filter((library) => library.attached);
    const others = libraries.filter((library) => !library.attached);
    // The process may have ended before its memory map was read.
    if (libraries.length === 0 && known !== undefined && known.unbound > 0)
      return `TLS of the process is decrypted, ${UNMATCHED}`;
    if (libraries.length === 0) return this.off ?? (known?.unseen === true ? UNSEEN : UNRECOGNISED);
    // Libraries that cannot be decrypted are the reason if no other is attached; otherwise they are only added.
    const reasons = reasonsOf(others);
    if (attached.length === 0) return reasons.join('; ');
    const names = [...new Set(attached.map(({ kind }) => tlsLibraryName(kind)))].join(' and ');
    const unmatched = known !== undefined && known.unbound > 0;
    const lag = first === null ? 0 : lagOf(attached, first, milliseconds);
    if (lag > 0) {
      const lagging = `${names} could be read only ${lag.toFixed(1)} ms after the connection's first byte`;
      return unmatched
        ? `${lagging}, ${UNMATCHED}`
        : `${lagging}: the program had just started or loaded it, and its calls were made before that`;
    }
    if (hasSession)
      return 'its session was seen, but none of its data: the program used functions that are not probed';
    if (late) return `opened before the trace started, so it can't be decrypted`;
    const decrypted = names.includes(' and ') ? `${names} are decrypted` : `${names} is decrypted`;
    if (unmatched) return `${decrypted}, ${UNMATCHED}`;
    if (reasons.length > 0)
      return `${decrypted}, but the connection does not use it, and ${reasons.join('; ')}`;
    return `${decrypted}, but the connection was not seen to use it`;
  }

  #of(pid: number): Counted {
    let known = this.#processes.get(pid);
    if (known === undefined) {
      known = { libraries: null, partial: false, unseen: false, calls: 0, encrypted: 0, unbound: 0 };
      this.#processes.set(pid, known);
      if (this.#processes.size > MAX_PROCESSES) {
        for (const oldest of this.#processes.keys()) {
          this.#processes.delete(oldest);
          break;
        }
      }
    }
    return known;
  }
}
