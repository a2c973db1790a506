// A client that reports what it sent and received. Usage: client.mjs http|fetch BASE-URL
// Reads one plan per line from standard input: {method, path, id, size, headers, binary, expect}; writes one
// line for each when it is done. With `http`, one connection is kept alive for all.
import { createHash, randomBytes } from 'node:crypto';
import http from 'node:http';
import { createInterface } from 'node:readline';
import { gunzipSync } from 'node:zlib';

const [kind, base] = process.argv.slice(2);
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
const sha = (bytes) => createHash('sha256').update(bytes).digest('hex');

const decoded = (coding, bytes) => (coding === 'gzip' ? gunzipSync(bytes) : bytes);

function viaHttp(plan, body, headers) {
  return new Promise((resolve, reject) => {
    const started = performance.now();
    const request = http.request(
      new URL(plan.path, base),
      { method: plan.method, headers, agent },
      (response) => {
        const pieces = [];
        response.on('data', (piece) => pieces.push(piece));
        response.on('end', () =>
          resolve({
            status: response.statusCode,
            answer: response.headers['x-answer'] ?? null,
            body: decoded(response.headers['content-encoding'], Buffer.concat(pieces)),
            localPort: response.socket?.localPort ?? request.socket?.localPort ?? null,
            ms: performance.now() - started,
          }),
        );
        response.on('error', reject);
      },
    );
    request.on('error', reject);
    if (plan.expect) {
      request.setHeader('Expect', '100-continue');
      request.flushHeaders();
      request.on('continue', () => request.end(body ?? undefined));
    } else request.end(body ?? undefined);
  });
}

async function viaFetch(plan, body, headers) {
  const started = performance.now();
  const response = await fetch(new URL(plan.path, base), { method: plan.method, headers, body });
  const received = Buffer.from(await response.arrayBuffer());
  return {
    status: response.status,
    answer: response.headers.get('x-answer'),
    body: received,
    localPort: null,
    ms: performance.now() - started,
  };
}

for await (const line of createInterface({ input: process.stdin })) {
  const plan = JSON.parse(line);
  const body =
    plan.size === undefined
      ? null
      : plan.binary
        ? randomBytes(plan.size)
        : Buffer.from(randomBytes(plan.size).toString('hex').slice(0, plan.size));
  const headers = { ...plan.headers, 'X-Trace-Id': plan.id };
  if (body !== null) headers['Content-Length'] ??= String(body.length);
  if (body !== null && kind === 'fetch') delete headers['Content-Length'];
  const said = { side: 'client', pid: process.pid, id: plan.id, method: plan.method, path: plan.path };
  try {
    const got = await (kind === 'fetch' ? viaFetch : viaHttp)(plan, body, headers);
    process.stdout.write(
      `${JSON.stringify({
        ...said,
        status: got.status,
        answer: got.answer,
        requestSize: body?.length ?? 0,
        requestSha: sha(body ?? ''),
        responseSize: null,
        responseSha: sha(got.body),
        localPort: got.localPort,
        ms: got.ms,
      })}\n`,
    );
  } catch (error) {
    process.stdout.write(`${JSON.stringify({ ...said, error: String(error.cause ?? error) })}\n`);
  }
}
agent.destroy();
