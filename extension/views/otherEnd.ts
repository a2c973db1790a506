/** The row of the same call as the other side saw it. */
import type { ExchangeRow } from '../engine/row.ts';

/** undefined: it is not held, or not certain. */
export function otherEnd(
  rows: ReadonlyMap<number, ExchangeRow>,
  { id, peer, side }: ExchangeRow,
): ExchangeRow | undefined {
  const other = peer === null ? undefined : rows.get(peer);
  return other?.peer === id && other.side !== side ? other : undefined;
}
