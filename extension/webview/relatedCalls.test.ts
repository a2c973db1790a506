import { describe, expect, it } from 'vitest';
import { call, exchangeOf, message } from '../../test/webview/harness/calls.ts';
import { relatedCalls } from './relatedCalls.ts';

const at = (id: number, start: number, change: Parameters<typeof call>[0] = {}) =>
  call({ id, start, duration: 10, host: 'a.test', path: '/x', ...change });
const related = (row: ReturnType<typeof at>, rows: ReturnType<typeof at>[], location?: string) => {
  const headers: [string, string][] = location === undefined ? [] : [['Location', location]];
  const exchange = exchangeOf(row, { response: message({ headers }) });
  return relatedCalls(row, exchange, rows).map((found) => `${found.how} ${found.row.id}`);
};

describe('redirects', () => {
  const first = at(1, 0, { status: 302 });
  it.each([
    ['/y?z#f', '/y?z'],
    ['y', '/y'],
    ['http://a.test/y', '/y'],
  ])('%s', (location, path) => {
    const rows = [
      first,
      at(2, 5, { path }),
      at(3, 20, { path }),
      at(4, 30, { path }),
      at(5, 12, { path, pid: 1 }),
    ];
    expect(related(first, rows, location)).toEqual(['redirected to 3']);
  });
  it('to nowhere that was called', () => {
    expect(related(first, [first, at(2, 20)], '/z')).toEqual([]);
    expect(related(first, [first, at(2, 20)], 'http://[')).toEqual([]);
    expect(related(first, [first, at(2, 20_000, { path: '/y' })], '/y')).toEqual([]);
  });
});

it('the same request after a failure, and before one', () => {
  const rows = [
    at(1, 0, { status: 503 }),
    at(2, 100, { status: 503 }),
    at(3, 200),
    at(4, 300),
    at(5, 150, { method: 'PUT' }),
  ];
  const [first, second, third, fourth] = rows as [
    (typeof rows)[0],
    (typeof rows)[0],
    (typeof rows)[0],
    (typeof rows)[0],
  ];
  expect(related(first, rows)).toEqual(['sent again as 2']);
  expect(related(second, rows)).toEqual(['sent before as 1', 'sent again as 3']);
  expect(related(third, rows)).toEqual(['sent before as 2']);
  // Another request like it, not one more attempt.
  expect(related(fourth, rows)).toEqual([]);
});
