import { describe, expect, it } from 'vitest';
import { exampleRow } from '../engine/testing/exampleRow.ts';
import { exactly, withTerm } from './edit.ts';
import { parseFilter } from './parser.ts';
import { searchText } from './subject.ts';

const finds = (line: string, changes: Parameters<typeof exampleRow>[0]): boolean => {
  const { matches, errors } = parseFilter(line);
  expect(errors, line).toEqual([]);
  const row = exampleRow(changes);
  return matches?.({ row, text: searchText(row) }) ?? true;
};

describe('exactly', () => {
  it.each([
    'shop.test',
    'shop.test:8080',
    '[::1]:80',
    'a b',
    'a,b',
    'a)b(',
    'a"b',
    '-x',
    '=x',
    '*',
    'a/../b',
  ])('finds %j and no more', (value) => {
    for (const property of ['host', 'path', 'process'] as const) {
      const key = property === 'process' ? 'processName' : property;
      const term = exactly(property, value);
      expect(finds(term, { [key]: value }), term).toBe(true);
      expect(finds(`-${term}`, { [key]: value }), term).toBe(false);
      expect(finds(term, { [key]: `x${value}` }), term).toBe(false);
      expect(finds(term, { [key]: `${value}x` }), term).toBe(false);
    }
  });

  it('is a path with any query, and a process by its id', () => {
    expect(finds(exactly('path', '/orders'), { path: '/orders?page=2' })).toBe(true);
    expect(finds(exactly('path', '/orders'), { path: '/orders/1' })).toBe(false);
    expect(finds(exactly('process', '4242'), { pid: 4242, processName: 'node' })).toBe(true);
    expect(finds(exactly('process', '4242'), { pid: 42422, processName: 'node' })).toBe(false);
  });
});

describe('withTerm', () => {
  it.each([
    ['', 'host:=a', 'host:=a'],
    ['5xx', 'host:=a', '5xx host:=a'],
    ['GET or POST', 'host:=a', '(GET or POST) host:=a'],
    ['5xx host:=a', 'host:=b', '5xx host:=b'],
    ['host:"=a b" 5xx', 'host:=b', '5xx host:=b'],
    ['5xx host:=a', 'host:=a', '5xx host:=a'],
    ['host:=a', '-host:=b', 'host:=a -host:=b'],
    ['-host:=a', '-host:=b', '-host:=a -host:=b'],
    ['-host:=a', 'host:=b', '-host:=a host:=b'],
    ['(host:=a or 5xx)', 'host:=b', '((host:=a or 5xx)) host:=b'],
    ['(GET', 'host:=a', 'host:=a'],
  ])('%j and %j', (line, term, result) => {
    expect(withTerm(line, term)).toBe(result);
    expect(parseFilter(result).errors).toEqual([]);
  });
});
