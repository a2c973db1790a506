/** The addon's functions, typed. It is loaded from its one place beside the bundle and from nowhere else. */
import { constants } from 'node:os';
import { join } from 'node:path';
import type { Backlog } from './protocol.ts';

export interface Batch {
  /** Length of the records in bytes; 0 = there were none. */
  readonly length: number;
  readonly records: number;
  /** Boot time in nanoseconds before which every record has been taken; 0n when unknown. */
  readonly upTo: bigint;
}

/** Bytes of records in one batch, at most (BACKLOG_BATCH of helper/addon/backlog.h). */
export const BATCH_SIZE = 512 * 1024;

/** struct backlog_facts of helper/addon/backlog.h. */
export interface BacklogFacts extends Omit<Backlog, 'newest'> {
  readonly newest: bigint;
}

/** enum process_change of bpf/trace_http.h. */
export const ProcessChange = { Forked: 1, Executed: 2, Mapped: 3, Gone: 4 } as const;

/** enum stack_state of bpf/trace_http.h. */
export const StackState = { Wanted: 1, Unwanted: 2 } as const;

/** linux/bpf.h: BPF_ANY, BPF_NOEXIST, BPF_EXIST. */
export const SetWhen = { Always: 0, IfNew: 1, IfThere: 2 } as const;

/** struct broker_probe of helper/loader/broker.h. */
export interface BrokerProbe {
  /** In the file. */
  readonly offset: bigint;
  /** enum broker_kind: on an entry, on a return instruction, a uretprobe. */
  readonly kind: 0 | 1 | 2;
  /** Bytes by which the stack is deeper there. */
  readonly stack: number;
  readonly symbol: string;
}

/** The TLS probes of one file, which a process has mapped to be executed. */
export interface ProbeRequest {
  readonly pidfd: number;
  /** Of the file, open for reading. */
  readonly descriptor: number;
  /** Of the mapping. */
  readonly start: bigint;
  readonly end: bigint;
  /** Its number in the records of its sessions. */
  readonly file: number;
  /** enum tls_library of bpf/trace_http.h. */
  readonly library: number;
  /** The one process that is to have them; 0: every process. */
  readonly only: number;
  readonly probes: readonly BrokerProbe[];
}

export interface Native {
  /**
   * Maps the rings, skips what is in them, and starts the thread that empties them into the backlog. `onRecords` is
   * called, at most once per event-loop turn, when something is in the backlog; `onProcesses` with changes of targets,
   * as a flat list: {@link ProcessChange}, pid, inode and path of the executed program (else 0n and ''), and
   * /proc/PID/maps if it has executed or loaded something (else '').
   */
  openRings(
    data: number,
    structure: number,
    process: number,
    onRecords: () => void,
    onProcesses: (changes: (number | bigint | string)[]) => void,
  ): void;
  /** Calls `onProcesses` at once, with all that happened before the records that are in the backlog. */
  reportProcesses(): void;
  /**
   * Other processes of the user can no longer inspect this process, and system calls that it does not need are blocked:
   * from here on it cannot write a file, make a socket, or start a process or program.
   * @throws when the kernel refuses.
   */
  harden(): void;
  /** Ends this process when the client has ended, even if JavaScript is busy; calls back when the broker is gone. */
  watch(client: number, broker: number, onBrokerGone: () => void): void;
  /**
   * The trace's maps and links, and its facts as JSON, once other processes cannot inspect this one. Waits until the
   * programs are loaded. @throws with the broker's reason; code EPIPE when it is gone, as the programs were not loaded.
   */
  takeTrace(channel: number): { readonly descriptors: number[]; readonly facts: string };
  /**
   * Detaches the next link that {@link resumeTrace} attached; after the last one, or if there was none, also clears the
   * maps that hold state of the trace.
   * @returns how many links are left; the trace is paused when there is none
   * @throws as {@link attachProbes} does.
   */
  pauseTrace(channel: number): number;
  /** Attaches the programs again; the broker keeps their links. @throws as {@link attachProbes} does. */
  resumeTrace(channel: number): void;
  /**
   * The caller closes the descriptors of the links, if there are any; `set` is for {@link detachProbes}.
   * @throws with the broker's reason; code EPIPE when it is gone.
   */
  attachProbes(channel: number, request: ProbeRequest): { readonly set: number; readonly links: number[] };
  /** @throws as {@link attachProbes} does. */
  detachProbes(channel: number, set: number): void;
  /** Maps a file as a program would. @throws when the kernel refuses. */
  mapExecutable(descriptor: number): [start: bigint, end: bigint];
  unmap(start: bigint, end: bigint): void;
  /**
   * Takes the oldest records from the backlog.
   * @param into gets them after {@link FRAME_HEADER_SIZE} free bytes; at least that plus {@link BATCH_SIZE} long.
   */
  takeBatch(into: Buffer): Batch;
  /** Empties the rings into the backlog at once. @returns false when records are left (backlog full, or one being written) */
  drainNow(): boolean;
  /** Drops and counts the records in the backlog. */
  dropBacklog(): void;
  readBacklog(): BacklogFacts;
  /** In bytes; smaller values than the minimum count as the minimum. */
  setBacklogLimit(bytes: number): void;
  closeRings(): void;
  /**
   * @throws code E2BIG when the map is full; EEXIST or ENOENT when the entry exists, or does not, contrary to `when`
   * ({@link SetWhen}).
   */
  setTarget(map: number, pid: number, flags: number, startTicks: number, when: number): void;
  deleteTarget(map: number, pid: number): boolean;
  /** Process ids, each followed by its flags (struct target of bpf/trace_http.h). */
  listTargets(map: number): number[];
  clearTargets(map: number): void;
  /** Runs the program of bpf/waiting.h, if it is attached. @param map waiting_wanted @throws when the kernel refuses. */
  reportWaiting(map: number): void;
  /** Which requests breaks are for: {@link AUTOMATON_SIZE} bytes. @throws when the kernel refuses. */
  setAutomaton(map: number, bytes: Buffer): void;
  /** After a hit, the process has to be armed again; deleteTarget disarms it. @throws code E2BIG: there are too many. */
  armBreak(map: number, pid: number): void;
  /** The thread that was stopped, whether its bytes were to be encrypted, and their beginning; null: not hit. */
  readBreak(map: number, pid: number): [thread: number, encrypted: boolean, head: Buffer] | null;
  /** Whether stacks of this process are wanted: {@link StackState}. @throws when the kernel refuses. */
  setStacks(map: number, pid: number, state: number): void;
  /** Sums over CPUs in the order of `struct counters`. */
  readCounters(map: number): number[];
  /** @throws code ESRCH when there is no such process. The caller closes the descriptor. */
  openPidfd(pid: number): number;
  isAlive(pidfd: number): boolean;
  /** Boot time, wall time minus boot time, boot time minus monotonic time, in nanoseconds. */
  readClocks(): [bootTime: bigint, offset: bigint, suspended: bigint];
}

export function loadNative(): Native {
  const module = { exports: {} };
  process.dlopen(module, join(__dirname, 'native', 'addon.node'), constants.dlopen.RTLD_NOW);
  return module.exports as Native;
}
