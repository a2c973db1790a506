/**
 * HTTP/2 between widely used programs: nginx, nghttpd, Apache, Go's net/http; curl, nghttp, h2load, Go. Both sides of
 * each call in one trace, with bodies of 10 MB each way. The expected rows follow from the files that are served.
 */
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, expect, it } from 'vitest';
import type { Side } from '../../extension/engine/exchange.ts';
import type { ExchangeJson, MessageJson } from '../../extension/engine/exchangeJson.ts';
import { freePort } from '../../scripts/freePort.mjs';
import { nginxIn } from '../kit/nginx.ts';
import { sha } from '../kit/peers.ts';
import { Child } from '../kit/process.ts';
import { variants, WHOLE } from '../kit/tier.mjs';
import { bodyOf, field } from '../kit/truth.ts';
import { makeCertificate } from './support/certificate.mjs';
import { CallTracing, describeTraced, PEERS, temporaryFolder, tracingIn } from './support/environment.ts';

const folder = temporaryFolder();
const context = tracingIn(folder);
const key = join(folder, 'key.pem');
const certificate = join(folder, 'certificate.pem');
const root = join(folder, 'root');
const upload = join(folder, 'upload');
const goPeer = join(folder, 'peer');
const LARGE = 10_000_000;
const SMALL = 6;
const LOAD = 500;
/** A ring that holds all bytes of one test, however slow the machine is. */
const RING = ['--ring-size', '256MiB'];

/** What every path of the servers answers to GET. */
const files = new Map<string, Buffer>();
const uploaded = Buffer.from(randomBytes(LARGE).toString('base64').slice(0, LARGE));

interface Call {
  readonly client: string;
  readonly path: string;
  readonly method: 'GET' | 'POST';
}

interface Server {
  readonly scheme: 'http' | 'https';
  command(port: number): string;
  /** Of a POST of the upload to this path. */
  answer(path: string): Buffer;
  /** It answers without having read what is sent, and asks for no more (RFC 9113 section 8.1). */
  readonly impatient?: true;
}

