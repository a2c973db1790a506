/** One trace of a debuggee that is restarted many times: the helper's resource use does not grow. */
import { spawnSync } from 'node:child_process';
import { CaptureTrace } from '../kit/capture.ts';
import { assert, same } from '../kit/check.ts';
import { expectGone, type Holding, holdingOf, holdingOnce } from '../kit/holding.ts';
import type { Held } from '../kit/kernel.ts';
import { newId, parseReports, type SocketReport } from '../kit/peers.ts';
import { Child } from '../kit/process.ts';
import { type Report, reportOutcome } from '../kit/report.ts';
import { field } from '../kit/truth.ts';
import type { Context } from './context.ts';

/** Growth of the helper's resident memory that a garbage collector may cause, in KiB. */
const MEMORY_SLACK = 24 * 1024;

export async function runRestarts(context: Context, report: Report): Promise<void> {
  if (context.restarts === 0) return;
  const scenario = 'a debuggee restarted under one trace';
  await reportOutcome(report, scenario, () => restarts(context));
}

async function restarts(context: Context): Promise<string> {
  const trace = await CaptureTrace.start(context);
  const { helper } = trace;
  const ids = new Set<string>();
  let [begin, end]: [Holding | null, Holding | null] = [null, null];
  const settled = Math.floor(context.restarts / 4);
  try {
    for (let i = 0; i < context.restarts; i++) {
      const id = newId();
      const peer = new Child(context.peer, ['exchange', `id=${id}`, 'scenario=x', 'pause=idle']);
      await peer.until(() => peer.lines.length > 0, 'pause');
      await trace.attach(peer.pid);
      peer.write('\n');
      same('exit status', await peer.status, 0);
      for (const { side } of parseReports<SocketReport>(peer.lines)) ids.add(`${side} ${id}`);
      if (i === settled) begin = await holdingOf(helper);
    }
    // The helper learns of an end a moment later.
    const most = begin?.descriptors ?? 0;
    end = await holdingOnce(helper, ({ descriptors }) => descriptors <= most, 60_000);
    if (!context.slow) expectMapsEmpty(end.held);
  } finally {
    await trace.stop();
  }
  assert(begin !== null && end !== null, 'no measure');
  const seen = new Set<string>();
  for (const exchange of trace.exchanges()) {
    if (exchange.completeness.join() !== 'complete') continue;
    seen.add(`${exchange.side} ${field(exchange.request, 'X-Trace-Id')[0]}`);
  }
  same(
    'exchanges of both sides that are there',
    [...ids].filter((id) => seen.has(id)).length,
    2 * context.restarts,
  );
  same('links', end.held.links.length, begin.held.links.length);
  same('programs', end.held.programs.length, begin.held.programs.length);
  same('maps', end.held.maps.length, begin.held.maps.length);
  const more = end.descriptors - begin.descriptors;
  assert(more <= 0, `${more} descriptors more than after ${settled} of ${context.restarts} restarts`);
  assert(end.held.links.length > 0 && end.held.maps.length > 0, 'the helper holds no link or no map');
  const grown = end.memory - begin.memory;
  assert(grown < MEMORY_SLACK, `the helper grew by ${grown} KiB`);
  if (!context.slow) await expectGone(end.held, 60_000);
  const { links, maps } = end.held;
  return `${context.restarts} times: ${links.length} links, ${maps.length} maps, ${end.descriptors} descriptors throughout; memory ${begin.memory} to ${end.memory} KiB`;
}

/** Nothing of the ended processes is left in the tables of targets and connections. */
function expectMapsEmpty({ maps }: Held): void {
  for (const id of new Set(maps)) {
    const shown = spawnSync('bpftool', ['-j', 'map', 'show', 'id', String(id)], { encoding: 'utf8' });
    const { name } = JSON.parse(shown.stdout) as { name?: string };
    if (
      name !== 'targets' &&
      name !== 'connections' &&
      name !== 'unix_connections' &&
      name !== 'unix_connectio'
    )
      continue;
    const dumped = spawnSync('bpftool', ['-j', 'map', 'dump', 'id', String(id)], { encoding: 'utf8' });
    same(`entries of ${name}`, (JSON.parse(dumped.stdout) as unknown[]).length, 0);
  }
}
