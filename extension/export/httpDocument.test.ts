import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runs } from '../../test/kit/runs.ts';
import { httpMessage } from './http.ts';
import { HttpDocumentError, readRequest, requestsIn } from './httpDocument.ts';
import type { HttpRequest, Replay } from './replay.ts';

function replay(rest: Partial<HttpRequest>): Replay {
  return {
    method: 'POST',
    scheme: 'http',
    authority: 'shop.example:8080',
    target: '/orders?x=1',
    version: '1.1',
    fields: [['Host', 'shop.example:8080']],
    body: null,
    masked: [],
    notes: [],
    ...rest,
  };
}

function readOnly(text: string) {
  const found = requestsIn(text);
  expect(found).toHaveLength(1);
  return readRequest(text, found[0]!);
}

/** As `vscode.TextDocument` may have it: with the line ends of the platform. */
function roundTrip(original: Replay): void {
  const text = httpMessage(original);
  for (const held of [text, text.replaceAll('\n', '\r\n')]) {
    const { request, bodyOf } = readOnly(held);
    const { masked: _, notes: __, body, ...rest } = original;
    expect({ ...request, body: null }).toEqual({ ...rest, body: null });
    expect(Buffer.from(request.body ?? []).equals(Buffer.from(body ?? []))).toBe(true);
    expect(bodyOf).toBeNull();
  }
}

describe('what is written is read as the same request', () => {
  it.each([
    ['text', 'a=b'],
    ['a line end at its end', '{"a":1}\n'],
    ['several', 'a\n\n\n'],
    ['only one', '\n'],
    ['CRLF', 'a\r\nb\r\n'],
    ['both kinds', 'a\r\nb\n'],
    ['a CR before CRLF', 'a\r\r\n'],
    ['a CR of its own', 'a\rb'],
    ['a line that separates requests', 'a\n### b\nGET http://other.example/'],
    ['blank lines first', '\n\nx'],
    ['lines like comments and fields', '# a\n// b\nX: y\n@a = b'],
    ['bytes', Buffer.from(Array.from({ length: 256 }, (_, i) => i))],
    ['text of many scripts', 'ü € \u{1f600} \u202e'],
    ['nothing', ''],
  ])('a body: %s', (_, body) => roundTrip(replay({ body: Buffer.from(body as string) })));

  it('methods, versions, targets', () => {
    roundTrip(replay({ method: 'GET', version: '2', scheme: 'https', authority: '[::1]:1' }));
    roundTrip(replay({ method: 'OPTIONS', target: '*' }));
    roundTrip(replay({ method: 'PURGE', version: '1.0', target: `/a/../b;c?d='"&{%7D|^[]` }));
  });

  it('any fields and bodies', () => {
    const token = fc.stringMatching(/^[A-Za-z0-9!$%&'*+.^_`|~-]{1,12}$/);
    const value = fc
      .stringMatching(/^[\t -~\x80-\xff]{0,30}$/)
      .map((text) => text.replace(/^[ \t]+|[ \t]+$/g, ''))
      .filter((text) => !text.includes('{%7B'));
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 40 }),
      fc.array(fc.constantFrom('\n', '\r', '#', '###', '<', '> ', '{{', 'a', ' ', '\u2028'), {
        maxLength: 12,
      }),
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(token, value), { maxLength: 6 }), bytes, (fields, content) => {
        const body = Array.isArray(content) ? Buffer.from(content.join('')) : content;
        roundTrip(replay({ fields, body }));
      }),
      { numRuns: runs(500) },
    );
  });
});

describe('captured text is never an instruction to programs that send such files', () => {
  it.each([
    '< /etc/passwd',
    '<@utf8 ./secrets',
    '  < ./x',
    '> {% client.global.set("a", 1) %}',
    '>> /tmp/written',
    '<> ./old.json',
    '{{$processEnv HOME}}',
    '{"a":"{{$dotenv KEY}}"}',
    'a\n###\nDELETE http://127.0.0.1/x',
  ])('a body %j', (body) => {
    const text = httpMessage(replay({ body: Buffer.from(body) }));
    expect(text.split('\n\n')[1]).toMatch(/^[A-Za-z0-9+/=]+$/);
  });

  it('variables in the URL and in header fields', () => {
    const original = replay({
      target: '/x?{{$processEnv HOME}}'.replaceAll(' ', '%20'),
      fields: [['X-A', '{{{$dotenv KEY}}}']],
    });
    expect(httpMessage(original)).not.toContain('{{');
    roundTrip(original);
  });

  it('a name that is a comment is left out, with a note', () => {
    const text = httpMessage(replay({ fields: [['#x', '1']] }));
    expect(text).toContain('# The header field #x is left out');
    expect(readOnly(text).request.fields).toEqual([]);
  });
});

