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

/** enum process_change of bpf/trace_http.h. */
export const ProcessChange = { Forked: 1, Executed: 2, Mapped: 3, Gone: 4 } as const;

/** struct broker_probe of helper/loader/broker.h. */
export interface BrokerProbe {
  readonly offset: bigint;
  readonly cookie: bigint;
  /** 0: on entries, 1: on returns. */
  readonly program: 0 | 1;
  readonly atReturn: 0 | 1;
  readonly symbol: string;
}

export interface Native {
  /**
   * Maps the rings; `onRecords` is called, at most once per event-loop turn, when there is something to drain,
   * `onProcesses` with what happened to targets: change ({@link ProcessChange}) and pid, alternating.
   */
  openRings(
    data: number,
    structure: number,
    process: number,
    onRecords: () => void,
    onProcesses: (changes: number[]) => void,
  ): void;
  /**
   * Attaches a program to offsets in a file, for every process that maps it. The descriptor is the link's, the
   * caller's to close.
   * @throws when the kernel refuses.
   */
  attachUprobes(
    program: number,
    path: string,
    offsets: BigUint64Array,
    cookies: BigUint64Array,
    atReturns: boolean,
  ): number;
  /**
   * As {@link attachUprobes}, by the loader's broker, to a mapping of a process; at most 64 probes.
   * @throws with the broker's reason.
   */
  askBroker(channel: number, pidfd: number, start: bigint, end: bigint, probes: BrokerProbe[]): number[];
  /** Maps a file as a program would. @throws when the kernel refuses. */
  mapExecutable(descriptor: number): [start: bigint, end: bigint];
  unmap(start: bigint, end: bigint): void;
  /** At most half a MiB; call again until `batch` is null. */
  drain(): Drained;
  closeRings(): void;
  /** @throws code E2BIG when the map is full. */
  setTarget(map: number, pid: number, flags: number, startTicks: number): void;
  deleteTarget(map: number, pid: number): boolean;
  countTargets(map: number): number;
  clearTargets(map: number): void;
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
