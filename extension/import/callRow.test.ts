import { expect, it } from 'vitest';
import { ImportedCalls } from './importedCalls.ts';

/** Of one call. */
function rowOf(url: string, method = 'GET', statusText = 'OK') {
  const calls = new ImportedCalls(10, 1e9);
  const entry = {
    startedDateTime: '2026-11-22T18:00:00.000Z',
    time: 1,
    request: { method, url, httpVersion: 'HTTP/1.1', headers: [], bodySize: 0 },
    response: {
      status: 200,
      statusText,
      httpVersion: 'HTTP/1.1',
      headers: [],
      content: { size: 0 },
      bodySize: 0,
    },
    timings: { send: 0, wait: 1, receive: 0 },
  };
  expect(calls.add(Buffer.from(JSON.stringify(entry)))).toBe('held');
  return { row: calls.row(1), call: calls.json(1) };
}

it('is short however long the address is; the call keeps it', () => {
  const url = `data:image/png;base64,${'A'.repeat(3_000_000)}`;
  const { row, call } = rowOf(url);
  expect(row?.path?.length).toBeLessThan(70_000);
  expect(row?.path).toMatch(/^data:image\/png;base64,A+…$/);
  expect(call?.url).toBe(url);
});

it('has words of bounded length', () => {
  const long = 'x'.repeat(100_000);
  const { row } = rowOf(`http://${long}/a`, long, long);
  for (const text of [row?.method, row?.host, row?.statusText]) expect(text).toHaveLength(1_025);
  expect(row?.path).toBe('/a');
});

it('has what is short as it is', () => {
  expect(rowOf('https://me@shop.test:8443/a?b#c').row).toMatchObject({
    scheme: 'https',
    host: 'shop.test:8443',
    path: '/a?b',
    method: 'GET',
    statusText: 'OK',
  });
});
