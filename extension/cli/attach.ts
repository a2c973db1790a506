/** `http-trace attach`: traces processes that are already running. */
import { TraceError } from '../capture/trace.ts';
import type { TraceOptions } from './arguments.ts';
import { processesOf } from './cgroup.ts';
import { EXIT_FAILED, EXIT_OK } from './exitStatus.ts';
import { actAsInvoker, becomeInvoker } from './invoker.ts';
import { LiveTrace } from './liveTrace.ts';
import { say } from './say.ts';
import { whenAskedToStop } from './signals.ts';
import { openFiles } from './traceFiles.ts';

/** Resolves with the exit status. @throws TraceError when no trace can start; Exit */
export async function attach(
  named: readonly number[],
  cgroup: string | null,
  options: TraceOptions,
): Promise<number> {
  const members = cgroup === null ? [] : processesOf(cgroup).filter((pid) => pid !== process.pid);
  const pids = [...new Set([...named, ...members])];
  if (pids.length === 0) {
    say(`The control group ${cgroup} has no processes.`);
    return EXIT_FAILED;
  }
  const lent = actAsInvoker(pids);
  let cutShort = (): void => {};
  // Registered before files are opened, so none is left half written.
  const asked = new Promise<void>((resolve) => whenAskedToStop(resolve, () => cutShort()));
  const files = openFiles(options);
  const trace = await LiveTrace.start(options, files).finally(() => lent && becomeInvoker());
  cutShort = () => trace.cutShort();
  const refused = await attachAll(trace, pids, options.children);
  // Processes of a group may end meanwhile, but each process that was named must be traced.
  if (refused.length > 0 && (named.length > 0 || refused.length === pids.length)) {
    for (const message of refused) say(message);
    await trace.abandon();
    return EXIT_FAILED;
  }
  if (options.verbose) say(`tracing ${pids.join(', ')}; Ctrl+C stops the trace.`);
  const time = timer(options.duration);
  const stop = Promise.race([trace.idle, asked, time.elapsed]).then(() => null);
  const problem = await Promise.race([trace.broken, stop]);
  time.cancel();
  const troubles = await trace.finish();
  for (const trouble of troubles) say(trouble);
  if (problem !== null && !troubles.includes(problem)) say(problem);
  return troubles.length > 0 || problem !== null || trace.incomplete ? EXIT_FAILED : EXIT_OK;
}

/** @returns the messages of failed attachments */
async function attachAll(trace: LiveTrace, pids: readonly number[], children: boolean): Promise<string[]> {
  const refused: string[] = [];
  for (const pid of pids) {
    try {
      await trace.attach(pid, children);
    } catch (error) {
      if (!(error instanceof TraceError)) throw error;
      refused.push(error.message);
    }
  }
  return refused;
}

function timer(duration: number | null): { elapsed: Promise<void>; cancel: () => void } {
  let handle: NodeJS.Timeout | undefined;
  const elapsed = new Promise<void>((resolve) => {
    if (duration !== null) handle = setTimeout(() => resolve(), duration);
  });
  return { elapsed, cancel: () => clearTimeout(handle) };
}
