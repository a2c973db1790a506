/** NSS's own programs as client and as server, and Firefox. */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../../scripts/freePort.mjs';
import { same } from '../kit/check.ts';
import { newId, sha } from '../kit/peers.ts';
import { PATIENCE_MS } from '../kit/process.ts';
import { type Report, reportOutcome } from '../kit/report.ts';
import { Tracing } from '../kit/tracing.ts';
import { expectBody } from '../kit/truth.ts';
import type { TlsContext } from './context.ts';
import { PlannedServer } from './counterpart.ts';
import { expectTruth, findByPath } from './expect.ts';
import { lineOf, makeStep, VERSIONS, type Version } from './plan.ts';

const SIZE = 70_000;

export async function runNss(context: TlsContext, only: RegExp, report: Report): Promise<void> {
  for (const [number, version] of VERSIONS.entries()) {
    const programs = [
      ['tstclnt', client],
      ['selfserv', server],
    ] as const;
    for (const [name, run] of context.sampled === null ? programs : programs.slice(number, number + 1)) {
      const scenario = `NSS's ${name}, TLS ${version}`;
      if (only.test(scenario)) await reportOutcome(report, scenario, () => run(context, version));
    }
  }
  const both = 'the same functions and descriptors of NSPR with TLS and without';
  if (only.test(both)) await reportOutcome(report, both, () => withAndWithout(context));
  const scenario = 'Firefox, which brings its own NSS';
  // It is large, and not among the packages of `npm run setup -- --test`.
  if (!only.test(scenario) || context.sampled !== null) return;
  const program = ['firefox', 'firefox-esr'].find((name) => spawnSync(name, ['--version']).status === 0);
  if (program !== undefined) await reportOutcome(report, scenario, () => firefox(context, program));
  else report({ scenario, outcome: 'impossible', detail: 'skipped: Firefox is not installed' });
}

function options({ certificates }: TlsContext, port: number, version: Version): string[] {
  return ['-p', String(port), '-d', `sql:${certificates}/nss`, '-V', `tls${version}:tls${version}`];
}

async function client(context: TlsContext, version: Version): Promise<string> {
  const peer = new PlannedServer(context.certificates, { version });
  try {
    const port = await peer.listen();
    const step = makeStep(context.folder, {
      method: 'GET',
      path: `/tstclnt/${newId()}`,
      framing: 'length',
      body: null,
      answer: { status: 200, size: SIZE, framing: 'chunked' },
    });
    peer.expect([step]);
    const head = [
      `GET ${step.path} HTTP/1.1`,
      'Host: localhost',
      `X-Trace-Id: ${step.id}`,
      'Connection: close',
    ];
    const input = join(context.folder, step.id);
    writeFileSync(input, `${head.join('\r\n')}\r\n\r\n`);
    // Not this process's pipes: they are sockets, on which the same call would be seen.
    const words = ['tstclnt', '-4', '-h', 'localhost', ...options(context, port, version)];
    const tracing = Tracing.run(context, ['sh', '-c', `exec ${words.join(' ')} < ${input} > /dev/null`]);
    tracing.process.killAfter(PATIENCE_MS);
    const truth = await peer.answered(step);
    const { exchanges } = await tracing.result();
    expectTruth(exchanges, truth, { side: 'client', pids: null, library: 'nss', late: false });
    const rows = exchanges.map(
      ({ method, url, connection, completeness }) => `${method} ${url} ${connection.remote} ${completeness}`,
    );
    same('rows', rows.slice(1), []);
    return '';
  } finally {
    peer.close();
  }
}

async function withAndWithout(context: TlsContext): Promise<string> {
  const secure = new PlannedServer(context.certificates, { version: '1.3' });
  const plain = new PlannedServer(context.certificates, null);
  try {
    const ports = [await secure.listen(), await plain.listen()];
    const steps = Array.from({ length: 6 }, () =>
      makeStep(context.folder, {
        method: 'GET',
        path: `/both/${newId()}`,
        framing: 'length',
        body: null,
        answer: { status: 200, size: SIZE, framing: 'chunked' },
      }),
    );
    secure.expect(steps);
    plain.expect(steps);
    const command = [
      join(context.programs, 'nss'),
      'both',
      context.certificates,
      '1.3',
      ...ports.map(String),
    ];
    const tracing = Tracing.run(context, command);
    tracing.process.killAfter(PATIENCE_MS);
    for (const step of steps) tracing.process.write(lineOf(step));
    tracing.process.endInput();
    const { exchanges } = await tracing.result();
    for (const [index, step] of steps.entries()) {
      if (index % 2 === 0) {
        const truth = await secure.answered(step);
        expectTruth(exchanges, truth, { side: 'client', pids: null, library: 'nss', late: false });
        continue;
      }
      const truth = await plain.answered(step);
      const row = findByPath(exchanges, step.path, 'client');
      same('TLS', row.tls, null);
      same('completeness', row.completeness, ['complete']);
      expectBody('the answer', row.response, truth.responseSize, truth.responseSha, 'whole');
    }
    same('rows', exchanges.length, steps.length);
    return '';
  } finally {
    secure.close();
    plain.close();
  }
}

