/** Requests that real servers read: what is on the wire, and what is reported when there is no response. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer as createHttp2, createSecureServer, type Http2Server } from 'node:http2';
import { createServer as createSecureHttp1 } from 'node:https';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { makeCertificate } from '../../test/kernel/support/certificate.mjs';
import type { HttpRequest } from '../export/replay.ts';
import { send } from './send.ts';
import { MAX_RESPONSE, SendError } from './sent.ts';

const folder = mkdtempSync(join(tmpdir(), 'http-trace-send-'));
let key: Buffer;
let cert: Buffer;
beforeAll(() => {
  makeCertificate(join(folder, 'key.pem'), join(folder, 'cert.pem'));
  key = readFileSync(join(folder, 'key.pem'));
  cert = readFileSync(join(folder, 'cert.pem'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const open: { close: () => unknown }[] = [];
const sockets = new Set<Socket>();
afterEach(() => {
  for (const server of open.splice(0)) server.close();
  for (const socket of sockets) socket.destroy();
  sockets.clear();
});

async function listen(server: Server | Http2Server | ReturnType<typeof createSecureHttp1>): Promise<string> {
  open.push(server);
  server.on('connection', (socket: Socket) => sockets.add(socket));
  await new Promise<void>((done) => (server as Server).listen(0, '127.0.0.1', done));
  return `127.0.0.1:${((server as Server).address() as AddressInfo).port}`;
}

/** What one client sent, up to the end that is expected, and what it is answered. */
function answering(end: string, answer: string | Buffer): { server: Server; received: Promise<string> } {
  let arrived: (text: string) => void;
  const received = new Promise<string>((resolve) => {
    arrived = resolve;
  });
  const server = createServer((socket) => {
    let bytes = '';
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      bytes += chunk.toString('latin1');
      if (!bytes.endsWith(end)) return;
      arrived(bytes);
      socket.end(answer);
    });
  });
  return { server, received };
}

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-A: 1\r\nx-a: 2\r\n\r\nok';
const to = (authority: string, rest: Partial<HttpRequest> = {}): HttpRequest => ({
  method: 'GET',
  scheme: 'http',
  authority,
  target: '/x',
  version: '1.1',
  fields: [],
  body: null,
  ...rest,
});
const options = { signal: new AbortController().signal, checkCertificate: true };

