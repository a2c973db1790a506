// A server that reports what it received and sent. Usage: server.mjs HOST
// Writes {port, pid} first, then a line for each exchange. Ends when its standard input ends.
import { createHash, randomBytes } from 'node:crypto';
import http from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';

const sha = (bytes) => createHash('sha256').update(bytes).digest('hex');

async function serve(request, response) {
  const started = performance.now();
  const pieces = [];
  for await (const piece of request) pieces.push(piece);
  const received = Buffer.concat(pieces);
  const url = new URL(request.url, 'http://peer');
  const answer = randomBytes(12).toString('hex');
  const kind = url.pathname.split('/')[1];
  const number = (name, otherwise) => Number(url.searchParams.get(name) ?? otherwise);
  let body = Buffer.from(JSON.stringify({ answer, echo: received.toString('latin1').slice(0, 2000) }));
  let wire = body;
  response.setHeader('X-Answer', answer);
  response.statusCode = number('status', 200);
  if (kind === 'slow') await wait(number('ms', 300));
  if (kind === 'big') wire = body = randomBytes(number('size', 3_000_000));
  if (kind === 'gzip') {
    wire = gzipSync(body);
    response.setHeader('Content-Encoding', 'gzip');
  }
  if (kind === 'empty' || request.method === 'HEAD') {
    if (request.method === 'HEAD') response.setHeader('Content-Length', String(wire.length));
    wire = body = Buffer.alloc(0);
  }
  if (kind === 'chunked') {
    const half = wire.length >> 1;
    response.setHeader('Trailer', 'X-Trailer');
    response.write(wire.subarray(0, half));
    await wait(20);
    response.write(wire.subarray(half));
    response.addTrailers({ 'X-Trailer': answer });
    response.end();
  } else if (kind === 'close') {
    response.useChunkedEncodingByDefault = false;
    response.setHeader('Connection', 'close');
    response.removeHeader('Content-Length');
    response.write(wire);
    response.end();
  } else {
    if (kind !== 'empty' && request.method !== 'HEAD')
      response.setHeader('Content-Length', String(wire.length));
    response.end(wire.length === 0 ? undefined : wire);
  }
  await new Promise((resolve) => (response.writableFinished ? resolve() : response.on('close', resolve)));
  process.stdout.write(
    `${JSON.stringify({
      side: 'server',
      pid: process.pid,
      id: request.headers['x-trace-id'] ?? null,
      method: request.method,
      path: request.url,
      status: response.statusCode,
      answer,
      requestSize: received.length,
      requestSha: sha(received),
      responseSize: wire.length,
      responseSha: sha(body),
      localPort: null,
      ms: performance.now() - started,
    })}\n`,
  );
}

const server = http.createServer((request, response) => {
  // A client that goes away in the middle, or names no path, is not worth a server.
  serve(request, response).catch(() => response.destroy());
});
server.keepAliveTimeout = 0; // when a connection ends is the test's to say, however slow the machine
server.listen(0, process.argv[2] ?? '127.0.0.1', () => {
  process.stdout.write(`${JSON.stringify({ port: server.address().port, pid: process.pid })}\n`);
});
process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
