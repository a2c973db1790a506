/** The lookup by which a connection's address was found. */
import type { Lookup } from './lookup.ts';

/** What the table of lookups does about a claim. */
export interface ClaimHost {
  /** No other connection has it. */
  isFree(lookup: Lookup): boolean;
  /** The lookup is this connection's, and no other's. */
  claimed(lookup: Lookup): void;
  /** The program asked for `name`, and the lookup found it with an ending. */
  endingSeen(lookup: Lookup, name: string): void;
}

/**
 * Candidates are lookups of the same process that gave the address before the process began to connect to it. One
 * name: it is that lookup. Several: the one that the request or the TLS handshake names.
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

  /** It is not known yet what the connection is for. */
  get undecided(): boolean {
    return !this.#named;
  }

  /** The first request on the connection is for this name, as far as known. */
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
