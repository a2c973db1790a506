import { describe, expect, it } from 'vitest';
import { readContentType, shortType } from '../http/contentType.ts';
import { formatAddress, formatIPv6 } from './address.ts';
import { BodyBuffer } from './bodyBuffer.ts';
import { LineBuffer } from './http1/lineBuffer.ts';
import { formatTime } from './jsonOf.ts';
import { StoredConnection, StoredExchange, StoredMessage } from './model.ts';
import { targetOf } from './target.ts';
import { ruleText } from './violations.ts';

describe('addresses', () => {
  it('are written as RFC 5952 has it', () => {
    const write = (hex: string): string => formatIPv6(Buffer.from(hex, 'hex'));
    expect(write('00000000000000000000000000000000')).toBe('::');
    expect(write('00000000000000000000000000000001')).toBe('::1');
    expect(write('20010db8000000000001000000000001')).toBe('2001:db8::1:0:0:1');
    expect(write('20010db8000000010001000100010001')).toBe('2001:db8:0:1:1:1:1:1');
    expect(write('fe800000000000000000000000000000')).toBe('fe80::');
    expect(write('00000000000000000000ffff7f000001')).toBe('::ffff:127.0.0.1');
  });

  it('are null when they are unknown', () => {
    const zeros = Buffer.alloc(16);
    expect(formatAddress('ipv4', zeros, 0)).toBeNull();
    expect(formatAddress('ipv6', zeros, 0)).toBeNull();
    expect(formatAddress('unix', zeros, 0)).toBeNull();
    expect(formatAddress('ipv4', zeros, 80)).toBe('0.0.0.0:80');
  });
});

describe('content types', () => {
  it.each([
    ['application/json; charset=utf-8', 'json'],
    ['application/problem+json', 'json'],
    ['TEXT/HTML', 'html'],
    ['image/svg+xml', 'image'],
    ['application/atom+xml', 'xml'],
    ['text/x-anything', 'text'],
    ['multipart/form-data; boundary=x', 'multipart'],
    ['application/grpc+proto', 'grpc'],
    ['application/vnd.api', 'vnd.api'],
    ['constructor', null],
    ['/', null],
    [null, null],
  ])('%s is shown as %s', (value, short) => {
    expect(shortType(value)).toBe(short);
  });

  it('have parameters, quoted or not', () => {
    expect(readContentType('Multipart/Form-Data; boundary="a;b\\"c" ; CharSet=UTF-8')).toEqual({
      essence: 'multipart/form-data',
      boundary: 'a;b"c',
      charset: 'utf-8',
    });
    expect(readContentType('text/plain;;; =x; charset')).toEqual({
      essence: 'text/plain',
      boundary: null,
      charset: null,
    });
  });
});

describe('targets', () => {
  const target = (
    method: string,
    text: string,
    host: string | null,
    remote: string | null = null,
  ): unknown => {
    const connection = new StoredConnection('1');
    connection.side = 'client';
    connection.remote = remote;
    const exchange = new StoredExchange(1, null, connection, true);
    exchange.request = new StoredMessage('request', 0, 'HTTP/1.1');
    exchange.request.method = method;
    exchange.request.target = text;
    exchange.request.setFields(host === null ? [] : [['hOsT', host]]);
    const { scheme, host: authority, path, url } = targetOf(exchange);
    return [scheme, authority, path, url];
  };

  it('come in four forms', () => {
    expect(target('GET', '/a?b', 'h:1')).toEqual(['http', 'h:1', '/a?b', 'http://h:1/a?b']);
    expect(target('GET', 'HTTPS://u:p@h:1?b', 'other')).toEqual(['https', 'h:1', '?b', 'HTTPS://u:p@h:1?b']);
    expect(target('CONNECT', 'h:443', 'other')).toEqual([null, 'h:443', 'h:443', 'h:443']);
    expect(target('OPTIONS', '*', 'h')).toEqual(['http', 'h', '*', 'http://h']);
  });

  it('without an authority fall back to the server end, and then to nothing', () => {
    expect(target('GET', '/a', null, '10.0.0.1:80')).toEqual([
      'http',
      '10.0.0.1:80',
      '/a',
      'http://10.0.0.1:80/a',
    ]);
    expect(target('GET', '/a', '', null)).toEqual(['http', null, '/a', '/a']);
  });
});

describe('time', () => {
  it('is written with microseconds, cut', () => {
    expect(formatTime(0n)).toBe('1970-01-01T00:00:00.000000Z');
    expect(formatTime(1_795_370_400_999_999_999n)).toBe('2026-11-22T18:00:00.999999Z');
    expect(formatTime(-1n)).toBe('1969-12-31T23:59:59.999999Z');
  });
});

describe('stored messages', () => {
  it('give back their fields in order and case', () => {
    const message = new StoredMessage('request', 0, 'HTTP/1.1');
    const fields: [string, string][] = [
      ['A', '1'],
      ['a', ''],
      ['', 'no name'],
      ['B', 'x: y\r\xff\0'],
    ];
    message.setFields(fields);
    expect(message.fields).toEqual(fields);
    expect(message.field('a')).toBe('1');
    expect(message.field('b')).toBe('x: y\r\xff\0');
    expect(message.field('c')).toBeNull();
  });

  it('note a broken rule once, in words and with its section', () => {
    const message = new StoredMessage('response', 5, 'HTTP/1.1');
    for (let i = 0; i < 100; i++) message.breaks('bare-lf', 10 + i);
    message.breaks('bare-cr', 20);
    expect(message.violations).toEqual([
      { ...ruleText('bare-lf'), in: 'response', position: 10 },
      { ...ruleText('bare-cr'), in: 'response', position: 20 },
    ]);
  });
});

describe('line buffer', () => {
  it('keeps the beginning of a line and counts all of it', () => {
    const line = new LineBuffer();
    for (const text of ['abc', 'def', 'ghi']) line.append(Buffer.from(text), 0, 3, 5);
    expect([line.text(), line.length, line.cut, line.last]).toEqual(['abcde', 9, true, 'i'.charCodeAt(0)]);
    line.clear();
    expect([line.text(), line.length, line.cut, line.last]).toEqual(['', 0, false, -1]);
  });
});

describe('body buffer', () => {
  it('keeps all bytes whatever the sizes of the pieces, without a block for each', () => {
    const buffer = new BodyBuffer();
    const pieces = [3, 1, 1, 5_000, 1, 1, 300, 4_096, 0, 7, ...Array<number>(2_000).fill(1)];
    let expected = '';
    for (const [i, size] of pieces.entries()) {
      const text = String.fromCharCode(97 + (i % 26)).repeat(size);
      expected += text;
      const piece = Buffer.from(`<${text}>`);
      buffer.append(piece, 1, 1 + size);
      piece.fill(0);
      expect(Buffer.concat(buffer.chunks).toString()).toBe(expected);
    }
    buffer.close();
    expect(Buffer.concat(buffer.chunks).toString()).toBe(expected);
    expect(buffer.captured).toBe(expected.length);
    expect(buffer.chunks.length).toBeLessThan(20);
  });

  it('keeps every byte of one small piece', () => {
    const buffer = new BodyBuffer();
    expect(buffer.chunks).toEqual([]);
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
    buffer.append(bytes, 0, 256);
    buffer.close();
    expect(Buffer.concat(buffer.chunks)).toEqual(bytes);
  });
});
