/**
 * What was found about a name, by the name: the same few come again and again. Bounded, as what hostile traffic names
 * must not stay.
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
    // A copy of the name is kept: a slice of a body would keep all of it.
    const copy = Buffer.from(name, 'utf16le').toString('utf16le');
    const found = this.#find(copy);
    if (this.#known.size >= MAX_KNOWN) this.#known.clear();
    this.#known.set(copy, found);
    return found;
  }
}
