/** The table: every program as client and as server, both versions of TLS, attached at three moments. */
import { release } from 'node:os';
import { same } from '../kit/check.ts';
import { covering, pairsOf } from '../kit/pairwise.ts';
import type { Outcome, Report } from '../kit/report.ts';
import { type Trace, Tracing } from '../kit/tracing.ts';
import { expectBalance } from '../kit/truth.ts';
import type { TlsContext } from './context.ts';
import type { Truth } from './counterpart.ts';
import { DrivenClient, DrivenServer, untraced } from './drive.ts';
import { type ExpectedTls, expectNotWhole, expectTruth } from './expect.ts';
import { CLIENTS, type ClientPeer, SERVERS, type ServerPeer } from './peers.ts';
import { VERSIONS, type Version } from './plan.ts';

export type Moment = 'before' | 'running' | 'mid';
const MOMENTS: readonly Moment[] = ['before', 'running', 'mid'];
const MOMENT_NAMES: Readonly<Record<Moment, string>> = {
  before: 'started by run',
  running: 'attached before the connection',
  mid: 'attached in mid-connection',
};
/** Steps that are done when a trace attaches in mid-connection. */
const DONE_BEFORE = 2;
/** Processes of one trace that attaches. */
const BATCH = 12;

/** Programs that are started by `run` at the same time, each in a trace of its own. */
const TOGETHER = 2;

interface Cell {
  readonly name: string;
  readonly role: 'client' | 'server';
  readonly peer: ClientPeer | ServerPeer;
  readonly version: Version;
  readonly moment: Moment;
  readonly mutual: boolean;
}

function nameOf({ peer, role, version, moment, mutual }: Omit<Cell, 'name'>): string {
  return `${peer.name}, ${role}, ${mutual ? 'mutual ' : ''}TLS ${version}, ${MOMENT_NAMES[moment]}`;
}

/** Seed of the sample for `npm test`; any other would do as well. */
const SEED = 1;

/**
 * The programs of this run: all of them, or this way's part of the sample over all ways to attach, or in an emulated machine a
 * sample for its kernel. A sample has each program in each of its roles. All else is a matter of the library: each two of role,
 * library, version, moment and way meet. A program that `run` starts needs a trace for itself.
 */
function cells(context: TlsContext): Cell[] {
  if (context.thin) return sampleFor(kernelNumber(), table(context.few));
  if (context.sampled === null) return table(context.few);
  const all = context.sampled.flatMap((way, index) => table(index > 0).map((cell) => ({ way, cell })));
  type Row = (typeof all)[number];
  const shows = ({ way, cell: { role, peer, version, moment, mutual } }: Row): string[] => [
    `${role} ${peer.name}`,
    ...pairsOf([role, peer.library, version, moment, way, String(mutual)]),
  ];
  const isCostly = ({ cell: { moment } }: Row): boolean => moment === 'before';
  return covering(all, shows, SEED, isCostly)
    .filter(({ way }) => way === context.tls)
    .map(({ cell }) => cell);
}

/** Major and minor version of the running kernel as one number: 6012 for 6.12. */
function kernelNumber(): number {
  const [, major, minor] = /^(\d+)\.(\d+)/.exec(release()) ?? [];
  return Number(major) * 1000 + Number(minor);
}

/** @param seed another one for each kernel: together they have more of the table */
function sampleFor(seed: number, all: readonly Cell[]): Cell[] {
  const shows = ({ role, peer, version, moment }: Cell): string[] => [
    `${role} ${peer.name}`,
    ...pairsOf([role, peer.library, version, moment]),
  ];
  return covering(all, shows, seed, ({ moment }) => moment === 'before');
}

/** @param few only the programs that are marked `everywhere` */
function table(few: boolean): Cell[] {
  const all: Cell[] = [];
  const add = (cell: Omit<Cell, 'name'>): void => {
    all.push({ ...cell, name: nameOf(cell) });
  };
  const wanted = <T extends { everywhere?: boolean }>(peers: readonly T[]): readonly T[] =>
    few ? peers.filter(({ everywhere }) => everywhere === true) : peers;
  for (const moment of MOMENTS) {
    for (const version of VERSIONS) {
      for (const peer of wanted(CLIENTS)) {
        if (peer.versions?.includes(version) === false) continue;
        if (moment === 'mid' && peer.oneByOne === true) continue;
        add({ role: 'client', peer, version, moment, mutual: false });
        const newest = peer.versions?.at(-1) ?? '1.3';
        if (moment === 'before' && version === newest && peer.mutual === true && !few) {
          add({ role: 'client', peer, version, moment, mutual: true });
        }
      }
      for (const peer of wanted(SERVERS)) {
        if (peer.versions?.includes(version) === false) continue;
        add({ role: 'server', peer, version, moment, mutual: false });
      }
    }
  }
  return all;
}

type Driven = DrivenClient | DrivenServer;

export async function runTable(context: TlsContext, only: RegExp, report: Report): Promise<void> {
  const wanted = cells(context).filter(({ name }) => only.test(name));
  const begun = wanted.filter(({ moment }) => moment === 'before').values();
  const work = async (): Promise<void> => {
    for (const cell of begun) await runBefore(context, cell, report);
  };
  await Promise.all(Array.from({ length: context.slow ? 1 : TOGETHER }, work));
  for (const moment of ['running', 'mid'] as const) {
    const left = wanted.filter((cell) => cell.moment === moment);
    while (left.length > 0) await runAttached(context, left.splice(0, BATCH), moment, report);
  }
}