const servers = {
  nginx: (): Server => ({
    scheme: 'https',
    command: (port) => {
      const http = `access_log off; default_type text/plain;
        client_max_body_size 0; ssl_certificate ${certificate}; ssl_certificate_key ${key};
        server {
          listen 127.0.0.1:${port} ssl http2;
          location / { root ${root}; }
          # Reads what is sent before it answers with the file.
          location /up { root ${root}; mirror /mirrored; error_page 405 =200 $uri; }
          location = /mirrored { internal; return 204; }
        }`;
      return nginxIn(join(folder, `nginx-${port}`), http).join(' ');
    },
    answer: (path) => files.get(path) as Buffer,
  }),
  apache: (scheme: 'http' | 'https'): Server => ({
    scheme,
    command: (port) => {
      const own = join(folder, `apache-${scheme}`);
      mkdirSync(own);
      const modules = ['mpm_event', 'authz_core', 'http2', 'ssl'].map(
        (name) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`,
      );
      const tls = `SSLEngine on\nSSLCertificateFile ${certificate}\nSSLCertificateKeyFile ${key}`;
      writeFileSync(
        join(own, 'httpd.conf'),
        `${modules.join('\n')}\nServerRoot ${own}\nServerName localhost\nUser www-data\nGroup www-data\nPidFile ${own}/pid\nErrorLog ${own}/error.log
         DefaultRuntimeDir ${own}\nMutex posixsem\nListen 127.0.0.1:${port}\nStartServers 1\nDocumentRoot ${root}
         Protocols h2 h2c http/1.1\nH2Upgrade on\nH2Direct on\n${scheme === 'https' ? tls : ''}
         <Directory ${root}>\nRequire all granted\n</Directory>\n`,
      );
      return `apache2 -D FOREGROUND -f ${own}/httpd.conf`;
    },
    impatient: true,
    // It answers with the file all the same.
    answer: (path) => files.get(path) as Buffer,
  }),
  nghttpd: (scheme: 'http' | 'https'): Server => ({
    scheme,
    command: (port) =>
      `nghttpd --echo-upload -d ${root} ${scheme === 'http' ? `--no-tls ${port}` : `${port} ${key} ${certificate}`}`,
    answer: () => uploaded,
  }),
  go: (): Server => ({
    scheme: 'https',
    command: (port) => `${goPeer} server ${port} ${root} ${key} ${certificate}`,
    answer: () => uploaded,
  }),
} as const;

/** Each asks for SMALL small files, for a large one, and for one that is missing, and sends a large one. */
const clients = {
  curl: (base: string, paths: Paths, options = ''): string => {
    const curl = `curl -sSk ${options || '--http2'} -o /dev/null`;
    const asked = [...paths.small, paths.large, paths.missing];
    const gets = asked.map((path) => `-o /dev/null ${base}${path}`).join(' ');
    // curl 7.88 fails at the second call of a connection with prior knowledge.
    const get = `curl -Z --no-progress-meter -k ${options || '--http2'}`;
    const calls = options === '' ? [`${get} ${gets}`] : asked.map((path) => `${curl} ${base}${path}`);
    const send = `${curl} -H Expect: -H Content-Type:text/plain --data-binary @${upload} ${base}${paths.up}`;
    return [...calls, send].join('\n');
  },
  nghttp: (base: string, paths: Paths, options = ''): string => {
    const gets = [...paths.small, paths.large, paths.missing].map((path) => base + path).join(' ');
    return `nghttp -ny ${options} ${gets}\nnghttp -ny ${options} -d ${upload} ${base}${paths.up}`;
  },
  go: (base: string, paths: Paths): string => {
    const urls = [...paths.small, paths.large, paths.missing, paths.up].map((path) => base + path).join(' ');
    return `${goPeer} client ${upload} ${urls}`;
  },
} as const;

interface Paths {
  readonly small: readonly string[];
  readonly large: string;
  readonly missing: string;
  readonly up: string;
}

function pathsOf(client: string): Paths {
  return {
    small: Array.from({ length: SMALL }, (_, number) => `/${client}-${number}`),
    large: `/${client}-large`,
    missing: `/${client}-missing`,
    up: `/up-${client}`,
  };
}

function callsOf(client: string): Call[] {
  const { small, large, missing, up } = pathsOf(client);
  const gets = [...small, large, missing].map((path) => ({ client, path, method: 'GET' as const }));
  return [...gets, { client, path: up, method: 'POST' }];
}

/** Runs server and clients, and waits for the server's end. */
async function together(server: Server, commands: (base: string) => string[]) {
  const port = await freePort();
  const base = `${server.scheme}://127.0.0.1:${port}`;
  const ready = `grep -q '${listening(port)}' /proc/net/tcp`;
  // Bytes written by TLS are known when the call returns, which it does not in a server that is killed before. The
  // call has returned once the server has seen the end of the connection.
  const open = `grep -qE '^ *[0-9]+: [0-9A-F]{8}:${hexadecimal(port)} [0-9A-F:]+ 0[18] ' /proc/net/tcp`;
  const script = `${server.command(port)} >/dev/null 2>&1 & server=$!
trap 'kill $server 2>/dev/null' EXIT
until ${ready}; do kill -0 $server || exit 9; sleep 0.1; done
set -e
${commands(base)
  .flatMap((lines) => lines.split('\n'))
  .map((line) => `timeout 60 ${line}`)
  .join('\n')}
for i in {1..50}; do ${open} || break; sleep 0.1; done
kill $server
wait || true
trap - EXIT`;
  const traced = await CallTracing.run(context, ['bash', '-c', script], RING).result();
  expect(traced.ended.stderr).toBe('');
  expect(traced.ended.code).toBe(0);
  expect(traced.summary).toMatchObject({ dropped: 0, encrypted: 0 });
  return { base, exchanges: traced.exchanges };
}

/** A server that listens; it ends with the test. */
async function alone(server: Server): Promise<{ base: string; pid: number }> {
  const port = await freePort();
  const child = new Child('bash', ['-c', `exec ${server.command(port)} >/dev/null 2>&1`]);
  while (!isListening(port)) await sleep(50);
  return { base: `${server.scheme}://127.0.0.1:${port}`, pid: child.pid };
}

function expectBody(message: MessageJson | null, body: Buffer, whose: string): void {
  expect(message?.bodySize, whose).toBe(body.length);
  const seen = bodyOf(message);
  // Of a large one the beginning is kept.
  expect(seen.length, whose).toBe(Math.min(body.length, 64 * 1024));
  expect(sha(seen), whose).toBe(sha(body.subarray(0, seen.length)));
}

function expectCall(exchange: ExchangeJson, server: Server, base: string, { path, method }: Call): void {
  const content = files.get(path);
  // Not the exchange itself: to print a difference in megabytes takes minutes.
  expect({
    method: exchange.method,
    url: exchange.url,
    status: exchange.status,
    protocol: exchange.protocol,
    violations: exchange.violations,
    late: exchange.connection.joinedLate,
    alpn: exchange.tls?.alpn ?? null,
  }).toEqual({
    method,
    url: base + path,
    status: content === undefined && method === 'GET' ? 404 : 200,
    protocol: 'HTTP/2',
    violations: [],
    late: false,
    alpn: server.scheme === 'https' ? 'h2' : null,
  });
  expect(field(exchange.request, 'user-agent')).toHaveLength(1);
  const given = Math.min(exchange.request?.bodySize ?? 0, LARGE);
  const sent = server.impatient === true ? uploaded.subarray(0, given) : uploaded;
  const whose = `${exchange.side} ${method} ${path} ${exchange.completeness}`;
  expectBody(exchange.request, method === 'POST' ? sent : Buffer.alloc(0), `${whose} request`);
  const answer = method === 'POST' ? server.answer(path) : content;
  if (answer !== undefined) expectBody(exchange.response, answer, `${whose} response`);
  const cut = [
    ...(method === 'POST' && sent.length > 64 * 1024 ? ['request-truncated'] : []),
    ...((answer?.length ?? 0) > 64 * 1024 ? ['response-truncated'] : []),
  ];
  expect(exchange.completeness).toEqual(cut.length > 0 ? cut : ['complete']);
}

/** Each call is seen from these sides, and nothing else; if from both, they agree. */
function expectCalls(
  exchanges: readonly ExchangeJson[],
  server: Server,
  base: string,
  calls: readonly Call[],
  sides: readonly Side[] = ['client', 'server'],
): void {
  expect(exchanges.map(({ side, url }) => `${side} ${url}`).sort()).toEqual(
    sides.flatMap((side) => calls.map(({ path }) => `${side} ${base}${path}`)).sort(),
  );
  for (const call of calls) {
    const seen = sides.map(
      (side) => exchanges.find((one) => one.side === side && one.url === base + call.path) as ExchangeJson,
    );
    for (const exchange of seen) expectCall(exchange, server, base, call);
    const [client, served] = seen;
    if (client === undefined || served === undefined) continue;
    expect(client.connection.local).toBe(served.connection.remote);
    expect(client.http2?.stream).toBe(served.http2?.stream);
    expect(client.request?.headers).toEqual(served.request?.headers);
    expect(client.response?.headers).toEqual(served.response?.headers);
    expect(sha(bodyOf(client.response))).toBe(sha(bodyOf(served.response)));
  }
}

describeTraced('HTTP/2 of', () => {
  beforeAll(() => {
    makeCertificate(key, certificate);
    run('go', ['build', '-o', goPeer, join(PEERS, 'http2Peer.go')]);
    // Apache drops its rights, and must still be able to read the files.
    chmodSync(folder, 0o755);
    mkdirSync(root);
    writeFileSync(upload, uploaded);
    for (const client of Object.keys(clients)) {
      const { small, large, up } = pathsOf(client);
      for (const [number, path] of small.entries()) files.set(path, randomBytes(number * 9_000 + 500));
      files.set(large, randomBytes(LARGE));
      files.set(up, Buffer.from(`this is ${up}`));
    }
    for (let number = 0; number < 50; number++) files.set(`/load-${number}`, randomBytes(300 + number));
    for (const [path, content] of files) writeFileSync(root + path, content);
  });

  // In the short run http2Tls.test.ts has a server over TLS.
  it.each(WHOLE ? ['nginx'] : [])(
    '%s over TLS, with curl and nghttp',
    async () => {
      const server = servers.nginx();
      const { exchanges, base } = await together(server, (url) => [
        clients.curl(url, pathsOf('curl')),
        clients.nghttp(url, pathsOf('nghttp')),
      ]);
      expectCalls(exchanges, server, base, ['curl', 'nghttp'].flatMap(callsOf));
    },
    300_000,
  );

  it.each(variants(['http', 'https'] as const))(
    'nghttpd over %s, with curl, nghttp and h2load',
    async (scheme) => {
      const server = servers.nghttpd(scheme);
      const { exchanges, base } = await together(server, (url) => {
        const list = join(folder, `list-${scheme}`);
        const loaded = [...files.keys()].filter((path) => path.startsWith('/load'));
        writeFileSync(list, loaded.map((path) => `${url}${path}\n`).join(''));
        return [
          clients.curl(url, pathsOf('curl'), scheme === 'http' ? '--http2-prior-knowledge' : ''),
          clients.nghttp(url, pathsOf('nghttp')),
          `h2load -c 5 -m 20 -n ${LOAD} -i ${list} | grep -q '${LOAD} succeeded'`,
        ];
      });
      const load = exchanges.filter(({ url }) => url?.includes('/load-'));
      const others = exchanges.filter((exchange) => !load.includes(exchange));
      expectCalls(others, server, base, ['curl', 'nghttp'].flatMap(callsOf));
      expect(load.map(({ side }) => side).sort()).toEqual([
        ...Array<string>(LOAD).fill('client'),
        ...Array<string>(LOAD).fill('server'),
      ]);
      for (const exchange of load) {
        const path = new URL(exchange.url ?? '').pathname;
        expectCall(exchange, server, base, { client: 'h2load', path, method: 'GET' });
      }
    },
    300_000,
  );

  it('Apache, with curl that upgrades from HTTP/1.1 and nghttp', async () => {
    const server = servers.apache('http');
    // curl 7.88 does no second call on a connection that was upgraded, and has 32 KiB for what comes with the 101.
    const paths = pathsOf('curl').small.slice(0, 3);
    const { exchanges, base } = await together(server, (url) => [
      ...paths.map((path) => `curl -sS --http2 -o /dev/null ${url}${path}`),
      clients.nghttp(url, pathsOf('nghttp')),
    ]);
    const upgraded = paths.map((path): Call => ({ client: 'curl', path, method: 'GET' }));
    expectCalls(exchanges, server, base, [...upgraded, ...callsOf('nghttp')]);
    for (const { url, http2, interim, request } of exchanges) {
      if (!paths.some((path) => url === base + path)) continue;
      // One call: asked for in HTTP/1.1, answered on stream 1.
      expect(http2?.stream).toBe(1);
      expect(interim.map(({ status }) => status)).toEqual([101]);
      expect(field(request, 'upgrade')).toEqual(['h2c']);
    }
  }, 300_000);

  // A Go program contains its own TLS, and is attached when the program is known: here it is the traced one.
  it.each(variants(['go', 'nginx'] as const))(
    'Go, the client’s side, with %s',
    async (name) => {
      const server = servers[name]();
      const { base } = await alone(server);
      const command = clients.go(base, pathsOf('go')).split(' ');
      const traced = await CallTracing.run(context, command, RING).result();
      expect(traced.ended).toMatchObject({ code: 0, stderr: '' });
      expectCalls(traced.exchanges, server, base, callsOf('go'), ['client']);
    },
    300_000,
  );

  it('Go, the server’s side, with curl and Go', async () => {
    const server = servers.go();
    const { base, pid } = await alone(server);
    const tracing = await CallTracing.attach(context, [pid], RING);
    for (const command of [clients.curl(base, pathsOf('curl')), clients.go(base, pathsOf('go'))]) {
      const client = new Child('bash', ['-c', `set -e; ${command}`]);
      expect(await client.ended).toMatchObject({ code: 0, stderr: '' });
    }
    const traced = await tracing.stop();
    expectCalls(traced.exchanges, server, base, ['curl', 'go'].flatMap(callsOf), ['server']);
  }, 300_000);
});

function run(command: string, args: readonly string[]): void {
  const { status, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  expect(status, stderr).toBe(0);
}

/** As /proc/net/tcp shows it. It is looked up, not tried, as a connection would be traced, too. */
function listening(port: number): string {
  return `:${hexadecimal(port)} 00000000:0000 0A`;
}

function hexadecimal(port: number): string {
  return port.toString(16).toUpperCase().padStart(4, '0');
}

function isListening(port: number): boolean {
  return readFileSync('/proc/net/tcp', 'latin1').includes(listening(port));
}
