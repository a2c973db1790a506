/**
 * Edge cases of TLS in real programs: OpenSSL as a BIO, a handshake in a different process than the call, TLS in TLS,
 * handshakes that fail on either side, ends without close_notify, programs that live for a few milliseconds.
 */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import { type AddressInfo, createServer as createTcpServer, connect as tcpConnect } from 'node:net';
import { join } from 'node:path';
import { createSecureContext, createServer, TLSSocket } from 'node:tls';
import type { ExchangeJson } from '../../extension/engine/exchangeJson.ts';
import { assert, same } from '../kit/check.ts';
import { newId } from '../kit/peers.ts';
import { PATIENCE_MS } from '../kit/process.ts';
import { type Report, reportOutcome } from '../kit/report.ts';
import { Tracing } from '../kit/tracing.ts';
import type { TlsContext } from './context.ts';

const CURL = ['curl', '-s4', '--noproxy', '*'];

export async function runEdges(context: TlsContext, only: RegExp, report: Report): Promise<void> {
  const one = async (scenario: string, run: (context: TlsContext) => Promise<string>): Promise<void> => {
    if (only.test(scenario)) await reportOutcome(report, scenario, () => run(context));
  };
  await one('OpenSSL as a BIO, client', bioClient);
  await one('OpenSSL as a BIO, server', bioServer);
  await one('a handshake in the parent, requests in children', forking);
  await one('TLS in TLS has its socket', tlsInTls);
  for (const version of ['1.2', '1.3']) {
    await one(`a certificate that the client refuses, TLS ${version}`, (c) => refusedByClient(c, version));
    await one(`a missing certificate that the server refuses, TLS ${version}`, (c) =>
      refusedByServer(c, version),
    );
  }
  await one('https to a port without TLS', notTls);
  await one('a session without any data', noData);
  await one('a certificate that the client refuses after the handshake', refusedAfter);
  await one('TLS behind plaintext HTTP has its socket', behindPlaintext);
  await one('a close-delimited answer that ends with close_notify, and one without', closeNotify);
  await one('an answer that is read before the write has returned', unreturned);
}

export async function traced(
  context: TlsContext,
  command: readonly string[],
  status: number | null = 0,
): Promise<readonly ExchangeJson[]> {
  const tracing = Tracing.run(context, command);
  tracing.process.killAfter(PATIENCE_MS);
  const { exchanges } = await tracing.result();
  if (status !== null) same('exit status', await tracing.process.status, status);
  return exchanges;
}

interface SecureOptions {
  readonly version?: string;
  readonly mutual?: boolean;
  answer?(socket: TLSSocket, path: string): void;
}

