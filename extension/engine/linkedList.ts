/**
 * A doubly linked list. A Set also keeps insertion order, but is rehashed repeatedly if values are added and removed
 * all the time, as calls are.
 */

/** The node of one value in the list, used to remove it. */
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

  /** Removes a value; does nothing if it is not in the list any more. */
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

  /** During iteration, the current value may be removed, but no other. */
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
