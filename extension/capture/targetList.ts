/** Which processes a trace follows, from the helper's answers and the process records. */
import type { ProcessInfo } from '../../helper/protocol.ts';
import { RecordType, readRecords } from '../engine/record.ts';
import type { TraceStatus } from '../engine/traceStatus.ts';

/** A build can run thousands of short-lived children; the newest are shown. */
const MAX_ENDED = 200;

type Target = TraceStatus['targets'][number];

export class TargetList {
  #targets = new Map<number, Target>();

  get all(): Target[] {
    return [...this.#targets.values()];
  }

  get running(): number {
    return this.all.filter((target) => !target.ended).length;
  }

  attached(info: ProcessInfo): void {
    if (info.error === null) this.#set({ pid: info.pid, name: info.name, ended: false });
  }

  /** Looks at the process records of a batch. */
  records(batch: Uint8Array): void {
    for (const record of readRecords(batch)) {
      switch (record.type) {
        case RecordType.ProcessStarted:
        case RecordType.ProcessReplaced:
          this.#set({ pid: record.pid, name: record.name, ended: false });
          break;
        case RecordType.ProcessEnded:
          this.#set({
            pid: record.pid,
            name: this.#targets.get(record.pid)?.name ?? record.name,
            ended: true,
          });
          break;
        default:
          break;
      }
    }
  }

  allEnded(): void {
    for (const target of this.all) this.#set({ ...target, ended: true });
  }

  #set(target: Target): void {
    this.#targets.delete(target.pid);
    this.#targets.set(target.pid, target);
    const ended = this.all.filter((one) => one.ended);
    for (const old of ended.slice(0, Math.max(0, ended.length - MAX_ENDED))) this.#targets.delete(old.pid);
  }
}
