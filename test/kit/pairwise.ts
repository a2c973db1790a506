/**
 * A sample of a table of tests: whatever some row of the table shows is shown by a row of the sample. With
 * {@link pairsOf} it leaves no pair of properties out: wherever two values meet in the table, they meet in the sample.
 * Faults that need three properties at once are left to the whole table.
 * @param shows what a row shows; equal texts are the same thing
 * @param isCostly avoided if another row shows as much
 * @returns the chosen rows in the order of the table; always the same ones for the same table and seed
 */
export function covering<T>(
  rows: readonly T[],
  shows: (row: T) => readonly string[],
  seed: number,
  isCostly: (row: T) => boolean = () => false,
): T[] {
  const shown = rows.map(shows);
  const open = new Set(shown.flat());
  const shuffledRows = shuffled(rows.length, seed);
  const costly = (row: number): boolean => isCostly(rows[row] as T);
  const order = [...shuffledRows.filter((row) => !costly(row)), ...shuffledRows.filter(costly)];
  const chosen = new Set<number>();
  while (open.size > 0) {
    let [best, most] = [-1, 0];
    for (const row of order) {
      const news = shown[row]?.filter((one) => open.has(one)).length ?? 0;
      if (news > most) [best, most] = [row, news];
    }
    chosen.add(best);
    for (const one of shown[best] ?? []) open.delete(one);
  }
  return rows.filter((_, row) => chosen.has(row));
}

/** All pairs of a row's values, which have the same positions in all rows. */
export function pairsOf(values: readonly string[]): string[] {
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
