/** Holds the exchanges, within bounds of number and bytes; evicts the ones that ended first. */
import { MAX_PINNED } from './limits.ts';
import { LinkedList } from './linkedList.ts';
import { PagedMap } from './pagedMap.ts';
import type { StoredExchange } from './storedExchange.ts';

/** After this many removals, running exchanges are {@link StoredExchange.detach detached}: their bytes are copied. */
const DETACH_AFTER = 1_024;
/** Entries of evicted exchanges that stay in the list until it is rebuilt. */
const MAX_EVICTED_LISTED = 1_024;

export interface StoreChanges {
  /** Ids of new and changed exchanges, ascending, each once. */
  readonly changed: readonly number[];
  /** Ids that were evicted or removed. */
  readonly removed: readonly number[];
}

export class Store {
  readonly #maxExchanges: number;
  readonly #maxBytes: number;
  readonly #exchanges = new PagedMap<StoredExchange>();
  /**
   * Ended exchanges in the order in which they ended; those before `#oldest`, and some later ones, are gone.
   */
  #ended: (StoredExchange | undefined)[] = [];
  #oldest = 0;
  /** Running exchanges. */
  readonly #open = new LinkedList<StoredExchange>();
  /** Running calls; an exchange for an encrypted connection is not a call. */
  #running = 0;
  /** Ids, each once, in the order of their first change; some may be gone. */
  #changed: number[] = [];
  #removed: number[] = [];
  #bytes = 0;
  /** Ids of exchanges that must not be evicted. */
  readonly #pinned = new Set<number>();
  /** Number of removals since running exchanges were last detached. */
  #removals = 0;
  evicted = 0;

  constructor(maxExchanges: number, maxBytes: number) {
    this.#maxExchanges = maxExchanges;
    this.#maxBytes = maxBytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get size(): number {
    return this.#exchanges.size;
  }

  get running(): number {
    return this.#running;
  }

  get(id: number): StoredExchange | undefined {
    return this.#exchanges.get(id);
  }

  add(exchange: StoredExchange): void {
    this.#exchanges.set(exchange.id, exchange);
    exchange.held = true;
    exchange.openPlace = this.#open.add(exchange);
    if (exchange.encrypted === null) this.#running++;
    this.changed(exchange);
    this.#evict(0);
  }

  changed(exchange: StoredExchange): void {
    if (!exchange.held) return;
    this.#count(exchange);
    if (exchange.reported) return;
    exchange.reported = true;
    this.#changed.push(exchange.id);
    exchange.revision++;
  }

  /** Once for each exchange. */
  ended(exchange: StoredExchange): void {
    if (!exchange.held) return;
    if (exchange.encrypted === null) this.#running--;
    if (exchange.openPlace !== null) this.#open.remove(exchange.openPlace);
    exchange.openPlace = null;
    this.#ended.push(exchange);
    this.changed(exchange);
    this.#evict(0);
  }

  remove(exchange: StoredExchange): void {
    if (!exchange.held) return;
    exchange.held = false;
    if (exchange.openPlace !== null) this.#open.remove(exchange.openPlace);
    exchange.openPlace = null;
    exchange.connection.forget(exchange);
    this.#exchanges.delete(exchange.id);
    if (this.#pinned.size > 0) this.#pinned.delete(exchange.id);
    if (exchange.state === 'running' && exchange.encrypted === null) this.#running--;
    this.#bytes -= exchange.counted;
    this.#removed.push(exchange.id);
    this.#removals++;
  }

  /** Pins an exchange against eviction, or unpins it. @returns false: it is not held, or too many are pinned. */
  pin(id: number, pinned: boolean): boolean {
    const exchange = this.#exchanges.get(id);
    if (exchange === undefined) return false;
    if (pinned === this.#pinned.has(id)) return true;
    if (pinned) {
      if (this.#pinned.size >= MAX_PINNED) return false;
      this.#pinned.add(id);
      // It will outlive the exchanges that share its blocks.
      exchange.detach();
    } else {
      this.#pinned.delete(id);
      // Eviction may have skipped it and dropped it from the list. Listing it twice is harmless.
      if (exchange.state !== 'running') this.#ended.push(exchange);
    }
    this.changed(exchange);
    return true;
  }

  isPinned(id: number): boolean {
    return this.#pinned.has(id);
  }

  /** Makes room for body bytes. @returns false if there is none, as everything held is running. */
  mayKeep(bytes: number): boolean {
    this.#evict(bytes);
    return this.#bytes + bytes <= this.#maxBytes;
  }

  clear(keepPinned: boolean): void {
    for (const exchange of this.#ended) {
      if (exchange !== undefined && !(keepPinned && this.#pinned.has(exchange.id))) this.remove(exchange);
    }
    // Pinned exchanges that eviction has dropped from the list.
    for (const id of keepPinned ? [] : this.#pinned) {
      const exchange = this.#exchanges.get(id);
      if (exchange !== undefined && exchange.state !== 'running') this.remove(exchange);
    }
    this.#ended = [];
    this.#oldest = 0;
    this.#detach();
  }

  takeChanges(): StoreChanges {
    const changed: number[] = [];
    let sorted = true;
    let last = 0;
    for (const id of this.#changed) {
      const exchange = this.#exchanges.get(id);
      if (exchange === undefined) continue;
      exchange.reported = false;
      if (id < last) sorted = false;
      last = id;
      changed.push(id);
    }
    if (!sorted) changed.sort((a, b) => a - b);
    const changes = { changed, removed: this.#removed };
    this.#changed = [];
    this.#removed = [];
    return changes;
  }

  /** A running exchange would keep alive the blocks that it shares with exchanges that are gone. */
  #detach(): void {
    this.#removals = 0;
    for (const exchange of this.#open) exchange.detach();
  }

  #count(exchange: StoredExchange): void {
    const cost = exchange.cost;
    this.#bytes += cost - exchange.counted;
    exchange.counted = cost;
  }

  #evict(room: number): void {
    while (this.#exchanges.size > this.#maxExchanges || this.#bytes + room > this.#maxBytes) {
      const oldest = this.#ended[this.#oldest];
      if (oldest === undefined) return;
      this.#ended[this.#oldest++] = undefined;
      if (!oldest.held || this.#pinned.has(oldest.id)) continue;
      this.remove(oldest);
      this.evicted++;
      if (this.#removals >= DETACH_AFTER) this.#detach();
      if (this.#oldest > MAX_EVICTED_LISTED && this.#oldest > this.#ended.length / 2) {
        this.#ended = this.#ended.slice(this.#oldest);
        this.#oldest = 0;
      }
    }
  }
}
