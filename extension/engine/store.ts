/** Holds the exchanges, within bounds of number and bytes; evicts the ones that ended first. */
import type { EngineChanges } from './engine.ts';
import type { StoredExchange } from './model.ts';

export class Store {
  readonly #maxExchanges: number;
  readonly #maxBytes: number;
  readonly #exchanges = new Map<number, StoredExchange>();
  /** Ids of ended exchanges in the order in which they ended. */
  readonly #ended = new Set<number>();
  #changed = new Set<number>();
  #removed: number[] = [];
  #bytes = 0;
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
    return this.#exchanges.size - this.#ended.size;
  }

  get(id: number): StoredExchange | undefined {
    return this.#exchanges.get(id);
  }

  add(exchange: StoredExchange): void {
    this.#exchanges.set(exchange.id, exchange);
    this.changed(exchange);
    this.#evict(0);
  }

  changed(exchange: StoredExchange): void {
    if (!this.#exchanges.has(exchange.id)) return;
    this.#count(exchange);
    if (this.#changed.has(exchange.id)) return;
    this.#changed.add(exchange.id);
    exchange.revision++;
  }

  ended(exchange: StoredExchange): void {
    if (!this.#exchanges.has(exchange.id)) return;
    this.#ended.add(exchange.id);
    this.changed(exchange);
    this.#evict(0);
  }

  remove(exchange: StoredExchange): void {
    if (!this.#exchanges.delete(exchange.id)) return;
    this.#ended.delete(exchange.id);
    this.#changed.delete(exchange.id);
    this.#bytes -= exchange.counted;
    this.#removed.push(exchange.id);
  }

  /** Makes room for body bytes. @returns false when everything held is running and there is none. */
  mayKeep(bytes: number): boolean {
    this.#evict(bytes);
    return this.#bytes + bytes <= this.#maxBytes;
  }

  clear(): void {
    for (const id of [...this.#ended]) this.remove(this.#exchanges.get(id) as StoredExchange);
  }

  takeChanges(): EngineChanges {
    const changes = { changed: [...this.#changed].sort((a, b) => a - b), removed: this.#removed };
    this.#changed = new Set();
    this.#removed = [];
    return changes;
  }

  #count(exchange: StoredExchange): void {
    const cost = exchange.cost;
    this.#bytes += cost - exchange.counted;
    exchange.counted = cost;
  }

  #evict(room: number): void {
    while (this.#exchanges.size > this.#maxExchanges || this.#bytes + room > this.#maxBytes) {
      const oldest = this.#ended.values().next();
      if (oldest.done === true) return;
      this.remove(this.#exchanges.get(oldest.value) as StoredExchange);
      this.evicted++;
    }
  }
}
