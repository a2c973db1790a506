/** Methods, paths, statuses, fields, bodies and times of real programs, compared with their own reports. */
import { expect, it } from 'vitest';
import { variants } from '../kit/tier.mjs';
import { Tracing } from '../kit/tracing.ts';
import { expectReported, findExchange } from '../kit/truth.ts';
import { describeTraced, LOOPBACK, temporaryFolder, tracingIn } from './support/environment.ts';
import { CLIENTS, Client, type Plan, plan, reportsOf, SERVERS, Server } from './support/peers.ts';

function variety(): Plan[] {
  return [
    plan('GET', 'echo', { query: '?x=1&y=%20z' }),
    plan('POST', 'echo', { size: 120 }),
    plan('PUT', 'echo', { size: 20_000 }),
    plan('DELETE', 'echo'),
    plan('HEAD', 'echo'),
    plan('POST', 'echo', { size: 64, headers: { 'X-Custom': 'a, b;  c="d"' } }),
  ];
}

describeTraced('the client side, from the first instruction', () => {
  const folder = temporaryFolder();
  const context = tracingIn(folder);
  for (const [number, [name, command]] of Object.entries(CLIENTS).entries()) {
    it.each(variants(LOOPBACK, number))(`${name} over $family`, async ({ host, authority }) => {
      const server = await Server.node(host);
      const plans = variety();
      const tracing = Tracing.run(context, command(`http://${authority}:${server.port}`));
      tracing.process.endInput(plans.map((one) => `${JSON.stringify(one)}\n`).join(''));
      const traced = await tracing.result();
      const said = reportsOf(traced.ended.stdout);
      const served = new Map((await server.end()).map((line) => [line.id, line]));
      expect(traced.ended).toMatchObject({ code: 0, stderr: '' });
      expect(said).toHaveLength(plans.length);
      expect(traced.exchanges).toHaveLength(plans.length);
      for (const line of said) {
        const exchange = findExchange(traced.exchanges, line.id, 'client');
        expectReported(exchange, line);
        expect(exchange.connection.remote).toBe(`${authority}:${server.port}`);
        expect(exchange.connection.joinedLate).toBe(false);
        // What the other side reports as received.
        expect(line).toMatchObject({
          requestSha: served.get(line.id)?.requestSha,
          answer: served.get(line.id)?.answer,
        });
      }
      expect(traced.summary.note).toBeNull();
    });
  }
});

describeTraced('the server side, attached while it runs', () => {
  const folder = temporaryFolder();
  const context = tracingIn(folder);
  for (const [number, [name, command]] of Object.entries(SERVERS).entries()) {
    it.each(variants(LOOPBACK, number + 1))(`${name} over $family`, async ({ host, authority }) => {
      const server = await Server.start(command(host));
      const tracing = await Tracing.attach(context, [server.pid]);
      const client = new Client(CLIENTS['Node http'](`http://${authority}:${server.port}`));
      const asked = [];
      for (const one of variety()) asked.push(await client.ask(one));
      await client.end();
      for (const _ of asked) await server.said();
      const traced = await tracing.stop();
      const said = await server.end();
      expect(traced.ended.code).toBe(0);
      expect(said).toHaveLength(asked.length);
      expect(traced.exchanges).toHaveLength(asked.length);
      for (const line of said) {
        const exchange = findExchange(traced.exchanges, line.id, 'server');
        expectReported(exchange, line);
        expect(exchange.connection.local).toBe(`${authority}:${server.port}`);
        expect(exchange.connection.joinedLate).toBe(false);
      }
    });
  }
});

describeTraced('both ends at once', () => {
  const folder = temporaryFolder();
  const context = tracingIn(folder);
  it.each(variants(LOOPBACK, 1))('a parent that starts both, over $family', async ({ host }) => {
    const plans = variety();
    const both = new URL('./peers/both.mjs', import.meta.url).pathname;
    const tracing = Tracing.run(context, [
      process.execPath,
      both,
      host,
      ...plans.map((one) => JSON.stringify(one)),
    ]);
    const traced = await tracing.result();
    const said = reportsOf(traced.ended.stdout);
    expect(said).toHaveLength(2 * plans.length);
    expect(traced.exchanges).toHaveLength(2 * plans.length);
    for (const line of said) expectReported(findExchange(traced.exchanges, line.id, line.side), line);
    for (const { id } of plans) {
      const client = findExchange(traced.exchanges, id, 'client');
      const server = findExchange(traced.exchanges, id, 'server');
      expect([client.connection.local, client.connection.remote]).toEqual([
        server.connection.remote,
        server.connection.local,
      ]);
      expect(client.process?.pid).not.toBe(server.process?.pid);
    }
  });
});

describeTraced('time', () => {
  const folder = temporaryFolder();
  const context = tracingIn(folder);
  it('a handler that takes 300 ms', async () => {
    const server = await Server.node();
    const slow = plan('GET', 'slow', { query: '?ms=300' });
    const tracing = Tracing.run(context, CLIENTS['Node http'](`http://127.0.0.1:${server.port}`));
    const before = Date.now();
    tracing.process.endInput(`${JSON.stringify(slow)}\n`);
    const traced = await tracing.result();
    const [said] = reportsOf(traced.ended.stdout);
    const exchange = findExchange(traced.exchanges, slow.id, 'client');
    expect(exchange.durationMs).toBeGreaterThanOrEqual(290);
    expect(exchange.durationMs).toBeLessThanOrEqual((said?.ms ?? 0) + 50);
    expect(exchange.timings.waitMs).toBeGreaterThanOrEqual(290);
    expect(exchange.timings.connectMs).not.toBeNull();
    const startedAt = Date.parse(exchange.startedAt);
    expect(startedAt).toBeGreaterThanOrEqual(before - 50);
    expect(startedAt).toBeLessThanOrEqual(Date.now());
    await server.end();
  });
});