function expectedOf(cell: Cell, pids: readonly number[] | null): Omit<ExpectedTls, 'late'> {
  const { library, libraryVersion } = cell.peer;
  return { side: cell.role, library, libraryVersion, pids };
}

async function startCell(
  context: TlsContext,
  cell: Cell,
  start: Parameters<typeof DrivenClient.start>[3],
): Promise<Driven> {
  if (cell.role === 'server') {
    return DrivenServer.start(context, cell.peer as ServerPeer, cell.version, start);
  }
  const pauseAt = cell.moment === 'before' ? null : cell.moment === 'mid' ? DONE_BEFORE : 0;
  return DrivenClient.start(context, cell.peer as ClientPeer, cell.version, start, {
    pauseAt,
    mutual: cell.mutual,
  });
}

/** One trace for each program, which starts inside of it. */
async function runBefore(context: TlsContext, cell: Cell, report: Report): Promise<void> {
  let driven: Driven | null = null;
  let tracing: Tracing | null = null;
  try {
    driven = await startCell(context, cell, (command) => {
      tracing = new Tracing(context, 'run', ['--', ...command], ['--ring-size', '64MiB']);
      return tracing.process;
    });
    let pids: readonly number[] | null = null;
    if (driven instanceof DrivenServer) {
      await driven.ready(0);
      await driven.ask(driven.steps.length);
      pids = driven.pids;
    } else {
      await driven.runThrough();
    }
    const truths = await driven.finish();
    if (driven instanceof DrivenClient && driven.pid !== null) pids = [driven.pid];
    const trace = await (tracing as Tracing | null)?.result();
    if (trace === undefined) throw new Error('there is no trace');
    const found = checkCell(cell, truths, trace, pids);
    expectWhole(trace);
    report({ scenario: cell.name, ...found });
  } catch (error) {
    report({ scenario: cell.name, outcome: 'failed', detail: (error as Error).message });
    (tracing as Tracing | null)?.process.process.kill('SIGKILL');
  } finally {
    driven?.close();
  }
}

/** @returns the outcome, with anything remarkable */
function checkCell(
  cell: Cell,
  truths: readonly Truth[],
  trace: Trace,
  pids: readonly number[] | null,
): { outcome: Outcome; detail: string } {
  const done = cell.moment === 'mid' ? DONE_BEFORE : 0;
  const isLate = ({ local, remote }: Truth): boolean =>
    done > 0 && local === truths[0]?.local && remote === truths[0].remote;
  // A server may close its connection after an error response, but not while it is idle.
  if (done > 0)
    same('on the same connection', truths.slice(0, done + 1).map(isLate), Array(done + 1).fill(true));
  const waited = cell.moment === 'mid' && cell.peer.waits === true ? 1 : 0;
  for (const truth of truths.slice(done + waited)) {
    expectTruth(trace.exchanges, truth, { ...expectedOf(cell, pids), late: isLate(truth) });
  }
  for (const truth of truths.slice(0, done + waited)) expectNotWhole(trace.exchanges, truth);
  if (waited === 0) return { outcome: 'passed', detail: '' };
  return {
    outcome: 'impossible',
    detail: 'its read was entered before the trace: what it returns is reported as missed',
  };
}

function expectWhole(trace: Trace): void {
  expectBalance(trace.summary);
  same('dropped', trace.summary.dropped, 0);
}

/** One trace for a batch of running programs. */
async function runAttached(
  context: TlsContext,
  batch: readonly Cell[],
  moment: 'running' | 'mid',
  report: Report,
): Promise<void> {
  const fail = (cell: Cell, error: unknown): void => {
    report({ scenario: cell.name, outcome: 'failed', detail: (error as Error).message });
  };
  const started: { cell: Cell; driven: Driven; truths: readonly Truth[]; pids: number[] }[] = [];
  try {
    for (const cell of batch) {
      try {
        const driven = await startCell(context, cell, untraced);
        started.push({ cell, driven, truths: [], pids: [] });
        await driven.ready(moment === 'mid' ? DONE_BEFORE : 0);
      } catch (error) {
        fail(cell, error);
        const at = started.findIndex((one) => one.cell === cell);
        if (at >= 0) end(started.splice(at, 1)[0]?.driven);
      }
    }
    if (started.length === 0) return;
    const roots = started.map(({ driven }) => String(driven.process.pid));
    const tracing = new Tracing(context, 'attach', roots, ['--verbose', '--ring-size', '64MiB']);
    const attached = (): boolean => tracing.process.stderr.includes('Ctrl+C stops');
    await tracing.process.until(attached, 'word of its start', tracing.patience);
    const failed = new Set<Cell>();
    for (const one of started) {
      try {
        if (one.driven instanceof DrivenServer) one.pids = one.driven.pids;
        else one.pids = [one.driven.process.pid];
        one.truths = await one.driven.finish();
      } catch (error) {
        fail(one.cell, error);
        failed.add(one.cell);
        end(one.driven);
      }
    }
    const trace = await tracing.result();
    for (const { cell, truths, pids } of started) {
      if (failed.has(cell)) continue;
      try {
        report({ scenario: cell.name, ...checkCell(cell, truths, trace, pids) });
      } catch (error) {
        fail(cell, error);
      }
    }
    expectWhole(trace);
  } catch (error) {
    report({
      scenario: `a trace of those ${MOMENT_NAMES[moment]}`,
      outcome: 'failed',
      detail: (error as Error).message,
    });
  } finally {
    for (const { driven } of started) end(driven);
  }
}

function end(driven: Driven | undefined): void {
  driven?.close();
  if (driven !== undefined && !driven.process.hasEnded) driven.process.process.kill('SIGTERM');
}
