/**
 * The calls on one end of a connection that have no peer: their ids by their place on the connection, oldest first. Most
 * ends never get a traced peer, so nothing is ever looked up: ids are kept in two lists, and the map is built only for
 * the first lookup.
 */
export class WaitingCalls {
  #places: number[] = [];
  #ids: number[] = [];
  #map: Map<number, number> | null = null;

  get size(): number {
    return this.#map === null ? this.#places.length : this.#map.size;
  }

  get(place: number): number | undefined {
    return this.#indexed().get(place);
  }

  /** @returns true when the place was free. */
  set(place: number, id: number): boolean {
    const { length } = this.#places;
    if (this.#map === null && (length === 0 || (this.#places[length - 1] as number) < place)) {
      this.#places.push(place);
      this.#ids.push(id);
      return true;
    }
    const map = this.#indexed();
    const before = map.size;
    map.set(place, id);
    return map.size > before;
  }

  /** @returns false when there was no call at this place. */
  delete(place: number): boolean {
    return this.size > 0 && this.#indexed().delete(place);
  }

  /** Drops the oldest ones. @returns how many. */
  dropFirst(count: number): number {
    if (this.#map === null) {
      this.#ids.splice(0, count);
      return this.#places.splice(0, count).length;
    }
    let dropped = 0;
    for (const place of this.#map.keys()) {
      if (dropped === count) break;
      this.#map.delete(place);
      dropped++;
    }
    return dropped;
  }

  clear(): void {
    this.#places = [];
    this.#ids = [];
    this.#map?.clear();
  }

  /** Pairs of place and id. */
  [Symbol.iterator](): IterableIterator<[number, number]> {
    return this.#indexed().entries();
  }

  #indexed(): Map<number, number> {
    if (this.#map !== null) return this.#map;
    const map = new Map<number, number>();
    for (const [i, place] of this.#places.entries()) map.set(place, this.#ids[i] as number);
    this.#places = [];
    this.#ids = [];
    this.#map = map;
    return map;
  }
}
