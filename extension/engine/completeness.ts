/** The labels that say which parts of an exchange are missing. */
import type { Completeness } from './exchange.ts';

/** The labels of a running exchange. Never changed: see {@link withLabels}. */
export const NO_LABELS: Set<Completeness> = new Set();
const SETS = new Map<string, Set<Completeness>>();

/** One shared set for each combination: nearly all exchanges are `complete`. */
function sharedSet(values: Iterable<Completeness>): Set<Completeness> {
  const key = [...values].join();
  let set = SETS.get(key);
  if (set === undefined) {
    set = new Set(values);
    SETS.set(key, set);
  }
  return set;
}

export const WHOLE: readonly Completeness[] = ['complete'];
const COMPLETE = sharedSet(WHOLE);

/** True for the labels of a running or a complete exchange: nothing is missing. */
export function isOrdinary(labels: ReadonlySet<Completeness>): boolean {
  return labels === NO_LABELS || labels === COMPLETE;
}

/** The labels of each shared set, in order. */
const LISTS = new Map<ReadonlySet<Completeness>, readonly Completeness[]>();

/** The labels of a set returned by {@link withLabels}, in order. Shared: do not modify. */
export function listOf(labels: ReadonlySet<Completeness>): readonly Completeness[] {
  let list = LISTS.get(labels);
  if (list === undefined) {
    list = [...labels];
    LISTS.set(labels, list);
  }
  return list;
}

/** The order in which labels are listed. */
const ORDER: readonly Completeness[] = [
  'complete',
  'request-truncated',
  'response-truncated',
  'request-gap',
  'response-gap',
  'joined-late',
  'headers-incomplete',
  'socket-unknown',
  'unanswered',
  'aborted',
  'one-sided',
  'encrypted',
  'handshake-failed',
  'connect-failed',
  'lookup-failed',
];

/** @returns a shared set: replace it, never modify it. */
export function withLabels(
  labels: ReadonlySet<Completeness>,
  values: readonly Completeness[],
): Set<Completeness> {
  if (labels === NO_LABELS && values.length === 1 && values[0] === 'complete') return COMPLETE;
  const all = new Set(labels);
  for (const value of values) all.add(value);
  if (all.size > 1) all.delete('complete');
  return sharedSet(ORDER.filter((value) => all.has(value)));
}
