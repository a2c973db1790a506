/** Checks without a test framework, so that they also run in a bundle on another kernel. */

export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Error(message);
}

/** @throws with both values when their JSON differs */
export function same(what: string, seen: unknown, expected: unknown): void {
  const [a, b] = [JSON.stringify(seen), JSON.stringify(expected)];
  if (a !== b) throw new Error(`${what}: ${a} instead of ${b}`);
}
