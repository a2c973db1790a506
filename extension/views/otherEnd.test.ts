import { expect, it } from 'vitest';
import type { ExchangeRow } from '../engine/row.ts';
import { exampleRow } from '../engine/testing/exampleRow.ts';
import { callIds } from './otherEnd.ts';

const rowsOf = (...rows: ExchangeRow[]): ReadonlyMap<number, ExchangeRow> =>
  new Map(rows.map((row) => [row.id, row]));

it('a call seen at both ends is one call, its client’s, where both ends are one row', () => {
  const rows = rowsOf(
    exampleRow({ id: 1, side: 'client', peer: 2 }),
    exampleRow({ id: 2, side: 'server', peer: 1 }),
    exampleRow({ id: 3, side: 'server' }),
  );
  expect(callIds(rows, true)).toEqual([1, 3]);
  expect(callIds(rows, false)).toEqual([1, 2, 3]);
});

it('a server’s row whose client is not held, or doubtful, is a call', () => {
  const rows = rowsOf(
    exampleRow({ id: 2, side: 'server', peer: 1 }),
    exampleRow({ id: 4, side: 'server', peer: 5 }),
    exampleRow({ id: 5, side: 'client', peer: null }),
  );
  expect(callIds(rows, true)).toEqual([2, 4, 5]);
});

it('a connection without plaintext is not a call, a failed handshake is', () => {
  const encrypted = { encrypted: {} as NonNullable<ExchangeRow['encrypted']> };
  const rows = rowsOf(
    exampleRow({ id: 1, ...encrypted }),
    exampleRow({ id: 2, ...encrypted, completeness: ['handshake-failed'] }),
  );
  expect(callIds(rows, true)).toEqual([2]);
});
