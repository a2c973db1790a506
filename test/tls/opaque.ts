/** Connections that cannot be decrypted, or that only look like TLS: rows that say so, and nothing invented. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { join } from 'node:path';
import type { ExchangeJson } from '../../extension/engine/exchangeJson.ts';
import { assert, same } from '../kit/check.ts';
import { untilIdle } from '../kit/holding.ts';
import { helperOf } from '../kit/kernel.ts';
import { newId } from '../kit/peers.ts';
import { PATIENCE_MS } from '../kit/process.ts';
import { type Report, reportOutcome } from '../kit/report.ts';
import { Tracing } from '../kit/tracing.ts';
import type { TlsContext } from './context.ts';
import { PlannedServer, type Truth } from './counterpart.ts';
import { expectTruth } from './expect.ts';
import { lineOf, makeStep, type Step } from './plan.ts';

const SIZE = 4321;

interface Case {
  readonly name: string;
  /** Text of the reason. */
  readonly reason: RegExp;
  readonly options?: readonly string[];
  command(context: TlsContext, url: string, port: number, step: Step): string[];
  readonly lines?: boolean;
}

const CASES: readonly Case[] = [
  {
    name: 'Java',
    reason: /Java/,
    command: ({ scripts, certificates }, url, _port, { id }) => [
      ...['java', '-Xshare:auto', '-XX:TieredStopAtLevel=1', join(scripts, 'Call.java'), url],
      ...[`${certificates}/ca.pem`, id],
    ],
  },
  {
    name: 'a static program without symbols',
    reason: /symbols|not recognised|stripped/,
    lines: true,
    command: ({ programs, certificates }, _url, port) => [
      ...[join(programs, 'stripped'), 'client', String(port), certificates, '1.3'],
    ],
  },
  {
    // Its library could not be read anyway; where the program was over before it was looked at, that is not known.
    name: 'a static program with TLS switched off',
    reason: /switched off|names of its functions were stripped/,
    options: ['--tls', 'none'],
    lines: true,
    command: ({ programs, certificates }, _url, port) => [
      ...[join(programs, 'stripped'), 'client', String(port), certificates, '1.3'],
    ],
  },
  {
    name: 'curl with TLS switched off',
    reason: /^[^;]*switched off[^;]*$/,
    options: ['--tls', 'none'],
    command: ({ certificates }, url, _port, { id }) => [
      ...[
        'curl',
        '-sS4',
        '--noproxy',
        '*',
        '--cacert',
        `${certificates}/ca.pem`,
        '-H',
        `X-Trace-Id: ${id}`,
        url,
      ],
    ],
  },
];

export async function runOpaque(context: TlsContext, only: RegExp, report: Report): Promise<void> {
  const one = async (scenario: string, run: () => Promise<string>): Promise<void> => {
    if (!only.test(scenario)) return;
    await reportOutcome(report, scenario, run);
  };
  for (const opaque of CASES)
    await one(`${opaque.name} is reported as encrypted`, () => encrypted(context, opaque));
  await one('TLS in a tunnel through a proxy', () => tunnel(context));
  // Large programs are not looked at in emulated kernels.
  if (!context.slow)
    await one('Chromium, whose network process is executed as /proc/self/exe', () => chromium(context));
}

function oneStep(context: TlsContext): Step {
  return makeStep(context.folder, {
    method: 'GET',
    path: `/opaque/${newId()}`,
    framing: 'length',
    body: null,
    answer: { status: 200, size: SIZE, framing: 'length' },
  });
}

async function traced(
  context: TlsContext,
  command: readonly string[],
  input: string,
  options: readonly string[] = [],
): Promise<readonly ExchangeJson[]> {
  const tracing = Tracing.run(context, command, options);
  tracing.process.write(input);
  tracing.process.endInput();
  tracing.process.killAfter(PATIENCE_MS);
  const { exchanges } = await tracing.result();
  same(`exit status (${tracing.process.stderr.slice(-300)})`, await tracing.process.status, 0);
  return exchanges;
}

async function encrypted(context: TlsContext, opaque: Case): Promise<string> {
  const server = new PlannedServer(context.certificates, { version: '1.3' });
  try {
    const port = await server.listen();
    const step = oneStep(context);
    server.expect([step]);
    const url = `https://localhost:${port}${step.path}`;
    const command = opaque.command(context, url, port, step);
    const exchanges = await traced(
      context,
      command,
      opaque.lines === true ? lineOf(step) : '',
      opaque.options,
    );
    const truth = await server.answered(step);
    same('rows', exchanges.length, 1);
    const [row] = exchanges;
    assert(row !== undefined, 'no row');
    assert(!JSON.stringify(row).includes(step.id), 'something of the plaintext is in it');
    same('what it is called', row.completeness, ['encrypted']);
    same('method and status', [row.method, row.status], [null, null]);
    // Java uses IPv6 sockets for IPv4 addresses, too.
    const ends = [row.connection.local, row.connection.remote].map((end) =>
      end?.replace(/^\[::ffff:([\d.]+)\]/, '$1'),
    );
    same('addresses', ends, [truth.local, truth.remote]);
    same('server name', row.tls?.serverName, truth.serverName);
    same('version', row.tls?.version, 'TLSv1.3');
    const { reason, sent, received } = row.encrypted ?? { reason: '', sent: 0, received: 0 };
    assert(sent > 0 && received > SIZE, `bytes: ${sent} and ${received}`);
    assert(opaque.reason.test(reason), `the reason is: ${reason}`);
    return reason;
  } finally {
    server.close();
  }
}

