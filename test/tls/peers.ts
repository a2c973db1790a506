/** The programs that are traced: how each is started as client and as server. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { newId, PYTHON } from '../kit/peers.ts';
import type { TlsContext } from './context.ts';
import { lighttpd } from './lighttpd.ts';
import type { Step, Version } from './plan.ts';

export type Library = 'openssl' | 'gnutls' | 'go' | 'nss' | 'mbedtls' | 'wolfssl';

interface Common {
  readonly name: string;
  readonly library: Library;
  /** It waits in a read of its library while its connection is idle. */
  readonly waits?: boolean;
  /** Any version, unless it is given; null: the program does not contain it. */
  readonly libraryVersion?: string | null;
  /** All of them, unless it is given. */
  readonly versions?: readonly Version[];
  /** Run also in emulated machines. */
  readonly everywhere?: boolean;
}

export interface ClientPeer extends Common {
  /** Controlled by lines (plan.ts). A step `null` is a call without TLS that is held until it is released. */
  readonly command?: (context: TlsContext, port: number, version: Version) => string[];
  readonly script?: (
    context: TlsContext,
    port: number,
    hold: string,
    steps: readonly (Step | null)[],
    version: Version,
  ) => string[];
  readonly readOnly?: boolean;
  readonly lengthOnly?: boolean;
  /** It makes a new connection for each request, so attaching in mid-connection is impossible. */
  readonly oneByOne?: boolean;
  /** It offers http/1.1 by ALPN, which the server then chooses. */
  readonly alpn: boolean;
  readonly mutual?: boolean;
}

export interface ServerPeer extends Common {
  readonly command: (context: TlsContext, version: Version, port: number, backend: string) => string[];
  /** It listens on a given port, writes its process id to a file, and is ended by a signal. */
  readonly pidFile?: (context: TlsContext, port: number) => string;
  readonly stopSignal?: NodeJS.Signals;
  /** It forwards requests to the test's server without TLS. */
  readonly proxies?: boolean;
  readonly lengthOnly?: boolean;
  readonly alpn: boolean;
}

/** Alone of the supported Nodes. */
function nodeFlags(version: Version): string[] {
  return version === '1.2' ? ['--tls-max-v1.2'] : ['--tls-min-v1.3'];
}

function node(context: TlsContext, major: string): string {
  const path = context.nodes[major];
  if (path === undefined) throw new Error(`There is no Node ${major}.`);
  return path;
}

function nodeClient(major: string, kind: 'https' | 'fetch'): ClientPeer {
  return {
    name: `Node ${major} ${kind}`,
    library: 'openssl',
    everywhere: major === '24' && kind === 'https',
    alpn: kind === 'fetch',
    ...(kind === 'https' ? { mutual: true } : {}),
    command: (context, port, version) => [
      ...['env', `NODE_EXTRA_CA_CERTS=${context.certificates}/ca.pem`, node(context, major)],
      ...nodeFlags(version),
      ...[join(context.scripts, 'client.mjs'), kind, String(port), context.certificates, version],
    ],
  };
}

function pythonClient(kind: string, alpn: boolean): ClientPeer {
  return {
    name: `Python ${kind}`,
    library: 'openssl',
    everywhere: kind !== 'aiohttp',
    alpn,
    mutual: true,
    command: (context, port, version) => [
      ...[PYTHON, join(context.scripts, 'client.py'), kind, String(port), context.certificates, version],
    ],
  };
}

function compiledClient(
  name: string,
  program: string,
  library: Library,
  more: Partial<ClientPeer> = {},
): ClientPeer {
  return {
    name,
    library,
    alpn: library !== 'go',
    mutual: true,
    command: (context, port, version) => [
      ...[join(context.programs, program), 'client', String(port), context.certificates, version],
    ],
    ...more,
  };
}

function curl(
  context: TlsContext,
  port: number,
  hold: string,
  steps: readonly (Step | null)[],
  version: Version,
): string[] {
  const quote = (text: string): string => `"${text.replaceAll('"', '\\"')}"`;
  const sections = steps.map((step) => {
    const common = [['silent'], ['show-error'], ['ipv4'], ['noproxy', '*']];
    const options =
      step === null
        ? [
            ['url', hold],
            ['output', '/dev/null'],
          ]
        : [
            ['url', `https://localhost:${port}${step.path}`],
            ['request', step.method],
            ['cacert', join(context.certificates, 'ca.pem')],
            version === '1.2' ? ['tlsv1.2'] : ['tlsv1.3'],
            ['tls-max', version],
            ['output', join(context.folder, `${step.id}.got`)],
            ['header', `X-Trace-Id: ${step.id}`],
            ['header', 'Expect:'],
            ...(step.body === null ? [] : [['data-binary', `@${step.file}`]]),
            ...(step.body !== null && step.framing === 'chunked'
              ? [['header', 'Transfer-Encoding: chunked']]
              : []),
          ];
    return [...common, ...options]
      .map(([key, value]) => (value === undefined ? key : `${key} = ${quote(value)}`))
      .join('\n');
  });
  const config = join(context.folder, `curl-${newId()}`);
  writeFileSync(config, sections.join('\nnext\n'));
  return ['curl', '--disable', '--config', config];
}

