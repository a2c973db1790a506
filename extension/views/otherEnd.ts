/** The row of the same call as the other side saw it, and what counts as one call. */
import { type ExchangeRow, isCall } from '../engine/row.ts';

/** The row of the same call as the other side saw it. undefined: it is not held, or not certain. */
export function otherEnd(
  rows: ReadonlyMap<number, ExchangeRow>,
  { id, peer, side }: ExchangeRow,
): ExchangeRow | undefined {
  const other = peer === null ? undefined : rows.get(peer);
  return other?.peer === id && other.side !== side ? other : undefined;
}

/**
 * Ids of what counts as calls: not connections without plaintext.
 * @param joins both ends of a call are one row, which is the client's
 */
export function callIds(rows: ReadonlyMap<number, ExchangeRow>, joins: boolean): number[] {
  const ids: number[] = [];
  for (const row of rows.values()) {
    const isOtherEnd = joins && row.side === 'server' && otherEnd(rows, row) !== undefined;
    if (isCall(row) && !isOtherEnd) ids.push(row.id);
  }
  return ids;
}
