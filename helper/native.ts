/** The addon's functions, typed. It is loaded from its one place beside the bundle and from nowhere else. */
import { constants } from 'node:os';
import { join } from 'node:path';

export interface Drained {
  /** Records after {@link FRAME_HEADER_SIZE} free bytes; null when there were none. */
  readonly batch: Buffer | null;
  readonly records: number;
  /** Boot time in nanoseconds before which every record has been drained; 0n when that cannot be told now. */
  readonly upTo: bigint;
}

export interface Native {
  /** Maps the rings; `onRecords` is called, at most once per event-loop turn, when there is something to drain. */
  openRings(data: number, structure: number, onRecords: () => void): void;
  /** At most half a MiB; call again until `batch` is null. */
  drain(): Drained;
  closeRings(): void;
  /** @throws code E2BIG when the map is full. */
  setTarget(map: number, pid: number, flags: number, startTicks: number): void;
  deleteTarget(map: number, pid: number): boolean;
  countTargets(map: number): number;
  /** Sums over CPUs in the order of `struct counters`. */
  readCounters(map: number): number[];
  /** @throws code ESRCH when there is no such process. The descriptor is the caller's to close. */
  openPidfd(pid: number): number;
  isAlive(pidfd: number): boolean;
  /** Boot time, and wall time minus boot time, in nanoseconds. */
  readClocks(): [bootTime: bigint, offset: bigint];
}

export function loadNative(): Native {
  const module = { exports: {} };
  process.dlopen(module, join(__dirname, 'native', 'addon.node'), constants.dlopen.RTLD_NOW);
  return module.exports as Native;
}
