/** The lookups that are remembered, by process and name; beyond a bound the oldest is dropped. */
import { MAX_LOOKUPS } from '../limits.ts';
import type { Lookup } from './lookup.ts';

/** How many of a process's newest lookups may turn out to be attempts of its next one. */
const MAX_RECENT = 16;

interface OfProcess {
  /** In the order in which they began. */
  readonly all: Set<Lookup>;
  readonly byName: Map<string, Lookup[]>;
  /** The newest ones; some may have been dropped since. */
  recent: Lookup[];
}

export class LookupTable {
  readonly #processes = new Map<number, OfProcess>();
  /** Of all processes, in the order in which they began. */
  readonly #all = new Set<Lookup>();

  get size(): number {
    return this.#all.size;
  }

  [Symbol.iterator](): IterableIterator<Lookup> {
    return [...this.#all].values();
  }

  has(lookup: Lookup): boolean {
    return this.#all.has(lookup);
  }

  of(pid: number): readonly Lookup[] {
    return [...(this.#processes.get(pid)?.all ?? [])];
  }

  named(pid: number, name: string): readonly Lookup[] {
    return this.#processes.get(pid)?.byName.get(name) ?? [];
  }

  recent(pid: number): readonly Lookup[] {
    return (this.#processes.get(pid)?.recent ?? []).filter((one) => this.#all.has(one));
  }

  /** @returns the lookups that were dropped to make room. */
  add(lookup: Lookup): readonly Lookup[] {
    const { pid, name } = lookup;
    let process = this.#processes.get(pid);
    if (process === undefined) {
      process = { all: new Set(), byName: new Map(), recent: [] };
      this.#processes.set(pid, process);
    }
    process.all.add(lookup);
    const named = process.byName.get(name);
    if (named === undefined) process.byName.set(name, [lookup]);
    else named.push(lookup);
    process.recent = [...process.recent.slice(1 - MAX_RECENT), lookup];
    this.#all.add(lookup);
    const removed: Lookup[] = [];
    for (const oldest of this.#all) {
      if (this.#all.size <= MAX_LOOKUPS) break;
      this.remove(oldest);
      removed.push(oldest);
    }
    return removed;
  }

  remove(lookup: Lookup): void {
    if (!this.#all.delete(lookup)) return;
    const { pid, name } = lookup;
    const process = this.#processes.get(pid);
    if (process === undefined) return;
    process.all.delete(lookup);
    if (process.all.size === 0) this.#processes.delete(pid);
    const named = process.byName.get(name) ?? [];
    const rest = named.filter((one) => one !== lookup);
    if (rest.length === 0) process.byName.delete(name);
    else process.byName.set(name, rest);
  }
}