function wget(context: TlsContext, port: number, hold: string, steps: readonly (Step | null)[]): string[] {
  const [first] = steps.filter((step) => step !== null);
  const list = join(context.folder, `wget-${newId()}`);
  const urls = steps.map((step) => (step === null ? hold : `https://localhost:${port}${step.path}`));
  writeFileSync(list, `${urls.join('\n')}\n`);
  return [
    ...[
      'wget',
      '--no-config',
      '--no-verbose',
      '-4',
      '--no-proxy',
      '--no-hsts',
      '--tries=1',
      '-O',
      '/dev/null',
    ],
    ...[`--ca-certificate=${context.certificates}/ca.pem`, `--header=X-Trace-Id: ${first?.id}`, '-i', list],
    ...(first?.body == null ? [] : [`--method=${first.method}`, `--body-file=${first.file}`]),
  ];
}

/** It has no TLS 1.3. */
const MBEDTLS_2 = { versions: ['1.2'] } as const;

export const CLIENTS: readonly ClientPeer[] = [
  nodeClient('16', 'https'),
  ...['20', '22', '24'].flatMap((major) => [nodeClient(major, 'https'), nodeClient(major, 'fetch')]),
  pythonClient('requests', true),
  pythonClient('asyncio', false),
  pythonClient('aiohttp', false),
  { name: 'curl', library: 'openssl', everywhere: true, alpn: true, script: curl },
  { name: 'wget', library: 'gnutls', everywhere: true, alpn: false, readOnly: true, script: wget },
  {
    name: 'Ruby net/http',
    library: 'openssl',
    alpn: false,
    command: (context, port, version) => [
      ...['ruby', join(context.scripts, 'client.rb'), String(port), context.certificates, version],
    ],
  },
  {
    name: 'PHP curl',
    library: 'openssl',
    alpn: true,
    command: (context, port, version) => [
      ...['php', join(context.scripts, 'client.php'), 'curl', String(port), context.certificates, version],
    ],
  },
  {
    name: 'PHP stream',
    library: 'openssl',
    alpn: false,
    lengthOnly: true,
    oneByOne: true,
    command: (context, port, version) => [
      ...['php', join(context.scripts, 'client.php'), 'stream', String(port), context.certificates, version],
    ],
  },
  compiledClient('Go net/http', 'go', 'go', { everywhere: true, waits: true }),
  compiledClient('Go net/http, stripped', 'go-stripped', 'go', { everywhere: true, waits: true }),
  compiledClient('C, OpenSSL', 'openssl', 'openssl'),
  compiledClient('C, OpenSSL 1.1.1', 'openssl-1.1', 'openssl', { libraryVersion: '1.1.1' }),
  compiledClient('C, OpenSSL loaded late', 'late', 'openssl', { mutual: false }),
  compiledClient('C, OpenSSL in the executable', 'static', 'openssl', { libraryVersion: null }),
  compiledClient('C, GnuTLS', 'gnutls', 'gnutls'),
  compiledClient('C, NSS', 'nss', 'nss', { everywhere: true }),
  compiledClient('C, Mbed TLS', 'mbedtls', 'mbedtls', MBEDTLS_2),
  compiledClient('C, Mbed TLS in the executable', 'mbedtls-static', 'mbedtls', {
    ...MBEDTLS_2,
    libraryVersion: null,
  }),
  compiledClient('C, wolfSSL', 'wolfssl', 'wolfssl'),
  compiledClient('C, wolfSSL in the executable', 'wolfssl-static', 'wolfssl'),
];

