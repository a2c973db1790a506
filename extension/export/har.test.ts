import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { harProblems } from '../../test/kit/harSchema.mjs';
import { Engine } from '../engine/engine.ts';
import { conversation, recordBatch, START, type Step } from '../engine/testing/records.ts';
import { binary, MASK, ping, switching, text, UPGRADE } from '../engine/testing/webSocket.ts';
import { harEntry } from './har.ts';
import type { HarEntry } from './harTypes.ts';
import { HarWriter } from './harWriter.ts';

/** 2026-11-22T18:00:00.123456789Z minus START. */
const OFFSET = 1_795_370_400_123_456_789n - START;

interface Archive {
  readonly log: {
    readonly version: string;
    readonly creator: { readonly name: string; readonly version: string };
    readonly entries: readonly HarEntry[];
    readonly comment: string;
  };
}

function archive(conversations: readonly (readonly Step[])[], reveal = false): Archive {
  const engine = new Engine();
  engine.setClock({ offset: OFFSET, bootTime: START });
  conversations.forEach((steps, i) => {
    engine.push(recordBatch(conversation(steps, { connection: BigInt(i + 1) })));
  });
  engine.finish();
  let written = '';
  const writer = new HarWriter('1.2.3', reveal, (piece) => {
    written += piece;
  });
  for (const id of engine.takeChanges().changed) {
    const json = engine.json(id, { reveal });
    if (json !== undefined) writer.add(json);
  }
  writer.end(['A note.']);
  const read = JSON.parse(written) as Archive;
  expectValid(read);
  return read;
}

/** By the schema that Node's HAR tools use. */
function expectValid(read: unknown): void {
  expect(harProblems(read).slice(0, 3)).toEqual([]);
}

const zipped = gzipSync('{"answer":"ü"}');

