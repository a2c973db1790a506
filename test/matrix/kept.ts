/** A helper that serves one trace after the other: calls between two traces are in neither. */
import type { KeptHelper } from '../../extension/capture/keptHelper.ts';
import { CaptureTrace } from '../kit/capture.ts';
import { same } from '../kit/check.ts';
import { newId } from '../kit/peers.ts';
import { Child } from '../kit/process.ts';
import { type Report, reportOutcome } from '../kit/report.ts';
import { field } from '../kit/truth.ts';
import type { Context } from './context.ts';

const TRACES = 3;
const KEEP_MS = 3_600_000;

export async function runKept(context: Context, only: RegExp, report: Report): Promise<void> {
  const scenario = 'a helper that is kept for the next trace';
  if (!only.test(scenario)) return;
  await reportOutcome(report, scenario, () => traces(context));
}

/** A process that makes one call, which both of its sides see, when it is continued. */
async function exchange(context: Context, id: string, attach: (pid: number) => Promise<void>): Promise<void> {
  const peer = new Child(context.peer, ['exchange', `id=${id}`, 'scenario=x', 'pause=idle']);
  await peer.until(() => peer.lines.length > 0, 'pause');
  await attach(peer.pid);
  peer.write('\n');
  same('exit status', await peer.status, 0);
}

async function traces(context: Context): Promise<string> {
  // Its programs on TLS libraries are not attached here, but without them nothing is kept.
  const wanted = { ...context, tls: 'auto' } as const;
  let kept: KeptHelper | null = null;
  let helper: number | null = null;
  const helpers = new Set<number>();
  try {
    for (let i = 0; i < TRACES; i++) {
      const id = newId();
      const trace: CaptureTrace = await CaptureTrace.start(wanted, kept);
      helper ??= trace.helper;
      helpers.add(trace.helper);
      await exchange(context, id, (pid) => trace.attach(pid));
      kept = await trace.stop(KEEP_MS);
      const seen = trace
        .exchanges()
        .map((one) => `${one.side} ${field(one.request, 'X-Trace-Id')[0]} ${one.completeness.join()}`)
        .sort();
      same(`exchanges of trace ${i}`, seen, [`client ${id} complete`, `server ${id} complete`]);
      same('kept', kept !== null, context.backend !== 'kprobe');
      if (kept === null) return 'nothing is kept with kprobe';
      // An emulated machine may take longer to attach than a trace waits: then it has a helper of its own.
      if (!context.slow) same('helper', trace.helper, helper);
      await exchange(context, newId(), () => Promise.resolve());
    }
  } finally {
    kept?.end();
  }
  return `${TRACES} traces by ${helpers.size === 1 ? 'one helper' : `${helpers.size} helpers`}`;
}
