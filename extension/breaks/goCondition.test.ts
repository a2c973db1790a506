import { expect, test } from 'vitest';
import type { Condition } from './condition.ts';
import { goExpression, goString } from './goCondition.ts';
import { parseCondition } from './parseCondition.ts';

const of = (line: string, session = 'shop') => goExpression([parseCondition(line).condition!], session);

test('a text can neither end its literal nor be interpreted', () => {
  expect(goString('Ab9')).toBe('"Ab9"');
  expect(goString('"; os.Exit(1) //\\\n$`é')).toMatch(/^"(?:[A-Za-z0-9]|\\x[0-9a-f]{2})*"$/);
  const hostile = { field: 'method', pieces: ['" || true || "'] } satisfies Condition;
  expect(goExpression([hostile], '')).not.toMatch(/\|\| true/);
});

test('method, host and path of a call that is to be stopped again', () => {
  expect(of('method:POST path:=/Orders')).toBe(
    '((req.Method == "post" || req.Method == "POST") && (req.URL.Path == "\\x2forders" || req.URL.Path == "\\x2fOrders"))',
  );
});

test('the session is decided here', () => {
  expect(of('session:shop')).toBe('true');
  expect(of('session:customer')).toBe('false');
  expect(of('session:customer method:GET')).toBe('false');
  expect(of('-session:customer')).toBe('true');
});

test('calls that dlv cannot compare stop, also below a not: they are checked when the program has stopped', () => {
  expect(of('orders')).toBe('true');
  expect(of('-orders')).toBe('true');
  expect(of('path:"a b"')).toBe('true');
  expect(of('-host:example.com')).toBe('true');
  expect(of('path:*')).toBe('true');
});

test('no text is read beyond its end', () => {
  const expression = of('path:/users/*');
  expect(expression).toContain('len(req.URL.Path) >= 7 && req.URL.Path[0:7] == "\\x2fusers\\x2f"');
  for (const [, from, to] of of('path:abc').matchAll(/Path\[(\d+):(\d+)\]/g)) {
    expect(Number(to) - Number(from)).toBe(3);
    expect(of('path:abc')).toContain(`(len(req.URL.Path) >= ${to} && req.URL.Path[${from}:${to}]`);
  }
});

test('no conditions match no call', () => expect(goExpression([], '')).toBe('false'));
