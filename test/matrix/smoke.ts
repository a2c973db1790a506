/**
 * For `npm test` in emulated kernels, where starting a trace takes longer than the traced program: one trace for both
 * the scenarios of a shell and the moments of attaching.
 */

import { CaptureTrace } from '../kit/capture.ts';
import { assert, same } from '../kit/check.ts';
import { endKeptHelpers, endTraces, KeptTracing, type TraceStarter } from '../kit/keptTracing.ts';
import { Child } from '../kit/process.ts';
import { type Report, reportOutcome } from '../kit/report.ts';
import { type Trace, Tracing } from '../kit/tracing.ts';
import { failMoments, goOn, judgeMoments, type Part, startMoments, untilTheyWait } from './attach.ts';
import type { Context } from './context.ts';
import type { Scenario } from './scenarios.ts';
import { judge, type Outcome, reportWhole, runAll } from './shell.ts';

export async function runSmoke(
  context: Context,
  list: readonly Scenario[],
  only: RegExp,
  report: Report,
  part: Part,
): Promise<void> {
  const peers = startMoments(context, only, part);
  const shell = new Child('sh', []);
  let outcomes: readonly Outcome[];
  let trace: Trace;
  try {
    await untilTheyWait(peers);
    const pids = [shell, ...peers.map(({ process }) => process)].map(({ pid }) => pid);
    // By the first backend also the command line, whose start takes as long as the helper's.
    const starter: TraceStarter = part.first === 0 ? Tracing : KeptTracing;
    // With TLS, so that it shows where a kernel does not take the programs for it: an older one may refuse more.
    const tracing = await starter.attach({ ...context, tls: 'auto' }, pids, ['--ring-size', '32MiB']);
    // First, because they end by themselves if they are not continued for some minutes.
    await goOn(peers);
    outcomes = await runAll(context, { process: shell, pid: () => shell.pid }, list, tracing.patience);
    shell.endInput('exit\n');
    // The balance has a row of its own.
    trace = await tracing.result({ whole: false });
  } catch (error) {
    const detail = `no trace: ${(error as Error).message}`;
    for (const { name } of list) report({ scenario: name, outcome: 'failed', detail });
    failMoments(peers, report, detail);
    return;
  } finally {
    // The next backend's programs are not to be seen by this one's probes.
    await endTraces();
    endKeptHelpers();
  }
  for (const outcome of outcomes) judge(context, outcome, trace, report);
  judgeMoments(context, peers, trace, report);
  reportWhole(trace, report, false, 'balance: nothing unseen');
}

const FILTERED = 'every program is taken with a latency filter';

const FILTER_MS = 200;

/**
 * The filter is a constant of the programs: what the kernel looks at as it loads them differs by it. Nothing is to be seen,
 * so it is enough to start the helper: the command line would be half of the time in an emulated machine.
 */
export async function runFiltered(context: Context, only: RegExp, report: Report): Promise<void> {
  if (!only.test(FILTERED)) return;
  await reportOutcome(report, FILTERED, async () => {
    const trace = await CaptureTrace.start({ ...context, tls: 'auto' }, null, undefined, FILTER_MS);
    const { backend, missing, tlsOff } = trace.hello;
    await trace.stop();
    same('backend', backend, context.backend);
    same('what the kernel refused', missing, {});
    same('why TLS is not decrypted', tlsOff, null);
    assert(trace.final !== null, 'there are no final counters');
    return `${trace.final.counters.produced} records`;
  });
}
