import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Engine } from '../engine.ts';
import { WireProtocol } from '../record.ts';
import { conversation, recordBatch, type Step } from '../testing/records.ts';

/** Field lines as they are sent, and as nobody should send them. What is not delimited as its sender means it is tested elsewhere. */
const line = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.constantFrom(
      'Content-Type: application/json',
      'content-type:text/plain ',
      'Accept: */*',
      'Connection: keep-alive',
      'Host: api.example:80',
      'Host:',
      'Keep-Alive: timeout=5',
      'Date: Sun, 22 Nov 2026 18:00:00 GMT',
      'Cookie: a=b; c="\t"',
      'traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
      'ETag: \xff\x80',
    ),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      'Content_Length: 3',
      ' folded',
      'no colon',
      'Bad : name',
      'X: \x01',
      'X: \x7f',
      'X: a\rb',
      ': empty',
    ),
  },
);
const end = fc.constantFrom('\r\n', '\r\n', '\r\n', '\r\n', '\r\n', '\n');
const lines = fc
  .array(
    fc.tuple(line, end).map((parts) => parts.join('')),
    { maxLength: 8 },
  )
  .map((all) => all.join(''));
const requestLine = fc.constantFrom(
  'GET /items/7 HTTP/1.1',
  'GET /items/7 HTTP/1.1',
  'POST /a?token=x HTTP/1.1',
  'GET http://b.example/x HTTP/1.1',
  'GET  /x HTTP/1.1',
);
const statusLine = fc.constantFrom(
  'HTTP/1.1 200 OK',
  'HTTP/1.1 200 OK',
  'HTTP/1.1 404 Not Found',
  'HTTP/1.0 200 fine\t',
  'HTTP/1.1 200',
);
const body = fc.constantFrom('', 'ok', '{"a":1}');
const message = (start: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc.tuple(start, end, lines, end, body).map(([first, lineEnd, fields, empty, content]) => {
    const length = `Content-Length: ${content.length}\r\n`;
    return first + lineEnd + fields + length + empty + content;
  });
const calls = fc.array(fc.tuple(message(requestLine), message(statusLine)), { minLength: 1, maxLength: 4 });

/** @param cut how long the pieces are, in turn. */
function read(talk: readonly (readonly [string, string])[], cut: readonly number[]): unknown {
  const steps: Step[] = [];
  let turn = 0;
  const add = (text: string, way: 'out' | 'in'): void => {
    for (let at = 0; at < text.length; ) {
      const length = cut.length === 0 ? text.length : (cut[turn++ % cut.length] as number);
      const bytes = Buffer.from(text.slice(at, at + length), 'latin1');
      steps.push(way === 'out' ? { out: bytes } : { in: bytes });
      at += length;
    }
  };
  for (const [request, response] of talk) {
    add(request, 'out');
    add(response, 'in');
  }
  const engine = new Engine();
  // All at one time, which is that of each piece then.
  engine.push(
    recordBatch(conversation([...steps, { close: true }], { interval: 0n, protocol: WireProtocol.Http1 })),
  );
  engine.finish();
  return engine.takeChanges().changed.map((id) => [{ ...engine.row(id), revision: 0 }, engine.json(id)]);
}

test('messages are read alike, however they are cut: at once, line by line, byte by byte', () => {
  fc.assert(
    fc.property(
      calls,
      fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 6 }),
      (talk, cut) => {
        const whole = read(talk, []);
        expect(read(talk, cut)).toEqual(whole);
        expect(read(talk, [1])).toEqual(whole);
      },
    ),
    { numRuns: 100 },
  );
});
