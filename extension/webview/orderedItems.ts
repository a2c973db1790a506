/** Lists that are kept in order. */

/** Number of list items before `item`. @param from known lower bound. */
export function lowerBound<T>(
  list: readonly T[],
  item: T,
  compare: (a: T, b: T) => number,
  from = 0,
): number {
  let low = from;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compare(list[middle] as T, item) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * Merges two sorted lists. Appends in place if all items belong at the end, as new calls do; else builds a new list.
 */
export function merged<T>(kept: T[], added: readonly T[], compare: (a: T, b: T) => number): T[] {
  const [first] = added;
  const last = kept.at(-1);
  if (first === undefined) return kept;
  if (last === undefined || compare(last, first) < 0) {
    for (const item of added) kept.push(item);
    return kept;
  }
  const list: T[] = [];
  let from = 0;
  for (const item of added) {
    const to = lowerBound(kept, item, compare, from);
    for (; from < to; from++) list.push(kept[from] as T);
    list.push(item);
  }
  for (; from < kept.length; from++) list.push(kept[from] as T);
  return list;
}
