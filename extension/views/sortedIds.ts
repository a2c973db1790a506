/** Ids in ascending order, made for a bounded store: nearly all are added at the end and removed at the front. */
export class SortedIds {
  #ids: number[] = [];
  /** Ids before this index are deleted. */
  #first = 0;

  get size(): number {
    return this.#ids.length - this.#first;
  }

  /** The id at this position, 0 being the newest. */
  newest(position: number): number | undefined {
    const index = this.#ids.length - 1 - position;
    return index >= this.#first ? this.#ids[index] : undefined;
  }

  /** 0 for the newest; null when it is not held. */
  positionOf(id: number): number | null {
    const index = this.#indexOf(id);
    return this.#ids[index] === id ? this.#ids.length - 1 - index : null;
  }

  add(id: number): void {
    const last = this.#ids.length - 1;
    if (this.size === 0 || this.#ids[last]! < id) {
      this.#ids.push(id);
      return;
    }
    const index = this.#indexOf(id);
    if (this.#ids[index] !== id) this.#ids.splice(index, 0, id);
  }

  delete(id: number): void {
    const index = this.#indexOf(id);
    if (this.#ids[index] !== id) return;
    if (index > this.#first) {
      this.#ids.splice(index, 1);
      return;
    }
    this.#first += 1;
    // Shifting the array on each removal would be quadratic; rare copies are not.
    if (this.#first * 2 > this.#ids.length) {
      this.#ids = this.#ids.slice(this.#first);
      this.#first = 0;
    }
  }

  /** Index of the first held id not less than this. */
  #indexOf(id: number): number {
    let low = this.#first;
    let high = this.#ids.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#ids[middle]! < id) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
