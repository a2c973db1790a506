/**
 * A map from consecutive ids to values, made of small pages. A plain Map is rehashed as a whole again and again while
 * entries are added and removed.
 */

/** Ids per page: a power of two. A page is freed only with its last value. */
const PAGE = 64;

interface Page<T> {
  readonly values: (T | undefined)[];
  count: number;
}

export class PagedMap<T> {
  readonly #pages = new Map<number, Page<T>>();
  /** The page that was used last, and its number. */
  #number = -1;
  #page: Page<T> | undefined;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** @param key a whole number, not negative. */
  get(key: number): T | undefined {
    return this.#pageOf(Math.floor(key / PAGE))?.values[key % PAGE];
  }

  set(key: number, value: T): void {
    const number = Math.floor(key / PAGE);
    let page = this.#pageOf(number);
    if (page === undefined) {
      page = { values: new Array<T | undefined>(PAGE).fill(undefined), count: 0 };
      this.#pages.set(number, page);
      this.#page = page;
    }
    const place = key % PAGE;
    if (page.values[place] === undefined) {
      page.count++;
      this.#size++;
    }
    page.values[place] = value;
  }

  delete(key: number): void {
    const number = Math.floor(key / PAGE);
    const page = this.#pageOf(number);
    const place = key % PAGE;
    if (page === undefined || page.values[place] === undefined) return;
    page.values[place] = undefined;
    page.count--;
    this.#size--;
    if (page.count > 0) return;
    this.#pages.delete(number);
    this.#page = undefined;
  }

  #pageOf(number: number): Page<T> | undefined {
    if (number !== this.#number) {
      this.#number = number;
      this.#page = this.#pages.get(number);
    }
    return this.#page;
  }
}
