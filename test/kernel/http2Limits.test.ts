/** Content of HTTP/2 that is left out in the kernel, frame by frame: by limits, and when there is too much data at once. */
import http2 from 'node:http2';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import type { ExchangeJson } from '../../extension/engine/exchangeJson.ts';
import { helperOf } from '../kit/kernel.ts';
import { Child } from '../kit/process.ts';
import { variants } from '../kit/tier.mjs';
import { type Trace, Tracing } from '../kit/tracing.ts';
import { makeCertificate } from './support/certificate.mjs';
import { describeTraced, temporaryFolder, tracingIn } from './support/environment.ts';

const folder = temporaryFolder();
const context = tracingIn(folder);
const key = join(folder, 'key.pem');
const certificate = join(folder, 'certificate.pem');
const SENT = 40_000;
const CONCURRENT = 5;

/** Reads what it is sent and answers with as many bytes as the path says, in pieces of several sizes. */
const SERVER = `
const http2 = require('node:http2');
const { readFileSync } = require('node:fs');
const [key, cert] = process.argv.slice(1);
const server = key ? http2.createSecureServer({ key: readFileSync(key), cert: readFileSync(cert) }) : http2.createServer();
server.on('stream', (stream, headers) => {
  const answer = Buffer.alloc(parseInt(headers[':path'].slice(1)), 'r');
  stream.resume().on('end', () => {
    stream.respond({ ':status': 200, 'x-path': headers[':path'], 'x-long': headers[':path'].repeat(20) });
    stream.write(answer.subarray(0, 100));
    stream.end(answer.subarray(100));
  });
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
process.stdin.resume().on('end', () => process.exit());`;

function call(session: http2.ClientHttp2Session, path: string): Promise<number> {
  return new Promise((done, failed) => {
    const stream = session.request({ ':method': 'POST', ':path': path });
    let size = 0;
    stream.on('data', (bytes: Buffer) => {
      size += bytes.length;
    });
    stream.on('end', () => done(size)).on('error', failed);
    stream.end(Buffer.alloc(SENT, 's'));
  });
}

interface Case {
  readonly secure: boolean;
  readonly options: readonly string[];
  /** The helper is stopped in the meantime. */
  readonly stopped?: boolean;
}

async function traced(paths: readonly string[], { secure, options, stopped = false }: Case): Promise<Trace> {
  const server = new Child(process.execPath, ['-e', SERVER, ...(secure ? [key, certificate] : [])]);
  const port = await server.line();
  const tracing = await Tracing.attach(context, [server.pid], options);
  const session = http2.connect(`${secure ? 'https' : 'http'}://127.0.0.1:${port}`, {
    rejectUnauthorized: false,
  });
  // The session's own frames, before anything can fill the ring.
  expect(await call(session, '/1')).toBe(1);
  const helper = helperOf(tracing.process.pid);
  if (stopped) process.kill(helper, 'SIGSTOP');
  try {
    for (let i = 0; i < paths.length; i += CONCURRENT) {
      await Promise.all(
        paths.slice(i, i + CONCURRENT).map(async (path) => {
          expect(await call(session, path)).toBe(Number(path.slice(1)));
        }),
      );
    }
  } finally {
    if (stopped) process.kill(helper, 'SIGCONT');
  }
  await new Promise<void>((done) => session.close(done));
  const trace = await tracing.stop();
  server.endInput();
  return trace;
}

const row = ({ method, url, status, request, response }: ExchangeJson): string =>
  `${method} ${new URL(url ?? '').pathname} ${status} ${request?.bodySize} ${response?.bodySize}`;

/** Each call has its row, in which only bodies may be missing. */
function expectRows(trace: Trace, paths: readonly string[]): readonly ExchangeJson[] {
  expect(trace.summary.dropped).toBe(0);
  expect(trace.summary.bytes?.unseen).toBe(0);
  const rows = trace.exchanges.filter(({ url }) => new URL(url ?? '').pathname !== '/1');
  expect(rows.map(row).sort()).toEqual(
    paths.map((path) => `POST ${path} 200 ${SENT} ${path.slice(1)}`).sort(),
  );
  for (const { url, response, violations, connection } of rows) {
    const { pathname } = new URL(url ?? '');
    expect(response?.headers).toContainEqual(['x-long', pathname.repeat(20)]);
    expect(violations).toEqual([]);
    expect(connection.joinedLate).toBe(false);
  }
  return rows;
}

const WAYS = [
  { over: 'in the clear', secure: false },
  { over: 'over TLS', secure: true },
] as const;

describeTraced('HTTP/2', () => {
  beforeAll(() => makeCertificate(key, certificate));
  const paths = Array.from({ length: 20 }, (_, i) => `/${60_000 + i}`);

  it.each(variants(WAYS))('copies no content for --capture heads, $over', async ({ secure }) => {
    const trace = await traced(paths, { secure, options: ['--capture', 'heads'] });
    for (const { request, response } of expectRows(trace, paths)) {
      expect([request?.bodyCaptured, response?.bodyCaptured]).toEqual([0, 0]);
    }
    expect(trace.summary.bytes?.copied).toBeLessThan(paths.length * 2_000);
  });

  it.each(variants(WAYS, 1))('copies content up to the limit of each message, $over', async ({ secure }) => {
    const trace = await traced(paths, { secure, options: ['--max-body', '1KiB'] });
    for (const { request, response } of expectRows(trace, paths)) {
      expect([request?.bodyCaptured, response?.bodyCaptured]).toEqual([1024, 1024]);
      expect(response?.bodyNote).not.toContain('too much data at once');
    }
    // The budget of each message has room for a head besides: 33 KiB of the 100,000 bytes of a call's two messages. More
    // is copied of what begins within it, and on a busy machine calls move more at once.
    expect(trace.summary.bytes?.copied).toBeLessThan(paths.length * 2 * 40_000);
    expect(trace.summary.bytes?.omitted).toBeGreaterThan(paths.length * 30_000);
  });

  it.each(variants(WAYS))('leaves out content before anything is lost, $over', async ({ secure }) => {
    // 2 MB through 256 KiB.
    const trace = await traced(paths, { secure, options: ['--ring-size', '256KiB'], stopped: true });
    const cut = expectRows(trace, paths).filter(({ completeness }) => completeness[0] !== 'complete');
    expect(cut.length).toBeGreaterThan(10);
    expect(cut.at(-1)?.response?.bodyNote).toContain('too much data at once');
  });
});
