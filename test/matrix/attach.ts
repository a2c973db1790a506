/** Processes that already run when the trace attaches: before, during and after their connections. */
import { assert, same } from '../kit/check.ts';
import { newId, parseReports, type SocketReport } from '../kit/peers.ts';
import { Child } from '../kit/process.ts';
import type { Report } from '../kit/report.ts';
import { type Trace, Tracing } from '../kit/tracing.ts';
import { expectBalance, mentioning } from '../kit/truth.ts';
import { expectTraced } from './check.ts';
import type { Context } from './context.ts';
import { slackOf } from './scenarios.ts';

interface Moment {
  readonly name: string;
  /** Options of `peer exchange`; `pause` says where it is when the trace attaches. */
  readonly options: string;
  /** Checks what differs from a connection that was seen from its beginning. */
  check(peer: Paused, trace: Trace, context: Context): void;
}

interface Paused {
  readonly id: string;
  /** In the order of their exchanges, of each side. */
  readonly client: readonly SocketReport[];
  readonly server: readonly SocketReport[];
}

/** The exchanges from `first` on are complete; earlier ones are never shown as complete or mixed up. */
function from(first: number, joinedLate: boolean): Moment['check'] {
  return (peer, trace, context) => {
    for (const said of [peer.client, peer.server]) {
      for (const line of said.slice(first)) {
        expectTraced(trace, line, { joinedLate, slack: slackOf(context) });
      }
      for (const line of said.slice(0, first)) expectNothingWhole(line, trace);
    }
  };
}

function expectNothingWhole(line: SocketReport, trace: Trace): void {
  for (const exchange of trace.exchanges) {
    if (exchange.side !== line.side && exchange.side !== null) continue;
    const request = JSON.stringify(exchange.request ?? '').includes(`"${line.id}"`);
    const response = JSON.stringify(exchange.response ?? '').includes(`"${line.answer}"`);
    if (!request && !response) continue;
    const what = `${line.side}: what was under way before the trace`;
    assert(!exchange.completeness.includes('complete'), `${what} is called complete`);
    assert(!request || !response, `${what} has both messages`);
    assert(!response || exchange.request === null, `${what} has another's request`);
    assert(!request || exchange.response === null, `${what} has another's response`);
  }
}

const MOMENTS: readonly Moment[] = [
  { name: 'attached before the connection', options: 'pause=idle exchanges=2', check: from(0, false) },
  {
    name: 'attached to an open connection that is silent so far',
    options: 'pause=connected exchanges=2',
    check: from(0, true),
  },
  {
    name: 'attached in mid-connection',
    options: 'pause=answered exchanges=3',
    check: from(1, true),
  },
  {
    name: 'attached in mid-connection, IPv6',
    options: 'pause=answered exchanges=3 net=ip6',
    check: from(1, true),
  },
  {
    name: 'attached in mid-connection, Unix socket',
    options: 'pause=answered exchanges=3 net=unix path=FOLDER/ID',
    check: from(1, true),
  },
  {
    name: 'attached in mid-body',
    options: 'pause=half exchanges=3 resbody=20000',
    check: from(1, true),
  },
  {
    name: 'attached while it waits in recv',
    options: 'pause=blocked exchanges=3',
    check: from(1, true),
  },
  {
    name: 'attached after the last exchange',
    options: 'pause=answered exchanges=1',
    check(peer, trace) {
      same('exchanges with the id', mentioning(trace.exchanges, peer.id).length, 0);
    },
  },
];

/** A peer that stops at its moment, and continues on command. */
interface Waiting {
  readonly moment: Moment;
  readonly id: string;
  readonly process: Child;
}

/** Of a list: its entry of number `first`, from 0 up, and each `parts`th after it. */
export interface Part {
  readonly first: number;
  readonly parts: number;
}

/** Peers for these moments, each a process with a child of its own. */
export function startMoments(
  context: Context,
  only: RegExp,
  { first, parts }: Part = { first: 0, parts: 1 },
): readonly Waiting[] {
  const mine = MOMENTS.filter((_, index) => index % parts === first);
  return mine
    .filter(({ name }) => only.test(name))
    .map((moment) => {
      const id = newId();
      const given = moment.options.replace('FOLDER', context.folder).replace('ID', id).split(' ');
      return {
        moment,
        id,
        process: new Child(context.peer, ['exchange', `id=${id}`, 'scenario=x', ...given]),
      };
    });
}

export async function untilTheyWait(peers: readonly Waiting[]): Promise<void> {
  for (const { process } of peers) {
    await process.until(() => process.lines.some((line) => line.startsWith('{"at"')), 'pause');
  }
}

/** Lets them go on to their end. */
export async function goOn(peers: readonly Waiting[]): Promise<void> {
  for (const { process } of peers) process.write('\n\n');
  for (const { process } of peers) same('exit status', await process.status, 0);
}

export function failMoments(peers: readonly Waiting[], report: Report, detail: string): void {
  for (const { moment } of peers) report({ scenario: moment.name, outcome: 'failed', detail });
}

/** What the trace shows of each. */
export function judgeMoments(
  context: Context,
  peers: readonly Waiting[],
  trace: Trace,
  report: Report,
): void {
  for (const { moment, id, process } of peers) {
    try {
      const said = parseReports<SocketReport>(process.lines);
      const side = (which: string): SocketReport[] => said.filter((line) => line.side === which);
      moment.check({ id, client: side('client'), server: side('server') }, trace, context);
      report({ scenario: moment.name, outcome: 'passed', detail: '' });
    } catch (error) {
      report({ scenario: moment.name, outcome: 'failed', detail: (error as Error).message });
    }
  }
}

/** One trace for all moments. */
export async function runAttach(context: Context, only: RegExp, report: Report): Promise<void> {
  const peers = startMoments(context, only);
  if (peers.length === 0) return;
  let trace: Trace;
  try {
    await untilTheyWait(peers);
    const pids = peers.map(({ process }) => process.pid);
    // With TLS, so that it shows where a kernel does not take the programs for it: an older one may refuse more.
    const tracing = await Tracing.attach({ ...context, tls: 'auto' }, pids, ['--ring-size', '32MiB']);
    await goOn(peers);
    // The balance has a row of its own.
    trace = await tracing.result({ whole: false });
  } catch (error) {
    failMoments(peers, report, `no trace: ${(error as Error).message}`);
    return;
  }
  judgeMoments(context, peers, trace, report);
  try {
    same('note', trace.summary.note, null);
    expectBalance(trace.summary);
    same('dropped', trace.summary.dropped, 0);
    report({
      scenario: 'balance after attaching',
      outcome: 'passed',
      detail: `${trace.summary.bytes?.unseen} bytes unseen`,
    });
  } catch (error) {
    report({ scenario: 'balance after attaching', outcome: 'failed', detail: (error as Error).message });
  }
}
