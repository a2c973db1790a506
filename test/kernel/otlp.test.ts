/** Calls as spans at a collector that checks what it gets: live while a program is traced, and from its recording. */

import { spawnSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { attributeOf, Collector, isTraceRequest } from '../../extension/otlp/testing/collector.ts';
import type { TraceRequest } from '../../extension/otlp/types.ts';
import { Tracing } from '../kit/tracing.ts';
import { describeTraced, HTTP_TRACE, temporaryFolder, tracingIn } from './support/environment.ts';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const PARENT = '00f067aa0ba902b7';

/** A program that calls itself, once as a part of a distributed trace. */
const SHOP = `
  const server = require('node:http').createServer((request, response) => {
    response.writeHead(request.url === '/broken' ? 500 : 200).end('ok');
  });
  server.listen(0, '127.0.0.1', async () => {
    const base = 'http://127.0.0.1:' + server.address().port;
    await (await fetch(base + '/orders?token=hunter2', { headers: { traceparent: '00-${TRACE}-${PARENT}-01' } })).text();
    await (await fetch(base + '/broken')).text();
    server.close();
    server.closeAllConnections();
  });
`;

describeTraced('OpenTelemetry', () => {
  it('gets spans while a program is traced, and the same from the recording', async () => {
    const collector = await Collector.start();
    const context = tracingIn(temporaryFolder());
    const tracing = Tracing.run(context, [process.execPath, '-e', SHOP], ['--otlp', collector.url]);
    const { ended, exchanges } = await tracing.result();
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    expect(collector.wrong).toEqual([]);
    expect(exchanges).toHaveLength(4);
    expect(collector.spans).toHaveLength(4);
    const orders = collector.spans.filter(({ traceId }) => traceId === TRACE);
    expect(orders.map(({ kind, parentSpanId }) => [kind, parentSpanId]).sort()).toEqual([
      [2, PARENT],
      [3, PARENT],
    ]);
    const broken = collector.spans.filter((span) => attributeOf(span, 'http.response.status_code') === '500');
    for (const span of broken) expect(attributeOf(span, 'error.type')).toBe('500');
    const [server] = broken.filter(({ kind }) => kind === 2);
    const [client] = broken.filter(({ kind }) => kind === 3);
    expect(server?.traceId === client?.traceId).toBe(server?.parentSpanId === client?.spanId);
    expect(new Set(collector.resources)).toEqual(new Set(['node']));
    expect(JSON.stringify(collector.spans)).not.toContain('hunter2');
    const args = ['export', tracing.recording, '--format', 'otlp'];
    const { stdout } = spawnSync(HTTP_TRACE, args, { encoding: 'utf8' });
    const requests = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as TraceRequest);
    for (const request of requests) expect(isTraceRequest(request)).toBe(true);
    const exported = requests.flatMap(({ resourceSpans }) =>
      resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans)),
    );
    expect(exported).toEqual(collector.spans);
    await collector.stop();
  });

  it('a collector that is down costs the program nothing, and what is lost is said', async () => {
    const collector = await Collector.start();
    const { url } = collector;
    await collector.stop();
    const tracing = Tracing.run(
      tracingIn(temporaryFolder()),
      [process.execPath, '-e', SHOP],
      ['--otlp', url],
    );
    const { ended, exchanges } = await tracing.result();
    expect(exchanges).toHaveLength(4);
    expect(ended.code).toBe(0);
    expect(ended.stderr).toMatch(/4 spans of 4 did not reach the collector\. .*ECONNREFUSED/);
  });

  it('a collector that is traced itself gets no spans of what it is sent', async () => {
    // A collector that makes one call of its own, says how many requests it has answered, and ends.
    const program = `
      let requests = 0;
      const server = require('node:http').createServer((request, response) => {
        request.resume().on('end', () => { requests++; response.end('{}'); });
      });
      server.listen(Number(process.argv[1]), '127.0.0.1', async () => {
        await fetch('http://127.0.0.1:' + server.address().port + '/own').then((one) => one.text());
        setTimeout(() => { console.log(requests); process.exit(); }, 5_000);
      });
    `;
    const free = await Collector.start();
    const port = new URL(free.url).port;
    await free.stop();
    const command = [process.execPath, '-e', program, port];
    const tracing = Tracing.run(tracingIn(temporaryFolder()), command, [
      '--otlp',
      `http://127.0.0.1:${port}`,
    ]);
    const { ended } = await tracing.result();
    // Its own call, and the one batch about it: in five seconds there would be five.
    expect(ended.stdout.trim()).toBe('2');
  });
});
