/** The forms of HTTP/1 messages: framing, codings, sizes, pieces. */

import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { type PeerReport, sha } from '../kit/peers.ts';
import { Child } from '../kit/process.ts';
import { variants } from '../kit/tier.mjs';
import { type Trace, Tracing } from '../kit/tracing.ts';
import { bodyOf, expectReported, field, findExchange } from '../kit/truth.ts';
import { CallTracing, describeTraced, PEERS, temporaryFolder, tracingIn } from './support/environment.ts';
import { CLIENTS, Client, type Plan, plan, reportsOf, Server, seenByClient } from './support/peers.ts';

const folder = temporaryFolder();
const context = tracingIn(folder);

/** One kept-alive connection of Node's client, both ends in one trace. */
async function bothSides(
  plans: readonly Plan[],
  options: readonly string[] = [],
): Promise<{ trace: Trace; said: PeerReport[]; served: PeerReport[] }> {
  const server = await Server.node();
  const { child } = new Client(CLIENTS['Node http'](`http://127.0.0.1:${server.port}`));
  const tracing = await CallTracing.attach(context, [server.pid, child.pid], options);
  child.endInput(plans.map((one) => `${JSON.stringify(one)}\n`).join(''));
  const said = reportsOf((await child.ended).stdout);
  expect(said).toHaveLength(plans.length);
  for (const _ of plans) await server.said();
  return { trace: await tracing.stop(), said, served: await server.end() };
}

describeTraced('the shapes of messages', () => {
  it('chunked with a trailer, gzip, close-delimited, and no body, one after the other', async () => {
    const plans = [
      plan('POST', 'chunked', { size: 3000 }),
      plan('GET', 'gzip'),
      plan('GET', 'empty', { query: '?status=204' }),
      plan('GET', 'empty', { query: '?status=304' }),
      plan('HEAD', 'echo'),
      plan('POST', 'echo', { size: 500, expect: true }),
      plan('GET', 'close'),
    ];
    const { trace, said, served } = await bothSides(plans);
    for (const line of [...said, ...served])
      expectReported(findExchange(trace.exchanges, line.id, line.side), line);
    for (const side of ['client', 'server'] as const) {
      const of = (index: number) => findExchange(trace.exchanges, plans[index]?.id ?? '', side);
      expect(of(0).response?.trailers).toEqual([['X-Trailer', said[0]?.answer]]);
      expect(of(0).response?.bodySize).toBe(bodyOf(of(0).response).length);
      expect(field(of(1).response, 'Content-Encoding')).toEqual(['gzip']);
      expect(of(1).response?.decodedSize).toBe(bodyOf(of(1).response).length);
      for (const none of [2, 3, 4]) expect(of(none).response).toMatchObject({ bodySize: 0, body: null });
      expect(of(5).interim.map((interim) => interim.status)).toEqual([100]);
      expect(of(6).response?.bodySize).toBeGreaterThan(0);
    }
  });

  it('bodies of 3 MB each way, captured whole', async () => {
    const plans = [
      plan('POST', 'big', { size: 3_000_000, binary: true, query: '?size=3000001' }),
      plan('GET', 'echo'),
    ];
    const { trace, said, served } = await bothSides(plans, ['--max-body', 'all', '--ring-size', '64MiB']);
    for (const line of [...said, ...served])
      expectReported(findExchange(trace.exchanges, line.id, line.side), line);
  });

  it('the same with the usual limit: a prefix, the size, and the next exchange right', async () => {
    const plans = [
      plan('POST', 'big', { size: 3_000_000, binary: true, query: '?size=3000001' }),
      plan('GET', 'echo'),
    ];
    const { trace, said, served } = await bothSides(plans);
    const sides = [
      [said, 'client'],
      [served, 'server'],
    ] as const;
    for (const [lines, side] of sides) {
      const [big, next] = plans.map(({ id }) => findExchange(trace.exchanges, id, side));
      if (big === undefined || next === undefined) throw new Error('two exchanges expected');
      const [first, second] = plans.map(({ id }) => lines.find((line) => line.id === id));
      if (first === undefined || second === undefined) throw new Error('two lines expected');
      expectReported(big, first, { request: 'counted', response: 'counted' });
      expect(new Set(big.completeness)).toEqual(new Set(['request-truncated', 'response-truncated']));
      expect(big.response?.bodySize).toBe(3_000_001);
      for (const message of [big.request, big.response]) {
        expect(message?.bodyCaptured).toBe(64 * 1024);
        expect(message?.bodyNote).not.toBeNull();
        expect(bodyOf(message).length).toBe(64 * 1024);
      }
      expectReported(next, second);
    }
    expect(trace.summary.bytes?.omitted).toBeGreaterThan(2 * 5_000_000);
  });

  it('no bodies at all, by --max-body none and by --capture heads', async () => {
    for (const options of [
      ['--max-body', 'none'],
      ['--capture', 'heads'],
    ]) {
      const one = plan('POST', 'echo', { size: 5000 });
      const { trace, said, served } = await bothSides([one], options);
      for (const line of [...said, ...served]) {
        const exchange = findExchange(trace.exchanges, one.id, line.side);
        expectReported(exchange, line, { request: 'counted', response: 'counted' });
        expect(exchange.request).toMatchObject({ bodySize: 5000, bodyCaptured: 0, body: null });
        expect(exchange.completeness).toContain('request-truncated');
      }
    }
  });
});

