/** Both ends of each call in one trace refer to each other, exactly. Every path is requested once. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import type { ExchangeJson } from '../../extension/engine/exchangeJson.ts';
import { freePort } from '../../scripts/freePort.mjs';
import { PYTHON } from '../kit/peers.ts';
import { Child } from '../kit/process.ts';
import { variants } from '../kit/tier.mjs';
import { makeCertificate } from './support/certificate.mjs';
import { CallTracing, describeTraced, PEERS, temporaryFolder, tracingIn } from './support/environment.ts';

const folder = temporaryFolder();
const context = tracingIn(folder);
const key = join(folder, 'key.pem');
const certificate = join(folder, 'certificate.pem');
const SELF = [process.execPath, join(PEERS, 'bothEnds.mjs')];

function pathOf({ url }: ExchangeJson): string {
  return url === null ? '' : new URL(url.replace(/^unix:/, 'http:')).pathname;
}

/**
 * Exchanges as `client path → server path`, by their references to each other. Fails if two name the same one.
 * @param whole both must name each other: the pair was known before one of them ended.
 */
function pairsOf(exchanges: readonly ExchangeJson[], whole = true): string[] {
  const byId = new Map(exchanges.map((exchange) => [exchange.id, exchange]));
  const pairs = new Map<number, string>();
  for (const exchange of exchanges) {
    const peer = exchange.peer === null ? undefined : byId.get(exchange.peer);
    if (peer === undefined) continue;
    expect(peer.peer).toBe(peer.peer === null && !whole ? null : exchange.id);
    const [client, server] = exchange.side === 'client' ? [exchange, peer] : [peer, exchange];
    pairs.set(client.id, `${client.side} ${pathOf(client)} → ${server.side} ${pathOf(server)}`);
  }
  return [...pairs.values()];
}

function expectAllPaired(exchanges: readonly ExchangeJson[], paths: readonly string[]): void {
  expect(exchanges.filter(({ encrypted }) => encrypted === null)).toHaveLength(2 * paths.length);
  expect(pairsOf(exchanges).sort()).toEqual(paths.map((path) => `client ${path} → server ${path}`).sort());
}

async function traced(command: readonly string[], options: readonly string[] = []): Promise<ExchangeJson[]> {
  const trace = await CallTracing.run(context, command, options).result();
  expect(trace.ended).toMatchObject({ code: 0, stderr: '' });
  expect(trace.summary.note).toBeNull();
  return [...trace.exchanges];
}

function shell(lines: readonly string[]): string[] {
  return ['bash', '-c', `set -e\n${lines.join('\n')}`];
}

/** Waits until something listens on the port. */
function listening(port: number): string {
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  return `until grep -qE ':${hex} [0-9A-F:]+ 0A' /proc/net/tcp /proc/net/tcp6; do sleep 0.05; done`;
}

describeTraced('a program that calls itself', () => {
  /** One after the other in one trace: the paths of each begin with its name. */
  const ways = [
    ...variants([['serial', 30] as const, ['parallel', 150] as const], 1),
    ['pipelined', 40],
    ['reused-port', 30],
    ['unix', 40],
    ['mapped', 20],
    ['tls', 40],
    ...variants([['h2c', 100] as const, ['h2', 100] as const], 1),
  ] as const;
  let all: ExchangeJson[];

  beforeAll(async () => {
    makeCertificate(key, certificate);
    const runs = ways.map(([how, count]) => [...SELF, how, count, certificate, key].join(' '));
    all = await traced(shell(runs));
  });

  it.each(ways)('%s, %d calls', (how, count) => {
    const exchanges = all.filter((one) => pathOf(one).startsWith(`/${how}/`));
    const paths = Array.from({ length: count }, (_, number) => `/${how}/${number}`);
    expectAllPaired(exchanges, paths);
    if (how === 'reused-port')
      expect(new Set(exchanges.map(({ connection }) => connection.remote)).size).toBe(2);
  });

  it('nothing else is seen', () => {
    const calls = all.filter(({ encrypted }) => encrypted === null);
    expect(calls).toHaveLength(2 * ways.reduce((sum, [, count]) => sum + count, 0));
  });

  it('joined in the middle of eight connections: whatever is paired is right, and nearly all is', async () => {
    const child = Child.of([...SELF, 'late', '88']);
    await child.line();
    const tracing = await CallTracing.attach(context, [child.pid]);
    child.write('go\n');
    await child.line();
    const trace = await tracing.stop();
    child.write('end\n');
    await child.ended;
    expect(trace.exchanges.every(({ connection }) => connection.joinedLate)).toBe(true);
    const pairs = pairsOf(trace.exchanges, false);
    for (const pair of pairs) {
      const [client, server] = pair.replace(/client |server /g, '').split(' → ');
      expect(client).toBe(server);
    }
    // Only what was under way when a connection was first seen can be without its peer.
    expect(pairs.length).toBeGreaterThanOrEqual(80 - 8);
  });
});