describe('HTTP/1.1', () => {
  it('is sent as it is: target, order, case and repeated fields, every byte of the body', async () => {
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
    const { server, received } = answering('\xff', OK);
    const authority = await listen(server);
    await send(
      to(authority, {
        method: 'PATCH',
        target: `/a/../b?c={d}&e='`,
        fields: [
          ['x-B', '2'],
          ['Host', 'shop.example'],
          ['X-Latin', 'a\xe4\tb'],
          ['content-length', '7'],
          ['x-B', '1'],
          ['X-Empty', ''],
        ],
        body: bytes,
      }),
      options,
    );
    const [head = '', ...body] = (await received).split('\r\n\r\n');
    expect(head.split('\r\n')).toEqual([
      `PATCH /a/../b?c={d}&e=' HTTP/1.1`,
      'x-B: 2',
      'Host: shop.example',
      'X-Latin: a\xe4\tb',
      'content-length: 256',
      'x-B: 1',
      'X-Empty: ',
      'Connection: close',
    ]);
    expect(body.join('\r\n\r\n')).toBe(bytes.toString('latin1'));
  });

  it('leaves out what was about the old connection, and what Connection names', async () => {
    const { server, received } = answering('\r\n\r\n', OK);
    const authority = await listen(server);
    await send(
      to(authority, {
        fields: [
          ['Connection', 'keep-alive, X-Hop, Host'],
          ['X-Hop', '1'],
          ['Keep-Alive', 'timeout=5'],
          ['TE', 'trailers'],
          ['Transfer-Encoding', 'chunked'],
          ['Upgrade', 'h2c'],
          ['Expect', '100-continue'],
          ['Host', authority],
          ['Accept', '*/*'],
        ],
      }),
      options,
    );
    expect((await received).split('\r\n').slice(1, -2)).toEqual([
      `Host: ${authority}`,
      'Accept: */*',
      'Connection: close',
    ]);
  });

  it('has a Host and the length of its body, also where there is none', async () => {
    const { server, received } = answering('\r\n\r\n', OK);
    const authority = await listen(server);
    await send(to(authority, { method: 'POST' }), options);
    expect((await received).split('\r\n').slice(0, 3)).toEqual([
      'POST /x HTTP/1.1',
      `Host: ${authority}`,
      'Content-Length: 0',
    ]);
  });

  it('gives the response as it came', async () => {
    const { server } = answering(
      '\r\n\r\n',
      'HTTP/1.1 404 Not Here\r\nTransfer-Encoding: chunked\r\nTrailer: x-T\r\n\r\n3\r\nabc\r\n0\r\nx-T: end\r\n\r\n',
    );
    const authority = await listen(server);
    const response = await send(to(authority), options);
    expect(response).toMatchObject({
      protocol: 'HTTP/1.1',
      status: 404,
      statusText: 'Not Here',
      fields: [
        ['Transfer-Encoding', 'chunked'],
        ['Trailer', 'x-T'],
      ],
      trailers: [['x-T', 'end']],
      cut: false,
      remote: authority,
    });
    expect(String(response.body)).toBe('abc');
  });

  it('follows no redirect', async () => {
    const { server } = answering(
      '\r\n\r\n',
      'HTTP/1.1 302 Found\r\nLocation: /y\r\nContent-Length: 0\r\n\r\n',
    );
    expect((await send(to(await listen(server)), options)).status).toBe(302);
  });

  it('reads no more than so much', async () => {
    const server = createServer((socket) => {
      socket.on('error', () => {});
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      const more = (): void => {
        if (socket.write(Buffer.alloc(1024 * 1024))) setImmediate(more);
        else socket.once('drain', more);
      };
      more();
    });
    const response = await send(to(await listen(server)), options);
    expect(response.cut).toBe(true);
    expect(response.body.length).toBe(MAX_RESPONSE);
  });
});

describe('HTTP/2', () => {
  const seen: { headers: Record<string, unknown>; body: string }[] = [];
  const answer = (server: Http2Server): Http2Server =>
    server.on('stream', (stream, headers) => {
      let body = '';
      stream.setEncoding('latin1');
      stream.on('data', (chunk: string) => {
        body += chunk;
      });
      stream.on('end', () => {
        seen.push({ headers: Object.fromEntries(Object.entries(headers)), body });
        stream.respond({ ':status': 201, 'x-a': 'b' }, { waitForTrailers: true });
        stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '5' }));
        stream.end('done');
      });
    });
  const request = (authority: string): Partial<HttpRequest> => ({
    method: 'POST',
    version: '2',
    authority,
    target: '/s/M?x',
    fields: [
      ['content-type', 'application/grpc'],
      ['TE', 'trailers'],
      ['connection', 'keep-alive'],
      ['cookie', 'a=1'],
      ['cookie', 'b=2'],
    ],
    body: Buffer.from([0, 0, 0, 0, 1, 255]),
  });
  const expected = (authority: string, scheme: string) => ({
    ':method': 'POST',
    ':scheme': scheme,
    ':authority': authority,
    ':path': '/s/M?x',
    'content-type': 'application/grpc',
    te: 'trailers',
    cookie: 'a=1; b=2',
    'content-length': '6',
  });

  it('is sent without TLS, with trailers', async () => {
    seen.length = 0;
    const authority = await listen(answer(createHttp2()));
    const response = await send(to(authority, request(authority)), options);
    expect(seen[0]?.headers).toEqual(expected(authority, 'http'));
    expect(seen[0]?.body).toBe('\0\0\0\0\x01\xff');
    expect(response).toMatchObject({ protocol: 'HTTP/2', status: 201, trailers: [['grpc-status', '5']] });
    expect(String(response.body)).toBe('done');
  });

  it('is sent with fields that are called as members of every object', async () => {
    seen.length = 0;
    const authority = await listen(answer(createHttp2()));
    const fields = [['constructor', 'a'] as const, ['toString', 'b'] as const, ['constructor', 'c'] as const];
    await send(to(authority, { version: '2', fields }), options);
    expect(seen[0]?.headers).toMatchObject({ constructor: 'a, c', tostring: 'b' });
  });

  it('is sent over TLS', async () => {
    seen.length = 0;
    const authority = await listen(answer(createSecureServer({ key, cert }) as unknown as Http2Server));
    const response = await send(to(authority, { ...request(authority), scheme: 'https' }), {
      ...options,
      checkCertificate: false,
    });
    expect(response.status).toBe(201);
    expect(seen[0]?.headers).toEqual(expected(authority, 'https'));
  });
});

