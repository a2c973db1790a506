/** Time spans: in order, and without overlaps unless stated otherwise. */
export interface Stretch {
  readonly from: number;
  readonly to: number;
}

/** Sorts spans and merges overlapping ones. */
export function joined(stretches: readonly Stretch[]): Stretch[] {
  const found: { from: number; to: number }[] = [];
  for (const { from, to } of [...stretches].sort((a, b) => a.from - b.from)) {
    const last = found.at(-1);
    if (last !== undefined && from <= last.to) last.to = Math.max(last.to, to);
    else found.push({ from, to });
  }
  return found;
}

/** The intersection of both lists. */
export function common(a: readonly Stretch[], b: readonly Stretch[]): Stretch[] {
  const found: Stretch[] = [];
  for (let i = 0, j = 0; i < a.length && j < b.length; ) {
    const x = a[i]!;
    const y = b[j]!;
    const from = Math.max(x.from, y.from);
    const to = Math.min(x.to, y.to);
    if (from < to) found.push({ from, to });
    if (x.to < y.to) i++;
    else j++;
  }
  return found;
}

/** Total length of the spans between two moments. */
export function within(stretches: readonly Stretch[], from: number, to: number): number {
  let sum = 0;
  for (const stretch of stretches)
    sum += Math.max(0, Math.min(stretch.to, to) - Math.max(stretch.from, from));
  return sum;
}
