import { describe, expect, it } from 'vitest';
import { readContentType, shortType } from './contentType.ts';

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
