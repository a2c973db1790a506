/** The processes of a trace, and how many of their connections speak neither HTTP nor TLS. */
import type { ProcessInfo } from '../../helper/protocol.ts';
import { RecordType, WireProtocol } from '../engine/record.ts';
import { LAYOUT } from '../engine/recordLayout.ts';
import { readRecords } from '../engine/recordReader.ts';
import type { TraceStatus } from '../engine/traceStatus.ts';

/** A build can run thousands of short-lived children; the newest are shown. */
const MAX_ENDED = 200;

type Target = Omit<TraceStatus['targets'][number], 'tls'>;

export class TargetList {
  #targets = new Map<number, Target>();
  /** Connections that speak neither HTTP nor TLS; the kernel reports each once. */
  otherConnections = 0;

  get all(): Target[] {
    return [...this.#targets.values()];
  }

  get running(): number {
    return this.all.filter((target) => !target.ended).length;
  }

  /** @param again it was untraced in between, so having seen its start says nothing about its calls. */
  attached(info: ProcessInfo, again = false): void {
    if (info.error !== null) return;
    const parent = again ? null : this.#parentOf(info.pid);
    this.#set({ pid: info.pid, name: info.name, ended: false, parent });
  }

  /**
   * Reads only the records that matter here; the engine checks them all.
   * @param started a process and its parent. @param executed a process that ran execve. @param ended a process.
   */
  records(
    batch: Uint8Array,
    started: (pid: number, parent: number) => void = () => {},
    executed: (pid: number) => void = () => {},
    ended: (pid: number) => void = () => {},
  ): void {
    const view = new DataView(batch.buffer, batch.byteOffset, batch.byteLength);
    for (let at = 0; at + LAYOUT.header.size <= batch.length; ) {
      const length = view.getUint32(at, true);
      if (length < LAYOUT.header.size) return;
      const type = view.getUint16(at + LAYOUT.header.type, true);
      const isData = type === RecordType.Data && length >= LAYOUT.data.size && at + length <= batch.length;
      if (isData && view.getUint8(at + LAYOUT.data.protocol) === WireProtocol.Other) this.otherConnections++;
      else if (type >= RecordType.ProcessStarted && type <= RecordType.ProcessEnded)
        this.#process(batch.subarray(at, at + length), started, executed, ended);
      at += length;
    }
  }

  #process(
    bytes: Uint8Array,
    started: (pid: number, parent: number) => void,
    executed: (pid: number) => void,
    ended: (pid: number) => void,
  ): void {
    for (const record of readRecords(bytes)) {
      switch (record.type) {
        case RecordType.ProcessStarted:
          started(record.pid, record.parent);
          this.#set({ pid: record.pid, name: record.name, ended: false, parent: record.parent });
          break;
        case RecordType.ProcessReplaced:
          executed(record.pid);
          this.#set({ pid: record.pid, name: record.name, ended: false, parent: this.#parentOf(record.pid) });
          break;
        case RecordType.ProcessEnded:
          ended(record.pid);
          this.#set({
            pid: record.pid,
            name: this.#targets.get(record.pid)?.name ?? record.name,
            ended: true,
            parent: this.#parentOf(record.pid),
          });
          break;
        default:
          break;
      }
    }
  }

  #parentOf(pid: number): number | null {
    return this.#targets.get(pid)?.parent ?? null;
  }

  allEnded(): void {
    for (const target of this.all) this.#set({ ...target, ended: true });
  }

  /** Drops ended processes; resets otherConnections. */
  clear(): void {
    for (const { pid, ended } of this.all) if (ended) this.#targets.delete(pid);
    this.otherConnections = 0;
  }

  #set(target: Target): void {
    this.#targets.delete(target.pid);
    this.#targets.set(target.pid, target);
    const ended = this.all.filter((one) => one.ended);
    for (const old of ended.slice(0, Math.max(0, ended.length - MAX_ENDED))) this.#targets.delete(old.pid);
  }
}
