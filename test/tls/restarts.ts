/** One trace, programs that are started again and again: nothing adds up, and nobody else is disturbed. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { startCapture } from '../../extension/capture/capture.ts';
import { Pipeline } from '../../extension/capture/pipeline.ts';
import { Engine } from '../../extension/engine/engine.ts';
import { heldBy, stillThere } from '../kernel/support/kernel.ts';
import { assert, same } from '../matrix/check.ts';
import type { Report } from '../matrix/context.ts';
import { Started, sleep } from '../matrix/process.ts';
import type { TlsContext } from './context.ts';
import { PlannedServer } from './counterpart.ts';
import { DrivenClient, patience, untraced } from './drive.ts';
import { findByPath } from './expect.ts';
import { CLIENTS, type ClientPeer } from './peers.ts';
import { lineOf, makeStep, newId, type Step } from './plan.ts';

const TIMES = 50;
/** Restarts after which everything has been attached that will be. */
const SETTLED = 9;
/** Growth of the helper's resident memory that a garbage collector may cause, in KiB. */
const MEMORY_SLACK = 32 * 1024;
/** Until the probes of a file that nobody uses any more must be gone, in milliseconds: KEEP_UNUSED_MS, and more. */
const DETACHED_AFTER = 20_000;
/** One after the other; each with a library of its own kind. The first one's is the system's. */
const PROGRAMS = [
  'Python requests',
  'Node 24 https',
  'Go net/http',
  'C, OpenSSL in the executable',
  'C, GnuTLS',
];

export async function runTlsRestarts(context: TlsContext, only: RegExp, report: Report): Promise<void> {
  const scenario = `programs restarted ${TIMES} times under one trace`;
  if (!only.test(scenario)) return;
  try {
    report({ scenario, outcome: 'passed', detail: await restarts(context) });
  } catch (error) {
    report({ scenario, outcome: 'failed', detail: (error as Error).message });
  }
}

interface Holding {
  readonly links: number;
  readonly maps: number;
  readonly programs: number;
  readonly descriptors: number;
  /** KiB */
  readonly memory: number;
}

function holdingOf(pid: number): Holding {
  const { links, maps, programs } = heldBy(pid);
  return {
    links: links.length,
    maps: maps.length,
    programs: programs.length,
    descriptors: readdirSync(`/proc/${pid}/fd`).length,
    memory: Number(/^VmRSS:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]),
  };
}

function peerNamed(name: string): ClientPeer {
  const found = CLIENTS.find((one) => one.name === name);
  assert(found !== undefined, `there is no ${name}`);
  return found;
}

async function restarts(context: TlsContext): Promise<string> {
  const dist = dirname(context.httpTrace);
  const server = new PlannedServer(context.certificates, { version: '1.3' });
  const port = await server.listen();
  // Uses the same library, is not traced, and goes on before, during and after.
  const bystander = await DrivenClient.start(context, peerNamed('Python requests'), '1.3', untraced);
  await bystander.ready(1);
  const capture = await startCapture({
    nativePath: join(dist, 'native'),
    helperPath: join(dist, 'helper.js'),
    bodyLimit: 65_536,
    backend: 'auto',
    tls: context.tls,
  });
  const engine = new Engine({ bodyLimit: 65_536 });
  const pipeline = new Pipeline(engine);
  capture.onFrame((type, payload) => pipeline.frame(type, payload));
  const helper = capture.hello.helperPid;
  const steps: Step[] = [];
  const begun: Holding[] = [];
  const over: Holding[] = [];
  try {
    for (let i = 0; i < TIMES; i++) {
      const peer = peerNamed(PROGRAMS[i % PROGRAMS.length] ?? '');
      const step = oneStep(context);
      server.expect([step]);
      const [command = '', ...args] = peer.command?.(context, port, '1.3') ?? [];
      const process = new Started(command, args);
      await process.until(() => process.lines.length > 0, 'its id', patience(context));
      await capture.attach(process.pid, true);
      begun.push(holdingOf(helper));
      process.write(lineOf(step));
      process.endInput();
      same(`exit status of ${peer.name}`, await process.ended, 0);
      steps.push(step);
      over.push(await settled(helper, over[i - PROGRAMS.length]));
      if (i === TIMES >> 1) await bystander.finishSome(2);
    }
    await expectDetached(helper, begun[0]?.links ?? 0);
  } finally {
    const held = heldBy(helper);
    await capture.stop();
    await expectGone(held);
  }
  await bystander.finish();
  bystander.close();
  server.close();
  engine.finish();
  const seen = engine
    .takeChanges()
    .changed.map((id) => engine.json(id))
    .filter((exchange) => exchange !== undefined);
  for (const { path } of steps) same(path, findByPath(seen, path, 'client').completeness, ['complete']);
  same('calls', seen.length, TIMES);
  for (const [name, list] of Object.entries({ begun, over })) {
    for (let i = SETTLED + PROGRAMS.length; i < TIMES; i++) {
      const [now, before] = [list[i], list[i - PROGRAMS.length]];
      for (const what of ['links', 'maps', 'programs', 'descriptors'] as const) {
        same(`${what} held, ${name}, restart ${i}`, now?.[what], before?.[what]);
      }
    }
  }
  const grown = (over.at(-1)?.memory ?? 0) - (over[SETTLED]?.memory ?? 0);
  assert(grown < MEMORY_SLACK, `the helper grew by ${grown} KiB`);
  const { links, maps, descriptors, memory } = over.at(-1) as Holding;
  return `${links} links, ${maps} maps, ${descriptors} descriptors, ${memory} KiB at the end`;
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

/** The helper hears of an end a moment later: as much as last time, or as it is after a while. */
async function settled(helper: number, last: Holding | undefined): Promise<Holding> {
  for (let waited = 0; ; waited += 50) {
    const now = holdingOf(helper);
    if (
      waited >= 2_000 ||
      (last !== undefined && now.links === last.links && now.descriptors === last.descriptors)
    ) {
      return now;
    }
    await sleep(50);
  }
}

/** When the last user of a file is gone, its probes go, too; only those of the system's libraries stay. */
async function expectDetached(helper: number, system: number): Promise<void> {
  const used = heldBy(helper).links.length;
  assert(system > 0 && used > system, `${used} links, ${system} for the system's libraries alone`);
  for (let waited = 0; heldBy(helper).links.length > system; waited += 200) {
    assert(waited < DETACHED_AFTER, `${heldBy(helper).links.length} links, and ${system} have users`);
    await sleep(200);
  }
  same('links of what the system has', heldBy(helper).links.length, system);
}

/** The kernel frees them a moment after the last descriptor is closed. */
async function expectGone(held: ReturnType<typeof heldBy>): Promise<void> {
  for (let waited = 0; ; waited += 100) {
    const left = stillThere(held);
    if (left.programs.length + left.maps.length + left.links.length === 0) return;
    if (waited > 5_000) throw new Error(`left in the kernel: ${JSON.stringify(left)}`);
    await sleep(100);
  }
}
