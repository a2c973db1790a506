import fc from 'fast-check';
import { expect, test } from 'vitest';
import { viewOf } from '../fourBytes.ts';
import { forgetHeads, knownHead } from './knownHeads.ts';
import { PlainHead } from './plainHead.ts';

const line = fc.constantFrom(
  'Host: a',
  'Content-Type: text/plain',
  'Content-Length: 7',
  'Content-Length: 8',
  'Connection: close',
  'Transfer-Encoding: chunked',
  'X: y',
  `Cookie: ${'c'.repeat(70)}`,
  `Cookie: ${'c'.repeat(2_100)}`,
);
const head = fc
  .tuple(
    fc.constantFrom('GET / HTTP/1.1', 'GET http://a/ HTTP/1.1', 'HTTP/1.1 200 OK'),
    fc.array(line, { maxLength: 6 }),
    fc.constantFrom('', 'body', 'b'.repeat(100)),
    fc.nat(9),
  )
  // At times the end is missing.
  .map(([start, lines, body, cut]) => {
    const text = `${[start, ...lines].join('\r\n')}\r\n\r\n`;
    return Buffer.from(cut === 0 ? text.slice(0, -2) : text + body, 'latin1');
  });

test('a head that repeats, after any others, is read as it was the first time', () => {
  const first = new Map<string, string>();
  const reader = new PlainHead();
  const read = (bytes: Buffer): string => {
    const isRead = reader.read(bytes, 0);
    const { fieldsAt, fieldsEnd, end, typeAt, framing } = reader;
    const { length, lengthBroken, hosts, host, hostBroken, codings, close } = framing;
    const delimited = { length, lengthBroken, hosts, host, hostBroken, codings, close };
    return JSON.stringify(isRead ? { fieldsAt, fieldsEnd, end, typeAt, delimited } : null);
  };
  fc.assert(
    fc.property(fc.array(head, { minLength: 1, maxLength: 30 }), (heads) => {
      for (const bytes of heads) {
        const key = bytes.toString('latin1');
        const found = read(bytes);
        first.set(key, first.get(key) ?? found);
        expect(found).toBe(first.get(key));
      }
    }),
  );
});

test('forgetting leaves nothing of a head in memory', () => {
  const reader = new PlainHead();
  const head = Buffer.from(
    'GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer s3cret\r\nConnection: close\r\n\r\n',
  );
  const at = head.indexOf('\n') + 1;
  const isKnown = (): boolean => {
    const view = viewOf(head);
    return knownHead(view, head.byteOffset + at, head.byteOffset + head.length, false) >= 0;
  };
  for (let i = 0; i < 20; i++) expect(reader.read(head, 0)).toBe(true);
  expect(isKnown()).toBe(true);
  forgetHeads();
  expect(isKnown()).toBe(false);
  // The bytes that were found are not changed by that.
  expect(reader.read(head, 0)).toBe(true);
  expect(reader.framing.close).toBe(true);
});

test('a head that recurs is replaced only by the eighth other head in a row', () => {
  forgetHeads();
  const reader = new PlainHead();
  const start = 'GET / HTTP/1.1\r\n';
  // Short heads with the same first bytes share a place.
  const headOf = (host: number): Buffer => Buffer.from(`${start}Host: ${host}\r\n\r\n`);
  const read = (host: number) => expect(reader.read(headOf(host), 0)).toBe(true);
  const isKnown = (host: number): boolean => {
    const bytes = headOf(host);
    const from = bytes.byteOffset + start.length;
    return knownHead(viewOf(bytes), from, bytes.byteOffset + bytes.length, false) >= 0;
  };
  // A place may still count others that were read before.
  for (let i = 0; i < 8; i++) read(0);
  for (let round = 1; round <= 3; round++) {
    expect(isKnown(0)).toBe(true);
    for (let other = 1; other <= 7; other++) read(round * 10 + other);
  }
  expect(isKnown(0)).toBe(true);
  for (let other = 1; other <= 8; other++) read(100 + other);
  expect(isKnown(0)).toBe(false);
  expect(isKnown(108)).toBe(true);
});

test('the same lines are read again if Host has to be compared with the target', () => {
  const reader = new PlainHead();
  const hostOf = (start: string): string | null => {
    expect(reader.read(Buffer.from(`${start}\r\nHost: shop.test\r\n\r\n`), 0)).toBe(true);
    return reader.framing.host;
  };
  for (let i = 0; i < 20; i++) {
    expect(hostOf('GET / HTTP/1.1')).toBeNull();
    expect(hostOf('GET http://shop.test/ HTTP/1.1')).toBe('shop.test');
  }
});
