/** One name lookup by a process: its questions and their outcomes. Times are milliseconds since the trace's start. */
import { MAX_LOOKUP_ADDRESSES, MAX_LOOKUP_ATTEMPTS } from '../limits.ts';

export type AddressType = 'A' | 'AAAA';

/** How one question ended. */
export type Outcome = { readonly at: number; readonly server: string | null } & (
  | { readonly kind: 'addresses' | 'no-data' | 'truncated' | 'silent' }
  /** @property code RCODE. */
  | { readonly kind: 'code'; readonly code: number }
  /** @property errno of the system call that failed. */
  | { readonly kind: 'error'; readonly errno: number }
  /** systemd-resolved's own error name, such as `QueryTimedOut`. */
  | { readonly kind: 'resolved'; readonly error: string }
);

/** A query without an answer. */
export interface Query {
  readonly lookup: Lookup;
  readonly question: Question;
  /** Inode of its socket. */
  readonly socket: bigint;
  /** Id and question, which the answer repeats. */
  readonly key: string;
}

export class Question {
  readonly pending = new Set<Query>();
  /** Queries sent, repeated ones included. */
  sent = 0;
  lastId = -1;
  lastSocket = -1n;
  lastServer: string | null = null;
  outcome: Outcome | null = null;
}

export class Lookup {
  readonly pid: number;
  /** The thread that asked first. */
  readonly tid: number;
  readonly name: string;
  /** Lookups of the name with other suffixes (the search list of resolv.conf), which failed before. */
  attempts: readonly Lookup[] = [];
  started: number;
  /** Time of the last event. */
  last: number;
  readonly questions = new Map<AddressType, Question>();
  /** Each address with the time of its answer. */
  readonly addresses = new Map<string, number>();
  alias: string | null = null;
  /** Another lookup of the same name overlapped, and a connection may have waited for either. */
  entangled = false;
  /** When the first later lookup of the same name began that a connection has claimed; null: there is none. */
  supersededAt: number | null = null;
  server: string | null = null;
  transport: 'udp' | 'tcp' | 'resolved';
  /** What ended before there was an answer; null: neither. */
  cut: 'process' | 'trace' | null = null;
  constructor(pid: number, tid: number, name: string, at: number, transport: Lookup['transport']) {
    this.pid = pid;
    this.tid = tid;
    this.name = name;
    this.started = at;
    this.last = at;
    this.transport = transport;
  }

  /** The attempt with the name that the program asked for, if all others are that name with a suffix; else this one. */
  get asked(): Lookup {
    const all = [...this.attempts, this];
    const shortest = all.reduce((a, b) => (b.name.length < a.name.length ? b : a));
    return all.every((one) => one === shortest || one.name.startsWith(`${shortest.name}.`)) ? shortest : this;
  }

  get waiting(): boolean {
    for (const { pending } of this.questions.values()) if (pending.size > 0) return true;
    return false;
  }

  get succeeded(): boolean {
    return this.addresses.size > 0;
  }

  get failed(): boolean {
    return !this.succeeded && !this.waiting;
  }

  get queries(): number {
    let sum = 0;
    // systemd-resolved is asked for both types at once.
    if (this.transport === 'resolved')
      return this.questions.get('A')?.sent ?? this.questions.get('AAAA')?.sent ?? 0;
    for (const { questions } of [...this.attempts, this])
      for (const { sent } of questions.values()) sum += sent;
    return sum;
  }

  /** When the last question ended, up to `limit`; null: none did. */
  endedBefore(limit: number): number | null {
    let ended: number | null = null;
    for (const { outcome } of this.questions.values()) {
      if (outcome !== null && outcome.at <= limit && (ended === null || outcome.at > ended))
        ended = outcome.at;
    }
    return ended;
  }

  learn(addresses: readonly string[], at: number): void {
    for (const address of addresses) {
      if (this.addresses.size >= MAX_LOOKUP_ADDRESSES) return;
      if (!this.addresses.has(address)) this.addresses.set(address, at);
    }
  }

  /** Takes over an earlier lookup, which was an attempt with another suffix. @returns false when there are too many. */
  absorb(earlier: Lookup): boolean {
    if (this.attempts.length + earlier.attempts.length >= MAX_LOOKUP_ATTEMPTS) return false;
    this.attempts = [...this.attempts, ...earlier.attempts, earlier];
    earlier.attempts = [];
    this.started = Math.min(this.started, earlier.started);
    return true;
  }
}

/** Number of suffixes that are remembered as parts of a search list. */
const MAX_ENDINGS = 64;

export class SearchEndings {
  readonly #known = new Set<string>();

  /**
   * Can `after` be a resolver's next attempt when it did not find `before`? Yes if the names are the same with and
   * without a suffix, with a suffix and a part of that suffix, or with two suffixes that were seen before.
   */
  relate(before: string, after: string): boolean {
    const [longer, shorter] = before.length > after.length ? [before, after] : [after, before];
    if (longer.startsWith(`${shorter}.`)) {
      this.learn(longer.slice(shorter.length + 1));
      return true;
    }
    const a = before.split('.');
    const b = after.split('.');
    let common = 0;
    while (common < a.length && common < b.length && a[common] === b[common]) common++;
    for (let labels = common; labels > 0; labels--) {
      const first = a.slice(labels).join('.');
      const second = b.slice(labels).join('.');
      if (first === '' || second === '') continue;
      if (first.endsWith(`.${second}`) || (this.#known.has(first) && this.#known.has(second))) return true;
    }
    return false;
  }

  learn(ending: string): void {
    if (this.#known.size < MAX_ENDINGS) this.#known.add(ending);
  }
}
