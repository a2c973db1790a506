/**
 * A site with one of each kind of call that a browser writes into an archive, and the page that makes them: HTTP/1.1 and
 * HTTP/2, a redirect, compressed and binary bodies, forms, cookies, a WebSocket, and a call that fails.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createSecureServer, type Http2ServerRequest, type Http2ServerResponse } from 'node:http2';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { freePort } from '../../../scripts/freePort.mjs';
import { makeCertificate } from '../../kernel/support/certificate.mjs';

export const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==',
  'base64',
);
/** No text in any charset. */
export const BINARY = Buffer.from([0, 255, 254, 10, 13, 128, 34, 92]);

interface Socket {
  on(event: 'message', take: (data: Buffer, binary: boolean) => void): void;
  send(data: Buffer, options: { binary: boolean }): void;
}
/** Of `ws`, which has no types. */
const { WebSocketServer } = createRequire(import.meta.url)('ws') as {
  WebSocketServer: new (options: {
    server: Server;
  }) => { on(event: 'connection', take: (socket: Socket) => void): void; close(): void };
};

export interface HarSite {
  /** The page; its calls begin when `visit()` is called in it, and have ended when what that returns resolves. */
  readonly url: string;
  readonly secure: string;
  readonly refused: string;
  close(): Promise<void>;
}

const page = (secure: string, refused: string): string => `<!doctype html><title>calls</title><script>
async function visit() {
  const read = async (...call) => (await fetch(...call)).arrayBuffer();
  await read('/json?q=%C3%BC&token=sesame');
  await read('/redirect');
  await read('/logo.png');
  await read('/orders', { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"note":"with a bow — danke"}' });
  await read('/form', { method: 'POST', body: new URLSearchParams({ a: 'b c', password: 'hunter2' }) });
  await read('/upload', { method: 'PUT', headers: { 'content-type': 'application/octet-stream' }, body: new Uint8Array(${JSON.stringify([...BINARY])}) });
  await read('/missing');
  await read('${secure}/second', { method: 'POST', body: 'over HTTP/2' });
  await read('${refused}/').catch(() => {});
  const socket = new WebSocket(location.origin.replace('http', 'ws') + '/chat');
  socket.binaryType = 'arraybuffer';
  await new Promise((done) => (socket.onopen = done));
  for (const message of ['grüß dich', new Uint8Array([1, 2, 255])]) {
    const answered = new Promise((done) => (socket.onmessage = done));
    socket.send(message);
    await answered;
  }
  const closed = new Promise((done) => (socket.onclose = done));
  socket.close();
  await closed;
  return true;
}
</script>`;

export async function openSite(): Promise<HarSite> {
  const folder = mkdtempSync(join(tmpdir(), 'http-trace-har-'));
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  makeCertificate(key, cert);
  const second = createSecureServer({ key: readFileSync(key), cert: readFileSync(cert) }, answerSecond);
  await new Promise<void>((listening) => second.listen(0, '127.0.0.1', listening));
  const secure = `https://127.0.0.1:${(second.address() as AddressInfo).port}`;
  const refused = `http://127.0.0.1:${await freePort()}`;
  const first = createServer((request, response) => answer(request, response, page(secure, refused)));
  const sockets = new WebSocketServer({ server: first });
  sockets.on('connection', (socket) => socket.on('message', (data, binary) => socket.send(data, { binary })));
  await new Promise<void>((listening) => first.listen(0, '127.0.0.1', listening));
  return {
    url: `http://127.0.0.1:${(first.address() as AddressInfo).port}`,
    secure,
    refused,
    async close() {
      sockets.close();
      first.closeAllConnections();
      first.close();
      second.close();
      rmSync(folder, { recursive: true });
    },
  };
}

function answer(request: IncomingMessage, response: ServerResponse, html: string): void {
  const path = (request.url ?? '/').split('?')[0];
  const send = (status: number, type: string, body: Uint8Array | string, headers = {}): void => {
    response.writeHead(status, { 'content-type': type, ...headers });
    response.end(body);
  };
  request.resume();
  request.once('end', () => {
    if (path === '/') send(200, 'text/html; charset=utf-8', html);
    else if (path === '/json')
      send(200, 'application/json', gzipSync('{"answer":"ü","token":"geheim"}'), {
        'content-encoding': 'gzip',
        'set-cookie': 'shop=lamps; Path=/; HttpOnly; SameSite=Lax',
      });
    else if (path === '/redirect') send(302, 'text/plain', '', { location: '/json?from=redirect' });
    else if (path === '/logo.png') send(200, 'image/png', PNG);
    else if (path === '/orders') send(201, 'application/json', '{"id":7}');
    else if (path === '/upload') send(200, 'application/octet-stream', BINARY);
    else if (path === '/form') send(204, 'text/plain', '');
    else send(404, 'application/problem+json', '{"title":"none"}');
  });
}

function answerSecond(request: Http2ServerRequest, response: Http2ServerResponse): void {
  const headers = { 'access-control-allow-origin': '*', 'access-control-allow-headers': '*' };
  request.resume();
  request.once('end', () => {
    response.writeHead(200, { ...headers, 'content-type': 'text/plain; charset=utf-8' });
    response.end('zwei — gelesen');
  });
}