describeTraced('two programs', () => {
  beforeAll(() => makeCertificate(key, certificate));

  it('Python and Node', async () => {
    const port = await freePort();
    const site = join(folder, 'site');
    const exchanges = await traced(
      shell([
        `mkdir -p ${site}; cd ${site}; for i in {0..19}; do echo $i > file-$i; done`,
        `${PYTHON} -m http.server ${port} --bind 127.0.0.1 >/dev/null 2>&1 & server=$!`,
        listening(port),
        `${process.execPath} -e 'const a = []; for (let i = 0; i < 20; i++) a.push(fetch("http://127.0.0.1:${port}/file-" + i).then((r) => r.text())); Promise.all(a)'`,
        'kill $server; wait $server || true',
      ]),
    );
    expectAllPaired(
      exchanges,
      Array.from({ length: 20 }, (_, number) => `/file-${number}`),
    );
  });

  it('curl → nginx → Node: two pairs for each call', async () => {
    const [front, back] = [await freePort(), await freePort()];
    const own = join(folder, 'nginx');
    const conf = `${own}.conf`;
    writeFileSync(
      conf,
      `daemon off; master_process off; pid ${own}.pid; error_log ${own}.log; events { worker_connections 64; }
       http { access_log off; client_body_temp_path ${own}; proxy_temp_path ${own}; fastcgi_temp_path ${own};
         uwsgi_temp_path ${own}; scgi_temp_path ${own};
         upstream node { server 127.0.0.1:${back}; keepalive 4; }
         server { listen 127.0.0.1:${front};
           location / { proxy_pass http://node; proxy_http_version 1.1; proxy_set_header Connection ""; } } }`,
    );
    const paths = Array.from({ length: 12 }, (_, number) => `/call-${number}`);
    const urls = paths.map((path) => `http://127.0.0.1:${front}${path}`).join(' ');
    const node = `require("http").createServer((q, r) => r.end(q.url)).listen(${back}, "127.0.0.1")`;
    const exchanges = await traced(
      shell([
        `${process.execPath} -e '${node}' & node=$!`,
        `nginx -p ${folder} -c ${conf} -e ${own}.log & nginx=$!`,
        listening(front),
        listening(back),
        `curl -sS ${urls} >/dev/null`,
        'kill $nginx $node; wait || true',
      ]),
    );
    expectAllPaired(exchanges, [...paths, ...paths]);
    const byId = new Map(exchanges.map((exchange) => [exchange.id, exchange]));
    const names = exchanges.map(({ side, process: own, peer }) => {
      const other = peer === null ? null : byId.get(peer);
      return side === 'client' ? `${own?.name} → ${other?.process?.name}` : '';
    });
    expect([...new Set(names.filter((name) => name !== ''))].sort()).toEqual([
      'curl → nginx',
      'nginx → node',
    ]);
  });

  it.each(variants(['http', 'https'] as const, 1))('h2load and nghttpd over %s', async (scheme) => {
    const port = await freePort();
    const site = join(folder, `site-${scheme}`);
    const paths = Array.from({ length: 300 }, (_, number) => `/load-${number}`);
    const list = join(folder, `urls-${scheme}`);
    writeFileSync(list, paths.map((path) => `${scheme}://127.0.0.1:${port}${path}\n`).join(''));
    const listen = scheme === 'http' ? `--no-tls ${port}` : `${port} ${key} ${certificate}`;
    const exchanges = await traced(
      shell([
        `mkdir -p ${site}; for i in {0..299}; do echo $i > ${site}/load-$i; done`,
        `nghttpd -d ${site} ${listen} >/dev/null 2>&1 & server=$!`,
        listening(port),
        `h2load -c 1 -m 20 -n 300 -i ${list} | grep -q '300 succeeded'`,
        'sleep 0.3; kill $server; wait || true',
      ]),
    );
    expectAllPaired(exchanges, paths);
  });

  it('the same addresses in two network namespaces are no pair, whoever is joined late', async () => {
    // In each namespace a server and a client with one and the same pair of ports.
    const program = `
      const http = require("http"), net = require("net");
      const server = http.createServer((q, r) => r.end(q.url)).listen(8080, "127.0.0.1", () => {
        const socket = net.connect({ port: 8080, host: "127.0.0.1", localPort: 40001 });
        let n = 0;
        const ask = () => socket.write("GET /" + process.argv[1] + "/" + n + " HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n");
        socket.on("data", () => (++n < 10 ? setTimeout(ask, 5) : (socket.destroy(), server.close())));
        ask();
      });`;
    const script = join(folder, 'namespace.cjs');
    writeFileSync(script, program.replace('process.argv[1]', 'process.argv[2]'));
    const inside = (name: string): string =>
      `unshare --net sh -c 'ip link set lo up; exec ${process.execPath} ${script} ${name}' &`;
    const exchanges = await traced(shell([inside('one'), inside('two'), 'wait']));
    const paths = ['one', 'two'].flatMap((name) =>
      Array.from({ length: 10 }, (_, number) => `/${name}/${number}`),
    );
    expectAllPaired(exchanges, paths);
  });
});
