/** `http-trace attach`: traces processes that are already running. */
import { Parents } from '../../helper/parents.ts';
import { TraceError } from '../capture/trace.ts';
import { type TraceOptions, UsageError } from './arguments.ts';
import { processesOf } from './cgroup.ts';
import { EXIT_FAILED, EXIT_OK } from './exitStatus.ts';
import { actAsInvoker, becomeInvoker } from './invoker.ts';
import { LiveTrace } from './liveTrace.ts';
import { say } from './say.ts';
import { whenAskedToStop } from './signals.ts';
import { openFiles } from './traceFiles.ts';

/** How often a control group is listed again until it has no process that is not traced. */
const MAX_ROUNDS = 10;

/** Resolves with the exit status. @throws TraceError when no trace can start; Exit */
export async function attach(
  named: readonly number[],
  cgroup: string | null,
  options: TraceOptions,
): Promise<number> {
  const members = cgroup === null ? [] : membersOf(cgroup);
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
  const attempts = new Map<number, string | null>();
  await attachAll(trace, pids, options.children, attempts);
  // While the trace started, processes may have ended, and others begun.
  for (let round = 0; cgroup !== null && round < (options.children ? MAX_ROUNDS : 1); round++) {
    const others = membersLeft(cgroup).filter((pid) => !attempts.has(pid));
    if (others.length === 0) break;
    await attachAll(trace, others, options.children, attempts);
  }
  const traced = [...attempts].flatMap(([pid, refusal]) => (refusal === null ? [pid] : []));
  // Processes of a group may have ended, but each process that was named must be traced.
  const refused = traced.length === 0 ? [...attempts.keys()] : named;
  const messages = refused.flatMap((pid) => attempts.get(pid) ?? []);
  if (messages.length > 0) {
    for (const message of messages) say(message);
    await trace.abandon();
    return EXIT_FAILED;
  }
  if (options.verbose) say(`tracing ${traced.join(', ')}; Ctrl+C stops the trace.`);
  const time = timer(options.duration);
  const stop = Promise.race([trace.idle, asked, time.elapsed]).then(() => null);
  const problem = await Promise.race([trace.broken, stop]);
  time.cancel();
  const troubles = await trace.finish();
  for (const trouble of troubles) say(trouble);
  if (problem !== null && !troubles.includes(problem)) say(problem);
  return troubles.length > 0 || problem !== null || trace.incomplete ? EXIT_FAILED : EXIT_OK;
}

/** Without this process. @throws UsageError when there is no such group */
function membersOf(cgroup: string): number[] {
  return processesOf(cgroup).filter((pid) => pid !== process.pid);
}

/** The members of a group that may have been removed meanwhile, without this process and the helper below it. */
function membersLeft(cgroup: string): number[] {
  const parents = new Parents().refresh();
  const isOwn = (pid: number): boolean => {
    for (let at: number | undefined = pid; at !== undefined && at > 1; at = parents.get(at))
      if (at === process.pid) return true;
    return false;
  };
  try {
    return membersOf(cgroup).filter((pid) => !isOwn(pid));
  } catch (error) {
    if (error instanceof UsageError) return [];
    throw error;
  }
}

/** @param attempts gets each process's refusal; null: it is traced */
async function attachAll(
  trace: LiveTrace,
  pids: readonly number[],
  children: boolean,
  attempts: Map<number, string | null>,
): Promise<void> {
  for (const pid of pids) {
    try {
      await trace.attach(pid, children);
      attempts.set(pid, null);
    } catch (error) {
      if (!(error instanceof TraceError)) throw error;
      attempts.set(pid, error.message);
    }
  }
}

function timer(duration: number | null): { elapsed: Promise<void>; cancel: () => void } {
  let handle: NodeJS.Timeout | undefined;
  const elapsed = new Promise<void>((resolve) => {
    if (duration !== null) handle = setTimeout(() => resolve(), duration);
  });
  return { elapsed, cancel: () => clearTimeout(handle) };
}
