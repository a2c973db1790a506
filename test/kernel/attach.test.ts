/** `attach`: before, in the middle and after; and the processes that cannot be attached. */

import { once } from 'node:events';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { Child } from '../kit/process.ts';
import { variants } from '../kit/tier.mjs';
import { Tracing } from '../kit/tracing.ts';
import { expectReported, findExchange } from '../kit/truth.ts';
import {
  CallTracing,
  describeTraced,
  HTTP_TRACE,
  temporaryFolder,
  tracingIn,
} from './support/environment.ts';
import { CLIENTS, Client, plan, Server } from './support/peers.ts';

const folder = temporaryFolder();
const context = tracingIn(folder);

describeTraced('attaching', () => {
  it('in mid-connection: later exchanges are right and marked as joined late', async () => {
    const server = await Server.node();
    const client = new Client(CLIENTS['Node http'](`http://127.0.0.1:${server.port}`));
    const unseen = await client.ask(plan('POST', 'echo', { size: 300 }));
    const tracing = await CallTracing.attach(context, [client.child.pid, server.pid]);
    const seen = [];
    for (const one of [plan('POST', 'echo', { size: 300 }), plan('GET', 'gzip'), plan('GET', 'chunked')]) {
      seen.push(await client.ask(one));
    }
    // All on the same connection.
    expect(new Set([unseen, ...seen].map((said) => said.localPort)).size).toBe(1);
    const served = [];
    for (let i = 0; i < 4; i++) served.push(await server.said());
    const traced = await tracing.stop();
    expect(traced.exchanges).toHaveLength(2 * 3);
    expect(traced.text).not.toContain(unseen.id);
    for (const line of [...seen, ...served.slice(1)]) {
      const exchange = findExchange(traced.exchanges, line.id, line.side);
      expectReported(exchange, line, { joinedLate: true });
      expect(exchange.connection).toMatchObject({ joinedLate: true });
    }
    await client.end();
    await server.end();
  });

  it('in the middle of a body that a server sends: nothing is invented, and later messages are right', async () => {
    // A server that sends a body in two halves, the second on request.
    const sockets = createServer();
    sockets.listen(0, '127.0.0.1');
    await once(sockets, 'listening');
    const address = sockets.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    const client = new Client(CLIENTS['Node http'](`http://127.0.0.1:${address.port}`));
    const [first, second] = [plan('GET', 'first'), plan('GET', 'second')];
    const asked = client.ask(first);
    const [socket] = await once(sockets, 'connection');
    await once(socket, 'data');
    socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 2000\r\n\r\n${'a'.repeat(1000)}`);
    await sleep(100);
    const tracing = await CallTracing.attach(context, [client.child.pid]);
    socket.write('b'.repeat(1000));
    await asked;
    const later = client.ask(second);
    await once(socket, 'data');
    socket.write('HTTP/1.1 201 Created\r\nX-Answer: late\r\nContent-Length: 2\r\n\r\nok');
    const said = await later;
    const traced = await tracing.stop();
    const exchange = findExchange(traced.exchanges, second.id, 'client');
    expectReported(exchange, said, { joinedLate: true });
    expect(exchange).toMatchObject({ status: 201, statusText: 'Created', connection: { joinedLate: true } });
    expect(traced.text).not.toContain(first.id);
    expect(traced.exchanges.filter((other) => other !== exchange && other.method !== null)).toEqual([]);
    await client.end();
    sockets.close();
  });

  it('ends when its targets have ended', async () => {
    const server = await Server.node();
    const client = new Client(CLIENTS['Node http'](`http://127.0.0.1:${server.port}`));
    const one = plan('GET', 'echo');
    const tracing = await CallTracing.attach(context, [client.child.pid]);
    const said = await client.ask(one);
    await client.end();
    const traced = await tracing.result();
    expect(traced.ended).toMatchObject({ code: 0, signal: null });
    expectReported(findExchange(traced.exchanges, one.id, 'client'), said);
    await server.end();
  });

  it('for a given time, and then ends', async () => {
    const server = await Server.node();
    const tracing = await Tracing.attach(context, [server.pid], ['--duration', '300ms']);
    const traced = await tracing.result();
    expect(traced.ended).toMatchObject({ code: 0, signal: null });
    expect(traced.summary.note).toBeNull();
    await server.end();
  });

  it('several processes', async () => {
    const servers = [await Server.node(), await Server.node()];
    const tracing = await CallTracing.attach(
      context,
      servers.map(({ pid }) => pid),
    );
    const plans = [];
    for (const { port } of servers) {
      const one = plan('GET', 'echo');
      plans.push(one);
      await new Child('curl', ['-sS', '-H', `X-Trace-Id: ${one.id}`, `http://127.0.0.1:${port}${one.path}`])
        .ended;
    }
    for (const server of servers) await server.said();
    const traced = await tracing.stop();
    for (const [index, one] of plans.entries()) {
      expect(findExchange(traced.exchanges, one.id, 'server').process?.pid).toBe(servers[index]?.pid);
    }
    for (const server of servers) await server.end();
  });

  it('two traces of one process see the same', async () => {
    const server = await Server.node();
    const traces = [
      await CallTracing.attach(context, [server.pid]),
      await Tracing.attach(context, [server.pid]),
    ];
    const one = plan('GET', 'echo');
    await new Child('curl', [
      '-sS',
      '-H',
      `X-Trace-Id: ${one.id}`,
      `http://127.0.0.1:${server.port}${one.path}`,
    ]).ended;
    const said = await server.said();
    for (const tracing of traces)
      expectReported(findExchange((await tracing.stop()).exchanges, one.id, 'server'), said);
    await server.end();
  });
});

describeTraced('what cannot be attached', () => {
  async function attempt(pid: number): Promise<{ code: number | null; stderr: string }> {
    const child = new Child(HTTP_TRACE, ['attach', String(pid), '--duration', '1s']);
    return child.ended;
  }

  it.each(variants([2_147_483_647, 4_194_305]))('an impossible process id: %d', async (pid) => {
    const { code, stderr } = await attempt(pid);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^http-trace: .*\n$/);
    expect(stderr).toContain(String(pid));
  });

  it('a thread of the kernel', async () => {
    const { code, stderr } = await attempt(2);
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining('is a kernel thread') });
  });

  it('a process that has ended', async () => {
    const child = new Child('true', []);
    const { pid } = child;
    await child.ended;
    const { code, stderr } = await attempt(pid);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^http-trace: .*\n$/);
    expect(stderr).toContain(String(pid));
  });

  it('one of two: nothing is traced, and the message names the one', async () => {
    const sleeper = new Child('sleep', ['30']);
    const child = new Child(HTTP_TRACE, ['attach', String(sleeper.pid), '2147483647', '--format', 'json']);
    const { code, stderr, stdout } = await child.ended;
    expect(code).toBe(1);
    expect(stderr).toContain('2147483647');
    expect(stderr).not.toContain(` ${sleeper.pid}`);
    expect(stdout).toBe('');
    sleeper.kill('SIGKILL');
  });
});