const failed = (promise: Promise<unknown>): Promise<SendError> =>
  promise.then(
    () => expect.fail('there was a response'),
    (error: unknown) => {
      expect(error).toBeInstanceOf(SendError);
      return error as SendError;
    },
  );

describe('without a response', () => {
  it.each(['1.1', '2'] as const)(
    'a certificate that is not trusted is said, over HTTP/%s',
    async (version) => {
      const handled: unknown[] = [];
      const server = version === '2' ? createSecureServer({ key, cert }) : createSecureHttp1({ key, cert });
      server.on('request', (_request, response) => {
        handled.push(1);
        response.end('ok');
      });
      const authority = await listen(server as Server);
      const request = to(authority, { scheme: 'https', version });
      const error = await failed(send(request, options));
      expect(error.kind).toBe('certificate');
      expect(error.message).toBe(
        `The certificate of ${authority} is not trusted: self-signed certificate (DEPTH_ZERO_SELF_SIGNED_CERT).`,
      );
      expect(handled).toEqual([]);
      expect(String((await send(request, { ...options, checkCertificate: false })).body)).toBe('ok');
    },
  );

  it('a server that does not listen', async () => {
    const server = createServer();
    const authority = await listen(server);
    await new Promise((done) => server.close(done));
    for (const version of ['1.1', '2'] as const) {
      const error = await failed(send(to(authority, { version }), options));
      expect(error.message).toBe(
        `${authority}: Nothing listens there: the connection was refused. (ECONNREFUSED)`,
      );
    }
  });

  it('a server without TLS', async () => {
    const { server } = answering('never', '');
    server.on('connection', (socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
    const error = await failed(send(to(await listen(server), { scheme: 'https' }), options));
    expect(error.message).toContain('should the URL begin with http://?');
  });

  it('a server that speaks only HTTP/1.1', async () => {
    const authority = await listen(createSecureHttp1({ key, cert }));
    const request = to(authority, { scheme: 'https', version: '2' });
    const error = await failed(send(request, { ...options, checkCertificate: false }));
    expect(error.message).toContain('does not speak HTTP/2');
  });

  it.each(['1.1', '2'] as const)(
    'HTTP/%s: one that is silent, and one that is cancelled',
    async (version) => {
      const authority = await listen(createServer((socket) => socket.on('error', () => {})));
      const silent = await failed(send(to(authority, { version }), { ...options, patience: 200 }));
      expect([silent.kind, silent.message]).toEqual([
        'timeout',
        `${authority} sent nothing for 0.2 seconds.`,
      ]);
      const cancel = new AbortController();
      const sending = failed(send(to(authority, { version }), { ...options, signal: cancel.signal }));
      setTimeout(() => cancel.abort(), 100);
      expect((await sending).kind).toBe('cancelled');
    },
  );

  it('one that closes', async () => {
    const authority = await listen(createServer((socket) => socket.destroy()));
    const error = await failed(send(to(authority), options));
    expect(error.message).toContain('closed before there was a whole response');
  });
});
