/** What the data ring can hold without a reader. */
import { expect, it } from 'vitest';
import type { ExchangeJson } from '../../extension/engine/exchangeJson.ts';
import { helperOf } from '../kit/kernel.ts';
import { Child } from '../kit/process.ts';
import { variants } from '../kit/tier.mjs';
import { type Trace, Tracing } from '../kit/tracing.ts';
import { describeTraced, temporaryFolder, tracingIn } from './support/environment.ts';

const context = tracingIn(temporaryFolder());
/** The smallest with the steps of larger ones: bodies may fill half of it. */
const RING = ['--ring-size', '1MiB'];

/** A server that answers with as many bytes as the path says, in one call with the head. */
const SERVER = `
const http = require('node:http');
const server = http.createServer((request, response) => {
  request.resume();
  const body = Buffer.alloc(parseInt(request.url.slice(1)), 'b');
  const chunked = request.url.endsWith('chunked');
  if (!chunked) response.setHeader('content-length', body.length);
  request.on('end', () => {
    response.writeHead(200, { 'x-long': 'h'.repeat(200) });
    if (chunked) response.write(body);
    response.end(chunked ? '' : body);
  });
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
process.stdin.resume().on('end', () => process.exit());`;

/** The answers to these calls, each made when the one before it was answered, while the helper is stopped. */
async function whileStopped(paths: readonly string[]): Promise<Trace> {
  const server = new Child(process.execPath, ['-e', SERVER]);
  const port = await server.line();
  const tracing = await Tracing.attach(context, [server.pid], RING);
  const helper = helperOf(tracing.process.pid);
  process.kill(helper, 'SIGSTOP');
  try {
    for (const path of paths) {
      const body = await (await fetch(`http://127.0.0.1:${port}${path}`)).arrayBuffer();
      expect(body.byteLength).toBe(Number(path.slice(1).split('?')[0]));
    }
  } finally {
    process.kill(helper, 'SIGCONT');
  }
  const trace = await tracing.stop();
  server.endInput();
  return trace;
}

const rows = (exchanges: readonly ExchangeJson[]): string[] =>
  exchanges.map((e) => `${e.method} ${new URL(e.url ?? '').pathname} ${e.status} ${e.response?.bodySize}`);

describeTraced('the data ring', () => {
  it('holds about as many records as their bytes have room', async () => {
    // With heads and records less than 2,200 bytes each, so that half of the ring holds them.
    const paths = Array.from({ length: 224 }, () => '/1025');
    const trace = await whileStopped(paths);
    expect(trace.summary.dropped).toBe(0);
    expect(rows(trace.exchanges)).toEqual(paths.map((path) => `GET ${path} 200 1025`));
    for (const { response, completeness } of trace.exchanges) {
      expect(response?.bodyCaptured).toBe(1025);
      expect(completeness).toEqual(['complete']);
    }
  });

  it.each(variants(['', '?chunked'], 1))('leaves out bodies before anything is lost%s', async (query) => {
    const paths = Array.from({ length: 320 }, (_, i) => `/${3000 + i}${query}`);
    const trace = await whileStopped(paths);
    expect(trace.summary.dropped).toBe(0);
    expect(rows(trace.exchanges)).toEqual(
      paths.map((path) => `GET /${path.slice(1, 5)} 200 ${path.slice(1, 5)}`),
    );
    const whole = trace.exchanges.filter(({ completeness }) => completeness.includes('complete'));
    const cut = trace.exchanges.filter(({ completeness }) => completeness.includes('response-truncated'));
    expect(whole.length).toBeGreaterThan(80);
    expect(cut.length).toBe(paths.length - whole.length);
    expect(cut.length).toBeGreaterThan(80);
    for (const { completeness, response } of cut) {
      expect(completeness).toEqual(['response-truncated']);
      expect(response?.bodyNote).toContain('too much data at once');
      expect(response?.headers).toContainEqual(['x-long', 'h'.repeat(200)]);
    }
  });
});
