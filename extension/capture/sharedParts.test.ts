import { expect, it } from 'vitest';
import type { ExchangeRow } from '../engine/row.ts';
import { exampleRow } from '../views/exampleRow.ts';
import { SharedParts } from './sharedParts.ts';

const answered = {
  how: 'answered',
  by: null,
  error: null,
  detail: null,
  signal: null,
  exitCode: null,
} as const;

/** As it comes from the engine's thread. */
function sent(changes: Partial<ExchangeRow>): ExchangeRow {
  return structuredClone(exampleRow(changes));
}

it('keeps equal parts of rows once, and changes nothing that a row says', () => {
  const parts = new SharedParts();
  const changes: Partial<ExchangeRow>[] = [
    { ending: answered, completeness: ['complete'] },
    { ending: answered, completeness: ['complete'], host: null, path: 'p'.repeat(300) },
    { ending: { ...answered, exitCode: 0 }, completeness: ['aborted', 'request-gap'] },
    { ending: null, completeness: [] },
  ];
  const rows = changes.map(sent);
  for (const row of rows) parts.share(row);
  expect(rows).toEqual(changes.map(sent));
  const [one, two, three] = rows;
  expect(two?.ending).toBe(one?.ending);
  expect(two?.completeness).toBe(one?.completeness);
  expect(three?.ending).not.toBe(one?.ending);
});

it('remembers a bounded number of parts', () => {
  const parts = new SharedParts();
  for (let id = 1; id <= 20_000; id++) parts.share(sent({ id, path: `/${id}` }));
  expect(parts.size).toBeLessThan(8_300);
});
