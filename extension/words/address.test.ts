import { describe, expect, it } from 'vitest';
import { Table } from '../cli/table.ts';
import { exampleRow } from '../engine/testing/exampleRow.ts';
import { searchText } from '../filter/subject.ts';
import { COLUMNS } from '../webview/columns.ts';
import { addressParts, addressText, completeUrl, routeOf } from './address.ts';
import { tooltipText } from './exchange.ts';

const connect = exampleRow({
  method: 'CONNECT',
  scheme: null,
  host: 'example.com:443',
  path: 'example.com:443',
});
const options = exampleRow({ method: 'OPTIONS', host: 'shop.test', path: '*' });

describe('the URL of a call', () => {
  it.each([
    [exampleRow({ host: 'shop.test:80', path: '/a?b' }), 'http://shop.test:80/a?b'],
    [exampleRow({ path: 'ftp://other.test/x' }), 'ftp://other.test/x'],
    [exampleRow({ path: 'no-slash' }), 'http://shop.test/no-slash'],
    [connect, 'example.com:443'],
    [options, 'http://shop.test'],
    [exampleRow({ host: null }), null],
    [exampleRow({ path: null }), null],
  ])('%#', (row, url) => expect(completeUrl(row)).toBe(url));

  it('as far as it is known', () => {
    expect(addressText(exampleRow({ host: null }))).toBe('/products');
    expect(addressText(exampleRow({ path: null }))).toBe('shop.test');
    expect(addressText(exampleRow({ host: null, path: null }))).toBeNull();
  });

  it('has host and path apart for a list', () => {
    expect(addressParts(exampleRow())).toEqual({ host: 'shop.test', path: '/products' });
    expect(addressParts(connect)).toEqual({ host: 'example.com:443', path: '' });
    expect(addressParts(options)).toEqual({ host: 'shop.test', path: '' });
    expect(addressParts(exampleRow({ host: null }))).toEqual({ host: '', path: '/products' });
  });
});

describe('every view and the command line write it alike', () => {
  const listed = COLUMNS.find(({ id }) => id === 'call')!;
  it.each([
    [connect, 'example.com:443'],
    [options, 'http://shop.test'],
  ])('%#', (row, url) => {
    const withoutScheme = url.replace('http://', '');
    const texts: string[] = [];
    new Table({ columns: null, secrets: false, write: (text) => texts.push(text) }).exchange({
      row: () => row,
      json: () => null,
    });
    expect(texts.at(-1)?.trimEnd().split(' ').at(-1)).toBe(url);
    expect(tooltipText(row).split('\n')[0]).toBe(`${row.method} ${url}`);
    expect(listed.text(row)).toBe(withoutScheme);
    expect(searchText(row)).toContain(` ${withoutScheme} `);
  });
});

it('routes', () => {
  expect(routeOf('/a?b=/c#d')).toBe('/a');
  expect(routeOf('*')).toBe('*');
  expect(routeOf(null)).toBeNull();
});
