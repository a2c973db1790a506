/**
 * Failing calls of widely used servers: the client leaves before the answer, or the server fails. All run in one trace,
 * and a row is found by the server's name in its path.
 */
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import type { ExchangeJson } from '../../extension/engine/exchangeJson.ts';
import { freePort } from '../../scripts/freePort.mjs';
import { endingText } from '../kit/endingText.ts';
import { nginxIn } from '../kit/nginx.ts';
import { PYTHON } from '../kit/peers.ts';
import { Child } from '../kit/process.ts';
import { CallTracing, describeTraced, PEERS, temporaryFolder, tracingIn } from './support/environment.ts';

const folder = temporaryFolder();
const context = tracingIn(folder);
const go = join(folder, 'answering');

/** In front of another server, whose answers it passes on. */
function nginx(port: number, upstream: number, nobody: number): string {
  const pass = (to: number): string => `proxy_pass http://127.0.0.1:${to}; proxy_buffering off;`;
  const http = `access_log off; client_max_body_size 1k;
    server {
      listen 127.0.0.1:${port};
      location / { ${pass(upstream)} }
      location /nginx/slow { ${pass(upstream)} proxy_read_timeout 100ms; }
      location /nginx/dead { ${pass(nobody)} }
    }`;
  return nginxIn(join(folder, `nginx-${port}`), http).join(' ');
}

const SITUATIONS = ['whole', 'closes', 'resets', 'halves', 'early', 'cut'] as const;
const OF_NGINX = [...SITUATIONS, 'slow', 'dead'] as const;

type Situation = (typeof OF_NGINX)[number];

/** The ending in the server's row. A server may notice that its client has gone, or answer without a reader. */
const EXPECTED: Readonly<Record<Situation, RegExp>> = {
  whole: /^200 complete, answered$/,
  closes:
    /^- unanswered, cancelled by client$|^500 (?:complete|aborted), cancelled by client(?:, E\w+)?(?:, not-delivered)?$/,
  resets: /^- unanswered, cancelled by client, ECONNRESET$/,
  // Of the servers some take the half for the whole.
  halves: /^- unanswered, cancelled by client$|^500 complete, answered$/,
  early: /^413 (?:request-truncated|aborted|request-truncated\+aborted|complete), answered$/,
  cut: /^200 aborted, closed by server$/,
  slow: /^504 complete, answered$/,
  dead: /^502 complete, answered$/,
};
/** What the server behind nginx has of these: its client is nginx, which leaves as its own client did. */
const BEHIND: Readonly<Record<Situation, RegExp | null>> = {
  ...EXPECTED,
  resets: EXPECTED.closes,
  early: null,
  slow: EXPECTED.closes,
  dead: null,
};

function expectEach(rows: Record<string, readonly string[]>, name: string, expected: Partial<typeof BEHIND>) {
  const wrong = Object.entries(expected).flatMap(([situation, pattern]) => {
    const found = rows[`${name} ${situation}`] ?? [];
    const right = pattern === null ? found.length === 0 : found.length === 1 && pattern.test(found[0] ?? '');
    return right ? [] : [`${name} ${situation}: ${found.join(' | ') || 'no row'}`];
  });
  expect(wrong).toEqual([]);
}