/** In which it has read the answer. */
const FIREFOX_READS_MS = 5_000;

/** Nothing that it would send by itself. */
const FIREFOX_SETTINGS = {
  'app.normandy.enabled': false,
  'browser.safebrowsing.downloads.remote.enabled': false,
  'datareporting.policy.dataSubmissionEnabled': false,
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
  'network.dns.disableIPv6': true,
  'services.settings.server': '',
  'toolkit.telemetry.enabled': false,
};

async function firefox(context: TlsContext, program: string): Promise<string> {
  const profile = mkdtempSync(join(context.folder, 'firefox-'));
  cpSync(join(context.certificates, 'nss'), profile, { recursive: true });
  const settings = Object.entries(FIREFOX_SETTINGS).map(
    ([name, value]) => `user_pref(${JSON.stringify(name)}, ${JSON.stringify(value)});\n`,
  );
  writeFileSync(join(profile, 'user.js'), settings.join(''));
  const peer = new PlannedServer(context.certificates, { version: '1.3' });
  try {
    const port = await peer.listen();
    const step = makeStep(context.folder, {
      method: 'GET',
      path: `/firefox/${newId()}`,
      framing: 'length',
      body: null,
      answer: { status: 200, size: SIZE, framing: 'chunked' },
    });
    peer.expect([step]);
    const tracing = Tracing.run(context, [
      ...['env', `HOME=${profile}`, program, '--headless', '--no-remote', '--profile', profile],
      ...['--screenshot', join(profile, 'shot.png'), `https://localhost:${port}${step.path}`],
    ]);
    tracing.process.killAfter(4 * PATIENCE_MS);
    const truth = await peer.answered(step);
    // The response is not a page, so it may wait forever.
    const ended = setTimeout(() => tracing.process.kill('SIGINT'), FIREFOX_READS_MS);
    const { exchanges } = await tracing.result().finally(() => clearTimeout(ended));
    const row = findByPath(exchanges, step.path, 'client');
    same('completeness', row.completeness, ['complete']);
    same('library', row.tls?.library, 'nss');
    same('version', row.tls?.version, 'TLSv1.3');
    same('local address', row.connection.local, truth.local);
    expectBody('the answer', row.response, truth.responseSize, truth.responseSha, 'whole');
    return row.tls?.libraryVersion ?? '';
  } finally {
    peer.close();
  }
}

/** It answers by PR_Writev with what it was asked, closes, and ends when it is asked for /stop. */
async function server(context: TlsContext, version: Version): Promise<string> {
  const port = await freePort();
  const tracing = Tracing.run(context, ['selfserv', '-e', 'cert', ...options(context, port, version)]);
  tracing.process.killAfter(PATIENCE_MS);
  const path = `/selfserv/${newId()}`;
  const answer = await asked(context, port, path);
  // It may end before its answer is written.
  await asked(context, port, '/stop').catch(() => {});
  const { exchanges } = await tracing.result();
  const row = findByPath(exchanges, path, 'server');
  same('status', row.status, 200);
  same('completeness', row.completeness, ['complete']);
  same('library', row.tls?.library, 'nss');
  same('version', row.tls?.version, `TLSv${version}`);
  same('local address', row.connection.local, `[::ffff:127.0.0.1]:${port}`);
  expectBody('the answer', row.response, answer.length, sha(answer), 'whole');
  return '';
}

/** The body, as soon as the server listens. */
async function asked(context: TlsContext, port: number, path: string): Promise<Buffer> {
  const ca = readFileSync(join(context.certificates, 'ca.pem'));
  const limit = performance.now() + PATIENCE_MS;
  for (;;) {
    try {
      return await new Promise<Buffer>((resolve, reject) => {
        const sent = request({ host: 'localhost', family: 4, port, path, ca, agent: false }, (response) => {
          const pieces: Buffer[] = [];
          response.on('data', (piece: Buffer) => pieces.push(piece));
          response.on('error', reject);
          response.on('end', () => resolve(Buffer.concat(pieces)));
        });
        sent.on('error', reject);
        sent.end();
      });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ECONNREFUSED' || performance.now() > limit) throw error;
      await sleep(50);
    }
  }
}
