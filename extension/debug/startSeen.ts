/** Whether a trace has seen the start of a process that a debugger has named. */
import type { TraceStatus } from '../engine/traceStatus.ts';

/**
 * `unknown`: records are still pending, as on a busy machine or for processes named while the trace was still being
 * armed.
 */
export type StartSeen = 'seen' | 'missed' | 'unknown';

/**
 * @param at when it was named; milliseconds since boot
 * @param isAlive it still runs; otherwise the trace may never have known it
 */
export function startSeen(
  { bootStart, now, targets, phase }: Pick<TraceStatus, 'bootStart' | 'now' | 'targets' | 'phase'>,
  pid: number,
  at: number,
  isAlive: boolean,
): StartSeen {
  const target = targets.find((one) => one.pid === pid);
  // Its parent is known if its start was seen.
  if (target !== undefined && target.parent !== null) return 'seen';
  // If there were very many processes, it no longer knows all of them.
  if (phase === 'stopped') return target === undefined ? 'unknown' : 'missed';
  if (bootStart === null || bootStart + now < at) return 'unknown';
  return target === undefined && isAlive ? 'unknown' : 'missed';
}