describeTraced('servers whose calls fail', () => {
  beforeAll(async () => {
    const built = await Promise.all([
      new Child('go', ['build', '-o', go, join(PEERS, 'answering.go')]).ended,
      new Child('javac', ['-d', folder, join(PEERS, 'Answering.java')]).ended,
    ]);
    for (const { code, stderr } of built) expect([code, stderr]).toEqual([0, '']);
  });

  it('each says how', async () => {
    const ports = await Promise.all(Array.from({ length: 6 }, freePort));
    const [ofNode, ofPython, ofGo, ofJava, ofNginx, ofNobody] = ports as [
      number,
      number,
      number,
      number,
      number,
      number,
    ];
    const servers = [
      `'${process.execPath}' '${join(PEERS, 'answering.mjs')}' ${ofNode} '${folder}'`,
      `'${PYTHON}' '${join(PEERS, 'answering.py')}' ${ofPython} '${folder}'`,
      `'${go}' ${ofGo} '${folder}'`,
      `java -XX:TieredStopAtLevel=1 -cp '${folder}' Answering ${ofJava} '${folder}'`,
      nginx(ofNginx, ofNode, ofNobody),
    ];
    const clients = [
      ...Object.entries({ node: ofNode, aiohttp: ofPython, go: ofGo, java: ofJava }).flatMap(
        ([name, port]) => [name, port, SITUATIONS.join(',')],
      ),
      ...['nginx', ofNginx, OF_NGINX.join(',')],
    ];
    const script = `${servers.map((server) => `${server} & all="$all $!"`).join('\n')}
      '${process.execPath}' '${join(PEERS, 'leavingClients.mjs')}' '${folder}' ${clients.join(' ')}
      kill $all; wait`;
    const { exchanges } = await CallTracing.run(context, ['sh', '-c', script]).result();
    const seen: Record<string, string[]> = {};
    for (const row of exchanges) {
      if (row.side !== 'server' || row.url === null) continue;
      const [, name, situation] = new URL(row.url).pathname.split('/');
      const at = `${name === 'nginx' && row.process?.name !== 'nginx' ? 'behind nginx' : name} ${situation}`;
      seen[at] = [...(seen[at] ?? []), endingText(row)];
    }
    const ofAll = Object.fromEntries(SITUATIONS.map((situation) => [situation, EXPECTED[situation]]));
    for (const name of ['node', 'aiohttp', 'go', 'java']) expectEach(seen, name, ofAll);
    expectEach(seen, 'nginx', EXPECTED);
    expectEach(seen, 'behind nginx', BEHIND);
  });
});

describeTraced('gRPC calls that fail', () => {
  it('each says how, at both ends', async () => {
    const peer = [process.execPath, join(PEERS, 'failingGrpc.mjs')];
    const { exchanges } = await CallTracing.run(context, peer).result();
    const of = (method: string): string[] =>
      exchanges.filter(({ url }) => url?.endsWith(`/${method}`)).map((row) => `${row.side}: ${grpc(row)}`);
    expect(of('Answered').sort()).toEqual([
      'client: 0, 200 complete, answered',
      'server: 0, 200 complete, answered',
    ]);
    expect(of('Internal').sort()).toEqual([
      'client: 13, 200 complete, answered',
      'server: 13, 200 complete, answered',
    ]);
    // Both ends have a clock of their own.
    const [client, server] = of('Deadline').sort();
    expect(client).toMatch(/^client: (?:-, - \w+, cancelled by client|4, 200 complete, answered)$/);
    expect(server).toMatch(/^server: (?:-, - \w+, cancelled by client|4, 200 complete, answered)$/);
    expect(of('Cancelled').sort()).toEqual([
      'client: -, 200 aborted, cancelled by client',
      'server: -, 200 aborted, cancelled by client',
    ]);
    expect(of('Gone').sort()).toEqual([
      'client: -, - unanswered, closed by server',
      'server: -, - unanswered, closed by server',
    ]);
    const others = exchanges.filter(({ url }) => url === null || !url.includes('/failing.Calls/'));
    expect(
      others
        .filter(({ failure }) => failure === null)
        .map(({ side, status }) => [side, status])
        .sort(),
    ).toEqual([
      ['client', 400],
      ['server', 400],
    ]);
    expect(others.filter(({ failure }) => failure !== null).map(endingText)).toEqual([
      '- connect-failed, refused by server, ECONNREFUSED',
    ]);
  });
});

function grpc(row: ExchangeJson): string {
  return `${row.grpc?.status ?? '-'}, ${endingText(row)}`;
}
