import { describe, expect, it } from 'vitest';
import { message } from '../../../test/webview/harness/calls.ts';
import { base64Bytes, contentKind, formFields, hexLines, mediaType } from './content.ts';

const typed = (type: string | null, body: { text: string } | { base64: string } | null) =>
  message({ headers: type === null ? [] : [['Content-TYPE', type]], body });

describe('contentKind', () => {
  it('follows the type, whatever the case and the parameters', () => {
    expect(contentKind(typed('Application/JSON; charset=utf-8', { text: '{}' }))).toBe('json');
    expect(contentKind(typed('application/problem+json', { text: '{}' }))).toBe('json');
    expect(contentKind(typed('application/x-www-form-urlencoded', { text: 'a=b' }))).toBe('form');
    expect(contentKind(typed('text/html', { text: '[x]' }))).toBe('html');
    expect(contentKind(typed('image/png', { base64: 'AA==' }))).toBe('image');
    expect(contentKind(typed('image/svg+xml', { text: '<svg/>' }))).toBe('xml');
    expect(contentKind(typed('application/soap+xml; charset=utf-8', { text: '<a/>' }))).toBe('xml');
    expect(contentKind(typed('multipart/form-data; boundary=x', { text: '--x--' }))).toBe('multipart');
    expect(contentKind(typed('multipart/mixed', { base64: 'AA==' }))).toBe('multipart');
    expect(contentKind(typed('application/octet-stream', { base64: 'AA==' }))).toBe('binary');
    expect(contentKind(typed('text/html', null))).toBeNull();
    expect(mediaType(typed(' ', null))).toBeNull();
  });

  it('recognises JSON that is not called so', () => {
    expect(contentKind(typed(null, { text: ' {"a":1}' }))).toBe('json');
    expect(contentKind(typed('text/plain', { text: '[1]' }))).toBe('json');
    expect(contentKind(typed('text/plain', { text: 'hello' }))).toBe('text');
  });
});

it('reads form fields in their order, and never throws', () => {
  expect(formFields('a=1&b=two+words%21&a=2&%zz&=')).toEqual([
    ['a', '1'],
    ['b', 'two words!'],
    ['a', '2'],
    ['%zz', ''],
    ['', ''],
  ]);
});

it('decodes the beginning of base64, even of a damaged one', () => {
  expect([...base64Bytes('AAEC/w==', 100)]).toEqual([0, 1, 2, 255]);
  expect([...base64Bytes('AAEC/w==', 2)]).toEqual([0, 1]);
  expect([...base64Bytes('AAECA', 100)]).toEqual([0, 1, 2]);
  expect([...base64Bytes('AA<script>', 100)]).toEqual([0]);
  expect([...base64Bytes('', 100)]).toEqual([]);
});

it('shows bytes as hexadecimal numbers and printable characters', () => {
  const bytes = new TextEncoder().encode('HTTP/1.1 200 OK\r\nx\u00fe');
  expect(hexLines(bytes)).toEqual([
    '00000000  48 54 54 50 2f 31 2e 31  20 32 30 30 20 4f 4b 0d  HTTP/1.1 200 OK.',
    `00000010  0a 78 c3 be ${'   '.repeat(4)} ${'   '.repeat(8)} .x..`,
  ]);
});
