/** Many connections in one thread: data of one is never reported on another. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { assert, same } from '../kit/check.ts';
import { newId, PYTHON } from '../kit/peers.ts';
import { PATIENCE_MS } from '../kit/process.ts';
import { type Report, reportOutcome } from '../kit/report.ts';
import { Tracing } from '../kit/tracing.ts';
import type { TlsContext } from './context.ts';
import { PlannedClient, PlannedServer, type Truth } from './counterpart.ts';
import { makeFarewell } from './drive.ts';
import { expectTruth } from './expect.ts';
import { type Library, SERVERS } from './peers.ts';
import { makeStep, type Step } from './plan.ts';

const CONNECTIONS = 200;
const CONNECTIONS_SLOW = 40;
/** In the sample of `npm test`. */
const CONNECTIONS_SAMPLED = 30;
const ROUNDS = 3;
/** Of those that write inside each other's callbacks. */
const NESTED = 20;

interface Program {
  readonly name: string;
  readonly library: Library;
  readonly connections: number | null;
  command(context: TlsContext, port: number): string[];
}

const PROGRAMS: readonly Program[] = [
  {
    name: 'Node',
    library: 'openssl',
    connections: null,
    command: ({ nodes, scripts, certificates }, port) => [
      ...[nodes['24'] ?? 'node', join(scripts, 'interleaved.mjs'), 'all', String(port), certificates],
    ],
  },
  {
    name: 'asyncio',
    library: 'openssl',
    connections: null,
    command: ({ scripts, certificates }, port) => [
      ...[PYTHON, join(scripts, 'interleaved.py'), String(port), certificates],
    ],
  },
  {
    name: 'Go',
    library: 'go',
    connections: null,
    command: ({ programs, certificates }, port) => [
      ...[join(programs, 'go'), 'interleaved', String(port), certificates],
    ],
  },
  {
    name: 'Node, writing inside callbacks of others,',
    library: 'openssl',
    connections: NESTED,
    command: ({ nodes, scripts, certificates }, port) => [
      ...[nodes['24'] ?? 'node', join(scripts, 'interleaved.mjs'), 'nested', String(port), certificates],
    ],
  },
];

function countOf({ slow, sampled }: TlsContext): number {
  if (slow) return CONNECTIONS_SLOW;
  return sampled === null ? CONNECTIONS : CONNECTIONS_SAMPLED;
}

function steps(context: TlsContext): Step[] {
  return Array.from({ length: ROUNDS }, (_, round) =>
    makeStep(context.folder, {
      method: 'POST',
      path: `/turn/${round}/${newId()}`,
      framing: 'length',
      body: Buffer.from(`the secret of ${newId()} and ${randomBytes(700).toString('base64')}`),
      answer: { status: 200, size: 500 + round * 800, framing: 'length' },
    }),
  );
}

export async function runInterleaved(context: TlsContext, only: RegExp, report: Report): Promise<void> {
  const count = countOf(context);
  for (const program of PROGRAMS) {
    const connections = program.connections ?? count;
    await one(`${program.name} with ${connections} interleaved connections`, () =>
      client(context, program, connections),
    );
  }
  for (const name of ['Node 24 https', 'Python asyncio', 'Go net/http']) {
    await one(`${name}, a server with ${count} interleaved connections`, () => server(context, name, count));
  }

  async function one(scenario: string, run: () => Promise<string>): Promise<void> {
    if (!only.test(scenario)) return;
    await reportOutcome(report, scenario, run);
  }
}

const RING = ['--ring-size', '64MiB'];

async function client(context: TlsContext, program: Program, count: number): Promise<string> {
  const server = new PlannedServer(context.certificates, { version: '1.3' });
  try {
    const port = await server.listen();
    const plans = Array.from({ length: count }, () => steps(context));
    server.expect(plans.flat());
    const tracing = Tracing.run(context, program.command(context, port), RING);
    const { process } = tracing;
    for (const plan of plans) {
      const rounds = plan.map(({ method, path, id, file }) => `${method} ${path} ${id} length ${file}`);
      process.write(`${rounds.join('\t')}\n`);
    }
    process.write('\n');
    process.endInput();
    await process.until(() => process.lines.includes('end'), 'end', PATIENCE_MS * 2);
    const trace = await tracing.result();
    const truths = plans.flat().map(({ path }) => server.truths.get(path));
    const said = new Map(process.lines.map((line) => line.split(' ')).map(([, id, ...rest]) => [id, rest]));
    for (const truth of truths) {
      assert(truth !== undefined, 'a request did not come');
      const [local] = said.get(truth.id) ?? [];
      same('what both ends say of the port', truth.local, `127.0.0.1:${local}`);
    }
    return judge(trace.exchanges, truths as Truth[], 'client', program.library);
  } finally {
    server.close();
  }
}

async function server(context: TlsContext, name: string, count: number): Promise<string> {
  const peer = SERVERS.find((one) => one.name === name);
  assert(peer !== undefined, `there is no ${name}`);
  const tracing = Tracing.run(context, peer.command(context, '1.3', 0, ''), RING);
  const { process } = tracing;
  const ready = (): string | undefined => process.lines.find((line) => line.startsWith('ready '));
  await process.until(() => ready() !== undefined, 'word of its port');
  const port = Number(ready()?.split(' ')[1]);
  const clients = Array.from(
    { length: count },
    () => new PlannedClient(context.certificates, port, { version: '1.3' }),
  );
  const truths: Truth[] = [];
  try {
    const plans = clients.map(() => steps(context));
    for (let round = 0; round < ROUNDS; round++) {
      const asked = clients.map((one, index) => one.ask(plans[index]?.[round] as Step));
      truths.push(...(await Promise.all(asked)));
    }
    // Once it has answered these, the calls that wrote the earlier answers have returned; on exit they might not.
    await Promise.all(clients.map((one) => one.ask(makeFarewell(context))));
  } finally {
    for (const one of clients) one.close();
    process.endInput();
  }
  const trace = await tracing.result();
  return judge(trace.exchanges, truths, 'server', peer.library);
}

type Exchanges = Parameters<typeof expectTruth>[0];

/** Each exchange is on its own connection, and no part of it on another. */
function judge(
  exchanges: Exchanges,
  truths: readonly Truth[],
  side: 'client' | 'server',
  library: Library,
): string {
  const wrong: string[] = [];
  const local = new Map(truths.map(({ path, local: end, remote }) => [path, `${end} ${remote}`]));
  for (const { url, connection } of exchanges) {
    const path = url === null ? null : new URL(url).pathname;
    const expected = path === null ? undefined : local.get(path);
    if (expected === undefined || connection.local === null) continue;
    if (`${connection.local} ${connection.remote}` !== expected)
      wrong.push(`${path} is reported on ${connection.local}`);
  }
  same('calls reported on a wrong connection', wrong, []);
  for (const truth of truths) expectTruth(exchanges, truth, { side, pids: null, library, late: false });
  return `${truths.length} calls`;
}