it('a binary body is that of a held call, by reference', () => {
  const text = httpMessage(replay({ body: Buffer.from([0, 255]) }), 12);
  expect(text.split('\n')[0]).toBe('# The body is the captured one of call 12.');
  expect(readOnly(text)).toMatchObject({ bodyOf: 12, request: { body: null } });
  expect(httpMessage(replay({ body: Buffer.from('{}') }), 12)).toContain('\n\n{}');
});

describe('files as other programs write them', () => {
  const file = `@host = http://a.example
# a comment
### First
GET https://a.example/comments
    ?page=2
    &size=10 HTTP/1.1
// Accept: text/html
Accept: application/json

###
a.example/x

### Named
// another
POST http://b.example
Content-Type: application/json
# Authorization: none

{
  "a": 1
}

`;

  it('have several requests', () => {
    const [first, second, third] = requestsIn(file);
    expect(requestsIn(file)).toHaveLength(3);
    expect(readRequest(file, first!).request).toEqual({
      method: 'GET',
      scheme: 'https',
      authority: 'a.example',
      target: '/comments?page=2&size=10',
      version: '1.1',
      fields: [['Accept', 'application/json']],
      body: null,
    });
    expect(() => readRequest(file, second!)).toThrow(
      'Write a URL that begins with http:// or https:// here.',
    );
    const { request } = readRequest(file, third!);
    expect(request).toMatchObject({ method: 'POST', target: '/', authority: 'b.example' });
    expect(String(request.body)).toBe('{\n  "a": 1\n}');
  });

  it('have a path, with the server in Host', () => {
    expect(readOnly('GET /x\nHost: a:8080\n').request).toMatchObject({ authority: 'a:8080', target: '/x' });
  });

  it.each([
    ['GET http://{{host}}/x', 0, 'Variables'],
    ['GET http://a/x\nX: {{y}}', 1, 'Variables'],
    ['GET http://a/x\nno field', 1, 'not a header field'],
    ['GET http://a@b/x', 0, 'names no server'],
    ['GET ftp://a/x', 0, 'http://'],
    ['GET http://a/x HTTP/3', 0, 'HTTP/3 cannot be sent'],
    ['CONNECT http://a/', 0, 'tunnel'],
    ['# The body is in base64.\nPOST http://a/\n\n%%', 3, 'base64'],
  ])('%j is refused at its line', (text, line, message) => {
    try {
      readOnly(text);
      expect.fail('it was read');
    } catch (error) {
      expect(error).toBeInstanceOf(HttpDocumentError);
      expect((error as HttpDocumentError).message).toContain(message);
      expect((error as HttpDocumentError).line).toBe(line);
    }
  });
});

describe('a malicious document', () => {
  const MANY = 200_000;
  const blanks = ' '.repeat(MANY);

  it('is read in time that grows with its length only', () => {
    const head = 'GET http://shop.example/';
    const field = readOnly(`${head} HTTP/1.1\nA: x${blanks}y\n`).request.fields[0];
    expect(field).toEqual(['A', `x${blanks}y`]);
    expect(readOnly(`${head} HTTP/1.1\nA: ${'{{'.repeat(MANY)}\n`).request.fields).toHaveLength(1);
    expect(readOnly(`${head}\n${'  &a=b\n'.repeat(MANY)}`).request.target).toBe(`/${'&a=b'.repeat(MANY)}`);
    expect(() => readOnly(`${head}${blanks}y\n?a=b\n`)).toThrow(HttpDocumentError);
  });

  it.each(['constructor', '__proto__', 'toString'])('has no version HTTP/%s', (version) => {
    expect(() => readOnly(`GET http://shop.example/ HTTP/${version}\n`)).toThrow('cannot be sent');
  });
});
