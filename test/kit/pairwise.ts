/**
 * A sample of a table of tests that leaves no pair of properties out: wherever two values meet in some row of the
 * table, they meet in a row of the sample. Faults that need three properties at once are left to the whole table.
 */

/** @returns the chosen rows in the order of the table; always the same ones for the same table and seed */
export function pairwise<T>(
  rows: readonly T[],
  properties: (row: T) => readonly string[],
  seed: number,
): T[] {
  const open = new Set<string>();
  const pairs = rows.map((row) => pairsOf(properties(row)));
  for (const found of pairs) for (const pair of found) open.add(pair);
  const order = shuffled(rows.length, seed);
  const chosen = new Set<number>();
  while (open.size > 0) {
    let [best, most] = [-1, 0];
    for (const row of order) {
      const news = pairs[row]?.filter((pair) => open.has(pair)).length ?? 0;
      if (news > most) [best, most] = [row, news];
    }
    chosen.add(best);
    for (const pair of pairs[best] ?? []) open.delete(pair);
  }
  return rows.filter((_, row) => chosen.has(row));
}

function pairsOf(values: readonly string[]): string[] {
  return values.flatMap((a, i) => values.slice(i + 1).map((b, j) => `${i} ${a}\n${i + 1 + j} ${b}`));
}

/** The numbers from 0 up, in an order that depends on the seed alone. */
export function shuffled(count: number, seed: number): number[] {
  const numbers = Array.from({ length: count }, (_, i) => i);
  let state = seed >>> 0;
  for (let i = count - 1; i > 0; i--) {
    // Numerical Recipes' linear congruential generator; its upper bits are the good ones.
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    const j = Math.floor((state / 2 ** 32) * (i + 1));
    [numbers[i], numbers[j]] = [numbers[j] as number, numbers[i] as number];
  }
  return numbers;
}
