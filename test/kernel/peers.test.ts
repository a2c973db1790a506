/** Methods, paths, statuses, fields, bodies and times of real programs, compared with their own reports. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import type { PeerReport } from '../kit/peers.ts';
import { variants, WHOLE } from '../kit/tier.mjs';
import { type Trace, Tracing } from '../kit/tracing.ts';
import { expectReported, findExchange } from '../kit/truth.ts';
import { CallTracing, describeTraced, LOOPBACK, temporaryFolder, tracingIn } from './support/environment.ts';
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
  const cases = Object.entries(CLIENTS).flatMap(([name, command], number) =>
    variants(LOOPBACK, number).map((where) => ({ ...where, name, command, plans: variety() })),
  );
  let traced: Trace;
  let said: readonly PeerReport[];
  let served: ReadonlyMap<string, PeerReport>;
  const ports = new Map<string, number>();

  /** One client after the other, in one trace. */
  beforeAll(async () => {
    const servers = [];
    for (const { host } of LOOPBACK) {
      const server = await Server.node(host);
      servers.push(server);
      ports.set(host, server.port);
    }
    const lines = cases.map(({ command, plans, host, authority }, number) => {
      const input = join(folder, `plans-${number}`);
      writeFileSync(input, plans.map((one) => `${JSON.stringify(one)}\n`).join(''));
      return `${command(`http://${authority}:${ports.get(host)}`).join(' ')} < ${input}`;
    });
    traced = await CallTracing.run(context, ['sh', '-e', '-c', lines.join('\n')]).result();
    said = reportsOf(traced.ended.stdout);
    const all = (await Promise.all(servers.map((server) => server.end()))).flat();
    served = new Map(all.map((line) => [line.id, line]));
  });

  it.each(cases)('$name over $family', ({ host, authority, plans }) => {
    for (const { id } of plans) {
      const [line, ...others] = said.filter((one) => one.id === id);
      if (line === undefined) throw new Error(`nothing is said of ${id}: ${traced.ended.stderr}`);
      expect(others).toEqual([]);
      const exchange = findExchange(traced.exchanges, id, 'client');
      expectReported(exchange, line);
      expect(exchange.connection.remote).toBe(`${authority}:${ports.get(host)}`);
      expect(exchange.connection.joinedLate).toBe(false);
      // What the other side reports as received.
      expect(line).toMatchObject({ requestSha: served.get(id)?.requestSha, answer: served.get(id)?.answer });
    }
  });

  it('all end well, and nothing else is seen', () => {
    expect(traced.ended).toMatchObject({ code: 0, stderr: '' });
    expect(traced.exchanges).toHaveLength(cases.flatMap(({ plans }) => plans).length);
    expect(traced.summary.note).toBeNull();
  });
});

describeTraced('the server side, attached while it runs', () => {
  const folder = temporaryFolder();
  const context = tracingIn(folder);
  const cases = Object.entries(SERVERS).flatMap(([name, command], number) =>
    variants(LOOPBACK, number + 1).map((where) => ({ ...where, name, command, plans: variety() })),
  );
  let traced: Trace;
  const ran = new Map<unknown, { port: number; said: readonly PeerReport[] }>();

  /** All in one trace. */
  beforeAll(async () => {
    const servers: Server[] = [];
    for (const { command, host } of cases) servers.push(await Server.start(command(host)));
    const tracing = await CallTracing.attach(
      context,
      servers.map(({ pid }) => pid),
    );
    for (const [number, { authority, plans }] of cases.entries()) {
      const server = servers[number] as Server;
      const client = new Client(CLIENTS['Node http'](`http://${authority}:${server.port}`));
      for (const one of plans) await client.ask(one);
      await client.end();
      for (const _ of plans) await server.said();
    }
    traced = await tracing.stop();
    for (const [number, one] of cases.entries()) {
      const server = servers[number] as Server;
      ran.set(one, { port: server.port, said: await server.end() });
    }
  });

  it.each(cases)('$name over $family', (one) => {
    const { port, said } = ran.get(one) ?? { port: 0, said: [] };
    expect(said.map(({ id }) => id)).toEqual(one.plans.map(({ id }) => id));
    for (const line of said) {
      const exchange = findExchange(traced.exchanges, line.id, 'server');
      expectReported(exchange, line);
      expect(exchange.connection.local).toBe(`${one.authority}:${port}`);
      expect(exchange.connection.joinedLate).toBe(false);
    }
  });

  it('end as they were asked to, and nothing else is seen', () => {
    expect(traced.ended.code).toBe(0);
    expect(traced.exchanges).toHaveLength(cases.flatMap(({ plans }) => plans).length);
  });
});

/** In the short run: bothEnds.test.ts. */
function bothEndsAtOnce(): void {
  const folder = temporaryFolder();
  const context = tracingIn(folder);
  it.each(LOOPBACK)('a parent that starts both, over $family', async ({ host }) => {
    const plans = variety();
    const both = new URL('./peers/both.mjs', import.meta.url).pathname;
    const tracing = CallTracing.run(context, [
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
}

if (WHOLE) describeTraced('both ends at once', bothEndsAtOnce);

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
