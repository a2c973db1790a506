/** gRPC through the kernel, in the clear and over TLS: each call compared with the reports of its two peers. */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { ExchangeJson } from '../../extension/engine/exchangeJson.ts';
import { variants } from '../kit/tier.mjs';
import { Tracing } from '../kit/tracing.ts';
import { field } from '../kit/truth.ts';
import { describeTraced, PEERS, temporaryFolder, tracingIn } from './support/environment.ts';

const folder = temporaryFolder();
const context = tracingIn(folder);

interface Call {
  readonly id: string;
  readonly name: string;
  readonly requests: readonly object[];
  readonly responses: readonly object[];
  readonly code: number;
  readonly details: string;
  readonly compressed: boolean;
}

const DEADLINE_EXCEEDED = 4;

describeTraced('gRPC', () => {
  it.each(variants(['clear', 'tls'], 1))('calls of every kind (%s)', async (how) => {
    const options = ['--proto', PEERS, '--show-secrets', '--max-body', 'all'];
    const peer = [process.execPath, join(PEERS, 'grpc.mjs'), how];
    const { exchanges, ended } = await Tracing.run(context, peer, options).result();
    const calls = JSON.parse(Buffer.from(ended.stdout, 'latin1').toString()) as Call[];
    expect(calls).toHaveLength(29);
    const grpc = exchanges.filter((exchange) => exchange.grpc !== null);
    expect(grpc).toHaveLength(2 * calls.length);
    for (const call of calls) {
      const seen = grpc.filter(({ request }) => field(request, 'x-call').includes(call.id));
      expect(seen.map(({ side }) => side).sort(), call.id).toEqual(['client', 'server']);
      for (const exchange of seen) expectSame(exchange, call, how);
    }
  });

  it('masks what a field of the .proto file calls a secret', async () => {
    const peer = [process.execPath, join(PEERS, 'grpc.mjs')];
    const { text } = await Tracing.run(context, peer, ['--proto', PEERS]).result({ whole: false });
    expect(text).toContain('••••••');
    expect(text).not.toContain('open sesame');
    for (let at = 0; at < 3; at++) {
      const encoded = Buffer.from(`${'x'.repeat(at)}open sesame`).toString('base64');
      expect(text).not.toContain(encoded.slice(4, -4));
    }
  });
});

function expectSame(exchange: ExchangeJson, call: Call, how: string): void {
  const { grpc, side, messages } = exchange;
  const late = call.code === DEADLINE_EXCEEDED;
  expect(exchange).toMatchObject({
    protocol: 'HTTP/2',
    method: 'POST',
    violations: [],
    tls: how === 'tls' ? { library: 'openssl' } : null,
  });
  expect(grpc).toMatchObject({
    service: 'shop.v1.Orders',
    method: call.name,
    // The client's own clock ended the call: the server sent no status.
    status: late ? (grpc?.status ?? null) : call.code,
  });
  if (late) expect(grpc?.timeoutMs).toBeGreaterThan(100);
  else {
    expect(exchange).toMatchObject({ status: 200, completeness: ['complete'] });
    expect(grpc?.message ?? '').toBe(call.code === 0 ? (grpc?.message ?? '') : call.details);
  }
  const of = (direction: 'out' | 'in'): unknown[] =>
    messages
      .filter((message) => message.direction === direction)
      .map(({ protobuf }) => JSON.parse(protobuf?.text ?? 'null') as unknown);
  const [sent, received] = side === 'client' ? (['out', 'in'] as const) : (['in', 'out'] as const);
  expect(of(sent)).toEqual(call.requests);
  expect(of(received)).toEqual(call.responses);
  expect(messages.every(({ kind, note }) => kind === 'message' && note === null)).toBe(true);
  const compressed = messages.filter(({ compressedSize }) => compressedSize !== null);
  if (call.compressed) expect(compressed.length).toBeGreaterThanOrEqual(call.requests.length);
  else expect(compressed).toEqual([]);
}
