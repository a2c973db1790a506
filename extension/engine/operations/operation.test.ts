import { brotliCompressSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runs } from '../../../test/kit/runs.ts';
import { Engine } from '../engine.ts';
import { cpuTime } from '../testing/cpuTime.ts';
import { conversation, recordBatch, START } from '../testing/records.ts';
import { readGraphql } from './graphql.ts';
import { unescapeJsonString, visitJsonStrings } from './jsonStrings.ts';

interface Request {
  readonly target?: string;
  readonly type?: string | null;
  readonly fields?: string;
  readonly body?: string | Buffer;
  readonly bodyLimit?: number;
}

/** What the row says of this request. */
function row({ target = '/api', type = 'application/json', fields = '', body = '', bodyLimit }: Request): {
  text: string | null;
  json: unknown;
} {
  const bytes = Buffer.from(body);
  const head =
    `${bytes.length === 0 ? 'GET' : 'POST'} ${target} HTTP/1.1\r\nHost: a\r\n` +
    `${type === null ? '' : `Content-Type: ${type}\r\n`}${fields}Content-Length: ${bytes.length}\r\n\r\n`;
  const engine = new Engine(bodyLimit === undefined ? {} : { bodyLimit });
  engine.setClock({ offset: 0n, bootTime: START });
  engine.push(
    recordBatch(
      conversation([
        { out: Buffer.concat([Buffer.from(head), bytes]) },
        { in: 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n' },
      ]),
    ),
  );
  return { text: engine.row(1)?.operation ?? null, json: engine.json(1)?.operation ?? null };
}

const json = (value: unknown): string => JSON.stringify(value);

describe('GraphQL', () => {
  it.each([
    '{}',
    '{{template}}',
    '{ }',
    '{{ x }}',
    '{(a)}',
    '{"a":1}',
    '{1}',
    'query {}',
    'query Q {{x}}',
    '{ # c\n }',
  ])('%s is a template or another language', (query) => {
    expect(row({ body: json({ query }) }).text).toBeNull();
    expect(row({ target: `/graphql?query=${encodeURIComponent(query)}` }).text).toBeNull();
  });

  it.each(['{...F}', '{ ... on User { a } }', '{\n  # comment\n  a\n}', 'query Q { a', '{ _a }'])(
    '%s is a document',
    (query) => {
      expect(row({ body: json({ query }) }).text).not.toBeNull();
    },
  );

  it.each([
    ['{ me { name } }', 'query'],
    ['query GetUser($id: ID!) { user(id: $id) { name } }', 'query GetUser'],
    ['mutation AddItem { addItem(name: "{ query Wrong { a } }") { id } }', 'mutation AddItem'],
    ['subscription OnPrice @live { price }', 'subscription OnPrice'],
    ['# query Comment { a }\n\nquery Real { a }', 'query Real'],
    ['fragment F on User { name }\nquery WithFragment { me { ...F } }', 'query WithFragment'],
    ['query Blocks { a(text: """ " } mutation No { """) { b } }', 'query Blocks'],
    ['\ufeff  query  \n Spaced\t{a}', 'query Spaced'],
  ])('%s', (query, expected) => {
    expect(row({ body: json({ query }) }).text).toBe(expected);
    expect(row({ body: json({ variables: { query: 'x' }, query }) }).text).toBe(expected);
    expect(row({ target: `/graphql?query=${encodeURIComponent(query)}` }).text).toBe(expected);
    expect(row({ type: 'application/graphql', body: query }).text).toBe(expected);
  });

  it('by the name of the operation that runs', () => {
    const query = 'query A { a } mutation B { b }';
    expect(row({ body: json({ query, operationName: 'B' }) }).text).toBe('mutation B');
    expect(row({ body: json({ operationName: 'A', query }) }).text).toBe('query A');
    expect(row({ body: json({ operationName: 'C', query }) }).text).toBe('C');
    expect(row({ body: json({ operationName: null, query }) }).text).toBe('query A');
  });

  it('persisted, by its name', () => {
    const extensions = { persistedQuery: { version: 1, sha256Hash: 'ab12' } };
    expect(row({ body: json({ operationName: 'Feed', extensions }) })).toEqual({
      text: 'Feed',
      json: { protocol: 'graphql', count: 1, names: [{ type: null, name: 'Feed' }] },
    });
    expect(row({ body: json({ extensions }) }).text).toBe('GraphQL');
    const target = `/graphql?operationName=Feed&extensions=${encodeURIComponent(json(extensions))}`;
    expect(row({ target }).text).toBe('Feed');
  });

  it('in a batch', () => {
    const batch = ['A', 'B', 'C', 'D', 'E'].map((name) => ({ query: `query ${name} { a(list: [1, 2]) }` }));
    expect(row({ body: json(batch) })).toEqual({
      text: 'query A, query B, query C and 2 more',
      json: {
        protocol: 'graphql',
        count: 5,
        names: ['A', 'B', 'C', 'D', 'E'].map((name) => ({ type: 'query', name })),
      },
    });
    const many = Array.from({ length: 1_000 }, () => ({ query: '{a}' }));
    expect(row({ body: json(many) }).json).toMatchObject({ count: 1_000, names: { length: 16 } });
  });

  it('with files (multipart)', () => {
    const operations = json({ query: 'mutation Upload($f: Upload!) { up(file: $f) }' });
    const body = Buffer.from(
      `--xx\r\nContent-Disposition: form-data; name="operations"\r\n\r\n${operations}\r\n` +
        `--xx\r\nContent-Disposition: form-data; name="0"; filename="a.bin"\r\n\r\n\xff\0\xfe\r\n--xx--\r\n`,
      'latin1',
    );
    expect(row({ type: 'multipart/form-data; boundary=xx', body }).text).toBe('mutation Upload');
  });

  it('of which only the beginning was captured, or which is compressed', () => {
    const body = json({ query: `query Long { ${'field '.repeat(1_000)} }`, operationName: 'Long' });
    expect(row({ body, bodyLimit: 100 }).text).toBe('query Long');
    expect(row({ body, bodyLimit: 20 }).text).toBeNull();
    expect(row({ body: gzipSync(body), fields: 'Content-Encoding: gzip\r\n' }).text).toBe('query Long');
    expect(row({ body: brotliCompressSync(body), fields: 'Content-Encoding: br\r\n' }).text).toBe(
      'query Long',
    );
    const bomb = gzipSync(Buffer.alloc(50_000_000, ' '));
    expect(row({ body: bomb, fields: 'Content-Encoding: gzip\r\n' }).text).toBeNull();
  });

  it('is not what merely has a query', () => {
    for (const query of [
      'shoes',
      'query language for beginners',
      '',
      'fragment',
      { match: { a: 'x' } },
      'a { b }',
    ]) {
      expect(row({ body: json({ query }) }).text, json(query)).toBeNull();
    }
    expect(row({ target: '/search?query=shoes' }).text).toBeNull();
    expect(row({ target: '/search?operationName=x' }).text).toBeNull();
    expect(row({ type: 'text/html', body: json({ query: '{a}' }) }).text).toBeNull();
  });

  it('with a name without end is cut, and no token is shown', () => {
    const text = row({ body: json({ query: `query ${'N'.repeat(5_000)} { a }` }) }).text ?? '';
    expect(text.length).toBeLessThan(120);
    const token = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl';
    expect(row({ body: json({ jsonrpc: '2.0', method: token }) }).text).not.toContain('eyJ');
  });
});

describe('JSON-RPC', () => {
  it('names the method', () => {
    const body = json({ jsonrpc: '2.0', id: 1, method: 'eth_call', params: [{ method: 'no' }, 'latest'] });
    expect(row({ body })).toEqual({
      text: 'eth_call',
      json: { protocol: 'json-rpc', count: 1, names: [{ type: null, name: 'eth_call' }] },
    });
    expect(row({ body, type: null }).text).toBe('eth_call');
    expect(row({ body: json({ method: 'späť\n', params: {}, jsonrpc: '2.0' }) }).text).toBe('späť\n');
  });

  it('names those of a batch', () => {
    const batch = ['a', 'b', 'c', 'd'].map((method, id) => ({ jsonrpc: '2.0', method, id }));
    expect(row({ body: json(batch) }).text).toBe('a, b, c and 1 more');
  });

  it('is not a response, another version, or any JSON', () => {
    expect(row({ body: json({ jsonrpc: '2.0', id: 1, result: { method: 'x' } }) }).text).toBeNull();
    expect(row({ body: json({ jsonrpc: '1.0', method: 'x' }) }).text).toBeNull();
    expect(row({ body: json({ method: 'x' }) }).text).toBeNull();
    expect(row({ body: json('{"jsonrpc":"2.0","method":"x"}') }).text).toBeNull();
  });
});

describe('anything', () => {
  it('never throws, and takes time that is linear', () => {
    fc.assert(
      fc.property(
        fc.string({
          unit: fc.constantFrom(...'{}[]":,\\#qe \n', 'query', '"query":"', '"jsonrpc":"2.0"', '"""'),
          maxLength: 200,
        }),
        (text) => {
          readGraphql(text);
          visitJsonStrings(text, ({ raw }) => unescapeJsonString(raw));
          row({ body: `{"query":"${text}` });
        },
      ),
      { numRuns: runs(300) },
    );
    for (const part of [
      '{',
      '[',
      '"',
      '\\',
      '"""',
      '#',
      '{ # ,',
      '{ #\n',
      '{"query":',
      'query {',
      '""" \\""" ',
      '(',
      'a"',
    ]) {
      const text = part.repeat(60_000 / part.length);
      const took = cpuTime(() => {
        readGraphql(text);
        visitJsonStrings(text, () => {});
      });
      expect(took, part).toBeLessThan(1_000);
    }
  });

  it('finds every string that JSON.parse finds', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string({ minLength: 1 }), fc.string()), (object) => {
        const found: [string, string][] = [];
        visitJsonStrings(JSON.stringify(object), ({ path, raw }) =>
          found.push([unescapeJsonString(path), unescapeJsonString(raw)]),
        );
        expect(found).toEqual(Object.entries(object));
      }),
    );
  });
});
