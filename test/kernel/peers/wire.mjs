// Client and server for HTTP/1.1, HTTP/2 and HTTP/2 over TLS, for a test that compares what two observers saw:
// `node --tls-keylog=FILE wire.mjs KEY CERTIFICATE`. Everything that is sent is text. Prints the port of each server.
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import http2 from 'node:http2';
import { connect } from 'node:net';

const [key, certificate] = process.argv.slice(2).map((file) => readFileSync(file));
const text = (size) => randomBytes(size).toString('base64').slice(0, size);

/** How long the answers are, in turn: none, within one frame, more than one frame, more than one window. */
const SIZES = [0, 100, 5_000, 40_000, 20_000, 63_000];
let answers = 0;

async function received(stream) {
  let size = 0;
  for await (const bytes of stream) size += bytes.length;
  return size;
}

const http1 = http.createServer(async (request, response) => {
  const size = await received(request);
  // Pipelined answers share what is copied of one long one.
  const pipelined = 'x-pipelined' in request.headers;
  const body = text(pipelined ? 9_000 + size : SIZES[answers++ % SIZES.length]);
  response.setHeader('X-Received', size);
  response.setHeader('Set-Cookie', [`one=${text(8)}`, `two=${text(8)}`]);
  response.setHeader('Content-Type', 'application/octet-stream');
  if (request.url.startsWith('/chunked')) {
    response.setHeader('Trailer', 'X-Sum');
    for (let at = 0; at < body.length; at += 7_000) response.write(body.slice(at, at + 7_000));
    response.addTrailers({ 'X-Sum': text(12) });
    return response.end();
  }
  response.statusCode = request.url.startsWith('/empty') ? 204 : request.url.startsWith('/gone') ? 410 : 200;
  if (response.statusCode !== 204) response.setHeader('Content-Length', body.length);
  response.end(response.statusCode === 204 ? '' : body);
});

function answer(stream, headers) {
  stream.on('error', () => {});
  received(stream).then((size) => {
    if (headers[':path'].startsWith('/hints')) stream.additionalHeaders({ ':status': 103, link: text(40) });
    if (headers[':path'].startsWith('/push') && stream.pushAllowed)
      stream.pushStream({ ':path': `/pushed/${text(6)}`, 'x-because': text(10) }, (_, pushed) => {
        pushed.respond({ ':status': 203, 'x-pushed': text(10) });
        pushed.end(text(300));
      });
    const body = text(SIZES[answers++ % SIZES.length]);
    const fields = {
      ':status': headers[':path'].startsWith('/gone') ? 410 : 200,
      'x-received': String(size),
      'x-answer': text(12),
      'set-cookie': [`one=${text(8)}`, `two=${text(8)}`],
      // Longer than a frame may be: it goes on in CONTINUATION frames.
      ...(headers[':path'].startsWith('/long') ? { 'x-long': text(30_000) } : {}),
      [http2.sensitiveHeaders]: ['x-answer'],
    };
    const trailers = headers[':path'].startsWith('/trailers');
    stream.respond(fields, { waitForTrailers: trailers });
    if (trailers) stream.on('wantTrailers', () => stream.sendTrailers({ 'x-sum': text(12) }));
    stream.end(body);
  });
}

const padded = { paddingStrategy: http2.constants.PADDING_STRATEGY_ALIGNED };
const clear = http2.createServer(padded).on('stream', answer);
const secure = http2.createSecureServer({ key, cert: certificate }).on('stream', answer);

async function listen(server) {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server.address().port;
}

/** One call after the other on a connection that is kept. */
async function keptAlive(port) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  const kinds = ['plain', 'chunked', 'empty', 'gone', 'chunked', 'plain', 'plain', 'chunked'];
  for (const [number, kind] of kinds.entries()) {
    const method = number % 3 === 0 ? 'GET' : 'POST';
    const headers = { 'X-Number': number, 'X-Value': text(30), 'Content-Type': 'application/octet-stream' };
    const body = text(number * 3_000);
    if (number % 2 === 0 && method === 'POST') headers['Content-Length'] = body.length;
    const request = http.request({
      ...{ port, agent, method, headers },
      host: '127.0.0.1',
      path: `/${kind}/${text(6)}?q=%20a`,
    });
    if (method === 'POST') request.write(body.slice(0, 1_000));
    request.end(method === 'POST' ? body.slice(1_000) : '');
    const [response] = await once(request, 'response');
    await received(response);
  }
  agent.destroy();
}

/** All requests before the first answer. */
async function pipelined(port) {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  const heads = [];
  for (let number = 0; number < 8; number++) {
    const fields = `Host: 127.0.0.1:${port}\r\nx-pipelined:  ${text(9)} \r\n`;
    const last = number === 7 ? 'Connection: close\r\n' : '';
    if (number % 3 === 0) heads.push(`GET /plain/${number} HTTP/1.1\r\n${fields}${last}\r\n`);
    if (number % 3 === 1)
      heads.push(
        `PUT /chunked/${number} HTTP/1.1\r\n${fields}Content-Type: application/octet-stream\r\nTransfer-Encoding: chunked\r\n${last}\r\n`,
        ...[30, 500].map((size) => `${size.toString(16)};note=1\r\n${text(size)}\r\n`),
        '0\r\n\r\n',
      );
    if (number % 3 === 2) {
      const content = 'Content-Type: application/octet-stream\r\nContent-Length: 700\r\n';
      heads.push(`POST /gone/${number} HTTP/1.1\r\n${fields}${content}${last}\r\n${text(700)}`);
    }
  }
  socket.write(heads.join(''));
  await received(socket);
}

/** Many streams at once. */
async function streams(origin, options) {
  const session = http2.connect(origin, { rejectUnauthorized: false, ...options });
  session.on('stream', (pushed) => pushed.resume());
  const kinds = ['plain', 'hints', 'push', 'gone', 'trailers', 'long'];
  const call = async (number) => {
    const stream = session.request({
      ':method': number % 2 === 0 ? 'GET' : 'POST',
      ':path': `/${kinds[number % kinds.length]}/${text(6)}?q=%20a`,
      'x-number': String(number),
      'x-value': text(30),
      'x-same': 'on every stream',
      cookie: `a=${text(5)}; b=${text(5)}`,
    });
    if (number % 2 === 1) stream.end(text(number * 1_000));
    await received(stream);
  };
  await Promise.all(Array.from({ length: 36 }, (_, number) => call(number)));
  for (let number = 36; number < 42; number++) await call(number);
  session.close();
  await once(session, 'close');
}

/** A program with an HPACK encoder of its own way. */
async function program(command, ...args) {
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`${command} ended with ${code}`);
}

const ports = { http1: await listen(http1), http2: await listen(clear), tls: await listen(secure) };
console.log(JSON.stringify(ports));
await keptAlive(ports.http1);
await pipelined(ports.http1);
await streams(`http://127.0.0.1:${ports.http2}`, padded);
await streams(`https://127.0.0.1:${ports.tls}`);
for (const [base, way] of [
  [`http://127.0.0.1:${ports.http2}`, '--http2-prior-knowledge'],
  [`https://127.0.0.1:${ports.tls}`, '--http2'],
])
  for (const path of ['/plain/1', '/long/2', '/trailers/3', '/gone/4'])
    await program('curl', '-sSk', way, '-d', text(9_000), '-o', '/dev/null', base + path);
for (const server of [http1, clear, secure]) server.close();
