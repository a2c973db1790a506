/** Under what the bursts are traced. */
import { stopHalf } from '../kit/halfStopped.ts';
import type { WindowTrace } from '../kit/windowTrace.ts';

export type ConditionName =
  | 'default settings'
  | 'the helper stopped half of the time'
  | 'the dissector stopped half of the time'
  | 'a ring of 256 KiB';

export interface Condition {
  readonly name: ConditionName;
  /** Bytes of the data ring; null: as by default. */
  readonly ringSize: number | null;
  /** Of the trace's processes, the one that is stopped half of the time. */
  readonly stopped: ((trace: WindowTrace) => number) | null;
}

export const CONDITIONS: readonly Condition[] = [
  { name: 'default settings', ringSize: null, stopped: null },
  { name: 'the helper stopped half of the time', ringSize: null, stopped: (trace) => trace.helper },
  { name: 'the dissector stopped half of the time', ringSize: null, stopped: (trace) => trace.engine },
  { name: 'a ring of 256 KiB', ringSize: 256 * 1024, stopped: null },
];

/** @returns what ends it */
export function impose(condition: Condition, trace: WindowTrace): () => Promise<void> {
  return condition.stopped === null ? async () => {} : stopHalf(condition.stopped(trace));
}
