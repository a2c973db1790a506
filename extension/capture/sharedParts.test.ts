import { expect, it } from 'vitest';
import type { ExchangeRow } from '../engine/row.ts';
import { exampleRow } from '../engine/testing/exampleRow.ts';
import { packed, unpacked } from './rowMessage.ts';
import { SharedParts } from './sharedParts.ts';

const answered = {
  how: 'answered',
  by: null,
  error: null,
  detail: null,
  signal: null,
  exitCode: null,
} as const;

/** As it comes from the engine's thread, in a message of its own. */
function sent(changes: Partial<ExchangeRow>, parts: SharedParts | null = null): ExchangeRow {
  const message = structuredClone(packed({ type: 'rows', rows: [exampleRow(changes)], removed: [] }));
  const taken = unpacked(message, parts);
  return (taken.type === 'rows' ? taken.rows[0] : undefined) as ExchangeRow;
}

it('keeps equal parts of rows once, and changes nothing that a row says', () => {
  const parts = new SharedParts();
  const changes: Partial<ExchangeRow>[] = [
    { ending: answered, completeness: ['complete'] },
    { ending: answered, completeness: ['complete'], host: null, path: 'p'.repeat(300) },
    { ending: { ...answered, exitCode: 0 }, completeness: ['aborted', 'request-gap'] },
    { ending: null, completeness: [] },
  ];
  const rows = changes.map((change) => sent(change, parts));
  expect(rows).toEqual(changes.map((change) => exampleRow(change)));
  const [one, two, three] = rows;
  expect(two?.ending).toBe(one?.ending);
  expect(two?.completeness).toBe(one?.completeness);
  expect(three?.ending).not.toBe(one?.ending);
});

it('remembers a bounded number of parts', () => {
  const parts = new SharedParts();
  for (let id = 1; id <= 20_000; id += 1_000) {
    const rows = Array.from({ length: 1_000 }, (_, i) => exampleRow({ id: id + i, path: `/${id + i}` }));
    unpacked(packed({ type: 'rows', rows, removed: [] }), parts);
  }
  expect(parts.size).toBeLessThan(8_300);
});
