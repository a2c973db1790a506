import { expect, it } from 'vitest';
import type { ExchangeRow } from '../engine/row.ts';
import { exampleRow } from '../views/exampleRow.ts';
import { packed, unpacked } from './rowMessage.ts';

/** Every property another value, so that none can stand for another one. */
function marked(row: ExchangeRow): ExchangeRow {
  let last = 0;
  const mark = (value: object): object =>
    Object.fromEntries(
      Object.entries(value).map(([name, one]) => [
        name,
        one !== null && typeof one === 'object' && !Array.isArray(one) ? mark(one) : `value ${++last}`,
      ]),
    );
  return mark(row) as ExchangeRow;
}

it('rows come as they were', () => {
  const ending = { how: 'reset', by: 'server', error: 'E', detail: null, signal: null, exitCode: 1 } as const;
  const rows = [exampleRow({}), marked(exampleRow({ ending })), exampleRow({ ending: null })];
  const message = { type: 'rows', rows, removed: [1, 2] } as const;
  expect(unpacked(structuredClone(packed(message)))).toEqual(message);
  expect(Object.keys(rows[1] ?? {}).length).toBeGreaterThan(35);
});

it('other messages are passed as they are', () => {
  const message = { type: 'done', request: 7 } as const;
  expect(unpacked(packed(message))).toBe(message);
});