/** It has BoringSSL inside, and loads GnuTLS beside it. Some of its processes end before they have been searched. */
async function chromium(context: TlsContext): Promise<string> {
  const server = new PlannedServer(context.certificates, { version: '1.3' });
  try {
    const port = await server.listen();
    const step = oneStep(context);
    server.expect([step]);
    const flags =
      '--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync --ignore-certificate-errors';
    const words = `${flags} --user-data-dir='${context.folder}/chromium' --dump-dom`;
    // Its crash handler keeps running, and must not hold this test's pipes. The answer is not a page: it waits for
    // another one.
    const script = `timeout -k 5 200 chromium ${words} 'https://localhost:${port}${step.path}' >/dev/null 2>&1 </dev/null &
      read -r _; kill $!; wait; true`;
    const tracing = Tracing.run(context, ['sh', '-c', script]);
    tracing.process.killAfter(PATIENCE_MS);
    await Promise.race([server.answered(step), tracing.process.ended]);
    await untilIdle(helperOf(tracing.process.pid), PATIENCE_MS);
    tracing.process.write('over\n');
    tracing.process.endInput();
    const { exchanges } = await tracing.result();
    same(`exit status (${tracing.process.stderr.slice(-300)})`, await tracing.process.status, 0);
    const rows = exchanges.filter(({ connection }) => connection.remote?.endsWith(`:${port}`) === true);
    assert(rows.length > 0, 'no row');
    for (const row of rows) {
      same('what it is called', row.completeness, ['encrypted']);
      assert(row.encrypted?.reason.includes('BoringSSL') === true, `the reason is: ${row.encrypted?.reason}`);
    }
    return `${rows.length} rows`;
  } finally {
    server.close();
  }
}

/** Records which of its ports carried which tunnel. */
class TunnelProxy {
  readonly clients: Socket[] = [];
  /** Ports of the client's end of each tunnel. */
  readonly ports: (number | undefined)[] = [];
  readonly #server: Server = createServer();

  async listen(): Promise<number> {
    this.#server.on('connect', (request, client: Socket, head: Buffer) => {
      this.clients.push(client);
      this.ports.push(client.remotePort);
      const [, port] = (request.url ?? '').split(':');
      const upstream = connect(Number(port), '127.0.0.1', () => {
        client.write('HTTP/1.1 200 Connection established\r\n\r\n');
        upstream.write(head);
        upstream.pipe(client).pipe(upstream);
      });
      upstream.on('error', () => client.destroy());
      client.on('error', () => upstream.destroy());
    });
    await once(this.#server.listen(0, '127.0.0.1'), 'listening');
    return (this.#server.address() as AddressInfo).port;
  }

  close(): void {
    for (const client of this.clients) client.destroy();
    this.#server.close();
  }
}

async function tunnel(context: TlsContext): Promise<string> {
  const server = new PlannedServer(context.certificates, { version: '1.3' });
  const proxy = new TunnelProxy();
  try {
    const [port, proxyPort] = [await server.listen(), await proxy.listen()];
    const steps = [oneStep(context), oneStep(context)];
    server.expect(steps);
    const [first] = steps;
    const command = [
      ...[
        'curl',
        '-sS4',
        '--proxy',
        `http://127.0.0.1:${proxyPort}`,
        '--cacert',
        `${context.certificates}/ca.pem`,
      ],
      ...['-H', `X-Trace-Id: ${first?.id}`, '--output', '/dev/null', '--output', '/dev/null'],
      ...steps.map(({ path }) => `https://localhost:${port}${path}`),
    ];
    const exchanges = await traced(context, command, '');
    const [ownPort] = proxy.ports;
    for (const step of steps) {
      const truth: Truth = {
        ...(await server.answered(step)),
        id: first?.id ?? '',
        local: `127.0.0.1:${ownPort}`,
        remote: `127.0.0.1:${proxyPort}`,
      };
      const expected = { side: 'client', pids: null, library: 'openssl', late: false } as const;
      expectTruth(exchanges, truth, expected);
    }
    const others = exchanges.filter(({ url }) => !steps.some(({ path }) => url?.endsWith(path)));
    same(
      'the tunnel',
      others.map(({ method, status }) => [method, status]),
      [['CONNECT', 200]],
    );
    return `${exchanges.length} rows`;
  } finally {
    proxy.close();
    server.close();
  }
}
