/**
 * Caches what was found about a name: the same few names recur. Bounded, because names from hostile traffic must not
 * pile up.
 */

const MAX_KNOWN = 1_024;
/** Characters; longer names are not remembered. */
const MAX_LENGTH = 64;

export class KnownNames<T> {
  readonly #find: (name: string) => T;
  readonly #known = new Map<string, T>();

  /** @param find for a name that is not known yet; never undefined. */
  constructor(find: (name: string) => T) {
    this.#find = find;
  }

  get(name: string): T {
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    if (name.length > MAX_LENGTH) return this.#find(name);
    // A copy: a slice would keep the whole body in memory.
    const copy = Buffer.from(name, 'utf16le').toString('utf16le');
    const found = this.#find(copy);
    if (this.#known.size >= MAX_KNOWN) this.#known.clear();
    this.#known.set(copy, found);
    return found;
  }
}
