/** `http-trace run`: a command, traced from its first instruction. */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { Status } from '../../helper/protocol.ts';
import { TraceError } from '../capture/trace.ts';
import type { TraceOptions } from './arguments.ts';
import { NATIVE_PATH } from './bundlePaths.ts';
import { EXIT_RUN_FAILED, Exit, statusOf } from './exitStatus.ts';
import { openGate, spawnGate } from './gate.ts';
import { LiveTrace } from './liveTrace.ts';
import { say } from './say.ts';
import { cleanUpWhenStopped, forwardSignals, whenAskedToStop } from './signals.ts';
import { discardFiles, openFiles, type TraceFiles } from './traceFiles.ts';

/** Resolves with the command's exit status. @throws Exit when the command was not run */
export async function run(command: readonly [string, ...string[]], options: TraceOptions): Promise<number> {
  let files: TraceFiles | null = null;
  // There is no command yet to pass signals on to. Registered before files are created, so that none is left behind.
  const stopCleaning = cleanUpWhenStopped((signal) => {
    if (files !== null) discardFiles(files);
    say(notStarted(signal));
  });
  files = openFiles(options);
  const trace = await startOrExit(options, files);
  // The gate is already the command's process, waiting: the attached process will execute the command.
  const child = spawnGate(NATIVE_PATH, command, ['inherit', 'inherit', 'inherit']);
  const ended = exitOf(child);
  ended.catch(() => {}); // A gate that did not start has no pid: openGate reports it.
  const restore = forwardSignals((signal) => child.kill(signal));
  stopCleaning();
  try {
    await openGate(child, (pid) => trace.attach(pid, options.children));
    const reported = new Set<string>();
    const time = stopEarly(trace, options.duration, reported);
    const status = await ended;
    clearTimeout(time);
    // There is no process any more to pass signals on to.
    restore();
    whenAskedToStop(() => trace.cutShort());
    for (const trouble of await trace.finish(stillRunning)) if (!reported.has(trouble)) say(trouble);
    return status;
  } catch (error) {
    await ended.catch(() => {});
    await trace.abandon();
    const { signalCode } = child;
    if (signalCode !== null) return endAs(signalCode, restore);
    if (error instanceof TraceError) throw new Exit(EXIT_RUN_FAILED, error.message);
    throw error;
  } finally {
    restore();
  }
}

async function startOrExit(options: TraceOptions, files: TraceFiles): Promise<LiveTrace> {
  try {
    return await LiveTrace.start(options, files);
  } catch (error) {
    if (error instanceof TraceError) throw new Exit(EXIT_RUN_FAILED, error.message);
    throw error;
  }
}

/** A signal ended the gate: passed on to it, or sent to the whole process group. */
function endAs(signal: NodeJS.Signals, restore: () => void): number {
  restore();
  say(notStarted(signal));
  process.kill(process.pid, signal);
  return statusOf(null, signal);
}

function notStarted(signal: NodeJS.Signals): string {
  return `Ended by ${signal} before the trace had started; the command was not run.`;
}

async function exitOf(child: ChildProcess): Promise<number> {
  const [code, signal] = await once(child, 'exit');
  return statusOf(code, signal);
}

/** The trace may end before the command. The command continues, and its status still counts. */
function stopEarly(
  trace: LiveTrace,
  duration: number | null,
  reported: Set<string>,
): NodeJS.Timeout | undefined {
  trace.broken.then((problem) => {
    if (problem !== null) {
      say(problem);
      say('The trace has ended; the command keeps running.');
      reported.add(problem);
    }
    return trace.finish();
  });
  return duration === null ? undefined : setTimeout(() => trace.finish(), duration);
}

function stillRunning(status: Status | null): readonly string[] {
  const left = status?.targets ?? 0;
  if (left === 0) return [];
  const who = left === 1 ? '1 child process was' : `${left} child processes were`;
  return [`When the command ended, ${who} still running.`];
}
