/** What OpenSSL can do besides reading and writing, by a program in C that plays both ends. */
import { join } from 'node:path';
import { assert, same } from '../kit/check.ts';
import { parseReports, type SocketReport } from '../kit/peers.ts';
import { type Report, reportOutcome } from '../kit/report.ts';
import { Tracing } from '../kit/tracing.ts';
import type { TlsContext } from './context.ts';
import type { Truth } from './counterpart.ts';
import { patience } from './drive.ts';
import { expectTruth } from './expect.ts';
import { VERSIONS, type Version } from './plan.ts';

interface Feature {
  readonly name: string;
  readonly program: string;
  readonly versions: readonly Version[];
  /** Exchanges that the client reports. */
  readonly count: number;
}

const FEATURES: readonly Feature[] = [
  { name: 'a session taken up again', program: 'resume', versions: VERSIONS, count: 2 },
  { name: 'early data', program: 'early', versions: ['1.3'], count: 3 },
  { name: 'renegotiation', program: 'renegotiate', versions: ['1.2'], count: 2 },
  { name: 'new keys', program: 'renegotiate', versions: ['1.3'], count: 2 },
  { name: 'half a shutdown', program: 'shutdown', versions: VERSIONS, count: 1 },
  { name: 'sessions over memory, sent in another order,', program: 'memory', versions: VERSIONS, count: 24 },
  { name: 'a session used for several connections', program: 'reuse', versions: VERSIONS, count: 4 },
  { name: 'several sessions on one connection', program: 'successive', versions: VERSIONS, count: 4 },
  { name: 'a call inside a callback of another', program: 'nested', versions: VERSIONS, count: 3 },
];

/** Where OpenSSL is. */
interface Place {
  readonly name: string;
  readonly executable: string;
  /** As in {@link ExpectedTls}. */
  readonly libraryVersion?: string | null;
}

const PLACES: readonly Place[] = [
  { name: '', executable: 'openssl' },
  { name: ', OpenSSL 1.1.1', executable: 'openssl-1.1', libraryVersion: '1.1.1' },
  { name: ', OpenSSL in the executable', executable: 'static', libraryVersion: null },
];

/** Each feature in each place; of a sample each feature, the places in turn. */
export async function runFeatures(context: TlsContext, only: RegExp, report: Report): Promise<void> {
  const all = FEATURES.flatMap((feature) => feature.versions.map((version) => ({ ...feature, version })));
  for (const [at, place] of PLACES.entries()) {
    for (const [number, { name, program, version, count }] of all.entries()) {
      if (context.sampled !== null && number % PLACES.length !== at) continue;
      const scenario = `${name} TLS ${version}${place.name}`;
      if (!only.test(scenario)) continue;
      await reportOutcome(report, scenario, () => run(context, place, program, version, count));
    }
  }
}

async function run(
  context: TlsContext,
  { executable, libraryVersion }: Place,
  program: string,
  version: Version,
  count: number,
): Promise<string> {
  const command = [join(context.programs, executable), program, context.certificates, version];
  const tracing = Tracing.run(context, command);
  tracing.process.killAfter(patience(context));
  const trace = await tracing.result();
  same(`exit status (${tracing.process.stderr.slice(-300)})`, await tracing.process.status, 0);
  const said = parseReports<SocketReport>(tracing.process.lines);
  same('lines of the client', said.filter(({ side }) => side === 'client').length, count);
  same('lines of the server', said.filter(({ side }) => side === 'server').length, count);
  for (const line of said) {
    const { side, pid } = line;
    const expected = { side, pids: [pid], library: 'openssl', libraryVersion, late: false } as const;
    expectTruth(trace.exchanges, truthOf(line, version), expected);
  }
  same('exchanges', trace.exchanges.length, 2 * count);
  return `${2 * count} exchanges`;
}

function truthOf(said: SocketReport, version: Version): Truth {
  assert(said.local !== null && said.remote !== null, 'an end without an address');
  return {
    ...said,
    local: said.local,
    remote: said.remote,
    version,
    alpn: 'http/1.1',
    serverName: 'localhost',
  };
}
