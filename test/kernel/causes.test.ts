/** Three services in a row, Node → Python → Node, all traced: which call caused which, checked against their paths. */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { ExchangeJson } from '../../extension/engine/exchangeJson.ts';
import { freePort } from '../../scripts/freePort.mjs';
import { PYTHON } from '../kit/peers.ts';
import { CallTracing, describeTraced, PEERS, temporaryFolder, tracingIn } from './support/environment.ts';

const context = tracingIn(temporaryFolder());
const NODE = `${process.execPath} ${join(PEERS, 'gateway.mjs')}`;

/** Waits until something listens on the port. */
function listening(port: number): string {
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  return `until grep -qE ':${hex} [0-9A-F:]+ 0A' /proc/net/tcp; do sleep 0.05; done`;
}

async function traced(way: 'plain' | 'traced', count: number): Promise<ExchangeJson[]> {
  const [gateway, orders, stock] = [await freePort(), await freePort(), await freePort()];
  const lines = [
    `${NODE} stock ${stock} & stock=$!`,
    `${PYTHON} ${join(PEERS, 'orders.py')} ${orders} ${stock} & orders=$!`,
    `${NODE} gateway ${gateway} ${orders} & gateway=$!`,
    ...[stock, orders, gateway].map(listening),
    `${NODE} call ${gateway} ${way} ${count}`,
    'kill $gateway $orders $stock; wait || true',
  ];
  const trace = await CallTracing.run(context, ['bash', '-c', `set -e\n${lines.join('\n')}`], []).result();
  expect(trace.ended).toMatchObject({ code: 0 });
  return [...trace.exchanges];
}

const pathOf = ({ url }: ExchangeJson): string => new URL(url ?? '').pathname;
const numberOf = (exchange: ExchangeJson): string => pathOf(exchange).split('/').at(-1) ?? '';

/** `/stock/orders/7 < /orders/7 < /7`: the call, what caused it, what caused that. */
function chainOf(exchange: ExchangeJson, byId: ReadonlyMap<number, ExchangeJson>): string {
  const causing = exchange.causedBy === null ? undefined : byId.get(exchange.causedBy.id);
  const client = causing?.peer == null ? undefined : byId.get(causing.peer);
  return client === undefined ? pathOf(exchange) : `${pathOf(exchange)} < ${chainOf(client, byId)}`;
}

describeTraced('three services in a row', () => {
  it.each([
    ['plain', 8, 'time'],
    ['traced', 20, 'traceparent'],
  ] as const)('%s, %d calls: by %s', async (way, count, by) => {
    const exchanges = await traced(way, count);
    expect(exchanges).toHaveLength(6 * count);
    const byId = new Map(exchanges.map((exchange) => [exchange.id, exchange]));
    const last = exchanges.filter((one) => one.side === 'client' && pathOf(one).startsWith('/stock'));
    expect(last.map((one) => chainOf(one, byId)).sort()).toEqual(
      Array.from(
        { length: count },
        (_, number) => `/stock/orders/${number} < /orders/${number} < /${number}`,
      ).sort(),
    );
    for (const exchange of exchanges) {
      const { causedBy, trace, caused } = exchange;
      if (causedBy !== null) {
        expect(causedBy).toMatchObject({ by, doubt: null });
        expect(byId.get(causedBy.id)?.caused).toContain(exchange.id);
        expect(byId.get(causedBy.id)?.process?.pid).toBe(exchange.process?.pid);
      }
      expect(caused.length).toBeLessThanOrEqual(1);
      // All of a chain name the same first call, and are in the same trace.
      const first = byId.get(trace.first);
      expect(first).toMatchObject({ side: 'client', causedBy: null });
      expect(first === undefined ? '' : pathOf(first)).toBe(`/${numberOf(exchange)}`);
      expect(trace.id).toBe(
        way === 'plain' ? null : String(Number(numberOf(exchange)) + 1).padStart(32, '0'),
      );
    }
  });
});
