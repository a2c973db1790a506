// An HTTP/2 server (also HTTP/1.1 over TLS): `node http2Server.mjs PORT-FILE [KEY CERTIFICATE]`. Each response depends
// on the request: the body is the path and the SHA-256 of the request's body, then a trailer. Ends with stdin.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureServer, createServer } from 'node:http2';

const [key, certificate] = process.argv.slice(2);
const server =
  key === undefined
    ? createServer()
    : createSecureServer({ key: readFileSync(key), cert: readFileSync(certificate), allowHTTP1: true });

/** Statuses in turn, by the number at the end of the path. */
const STATUSES = [200, 201, 404, 503];

server.on('stream', (stream, headers) => {
  const path = headers[':path'];
  const hash = createHash('sha256');
  stream.on('error', () => {});
  stream.on('data', (bytes) => hash.update(bytes));
  stream.on('end', () => {
    const number = Number(/(\d+)$/.exec(path)?.[1] ?? 0);
    if (path.startsWith('/reset')) return stream.close(8);
    if (path.startsWith('/hints'))
      stream.additionalHeaders({ ':status': 103, link: `<${path}.css>; rel=preload` });
    stream.respond(
      { ':status': STATUSES[number % STATUSES.length], 'x-path': path },
      { waitForTrailers: true },
    );
    stream.on('wantTrailers', () => stream.sendTrailers({ 'x-sum': hash.copy().digest('hex') }));
    const size = path.startsWith('/large') ? 300_000 : 0;
    stream.end(`${path} ${hash.copy().digest('hex')}\n${'x'.repeat(size)}`);
  });
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
process.stdin.resume().on('end', () => process.exit(0));
