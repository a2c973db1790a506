import { describe, expect, test } from 'vitest';
import { automatonOf } from './automaton.ts';
import { factsOf, holds } from './condition.ts';
import { parseCondition } from './parseCondition.ts';

/** As bpf/breaks.h walks through it. */
function accepts(table: Buffer, text: string, encrypted = false): boolean {
  let state = table.readUInt16LE(256 + (encrypted ? 2 : 0));
  for (const byte of Buffer.from(text).subarray(0, 512)) {
    if (state >= 512) break;
    state = table.readUInt16LE(260 + 2 * (state * 64 + (table[byte] ?? 0)));
  }
  return state === 0xfffe;
}

function built(...lines: string[]): Buffer {
  const conditions = lines.map((line) => {
    const { condition, errors } = parseCondition(line);
    expect(errors).toEqual([]);
    return condition as NonNullable<typeof condition>;
  });
  const made = automatonOf(conditions, ['Shop']);
  if ('reason' in made) throw new Error(made.reason);
  return made.table;
}

const request = (method: string, path: string, host: string, more = '') =>
  `${method} ${path} HTTP/1.1\r\nUser-Agent: test\r\n${more}Host: ${host}\r\n\r\n`;

const LINES = [
  'path:=/orders',
  'path:/orders',
  'path:/orders/*/items',
  'method:POST',
  'method:post path:/orders',
  '-method:GET',
  'host:api.example.com',
  'host:example',
  'host:=api.example.com',
  'host:=api.example.com:8080',
  '-host:example path:/',
  'host:example OR method:DELETE',
  'orders',
  'example.com/orders',
  'scheme:https',
  'scheme:http path:/o',
  'https://api.example.com/orders',
  'path:*',
  'session:shop path:=/orders',
  'session:other path:=/orders',
  'path:=/orders?page=2',
];

const CALLS = [
  ['GET', '/orders', 'api.example.com'],
  ['GET', '/orders?page=2', 'api.example.com'],
  ['POST', '/orders', 'api.example.com'],
  ['POST', '/Orders/7/items', 'shop.test:8080'],
  ['DELETE', '/', 'api.example.com:8080'],
  ['GET', '/order', 'localhost:3000'],
  ['PUT', '/x/orders', 'EXAMPLE.com'],
  ['PATCH', '/a?b=/orders', '127.0.0.1'],
] as const;

describe.each(LINES)('%s', (line) => {
  test('the kernel accepts what the condition holds for', () => {
    const table = built(line);
    const condition = parseCondition(line).condition as NonNullable<
      ReturnType<typeof parseCondition>['condition']
    >;
    for (const scheme of ['http', 'https']) {
      for (const [method, path, host] of CALLS) {
        const facts = factsOf({ method, scheme, host, path, session: 'Shop' });
        const name = `${scheme} ${method} ${host}${path}`;
        const accepted = accepts(table, request(method, path, host), scheme === 'https');
        expect({ name, accepted }).toEqual({ name, accepted: holds(condition, facts) });
      }
    }
  });
});

test('the scheme’s default port may be present or not', () => {
  const table = built('host:=api.example.com');
  expect(accepts(table, request('GET', '/', 'api.example.com:80'))).toBe(true);
  expect(accepts(table, request('GET', '/', 'api.example.com:443'), true)).toBe(true);
  expect(accepts(table, request('GET', '/', 'api.example.com:81'))).toBe(false);
});

test('several breaks, of which one is enough', () => {
  const table = built('path:=/a', 'method:PUT host:b');
  expect(accepts(table, request('GET', '/a', 'x'))).toBe(true);
  expect(accepts(table, request('PUT', '/c', 'abc'))).toBe(true);
  expect(accepts(table, request('GET', '/c', 'abc'))).toBe(false);
});

test('bytes that are not a request are not accepted, whatever the condition', () => {
  const table = built('path:*', '-method:GET');
  for (const text of [
    '',
    'GET',
    'GET /',
    '\x16\x03\x01\x02\x00 / HTTP/1.1\r\n',
    'HTTP/1.1\r\n',
    '{"a": 1, "b": 2}',
    'a\r\nb c\r\n',
  ])
    expect({ text, accepted: accepts(table, text) }).toEqual({ text, accepted: false });
  // HTTP/2's preface is no call.
  expect(accepts(built('path:*'), 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')).toBe(false);
});

test('a header with a similar name is not taken for the host', () => {
  const table = built('host:=b');
  expect(accepts(table, request('GET', '/', 'a', 'X-Host: b\r\nHostile: b\r\nHos: b\r\n'))).toBe(false);
  expect(accepts(table, request('GET', '/', 'b', 'X-Host: a\r\nHo: x\r\n'))).toBe(true);
  expect(accepts(table, 'GET / HTTP/1.1\r\nhOST:b\r\n\r\n')).toBe(true);
});

test('conditions that it cannot decide, or that are too large, are refused', () => {
  const reason = (...lines: string[]) => {
    const made = automatonOf(
      lines.map(
        (line) =>
          parseCondition(line).condition as NonNullable<ReturnType<typeof parseCondition>['condition']>,
      ),
      ['Shop'],
    );
    return 'reason' in made ? made.reason : null;
  };
  expect(reason('"get example"')).toMatch(/needs a method, a path or a host/);
  expect(reason('-host:=example.com')).toMatch(/needs a method, a path or a host/);
  expect(reason(`path:${'a'.repeat(600)}`)).toMatch(/too long/);
  expect(
    reason(...Array.from({ length: 90 }, (_, index) => `path:/some/long/name/${index}/*/x${index}`)),
  ).toMatch(/too long/);
  expect(reason('path:*')).toBeNull();
});
