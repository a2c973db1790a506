import { expect, test } from 'vitest';
import type { ExchangeRow } from '../engine/row.ts';
import { exampleRow } from '../engine/testing/exampleRow.ts';
import { parseFilter } from '../filter/parser.ts';
import { callsToSearch, MAX_MATCHES, matchCalls } from './callMatch.ts';

const rows = new Map<number, ExchangeRow>(
  [
    exampleRow({ id: 1, path: '/products?page=2' }),
    exampleRow({ id: 2, method: 'POST', path: '/orders', status: 201, statusText: 'Created' }),
    exampleRow({
      id: 3,
      path: '/missing',
      status: 404,
      statusText: 'Not Found',
      processName: 'worker',
      pid: 77,
    }),
    exampleRow({ id: 4, path: null, host: null, method: null, status: null, pid: null, processName: null }),
  ].map((row) => [row.id, row]),
);

const ids = (query: string) => matchCalls(rows, parseFilter(query)).rows.map((row) => row.id);

test.each([
  ['', [4, 3, 2, 1]],
  ['post', [2]],
  ['PAGE=2', [1]],
  ['404', [3]],
  ['20', [2, 1]],
  ['2xx', [2, 1]],
  ['process:worker', [3]],
  ['process:77', [3]],
  ['status:4xx or post', [3, 2]],
  ['-get', [4, 2]],
  ['found missing', [3]],
  ['shop.test get', [3, 1]],
  ['post missing', []],
])('%j', (query, expected) => expect(ids(query)).toEqual(expected));

test('all are counted, the newest are returned', () => {
  const many = new Map(
    Array.from({ length: MAX_MATCHES + 10 }, (_, i) => [i + 1, exampleRow({ id: i + 1 })]),
  );
  const found = matchCalls(many, parseFilter('products'));
  expect(found.total).toBe(MAX_MATCHES + 10);
  expect(found.rows).toHaveLength(MAX_MATCHES);
  expect(found.rows[0]?.id).toBe(MAX_MATCHES + 10);
});

test('where details decide, only the calls are looked into that can match, and only those are found that do', () => {
  const filter = parseFilter('shop.test body:tea');
  expect(callsToSearch(rows, filter)).toEqual([3, 2, 1]);
  expect(matchCalls(rows, filter).rows).toEqual([]);
  const found = new Map([
    [3, 1],
    [2, 0],
  ]);
  expect(matchCalls(rows, filter, { found }).rows.map(({ id }) => id)).toEqual([3]);
  expect(callsToSearch(rows, parseFilter('shop.test'))).toEqual([]);
});

test('a call with both ends is offered once, as its client’s, and found by either', () => {
  const both = new Map(
    [
      exampleRow({ id: 1, peer: 2, side: 'client', processName: 'customer' }),
      exampleRow({ id: 2, peer: 1, side: 'server', processName: 'shop' }),
      // Its other end is no longer held.
      exampleRow({ id: 3, peer: 9, side: 'server', processName: 'shop' }),
    ].map((row) => [row.id, row]),
  );
  const joined = (query: string) => {
    const { rows: found, total } = matchCalls(both, parseFilter(query), { joins: true });
    return [total, found.map(({ id }) => id)];
  };
  expect(joined('')).toEqual([2, [3, 1]]);
  expect(joined('process:shop')).toEqual([2, [3, 1]]);
  expect(joined('process:customer')).toEqual([1, [1]]);
  expect(matchCalls(both, parseFilter('')).total).toBe(3);
});
