/** One trace, programs that are restarted many times: nothing accumulates, and other programs are not disturbed. */
import { setTimeout as sleep } from 'node:timers/promises';
import { CaptureTrace } from '../kit/capture.ts';
import { assert, same } from '../kit/check.ts';
import { expectGone, type Holding, holdingOnce } from '../kit/holding.ts';
import { heldBy } from '../kit/kernel.ts';
import { newId } from '../kit/peers.ts';
import { Child } from '../kit/process.ts';
import { type Report, reportOutcome } from '../kit/report.ts';
import type { TlsContext } from './context.ts';
import { PlannedServer } from './counterpart.ts';
import { DrivenClient, untraced } from './drive.ts';
import { findByPath } from './expect.ts';
import { CLIENTS, type ClientPeer } from './peers.ts';
import { lineOf, makeStep, type Step } from './plan.ts';

const TIMES = 50;
/** In the sample of `npm test`. */
const TIMES_SAMPLED = 20;
/** Restarts after which everything has been attached that will be. */
const SETTLED = 9;
/** Growth of the helper's resident memory that a garbage collector may cause, in KiB. */
const MEMORY_SLACK = 32 * 1024;
/** Milliseconds after which the probes of an unused file must be gone: more than KEEP_UNUSED_MS, and a busy machine takes its time. */
const DETACHED_AFTER = 120_000;
/** How long a busy machine may take until the helper holds what it held at the last restart, in milliseconds. */
const SAME_WITHIN = 60_000;
/** Its library is the system's. */
const SYSTEM_PROGRAM = 'Python requests';
/** Its probes stay for a second run of it: KEEP_PROGRAM_MS. */
const KEPT_PROGRAM = 'Go net/http';
/** One after the other; each with a library of its own kind. */
const PROGRAMS = ['Node 24 https', SYSTEM_PROGRAM, KEPT_PROGRAM, 'C, OpenSSL in the executable', 'C, GnuTLS'];

export async function runTlsRestarts(context: TlsContext, only: RegExp, report: Report): Promise<void> {
  const times = context.sampled === null ? TIMES : TIMES_SAMPLED;
  const scenario = `programs restarted ${times} times under one trace`;
  if (!only.test(scenario)) return;
  await reportOutcome(report, scenario, () => restarts(context, times));
}

function peerNamed(name: string): ClientPeer {
  const found = CLIENTS.find((one) => one.name === name);
  assert(found !== undefined, `there is no ${name}`);
  return found;
}

async function restarts(context: TlsContext, times: number): Promise<string> {
  const server = new PlannedServer(context.certificates, { version: '1.3' });
  const port = await server.listen();
  // Uses the same library, is not traced, and goes on before, during and after.
  const bystander = await DrivenClient.start(context, peerNamed('Python requests'), '1.3', untraced);
  await bystander.ready(1);
  const trace = await CaptureTrace.start(context);
  const { helper } = trace;
  const steps: Step[] = [];
  const begun: Holding[] = [];
  const over: Holding[] = [];
  /** Notes what it holds. @throws when it remains different from what it was at the same program's last restart */
  const note = async (name: string, list: Holding[]): Promise<void> => {
    const last = list[list.length - PROGRAMS.length];
    const isSettled = list.length >= SETTLED + PROGRAMS.length;
    const isAsLast = (now: Holding): boolean => last !== undefined && isSame(now, last);
    const now = await holdingOnce(helper, isAsLast, isSettled ? SAME_WITHIN : 2_000);
    if (isSettled) same(`held, ${name}, restart ${list.length}`, amounts(now), last && amounts(last));
    list.push(now);
  };
  const begin = async (name: string): Promise<Child> => {
    const [command = '', ...args] = peerNamed(name).command?.(context, port, '1.3') ?? [];
    const process = new Child(command, args);
    await process.until(() => process.lines.length > 0, 'its id');
    await trace.attach(process.pid);
    return process;
  };
  try {
    // One of each stays, so that what is attached does not depend on how soon the next one starts.
    const staying = [await begin(SYSTEM_PROGRAM)];
    let kept = heldBy(helper).links.length;
    for (const name of PROGRAMS) {
      const before = heldBy(helper).links.length;
      staying.push(await begin(name));
      if (name === KEPT_PROGRAM) kept += heldBy(helper).links.length - before;
    }
    for (let i = 0; i < times; i++) {
      const name = PROGRAMS[i % PROGRAMS.length] ?? '';
      const step = oneStep(context);
      server.expect([step]);
      const process = await begin(name);
      await note('begun', begun);
      process.write(lineOf(step));
      process.endInput();
      same(`exit status of ${name}`, await process.status, 0);
      steps.push(step);
      // The helper learns of an end a moment later.
      await note('over', over);
      if (i === times >> 1) await bystander.finishSome(2);
    }
    for (const process of staying) process.endInput();
    for (const process of staying) same('exit status of one that stayed', await process.status, 0);
    await expectDetached(helper, kept);
  } finally {
    const held = heldBy(helper);
    await trace.stop();
    await expectGone(held, SAME_WITHIN);
  }
  await bystander.finish();
  bystander.close();
  server.close();
  const seen = trace.exchanges();
  for (const { path } of steps) same(path, findByPath(seen, path, 'client').completeness, ['complete']);
  same('calls', seen.length, times);
  const grown = (over.at(-1)?.memory ?? 0) - (over[SETTLED]?.memory ?? 0);
  assert(grown < MEMORY_SLACK, `the helper grew by ${grown} KiB`);
  const last = over.at(-1) as Holding;
  const { links, maps, descriptors } = amounts(last);
  return `${links} links, ${maps} maps, ${descriptors} descriptors, ${last.memory} KiB at the end`;
}

function amounts({ held: { links, maps, programs }, descriptors }: Holding): Record<string, number> {
  return { links: links.length, maps: maps.length, programs: programs.length, descriptors };
}

function isSame(one: Holding, other: Holding): boolean {
  return JSON.stringify(amounts(one)) === JSON.stringify(amounts(other));
}

function oneStep({ folder }: TlsContext): Step {
  return makeStep(folder, {
    method: 'POST',
    path: `/again/${newId()}`,
    framing: 'length',
    body: Buffer.from(newId()),
    answer: { status: 200, size: 2000, framing: 'length' },
  });
}

/** The probes of a file are removed after its last user has ended, but for the system's libraries and Go programs. */
async function expectDetached(helper: number, kept: number): Promise<void> {
  const used = heldBy(helper).links.length;
  assert(kept > 0 && used > kept, `${used} links, ${kept} of them to be kept`);
  for (let waited = 0; heldBy(helper).links.length > kept; waited += 200) {
    assert(waited < DETACHED_AFTER, `${heldBy(helper).links.length} links, and ${kept} are to be kept`);
    await sleep(200);
  }
  same('links that are kept', heldBy(helper).links.length, kept);
}