describe('an archive', () => {
  it('has what browsers have of a call', () => {
    const { log } = archive([
      [
        {
          out: 'POST /orders?x=1+2&y=%C3%BC&z HTTP/1.1\r\nHost: api.example:8080\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 11\r\n\r\na=b+c&d=%26',
        },
        {
          in: Buffer.concat([
            Buffer.from(
              `HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Encoding: gzip\r\nLocation: /orders/7\r\nContent-Length: ${zipped.length}\r\n\r\n`,
            ),
            zipped,
          ]),
        },
      ],
    ]);
    expect(log).toMatchObject({
      version: '1.2',
      creator: { name: 'HTTP Trace', version: '1.2.3' },
      comment: 'Secrets are masked. A note.',
    });
    expect(log.entries).toEqual([
      {
        startedDateTime: '2026-11-22T18:00:00.124456Z',
        time: 1,
        request: {
          method: 'POST',
          url: 'http://api.example:8080/orders?x=1+2&y=%C3%BC&z',
          httpVersion: 'HTTP/1.1',
          cookies: [],
          headers: [
            { name: 'Host', value: 'api.example:8080' },
            { name: 'Content-Type', value: 'application/x-www-form-urlencoded' },
            { name: 'Content-Length', value: '11' },
          ],
          queryString: [
            { name: 'x', value: '1 2' },
            { name: 'y', value: 'ü' },
            { name: 'z', value: '' },
          ],
          postData: {
            mimeType: 'application/x-www-form-urlencoded',
            text: 'a=b+c&d=%26',
            params: [
              { name: 'a', value: 'b c' },
              { name: 'd', value: '&' },
            ],
          },
          headersSize: 135,
          bodySize: 11,
        },
        response: {
          status: 201,
          statusText: 'Created',
          httpVersion: 'HTTP/1.1',
          cookies: [],
          headers: [
            { name: 'Content-Type', value: 'application/json' },
            { name: 'Content-Encoding', value: 'gzip' },
            { name: 'Location', value: '/orders/7' },
            { name: 'Content-Length', value: String(zipped.length) },
          ],
          content: {
            size: 15,
            compression: 15 - zipped.length,
            mimeType: 'application/json',
            text: '{"answer":"ü"}',
          },
          redirectURL: '/orders/7',
          headersSize: 121,
          bodySize: zipped.length,
          _transferSize: 121 + zipped.length,
        },
        cache: {},
        timings: { blocked: -1, dns: -1, connect: -1, ssl: -1, send: 0, wait: 1, receive: 0 },
        serverIPAddress: '127.0.0.1',
        connection: '1',
        _resourceType: 'fetch',
        _httpTrace: {
          id: 1,
          peer: null,
          causedBy: null,
          side: 'client',
          process: { pid: 4242, name: null },
          completeness: ['complete'],
          requestNote: null,
          messageStream: null,
          operation: null,
          grpc: null,
          debug: null,
          ending: expect.objectContaining({ how: 'answered' }),
        },
      },
    ]);
  });

  it('holds bytes in base64, and cookies with their attributes', () => {
    const call: Step[] = [
      {
        out: Buffer.from(
          'PUT /x HTTP/1.1\r\nHost: a\r\nCookie: a=b; c="d e"\r\nContent-Length: 3\r\n\r\n\xff\x00\xfe',
          'latin1',
        ),
      },
      {
        in: Buffer.from(
          'HTTP/1.1 200 OK\r\nSet-Cookie: s=t; Path=/; Secure; HttpOnly; SameSite=Lax; Expires=Wed, 21 Oct 2026 07:28:00 GMT\r\nContent-Type: image/png\r\nContent-Length: 2\r\n\r\n\x89P',
          'latin1',
        ),
      },
    ];
    const [entry] = archive([call], true).log.entries;
    expect(entry?.request).toMatchObject({
      cookies: [
        { name: 'a', value: 'b' },
        { name: 'c', value: '"d e"' },
      ],
      postData: { mimeType: '', text: '/wD+', encoding: 'base64' },
    });
    expect(entry?.response).toMatchObject({
      cookies: [
        {
          name: 's',
          value: 't',
          path: '/',
          expires: '2026-10-21T07:28:00.000Z',
          httpOnly: true,
          secure: true,
          sameSite: 'Lax',
        },
      ],
      content: { size: 2, mimeType: 'image/png', text: 'iVA=', encoding: 'base64' },
    });
    const masked = archive([call]);
    expect(masked.log.entries[0]?.request.cookies).toEqual([]);
    expect(JSON.stringify(masked)).not.toMatch(/d e|"t"|s=t/);
    expect(archive([call], true).log.comment).toBe('With secrets. A note.');
  });

  it('has the messages of a WebSocket as Chrome has them', () => {
    const [entry] = archive([
      [
        { out: UPGRADE },
        { in: switching() },
        { out: text('hello', { mask: MASK }) },
        { out: ping('', { mask: MASK }) },
        { in: binary(Buffer.from([1, 2, 255])) },
      ],
    ]).log.entries;
    expect(entry?.response.status).toBe(101);
    expect(entry?._resourceType).toBe('websocket');
    expect(entry?.request.url).toMatch(/^ws:\/\//);
    expect(entry?._webSocketMessages).toEqual([
      { type: 'send', time: expect.any(Number), opcode: 1, data: 'hello' },
      { type: 'receive', time: expect.any(Number), opcode: 2, data: 'AQL/' },
    ]);
    const [first, second] = entry?._webSocketMessages ?? [];
    expect(first?.time).toBeGreaterThan(1_795_370_400);
    expect(second?.time).toBeGreaterThan(first?.time ?? 0);
  });

  it("names the sender of a message from the client's view, also for a server", () => {
    const engine = new Engine();
    engine.setClock({ offset: OFFSET, bootTime: START });
    engine.push(
      recordBatch(
        conversation([{ in: UPGRADE }, { out: switching() }, { in: text('hello', { mask: MASK }) }], {
          side: 'server',
        }),
      ),
    );
    engine.finish();
    const json = engine.json(1);
    expect(json?.messages).toMatchObject([{ direction: 'in' }]);
    expect(json === undefined ? null : harEntry(json)?._webSocketMessages).toMatchObject([{ type: 'send' }]);
  });

  it('does not treat the beginning of a coded body as the whole, nor a time without a zone as local', () => {
    const head = (length: number) =>
      `HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Type: text/plain\r\nSet-Cookie: a=b; Expires=Wed, 21 Oct 2026 07:28:00\r\nSet-Cookie: c=d; Expires=Thu, 01 Jan 99999 00:00:00 GMT\r\nContent-Length: ${length}\r\n\r\n`;
    const { log } = archive(
      [
        [
          { out: 'GET /x HTTP/1.1\r\nHost: a\r\n\r\n' },
          { in: Buffer.concat([Buffer.from(head(zipped.length)), zipped.subarray(0, zipped.length - 9)]) },
        ],
      ],
      true,
    );
    const response = log.entries[0]?.response;
    expect(response?.content).toMatchObject({ size: -1, comment: expect.any(String) });
    expect(response?.content).not.toHaveProperty('compression');
    expect(response?.cookies).toMatchObject([{ expires: '2026-10-21T07:28:00.000Z' }, { name: 'c' }]);
    expect(response?.cookies[1]).not.toHaveProperty('expires');
  });

  it('has the time that a running call has taken so far', () => {
    const engine = new Engine();
    engine.setClock({ offset: OFFSET, bootTime: START });
    engine.push(
      recordBatch(
        conversation([
          { out: 'GET /x HTTP/1.1\r\nHost: a\r\n\r\n' },
          { in: 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nx' },
        ]),
      ),
    );
    const json = engine.json(1);
    expect(json?.durationMs).toBeNull();
    expect(json === undefined ? null : harEntry(json)).toMatchObject({ time: 1, timings: { wait: 1 } });
  });

  it('has status 0 and the reason for a call without a response, and says what it leaves out', () => {
    const { log } = archive([
      [{ out: 'GET /x HTTP/1.1\r\nHost: a\r\n\r\n' }],
      [
        { out: 'CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n' },
        { in: 'HTTP/1.1 502 Bad\r\nContent-Length: 0\r\n\r\n' },
      ],
    ]);
    expect(log.entries).toHaveLength(1);
    expect(log.entries[0]?.response).toMatchObject({
      status: 0,
      content: { size: 0, mimeType: 'x-unknown' },
      _error: expect.stringMatching(/./),
    });
    expect(log.comment).toBe(
      'Secrets are masked. 1 without an HTTP request with a URL are left out. A note.',
    );
  });

  it('is valid for each of many calls, and empty without any', () => {
    expect(archive([]).log.entries).toEqual([]);
    const calls = Array.from({ length: 3 }, (_, i): Step[] => [
      { out: `GET /${i}?q=\u2028 HTTP/1.1\r\nHost: [::1]:80\r\nX: \x1b\u0085\r\n\r\n` },
      { in: 'HTTP/1.0 404 \r\nContent-Length: 0\r\n\r\n' },
    ]);
    expect(archive(calls).log.entries.map((entry) => entry.response.status)).toEqual([404, 404, 404]);
  });
});
