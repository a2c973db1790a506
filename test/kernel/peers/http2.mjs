// A peer of HTTP/2: client and server in one process, over one cleartext connection. Each line of its standard
// input is a number of calls to make at once; for each call it reports what both sides sent. Prints its pid first.
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import http2 from 'node:http2';
import { createInterface } from 'node:readline';

const sha = (bytes) => createHash('sha256').update(bytes).digest('hex');
const STATUSES = [200, 201, 202, 404, 418, 500];
const said = new Map();

const server = http2.createServer();
server.on('stream', async (stream, headers) => {
  stream.on('error', () => {});
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  const answer = randomBytes(12).toString('hex');
  const status = STATUSES[Math.floor(Math.random() * STATUSES.length)];
  const body = randomBytes(Math.floor(Math.random() * 3_000)).toString('base64');
  said.set(headers['x-trace-id'], {
    answer,
    status,
    requestSha: sha(Buffer.concat(chunks)),
    responseSha: sha(body),
  });
  stream.respond(
    { ':status': status, 'x-answer': answer, 'content-type': 'text/plain' },
    { waitForTrailers: true },
  );
  stream.on('wantTrailers', () => stream.sendTrailers({ 'x-trailer': answer }));
  stream.end(body);
});
server.listen(0, '127.0.0.1');
await once(server, 'listening');
const session = http2.connect(`http://127.0.0.1:${server.address().port}`);
await once(session, 'remoteSettings');
console.log(JSON.stringify({ pid: process.pid }));

async function call() {
  const id = randomBytes(12).toString('hex');
  const method = Math.random() < 0.5 ? 'GET' : 'POST';
  const path = `/calls/${id}?n=1`;
  const request = session.request(
    { ':method': method, ':path': path, 'x-trace-id': id },
    { endStream: method === 'GET' },
  );
  if (method === 'POST') request.end(randomBytes(Math.floor(Math.random() * 2_000)).toString('base64'));
  request.resume();
  await once(request, 'close');
  console.log(JSON.stringify({ id, method, path, stream: request.id, ...said.get(id) }));
}

for await (const line of createInterface({ input: process.stdin })) {
  await Promise.all(Array.from({ length: Number(line) }, call));
}
session.close(() => server.close());
