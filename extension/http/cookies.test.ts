import { describe, expect, it } from 'vitest';
import { attributeMeaning, cookieWarnings, expiryOf, sentCookies, setCookie } from './cookies.ts';

it('reads what is sent and what is set', () => {
  expect(sentCookies('a=1; b="2=3"; c; =x')).toEqual([
    { name: 'a', value: '1' },
    { name: 'b', value: '"2=3"' },
    { name: '', value: 'x' },
  ]);
  expect(setCookie('id=a=b; Path=/; HttpOnly;; SameSite=Lax')).toEqual({
    name: 'id',
    value: 'a=b',
    attributes: [
      ['Path', '/'],
      ['HttpOnly', null],
      ['SameSite', 'Lax'],
    ],
  });
  expect(setCookie('Secure')).toBeNull();
});

describe('warnings', () => {
  const NOW = Date.UTC(2026, 0, 1);
  const of = (value: string, isHttps = true, host = 'a.example') =>
    cookieWarnings(setCookie(value)!, isHttps, host, NOW);
  it.each([
    ['a=1; Secure; SameSite=None; Path=/; Max-Age=60', []],
    ['a=1; Max-Age=0', ['It expires at once: it deletes the cookie.']],
    ['a=1; Max-Age=60; Expires=Thu, 01 Jan 1970 00:00:00 GMT', []],
    [
      'a=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT',
      ['It had expired when it was set: it deletes the cookie.'],
    ],
    ['a=1; Expires=soon', ['Expires is not a valid date: the cookie lasts for the session.']],
    ['a=1; SameSite=None', ['SameSite=None without Secure: browsers reject it.']],
    ['a=1; Partitioned', ['Partitioned without Secure: browsers reject it.']],
    ['__Secure-a=1', ['The prefix __Secure- requires Secure.']],
    [
      '__Host-a=1; Secure; Path=/; Domain=a',
      ['The prefix __Host- requires Secure and Path=/, and no Domain.'],
    ],
    ['__Host-a=1; Secure; Path=/', []],
    [`a=${'x'.repeat(4096)}`, ['Name and value are longer than 4096 bytes: browsers reject it.']],
  ])('%s', (value, warnings) => expect(of(value)).toEqual(warnings));

  it('Secure over http, but not on this machine', () => {
    expect(of('a=1; Secure', false)).toEqual(['Secure, but set over http: browsers reject it.']);
    for (const host of ['localhost:3000', 'x.localhost', '127.0.0.1:80', '[::1]:80']) {
      expect(of('a=1; Secure', false, host)).toEqual([]);
    }
  });
});

it('a time without a zone is in UTC', () => {
  expect(expiryOf('Thu, 01 Jan 1970 00:00:01')).toBe(1000);
  expect(expiryOf('Thu, 01 Jan 1970 00:00:01 GMT')).toBe(1000);
});

it('says what attributes mean', () => {
  expect(attributeMeaning('SAMESITE', 'strict')).toBe('Sent only with requests that the same site makes.');
  expect(attributeMeaning('SameSite', 'x')).toContain('browsers use Lax');
  expect(attributeMeaning('X', null)).toBeNull();
});