/** Answers each connection's first request; `answer` may do so otherwise. */
export async function secureServer(
  { certificates }: TlsContext,
  { version, mutual = false, answer }: SecureOptions = {},
) {
  const versions =
    version === undefined ? {} : { minVersion: `TLSv${version}`, maxVersion: `TLSv${version}` };
  const server = createServer({
    cert: readFileSync(join(certificates, 'cert.pem')),
    key: readFileSync(join(certificates, 'key.pem')),
    ca: readFileSync(join(certificates, 'ca.pem')),
    requestCert: mutual,
    rejectUnauthorized: mutual,
    ...(versions as object),
  });
  server.on('tlsClientError', () => {});
  server.on('secureConnection', (socket) => {
    socket.on('error', () => {});
    socket.once('data', (bytes: Buffer) => {
      const path = bytes.toString('latin1').split(' ')[1] ?? '';
      if (answer !== undefined) answer(socket, path);
      else socket.end('HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello');
    });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return { port: (server.address() as AddressInfo).port, close: () => server.close() };
}

export function only(exchanges: readonly ExchangeJson[]): ExchangeJson {
  const [row] = exchanges;
  same('rows', exchanges.length, 1);
  assert(row !== undefined, 'no row');
  return row;
}

function failed(exchanges: readonly ExchangeJson[], reason: RegExp): string {
  const row = only(exchanges);
  same('what it is called', row.completeness, ['handshake-failed']);
  const text = row.encrypted?.reason ?? '';
  assert(reason.test(text), `the reason is: ${text}`);
  return text;
}

async function bioClient(context: TlsContext): Promise<string> {
  const server = await secureServer(context);
  try {
    const path = `/bio/${newId()}`;
    const command = [join(context.programs, 'bio'), 'client', String(server.port), path];
    const call = only(await traced(context, command));
    same('call', [call.url, call.status], [`https://localhost${path}`, 200]);
    same('completeness', call.completeness, ['complete']);
    same('remote', call.connection.remote, `127.0.0.1:${server.port}`);
    return call.url ?? '';
  } finally {
    server.close();
  }
}

async function bioServer(context: TlsContext): Promise<string> {
  const tracing = Tracing.run(context, [join(context.programs, 'bio'), 'server', context.certificates]);
  tracing.process.killAfter(PATIENCE_MS);
  const port = Number(await tracing.process.line());
  const path = `/bio/${newId()}`;
  same('body', (await get(port, path)).toString(), 'hello');
  const call = only((await tracing.result()).exchanges);
  same('call', [call.side, call.url?.endsWith(path), call.status], ['server', true, 200]);
  same('completeness', call.completeness, ['complete']);
  return call.url ?? '';
}

async function get(port: number, path: string): Promise<Buffer> {
  const asked = request({ port, path, host: '127.0.0.1', rejectUnauthorized: false, agent: false });
  asked.end();
  const [response] = await once(asked, 'response');
  const pieces: Buffer[] = [];
  for await (const piece of response) pieces.push(piece as Buffer);
  return Buffer.concat(pieces);
}

async function forking(context: TlsContext): Promise<string> {
  const count = 4;
  const script = join(context.scripts, 'forking.py');
  const tracing = Tracing.run(context, ['python3', script, context.certificates, String(count)]);
  tracing.process.killAfter(PATIENCE_MS);
  const [port, parent] = (await tracing.process.line()).split(' ').map(Number);
  const children: number[] = [];
  for (let at = 0; at < count; at++) children.push(Number(await get(port ?? 0, `/fork/${at}`)));
  const { exchanges } = await tracing.result();
  same(
    'calls',
    exchanges.map(({ url, process, completeness }) => [url?.split('/').at(-1), process?.pid, completeness]),
    children.map((pid, at) => [String(at), pid, ['complete']]),
  );
  assert(!children.includes(parent ?? 0), 'the parent answered');
  for (const { connection, tls } of exchanges) {
    assert(connection.remote !== null && tls?.handshakeMs !== null, 'a call without its socket or handshake');
  }
  return `${count} children`;
}

async function tlsInTls(context: TlsContext): Promise<string> {
  const server = await secureServer(context);
  const ports: (number | undefined)[] = [];
  const proxy = await secureServer(context, {
    answer: (socket) => {
      ports.push(socket.remotePort);
      const upstream = tcpConnect(server.port, '127.0.0.1', () => {
        socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
        upstream.pipe(socket).pipe(upstream);
      });
      upstream.on('error', () => socket.destroy());
    },
  });
  try {
    const trusted = ['--cacert', `${context.certificates}/ca.pem`];
    const command = [
      ...['curl', '-s4', ...trusted, '--proxy-cacert', `${context.certificates}/ca.pem`],
      ...['--proxy', `https://localhost:${proxy.port}`, `https://localhost:${server.port}/inside`],
    ];
    const exchanges = await traced(context, command);
    const [tunnel, call] = ['CONNECT', 'GET'].map((method) => exchanges.find((row) => row.method === method));
    same('rows', exchanges.length, 2);
    const ends = [`127.0.0.1:${ports[0]}`, `127.0.0.1:${proxy.port}`];
    for (const row of [tunnel, call]) {
      same('completeness', row?.completeness, ['complete']);
      same('ends', [row?.connection.local, row?.connection.remote], ends);
    }
    same('the same socket', call?.tls?.socket, tunnel?.tls?.socket);
    return ends.join(' → ');
  } finally {
    server.close();
    proxy.close();
  }
}

async function refusedByClient(context: TlsContext, version: string): Promise<string> {
  const server = await secureServer(context, { version });
  try {
    const exchanges = await traced(context, [...CURL, `https://localhost:${server.port}/refused`], 60);
    const why =
      /unknown_ca \(alert 48\) sent by the client; the client does not accept the certificate of the server: self-signed certificate in certificate chain \(verification error 19\)$/;
    return failed(exchanges, why);
  } finally {
    server.close();
  }
}

async function refusedByServer(context: TlsContext, version: string): Promise<string> {
  const server = await secureServer(context, { version, mutual: true });
  try {
    const trusted = ['--cacert', `${context.certificates}/ca.pem`];
    const url = `https://localhost:${server.port}/refused`;
    const row = only(await traced(context, [...CURL, ...trusted, url], null));
    // In TLS 1.3 the client has ended its handshake, and may have sent its request.
    const said = row.encrypted?.reason ?? row.tls?.failure ?? '';
    const alert = version === '1.3' ? /certificate_required \(alert 116\)/ : /handshake_failure \(alert 40\)/;
    assert(alert.test(said) && said.includes('sent by the server'), `the reason is: ${said}`);
    return said;
  } finally {
    server.close();
  }
}

async function notTls(context: TlsContext): Promise<string> {
  const server = createTcpServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => socket.end('HTTP/1.1 400 Bad Request\r\nContent-Length: 3\r\n\r\nbad'));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  try {
    const { port } = server.address() as AddressInfo;
    const exchanges = await traced(context, [...CURL, `https://127.0.0.1:${port}/x`], 35);
    return failed(exchanges, /did not answer with TLS: its answer begins with "HTTP\//);
  } finally {
    server.close();
  }
}

async function noData(context: TlsContext): Promise<string> {
  const server = await secureServer(context);
  try {
    const open =
      "import socket,ssl,sys;c=ssl._create_unverified_context();s=c.wrap_socket(socket.create_connection(('127.0.0.1',int(sys.argv[1]))));s.close()";
    const row = only(await traced(context, ['python3', '-c', open, String(server.port)]));
    same('what it is called', row.completeness, ['encrypted']);
    const reason = row.encrypted?.reason ?? '';
    assert(CLIENT_LEFT.test(reason), `the reason is: ${reason}`);
    return reason;
  } finally {
    server.close();
  }
}

const CLIENT_LEFT =
  /^the TLS session ended before any data was sent: (?:the client closed the connection after the handshake|after the handshake the client sent an alert, which is encrypted, and closed the connection)\. Clients do this if they reject the certificate/;

/** GnuTLS leaves it to the program to look at the certificate. */
async function refusedAfter(context: TlsContext): Promise<string> {
  const server = await secureServer(context);
  try {
    const url = `https://127.0.0.1:${server.port}/refused-after`;
    const command = ['wget', '--no-config', '-q4', '--no-proxy', '--no-hsts', '--tries=1', '-O', '-', url];
    const row = only(await traced(context, command, 5));
    same('what it is called', row.completeness, ['encrypted']);
    const reason = row.encrypted?.reason ?? '';
    assert(CLIENT_LEFT.test(reason), `the reason is: ${reason}`);
    return reason;
  } finally {
    server.close();
  }
}

/** A call in plaintext, and an upgrade (RFC 2817) or none; then TLS on the same connection. */
async function behindPlaintext(context: TlsContext): Promise<string> {
  const { certificates } = context;
  const secureContext = createSecureContext({
    cert: readFileSync(join(certificates, 'cert.pem')),
    key: readFileSync(join(certificates, 'key.pem')),
  });
  const server = createTcpServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', (bytes) => {
      const upgrade = bytes.includes('Upgrade');
      socket.write(
        upgrade
          ? 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: TLS/1.0, HTTP/1.1\r\nConnection: Upgrade\r\n\r\n'
          : 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok',
      );
      const secure = new TLSSocket(socket, { isServer: true, secureContext });
      secure.on('error', () => {});
      secure.once('data', () =>
        secure.end('HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello'),
      );
    });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  try {
    const { port } = server.address() as AddressInfo;
    const ask = [
      'import socket,ssl,sys',
      'c=ssl._create_unverified_context()',
      "for name,fields in (('upgrade',b'Upgrade: TLS/1.0\\r\\nConnection: Upgrade\\r\\n'),('straight',b'')):",
      " s=socket.create_connection(('127.0.0.1',int(sys.argv[1])))",
      " s.sendall(b'GET /plain-%s HTTP/1.1\\r\\nHost: localhost\\r\\n%s\\r\\n'%(name.encode(),fields))",
      ' s.recv(65536)',
      " t=c.wrap_socket(s,server_hostname='localhost')",
      " t.sendall(b'GET /secure-%s HTTP/1.1\\r\\nHost: localhost\\r\\n\\r\\n'%name.encode())",
      ' while t.recv(65536): pass',
      ' t.close()',
    ].join('\n');
    const rows = await traced(context, ['python3', '-c', ask, String(port)]);
    const said = rows.map(({ url, status, completeness, connection }) =>
      [url?.replace(/^(\w+):\/\/[^/]*/, '$1 '), status, completeness, connection.remote].join(' '),
    );
    same('calls', said.sort(), [
      `http /plain-straight 200 complete 127.0.0.1:${port}`,
      `http /plain-upgrade 101 complete 127.0.0.1:${port}`,
      `https /secure-straight 200 complete 127.0.0.1:${port}`,
      `https /secure-upgrade 200 complete 127.0.0.1:${port}`,
    ]);
    return said.join(', ');
  } finally {
    server.close();
  }
}

