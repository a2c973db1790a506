import { describe, expect, test } from 'vitest';
import { factsOf, holds } from './condition.ts';
import { parseCondition } from './parseCondition.ts';

const call = {
  method: 'POST',
  scheme: 'https',
  host: 'API.example.com:443',
  path: '/Orders/7?page=2',
  session: 'Shop',
};

function matches(line: string, change: Partial<typeof call> = {}): boolean {
  const { condition, errors } = parseCondition(line);
  expect(errors).toEqual([]);
  return holds(condition!, factsOf({ ...call, ...change }));
}

describe('a condition', () => {
  test.each([
    'method:POST',
    'method:get,post',
    'method:P*',
    'host:api',
    'host:=api.example.com',
    'host:*.example.com',
    'path:/orders',
    'path:=/orders/7',
    'path:"=/Orders/7?page=2"',
    'path:/orders/*',
    'path:*',
    'path:/o*r*7*',
    'https://api.example.com',
    'https://api.example.com:443/orders',
    'url:https://api.example.com/Orders/7',
    'scheme:https',
    'session:shop',
    'side:client',
    'post orders',
    '"post api.example.com/orders"',
    '-method:GET',
    'method:GET or path:/orders',
    '(method:GET or method:POST) host:api',
    '!(method:GET host:api)',
  ])('%s holds', (line) => expect(matches(line)).toBe(true));

  test.each([
    'method:GET',
    'method:POS',
    'host:=example.com',
    'host:api.*.org',
    'path:=/orders',
    'path:/7?page=3',
    'path:/orders*8',
    'https://api.example.com/orders/8',
    'http://api.example.com',
    'scheme:http',
    'session:customer',
    '-path:/orders',
    'gone',
  ])('%s does not hold', (line) => expect(matches(line)).toBe(false));

  test('a default port is left out', () => {
    expect(matches('host:=h', { host: 'h:80', scheme: 'http' })).toBe(true);
    expect(matches('host:=h', { host: 'h:80', scheme: 'https' })).toBe(false);
  });

  test.each([
    ['status:404', /“status:” is not known before a call is made.*method:, host:, path:/],
    ['5xx', /status is not known/],
    ['duration:>1s', /“duration:” is not known/],
    ['body:x', /“body:” is not known/],
    ['is:error', /“is:” is not known/],
    ['side:server', /use a breakpoint there/],
    ['side:both', /expects client/],
    ['scheme:ftp', /expects http or https/],
    ['/ord.*/', /cannot use a \/pattern\//],
    ['domain:x', /Did you mean “host:”/],
    ['statuss:x', /Unknown: “statuss:”. A break can use/],
    ['hots:x', /Unknown: “hots:”. Did you mean “host:”/],
    ['method:', /expects a method/],
    ['(method:GET', /not closed/],
    ['x'.repeat(1_001), /at most 1000 characters/],
  ])('%s is refused, and it is said what can be used', (line, message) => {
    const { condition, errors } = parseCondition(line);
    expect(condition).toBeNull();
    expect(errors.map((one) => one.message).join(' ')).toMatch(message);
  });

  test('an empty line is neither a condition nor an error', () => {
    expect(parseCondition('  ')).toEqual({ condition: null, errors: [] });
  });
});