function nginxConfig(context: TlsContext, version: Version, port: number, backend: string): string[] {
  const place = join(context.folder, `nginx-${port}`);
  const folders = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${context.folder};`,
  );
  writeFileSync(
    `${place}.conf`,
    `daemon off; user root; worker_processes 1; pid ${place}.pid; error_log ${place}.log;
     events { worker_connections 64; }
     http {
       access_log off; keepalive_requests 1000000; keepalive_timeout 600s; client_max_body_size 16m; ${folders.join(' ')}
       server {
         listen 127.0.0.1:${port} ssl;
         ssl_certificate ${context.certificates}/cert.pem; ssl_certificate_key ${context.certificates}/key.pem;
         ssl_protocols TLSv${version}; ssl_session_tickets off;
         location / { proxy_pass http://${backend}; proxy_http_version 1.1; proxy_request_buffering off; }
       }
     }`,
  );
  return ['nginx', '-p', context.folder, '-c', `${place}.conf`, '-e', `${place}.log`];
}

function apacheConfig(context: TlsContext, version: Version, port: number, backend: string): string[] {
  const place = join(context.folder, `apache-${port}`);
  const modules = ['mpm_event', 'authz_core', 'socache_shmcb', 'ssl', 'proxy', 'proxy_http'];
  const built = '/usr/lib/apache2/modules';
  const there = readdirSync(built);
  const loaded = modules.filter((name) => there.includes(`mod_${name}.so`));
  writeFileSync(
    `${place}.conf`,
    `${loaded.map((name) => `LoadModule ${name}_module ${built}/mod_${name}.so`).join('\n')}
ServerName localhost
ServerRoot ${context.folder}
DefaultRuntimeDir ${context.folder}
PidFile ${place}.pid
ErrorLog ${place}.log
Mutex file:${context.folder} default
User nobody
Group nogroup
Listen 127.0.0.1:${port}
ServerLimit 1
StartServers 1
ThreadsPerChild 25
MaxRequestWorkers 25
MinSpareThreads 1
MaxSpareThreads 25
KeepAliveTimeout 600
MaxKeepAliveRequests 0
SSLEngine on
SSLProtocol TLSv${version}
SSLCertificateFile ${context.certificates}/cert.pem
SSLCertificateKeyFile ${context.certificates}/key.pem
ProxyPass / http://${backend}/
`,
  );
  return ['apache2', '-D', 'FOREGROUND', '-f', `${place}.conf`];
}

function scriptServer(
  name: string,
  words: (context: TlsContext) => string[],
  more: Partial<ServerPeer> = {},
): ServerPeer {
  return {
    name,
    library: 'openssl',
    alpn: false,
    command: (context, version) => [...words(context), context.certificates, version],
    ...more,
  };
}

function nodeServer(major: string): ServerPeer {
  // https.createServer offers http/1.1 without being asked.
  return scriptServer(
    `Node ${major} https`,
    (context) => [node(context, major), join(context.scripts, 'server.mjs')],
    {
      alpn: true,
      everywhere: major === '24',
    },
  );
}

function pythonServer(kind: string): ServerPeer {
  return scriptServer(`Python ${kind}`, (context) => [PYTHON, join(context.scripts, 'server.py'), kind], {
    everywhere: kind === 'http.server',
    waits: kind === 'http.server',
  });
}

function compiledServer(
  name: string,
  program: string,
  library: Library,
  more: Partial<ServerPeer> = {},
): ServerPeer {
  return scriptServer(name, (context) => [join(context.programs, program), 'server'], {
    library,
    alpn: true,
    waits: true,
    ...more,
  });
}

export const SERVERS: readonly ServerPeer[] = [
  ...['16', '20', '22', '24'].map(nodeServer),
  ...['http.server', 'asyncio', 'aiohttp'].map(pythonServer),
  {
    name: 'nginx',
    library: 'openssl',
    alpn: true,
    proxies: true,
    command: nginxConfig,
    pidFile: (context, port) => join(context.folder, `nginx-${port}.pid`),
    stopSignal: 'SIGQUIT',
  },
  {
    name: 'Apache',
    library: 'openssl',
    alpn: true,
    proxies: true,
    command: apacheConfig,
    pidFile: (context, port) => join(context.folder, `apache-${port}.pid`),
    stopSignal: 'SIGTERM',
  },
  scriptServer('Ruby WEBrick', (context) => ['ruby', join(context.scripts, 'server.rb')]),
  scriptServer('PHP stream', (context) => ['php', join(context.scripts, 'server.php')]),
  compiledServer('Go net/http', 'go', 'go', { everywhere: true }),
  compiledServer('Go net/http, stripped', 'go-stripped', 'go', { everywhere: true }),
  {
    ...compiledServer('Go net/http whose stacks grow', 'go', 'go'),
    command: ({ programs, certificates }, version) => [
      ...[join(programs, 'go'), 'server', certificates, version, 'deep'],
    ],
  },
  compiledServer('C, OpenSSL', 'openssl', 'openssl'),
  compiledServer('C, OpenSSL 1.1.1', 'openssl-1.1', 'openssl', { libraryVersion: '1.1.1' }),
  compiledServer('C, OpenSSL in the executable', 'static', 'openssl', { libraryVersion: null }),
  compiledServer('C, GnuTLS', 'gnutls', 'gnutls'),
  lighttpd('NSS', 'nss'),
  lighttpd('Mbed TLS', 'mbedtls', MBEDTLS_2.versions),
  lighttpd('wolfSSL', 'wolfssl'),
  compiledServer('C, NSS', 'nss', 'nss'),
  compiledServer('C, Mbed TLS', 'mbedtls', 'mbedtls', MBEDTLS_2),
  compiledServer('C, Mbed TLS in the executable', 'mbedtls-static', 'mbedtls', {
    ...MBEDTLS_2,
    libraryVersion: null,
  }),
  compiledServer('C, wolfSSL', 'wolfssl', 'wolfssl'),
  compiledServer('C, wolfSSL in the executable', 'wolfssl-static', 'wolfssl'),
];

/** A process and its descendants. */
export function family(pid: number): number[] {
  try {
    const children = readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
      readFileSync(`/proc/${pid}/task/${thread}/children`, 'latin1').split(' ').filter(Boolean).map(Number),
    );
    return [pid, ...children.flatMap(family)];
  } catch {
    return [pid];
  }
}
