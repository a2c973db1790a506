/**
 * Which elements have to move so that all are in order: as few as possible, because each one that moves is laid out
 * again.
 */

/**
 * @param order the target index of each element, in current order; each number once
 * @returns those to move; a longest increasing subsequence stays
 */
export function outOfOrder(order: readonly number[]): Set<number> {
  /** For each length, the index of the lowest number that ends an increasing subsequence. */
  const ends: number[] = [];
  const before: number[] = [];
  for (const [place, number] of order.entries()) {
    let [low, high] = [0, ends.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (order[ends[middle]!]! < number) low = middle + 1;
      else high = middle;
    }
    before.push(low === 0 ? -1 : ends[low - 1]!);
    ends[low] = place;
  }
  const moving = new Set(order);
  for (let place = ends.at(-1) ?? -1; place >= 0; place = before[place]!) moving.delete(order[place]!);
  return moving;
}
