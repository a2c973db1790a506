/** Features of OpenSSL beyond reading and writing, used by a C program that plays both ends. */
import { join } from 'node:path';
import { assert, same } from '../kit/check.ts';
import { parseReports, type SocketReport } from '../kit/peers.ts';
import { PATIENCE_MS } from '../kit/process.ts';
import { type Report, reportOutcome } from '../kit/report.ts';
import { type Trace, Tracing } from '../kit/tracing.ts';
import type { TlsContext } from './context.ts';
import type { Truth } from './counterpart.ts';
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

/** Of one place. */
interface Wanted extends Feature {
  readonly scenario: string;
  readonly version: Version;
}

/** Each feature in each place; of a sample each feature, the places in turn. */
export async function runFeatures(context: TlsContext, only: RegExp, report: Report): Promise<void> {
  const all = FEATURES.flatMap((feature) => feature.versions.map((version) => ({ ...feature, version })));
  for (const [at, place] of PLACES.entries()) {
    const wanted = all
      .filter((_, number) => context.sampled === null || number % PLACES.length === at)
      .map((one) => ({ ...one, scenario: `${one.name} TLS ${one.version}${place.name}` }))
      .filter(({ scenario }) => only.test(scenario));
    if (wanted.length > 0) await runIn(context, place, wanted, report);
  }
}

/** One program after the other in one trace. */
async function runIn(
  context: TlsContext,
  place: Place,
  wanted: readonly Wanted[],
  report: Report,
): Promise<void> {
  const executable = join(context.programs, place.executable);
  const lines = wanted.map(
    ({ program, version }) =>
      `'${executable}' ${program} '${context.certificates}' ${version}; echo "${END}$?"`,
  );
  let trace: Trace;
  let texts: readonly string[];
  try {
    const tracing = Tracing.run(context, ['sh', '-c', lines.join('\n')]);
    tracing.process.killAfter(PATIENCE_MS * 2);
    trace = await tracing.result();
    texts = tracing.process.lines.join('\n').split(END);
  } catch (error) {
    const detail = `no trace: ${(error as Error).message}`;
    for (const { scenario } of wanted) report({ scenario, outcome: 'failed', detail });
    return;
  }
  for (const [number, one] of wanted.entries()) {
    // What it has printed, behind the status of the one before; then its own.
    const printed = texts[number]?.split('\n').slice(number === 0 ? 0 : 1) ?? [];
    const status = texts[number + 1]?.split('\n')[0];
    await reportOutcome(report, one.scenario, async () => {
      same(`exit status (${trace.ended.stderr.slice(-300)})`, status, '0');
      return check(place, one, printed, trace);
    });
  }
  const count = wanted.reduce((sum, one) => sum + 2 * one.count, 0);
  await reportOutcome(report, `no other calls of these programs${place.name}`, async () => {
    same('exchanges', trace.exchanges.length, count);
    return `${count} exchanges`;
  });
}

/** Before each exit status in the output of the shell. */
const END = '#ended with ';

function check(
  { libraryVersion }: Place,
  { count, version }: Wanted,
  printed: readonly string[],
  trace: Trace,
): string {
  const said = parseReports<SocketReport>(printed);
  same('lines of the client', said.filter(({ side }) => side === 'client').length, count);
  same('lines of the server', said.filter(({ side }) => side === 'server').length, count);
  const pids = new Set(said.map(({ pid }) => pid));
  // The same program calls the same paths with another version of TLS.
  const own = trace.exchanges.filter(({ process }) => pids.has(process?.pid ?? 0));
  for (const line of said) {
    const { side, pid } = line;
    const expected = { side, pids: [pid], library: 'openssl', libraryVersion, late: false } as const;
    expectTruth(own, truthOf(line, version), expected);
  }
  same('exchanges', own.length, 2 * count);
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
