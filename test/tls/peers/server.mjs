// A server: server.mjs FOLDER VERSION [mtls]; it ends with its standard input. What it answers is in ../plan.ts.
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { join } from 'node:path';

const [folder, version, mtls] = process.argv.slice(2);
const file = (name) => readFileSync(join(folder, name));
const server = createServer(
  {
    cert: file('cert.pem'),
    key: file('key.pem'),
    ca: file('ca.pem'),
    requestCert: mtls === 'mtls',
    minVersion: `TLSv${version}`,
    maxVersion: `TLSv${version}`,
  },
  (request, response) => {
    const hash = createHash('sha256');
    request.on('data', (piece) => hash.update(piece));
    request.on('end', () => {
      const body = randomBytes(Number(request.headers['x-size']));
      response.statusCode = Number(request.headers['x-status']);
      response.setHeader('X-Answer', randomBytes(8).toString('hex'));
      response.setHeader('X-Received', hash.digest('hex'));
      if (request.headers['x-framing'] === 'length') response.setHeader('Content-Length', body.length);
      const half = body.length >> 1;
      if (half > 0) response.write(body.subarray(0, half));
      response.end(body.subarray(half));
    });
  },
);
// A connection stays open while it is attached to, however long that takes.
server.keepAliveTimeout = 0;
server.listen(0, '127.0.0.1', () => console.log(`ready ${server.address().port} ${process.pid}`));
process.stdin.resume().on('end', () => process.exit(0));
