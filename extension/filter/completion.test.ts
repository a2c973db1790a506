import { expect, test } from 'vitest';
import { exampleRow } from '../engine/testing/exampleRow.ts';
import { completions } from './completion.ts';
import { parseFilter } from './parser.ts';

const rows = [
  exampleRow({ id: 1, method: 'GET', host: 'api.test', path: '/a b?x=1' }),
  exampleRow({ id: 2, method: 'GET', host: 'cdn.test', path: '/logo' }),
  exampleRow({ id: 3, method: 'POST', host: 'api.test', path: null }),
];
const at = (line: string) => {
  const cursor = line.indexOf('|');
  const found = completions(line.replace('|', ''), cursor, () => rows);
  return found === null ? null : { ...found, items: found.items.map(({ text }) => text) };
};

test('names of properties, from their beginning, at the cursor', () => {
  expect(at('st|')).toEqual({ start: 0, end: 2, items: ['status:'] });
  expect(at('get -ho| x')).toEqual({ start: 5, end: 7, items: ['host:'] });
  expect(at('(!me|t')).toEqual({ start: 2, end: 5, items: ['method:'] });
  expect(at('err|')?.items).toEqual(['is:error']);
  expect(at('|')).toBeNull();
  expect(at('a |')).toBeNull();
  expect(at('"st|')).toBeNull();
});

test('known values, or those that were seen, the most frequent first; also in a list', () => {
  expect(at('is:e|')?.items[0]).toBe('error');
  expect(at('side:|')?.items).toEqual(['client', 'server']);
  expect(at('method:|')).toEqual({ start: 7, end: 7, items: ['GET', 'POST'] });
  expect(at('method:get,p|')).toEqual({ start: 11, end: 12, items: ['POST'] });
  expect(at('host:test|')?.items).toEqual(['api.test', 'cdn.test']);
  expect(at('path:|')?.items).toEqual(['"/a b"', '/logo']);
  expect(at('metod:|')).toBeNull();
  expect(at('body:|')).toBeNull();
});

test('what is offered is understood', () => {
  for (const line of ['is:|', 'side:|', 'grpc:|', 'method:|', 'path:|', 'type:|', 'status:|', 'process:|']) {
    for (const item of at(line)?.items ?? []) {
      expect(parseFilter(line.replace('|', item)).errors, item).toEqual([]);
    }
  }
});