async function closeNotify(context: TlsContext): Promise<string> {
  const server = await secureServer(context, {
    answer: (socket, path) => {
      socket.write(`HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n${'d'.repeat(3000)}`, () => {
        if (path === '/whole') socket.end();
        // The TCP connection ends, and TLS says nothing.
        else (socket as unknown as { _parent?: { end(): void } })._parent?.end() ?? socket.destroy();
      });
    },
  });
  try {
    const trusted = ['--cacert', `${context.certificates}/ca.pem`];
    const said: string[] = [];
    for (const path of ['/whole', '/cut']) {
      const url = `https://localhost:${server.port}${path}`;
      const row = only(await traced(context, [...CURL, ...trusted, '-o', '/dev/null', url], null));
      same(`close_notify of ${path}`, row.tls?.closeNotify, path === '/whole');
      same(`${path} is complete`, row.completeness.join() === 'complete', path === '/whole');
      said.push(row.completeness.join());
    }
    return said.join(', ');
  } finally {
    server.close();
  }
}

/** One thread writes, another one reads the answer, and ends the program: the write never returns. */
async function unreturned(context: TlsContext): Promise<string> {
  const server = await secureServer(context);
  try {
    const path = `/unreturned/${newId()}`;
    const ca = join(context.certificates, 'ca.pem');
    const command = [join(context.programs, 'unreturned'), `127.0.0.1:${server.port}`, ca, path];
    const call = only(await traced(context, command));
    same('call', [call.url, call.status], [`https://localhost${path}`, 200]);
    same('completeness', call.completeness, ['complete']);
    return path;
  } finally {
    server.close();
  }
}
