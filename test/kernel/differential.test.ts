/** One run seen by http-trace and by tshark (a packet capture with the TLS keys): both must agree. */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { SeenField } from '../../extension/engine/exchange.ts';
import type { ExchangeJson, MessageJson } from '../../extension/engine/exchangeJson.ts';
import { sha } from '../kit/peers.ts';
import { bodyOf } from '../kit/truth.ts';
import { makeCertificate } from './support/certificate.mjs';
import { CallTracing, describeTraced, PEERS, temporaryFolder, tracingIn } from './support/environment.ts';
import { Capture, Network } from './support/network.ts';
import {
  type Field,
  type Ports,
  readCapture,
  type SeenExchange,
  type SeenExchanges,
  type SeenMessage,
} from './support/tshark.ts';

function known(fields: readonly SeenField[]): Field[] {
  return fields.map(([name, value]) => [name ?? 'unknown', value ?? 'unknown']);
}

function messageOf(message: MessageJson | null): SeenMessage {
  const body = bodyOf(message).toString('latin1');
  expect({ size: message?.bodySize ?? 0, note: message?.bodyNote ?? null }).toEqual({
    size: body.length,
    note: null,
  });
  return { headers: known(message?.headers ?? []), trailers: known(message?.trailers ?? []), body };
}

function seenIn(exchange: ExchangeJson): SeenExchange {
  const url = new URL(exchange.url ?? '');
  return {
    method: exchange.method ?? '',
    path: url.pathname + url.search,
    authority: url.host,
    scheme: url.protocol.slice(0, -1),
    status: exchange.status ?? 0,
    pushed: exchange.http2?.pushed ?? false,
    interim: exchange.interim.map(({ status, headers }) => ({
      status: status ?? 0,
      headers: known(headers),
    })),
    request: messageOf(exchange.request),
    response: messageOf(exchange.response),
  };
}

/** By the client's port, and the stream or the number of the request on the connection. */
function seenBy(side: 'client' | 'server', exchanges: readonly ExchangeJson[]): SeenExchanges {
  const seen: SeenExchanges = new Map();
  const counts = new Map<string, number>();
  for (const exchange of exchanges) {
    if (exchange.side !== side) continue;
    expect(exchange).toMatchObject({
      completeness: ['complete'],
      violations: [],
      connection: { joinedLate: false },
    });
    const { local, remote } = exchange.connection;
    const port = (side === 'client' ? local : remote)?.split(':').at(-1) ?? '';
    const order = exchange.http2?.stream ?? (counts.get(port) ?? 0) + 1;
    counts.set(port, order);
    expect(seen.has(`${port} ${order}`)).toBe(false);
    seen.set(`${port} ${order}`, seenIn(exchange));
  }
  return seen;
}

const sorted = (seen: SeenExchanges): [string, SeenExchange][] =>
  [...seen].sort(([a], [b]) => (a < b ? -1 : 1));

/** With bodies as short as they can be compared. */
function briefly(exchange: SeenExchange | undefined): unknown {
  const bodies = [exchange?.request, exchange?.response].map((message) => message?.body ?? '');
  return {
    ...exchange,
    request: { ...exchange?.request, body: null },
    response: { ...exchange?.response, body: null },
    bodies: bodies.map((body) => [body.length, sha(Buffer.from(body))]),
  };
}

describeTraced('the same exchanges as tshark', () => {
  const folder = temporaryFolder();
  const context = tracingIn(folder);
  it('HTTP/1.1, HTTP/2 and HTTP/2 over TLS, from both sides', async () => {
    const [key, certificate] = [join(folder, 'key.pem'), join(folder, 'certificate.pem')];
    makeCertificate(key, certificate);
    const keys = join(folder, 'keys');
    const network = await Network.make();
    const capture = await Capture.start(network, join(folder, 'capture.pcapng'));
    // curl writes its keys to SSLKEYLOGFILE.
    const node = [process.execPath, '--no-warnings', `--tls-keylog=${keys}`, join(PEERS, 'wire.mjs')];
    const command = ['env', `SSLKEYLOGFILE=${keys}`, ...node, key, certificate];
    const traced = await CallTracing.run(context, network.inside(command), ['--show-secrets']).result();
    await capture.stop();
    expect(traced.ended).toMatchObject({ code: 0, stderr: '' });
    expect(traced.summary).toMatchObject({ dropped: 0, encrypted: 0 });
    const ports = JSON.parse(traced.ended.stdout) as Ports;
    const captured = sorted(readCapture(capture.file, keys, ports));
    const of = (name: keyof Ports): SeenExchange[] =>
      traced.exchanges
        .filter(({ connection }) => connection.remote?.endsWith(`:${ports[name]}`))
        .map((exchange) => seenIn(exchange));
    // Eight kept alive and eight pipelined; 42 calls and 7 pushes of Node and 4 of curl.
    expect(captured).toHaveLength(16 + 2 * (42 + 7 + 4));
    expect(of('http1')).toHaveLength(16);
    expect(of('http2')).toHaveLength(53);
    expect(of('tls')).toHaveLength(53);
    for (const side of ['client', 'server'] as const) {
      const seen = sorted(seenBy(side, traced.exchanges));
      expect(seen.map(([at]) => at)).toEqual(captured.map(([at]) => at));
      for (const [number, [at, exchange]] of captured.entries())
        expect(briefly(seen[number]?.[1]), at).toEqual(briefly(exchange));
    }
    const all = captured.map(([, exchange]) => exchange);
    // The compared exchanges have the intended forms.
    for (const length of [0, 100, 5_000, 40_000, 63_000])
      expect(all.some(({ response }) => response.body.length === length)).toBe(true);
    expect(all.some(({ interim }) => interim.length > 0)).toBe(true);
    expect(all.some(({ pushed }) => pushed)).toBe(true);
    expect(all.some(({ response }) => response.trailers.length > 0)).toBe(true);
    expect(all.some(({ response }) => response.headers.some(([, value]) => value.length === 30_000))).toBe(
      true,
    );
  }, 300_000);
});