describeTraced('what a socket can do', () => {
  const raw = (port: number, piece: number) => [
    process.execPath,
    join(PEERS, 'raw.mjs'),
    '127.0.0.1',
    String(port),
    String(piece),
  ];
  const request = (one: Plan, body: string, last: boolean): string =>
    `POST ${one.path} HTTP/1.1\r\nHost: peer\r\nX-Trace-Id: ${one.id}\r\nContent-Length: ${body.length}\r\n${last ? 'Connection: close\r\n' : ''}\r\n${body}`;

  it.each([
    ['pipelined in one write', 0],
    ...variants<[string, number]>([
      ['one byte at a time', 1],
      ['in pieces of 7 bytes', 7],
    ]),
  ] as const)('%s: each response belongs to its request', async (_, piece) => {
    const server = await Server.node();
    const client = Child.of(raw(server.port, piece));
    const tracing = await CallTracing.attach(context, [server.pid, client.pid]);
    const plans = [plan('POST', 'echo'), plan('POST', 'slow', { query: '?ms=50' }), plan('POST', 'chunked')];
    const bodies = plans.map(() => randomBytes(40).toString('hex'));
    client.endInput(plans.map((one, i) => request(one, bodies[i] ?? '', i === plans.length - 1)).join(''));
    expect(await client.status).toBe(0);
    for (const _ of plans) await server.said();
    const traced = await tracing.stop();
    const served = await server.end();
    expect(served).toHaveLength(plans.length);
    for (const line of served) {
      expectReported(findExchange(traced.exchanges, line.id, 'server'), line);
      const own = findExchange(traced.exchanges, line.id, 'client');
      expectReported(own, seenByClient(line, own));
      expect(sha(bodyOf(own.response))).toBe(line.responseSha);
    }
  });

  it('shows nothing of a connection that is not HTTP, and counts it', async () => {
    const server = await Server.node();
    const echo = new Child(process.execPath, [join(PEERS, 'echo.mjs')]);
    const { port } = JSON.parse(await echo.line());
    const one = plan('GET', 'echo');
    const script = `
      import net from 'node:net';
      const socket = net.connect(${port}, '127.0.0.1', () => socket.write(Buffer.alloc(3000, 0xee)));
      let got = 0, rounds = 0;
      socket.on('data', (bytes) => {
        got += bytes.length;
        if (got < 5000 * (rounds + 1)) return;
        if (++rounds === 2) socket.end();
        else socket.write(Buffer.alloc(3000, 0xee));
      });
      await new Promise((resolve) => socket.on('close', resolve));
      await (await fetch('http://127.0.0.1:${server.port}${one.path}', { headers: { 'X-Trace-Id': '${one.id}' } })).text();
    `;
    const tracing = CallTracing.run(context, [process.execPath, '--input-type=module', '-e', script]);
    const traced = await tracing.result();
    expect(traced.exchanges.map((exchange) => new URL(exchange.url ?? '').pathname)).toEqual([one.path]);
    // The first bytes, by which it is recognised, count as left out. Of the client's, which a server may answer in HTTP, the
    // beginning is copied.
    expect(traced.summary.bytes?.other).toBeGreaterThanOrEqual(8000);
    expect((traced.summary.bytes?.other ?? 0) + (traced.summary.bytes?.omitted ?? 0)).toBeGreaterThanOrEqual(
      16_000 - 512,
    );
    expect(traced.summary.bytes?.copied).toBeLessThan(1500);
    echo.endInput();
    await server.end();
  });

  it('only requests or responses are shown', async () => {
    const server = await Server.node();
    for (const [flag, kept, left] of variants([
      ['requests', 'request', 'response'],
      ['responses', 'response', 'request'],
    ] as const)) {
      const one = plan('GET', 'echo');
      const tracing = Tracing.run(
        context,
        ['curl', '-sS', `http://127.0.0.1:${server.port}${one.path}`],
        ['--capture', flag],
      );
      await tracing.process.ended;
      const line = JSON.parse(tracing.written.split('\n')[0] ?? '');
      expect(line).toMatchObject({ method: 'GET', status: 200, [left]: null });
      expect(line[kept].headers.length).toBeGreaterThan(0);
    }
    await server.end();
  });

  it('a client that disconnects before the response', async () => {
    const server = await Server.node();
    const tracing = await CallTracing.attach(context, [server.pid]);
    const one = plan('POST', 'slow', { query: '?ms=60000' });
    const socket = connect(server.port, '127.0.0.1');
    socket.write(
      `POST ${one.path} HTTP/1.1\r\nHost: peer\r\nX-Trace-Id: ${one.id}\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n`,
    );
    // It asks for the body, so it has read the head.
    await once(socket, 'data');
    socket.write('ok', () => socket.destroy());
    await once(socket, 'close');
    await sleep(200);
    const traced = await tracing.stop();
    const exchange = findExchange(traced.exchanges, one.id, 'server');
    expect(exchange).toMatchObject({ status: null, response: null });
    expect(exchange.completeness).not.toContain('complete');
    expect(exchange.completeness.some((mark) => mark === 'unanswered' || mark === 'aborted')).toBe(true);
  });
});
