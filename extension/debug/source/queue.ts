/** A FIFO queue: adding and removing a member take amortized constant time. */
export class Queue<T> {
  #members: T[] = [];
  /** Index of the oldest; earlier ones are removed. */
  #first = 0;

  get length(): number {
    return this.#members.length - this.#first;
  }

  get oldest(): T | undefined {
    return this.#members[this.#first];
  }

  push(member: T): void {
    this.#members.push(member);
  }

  /** Removes the oldest. */
  shift(): void {
    if (this.length === 0) return;
    this.#first++;
    // Copied when half is removed, so each member is copied once on average.
    if (2 * this.#first < this.#members.length) return;
    this.#members = this.#members.slice(this.#first);
    this.#first = 0;
  }

  /** The newest member that matches. */
  findLast(matches: (member: T) => boolean): T | undefined {
    for (let at = this.#members.length - 1; at >= this.#first; at--) {
      const member = this.#members[at] as T;
      if (matches(member)) return member;
    }
    return undefined;
  }
}
