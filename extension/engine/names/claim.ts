/** The name lookup that found a connection's address. */
import type { Lookup } from './lookup.ts';

/** Implemented by the table of lookups. */
export interface ClaimHost {
  /** No connection has claimed the lookup. */
  isFree(lookup: Lookup): boolean;
  /** The lookup now belongs to this connection alone. */
  claimed(lookup: Lookup): void;
  /** The program asked for `name`, and the resolver found it with a suffix of the search list. */
  endingSeen(lookup: Lookup, name: string): void;
}

/**
 * Candidates are lookups by the same process that returned the address before it began to connect. If they share one
 * name, the newest is chosen; if not, the newest for the host that the request or the TLS handshake names.
 */
export class LookupClaim {
  lookup: Lookup | null = null;
  readonly connectStarted: number;

  readonly #host: ClaimHost;
  #candidates: readonly Lookup[];
  #named = false;

  constructor(candidates: readonly Lookup[], connectStarted: number, host: ClaimHost) {
    this.#candidates = candidates;
    this.#host = host;
    this.connectStarted = connectStarted;
    if (new Set(candidates.map(({ name }) => name)).size === 1) this.#choose(candidates);
  }

  /** No request or TLS handshake has named a host yet. */
  get undecided(): boolean {
    return !this.#named;
  }

  /** The host that the first request, or the TLS handshake, names; null: not known yet. */
  requested(name: string | null): void {
    if (name === null || this.#named) return;
    this.#named = true;
    const wanted = name.toLowerCase().replace(/\.$/, '');
    if (this.lookup === null) {
      this.#choose(
        this.#candidates.filter(
          (one) =>
            [...one.attempts, one].some(({ name: tried }) => tried === wanted) && this.#host.isFree(one),
        ),
      );
    } else if (this.lookup.name.startsWith(`${wanted}.`)) {
      this.#host.endingSeen(this.lookup, wanted);
    }
    this.#candidates = [];
  }

  /** When the lookup began and ended; null where that is not certain. */
  get span(): { readonly from: number; readonly to: number } | null {
    if (this.lookup === null || this.lookup.entangled) return null;
    const to = this.lookup.endedBefore(this.connectStarted);
    return to === null ? null : { from: this.lookup.started, to };
  }

  #choose(candidates: readonly Lookup[]): void {
    const latest = candidates.at(-1);
    if (latest === undefined) return;
    this.lookup = latest;
    for (const other of candidates) {
      if (other !== latest && other.last > latest.started) other.entangled = latest.entangled = true;
    }
    this.#host.claimed(latest);
  }
}
