/**
 * Values in the order in which they were added, of which any may go at any time. A Set does the same, but is rebuilt after
 * every few of them where they come and go, as calls do.
 */

/** The place of one value. Whoever has it can take the value out again. */
export class Place<T> {
  readonly value: T;
  before: Place<T> | null = null;
  after: Place<T> | null = null;
  /** In the list. */
  held = true;

  constructor(value: T) {
    this.value = value;
  }
}

export class LinkedList<T> {
  #first: Place<T> | null = null;
  #last: Place<T> | null = null;

  get isEmpty(): boolean {
    return this.#first === null;
  }

  /** undefined: it is empty. */
  get first(): T | undefined {
    return this.#first?.value;
  }

  get last(): T | undefined {
    return this.#last?.value;
  }

  /** Adds a value at the end. */
  add(value: T): Place<T> {
    const place = new Place(value);
    this.#append(place);
    return place;
  }

  /** Does nothing for one that is not in the list any more. */
  remove(place: Place<T>): void {
    if (!place.held) return;
    this.#unlink(place);
    place.held = false;
  }

  /** @param place in the list. */
  moveToEnd(place: Place<T>): void {
    if (place === this.#last) return;
    this.#unlink(place);
    this.#append(place);
  }

  clear(): void {
    for (let place = this.#first; place !== null; place = place.after) place.held = false;
    this.#first = null;
    this.#last = null;
  }

  /** The value that is looked at may be removed, but none of the others. */
  *[Symbol.iterator](): Generator<T, void, undefined> {
    for (let place = this.#first; place !== null; ) {
      const { value, after } = place;
      yield value;
      place = after;
    }
  }

  #append(place: Place<T>): void {
    place.before = this.#last;
    if (this.#last === null) this.#first = place;
    else this.#last.after = place;
    this.#last = place;
  }

  #unlink(place: Place<T>): void {
    const { before, after } = place;
    if (before === null) this.#first = after;
    else before.after = after;
    if (after === null) this.#last = before;
    else after.before = before;
    place.before = null;
    place.after = null;
  }
}
