// A client that makes one keep-alive connection and a request on it for each line of its standard input.
// client.mjs https|fetch PORT FOLDER VERSION [mtls]; the protocol of all clients is in ../plan.ts.
import { createHash } from 'node:crypto';
import { createReadStream, readFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const [kind, port, folder, version, mtls] = process.argv.slice(2);
const file = (name) => readFileSync(join(folder, name));
const agent = new Agent({
  keepAlive: true,
  maxSockets: 1,
  ca: file('ca.pem'),
  minVersion: `TLSv${version}`,
  maxVersion: `TLSv${version}`,
  ...(mtls === 'mtls' ? { cert: file('client.pem'), key: file('client.key') } : {}),
});

function withHttps(method, path, headers, framing, body) {
  return new Promise((resolve, reject) => {
    const sent = request({ agent, host: 'localhost', port, method, path, headers }, (response) => {
      const hash = createHash('sha256');
      let size = 0;
      response.on('data', (piece) => {
        size += piece.length;
        hash.update(piece);
      });
      response.on('end', () => resolve([response.statusCode, size, hash.digest('hex')]));
      response.on('error', reject);
    });
    sent.on('error', reject);
    if (body === '-') sent.end();
    else if (framing === 'chunked') createReadStream(body, { highWaterMark: 10_000 }).pipe(sent);
    else sent.end(readFileSync(body));
  });
}

async function withFetch(method, path, headers, framing, body) {
  const content =
    body === '-'
      ? {}
      : framing === 'chunked'
        ? { body: createReadStream(body), duplex: 'half' }
        : { body: readFileSync(body) };
  const response = await fetch(`https://localhost:${port}${path}`, { method, headers, ...content });
  const bytes = new Uint8Array(await response.arrayBuffer());
  return [response.status, bytes.length, createHash('sha256').update(bytes).digest('hex')];
}

console.log(`pid ${process.pid}`);
for await (const line of createInterface({ input: process.stdin })) {
  const [method, path, id, framing, body] = line.split(' ');
  const headers = { 'X-Trace-Id': id };
  if (body !== '-' && framing === 'length' && kind === 'https')
    headers['Content-Length'] = readFileSync(body).length;
  const done = await (kind === 'https' ? withHttps : withFetch)(method, path, headers, framing, body);
  console.log(`done ${done.join(' ')}`);
}
agent.destroy();
process.exit(0);
