import { expect, it } from 'vitest';
import { callName } from './callName.ts';

it.each([
  ['GET', 'http://a.example/shop/orders?x=1', 404, 'GET orders 404'],
  ['GET', 'http://a.example/orders/17', 200, 'GET orders 17 200'],
  ['POST', 'https://a.example:8080/', 201, 'POST a.example 8080 201'],
  ['GET', 'http://a/../..%2F..%2Fetc/passwd', null, 'GET passwd'],
  ['GET', 'http://a/..', null, 'GET'],
  ['GET', `http://a/${'x'.repeat(100)}`, 200, `GET ${'x'.repeat(40)} 200`],
  ['GET', 'http://a/a\u202e\n:b', 200, 'GET a b 200'],
  ['GET', `http://a/${'x'.repeat(39)}\u{1d4b3}y`, 200, `GET ${'x'.repeat(39)}\u{1d4b3} 200`],
  ['GET', `http://a/${'x'.repeat(38)}. y`, 200, `GET ${'x'.repeat(38)} 200`],
  ['GET', `http://a/x${'.'.repeat(300_000)}y`, 200, `GET x 200`],
  [null, null, null, ''],
])('%s %s %s', (method, url, status, name) => expect(callName({ method, url, status })).toBe(name));
