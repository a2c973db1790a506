import type { ProcessTls } from './tls/library.ts';

/** The state of a trace as every view shows it. */
export type TracePhase = 'idle' | 'starting' | 'running' | 'stopping' | 'stopped' | 'failed';

/** A pause by a debugger, in milliseconds since the list's start. */
export interface PauseSpan {
  readonly pids: readonly number[];
  /** Name of the debug session. */
  readonly session: string;
  readonly from: number;
  /** null: still paused. */
  readonly to: number | null;
}

/** Output of a debugged program, or an exception at which its debugger stopped it. */
export interface StoryMark {
  /** Never reused. */
  readonly id: number;
  readonly kind: 'output' | 'error' | 'exception';
  /** Name of the debug session. */
  readonly session: string;
  /** Milliseconds since the list's start. */
  readonly at: number;
  /** Its beginning, with secrets masked; may be empty, and may have several lines. */
  readonly text: string;
  /** File and line, such as `pay.js:12`; null: not known. */
  readonly place: string | null;
}

export interface TraceStatus {
  readonly phase: TracePhase;
  /** Increases when the list is cleared: ids and times start over. */
  readonly list: number;
  /** Wall time at which the list's times start, in milliseconds since the epoch; null: nothing was traced. */
  readonly startedAt: number | null;
  /** `startedAt` in milliseconds since the machine was started (CLOCK_BOOTTIME); null: nothing was traced. */
  readonly bootStart: number | null;
  /** Milliseconds by which that clock is ahead of `process.hrtime`, which stops while the machine is suspended. */
  readonly suspendedMs: number | null;
  /** Milliseconds since `startedAt` up to which everything was seen: where running calls end for now. */
  readonly now: number;
  /** Milliseconds by which the view lags behind the program; 0: it keeps up. */
  readonly behindMs: number;
  /** Records that wait to be shown. */
  readonly waitingRecords: number;
  readonly calls: number;
  readonly errors: number;
  readonly runningCalls: number;
  /**
   * Calls seen from both sides, which count twice in `calls`; of these, the ones that count twice in `errors`. A view
   * that shows both sides as one row subtracts them.
   */
  readonly pairs: number;
  readonly failedPairs: number;
  /** Calls evicted from the bounded store. */
  readonly evicted: number;
  /** Bytes on captured connections, and those of them that were lost (not left out by a limit). */
  readonly bytesSeen: number;
  readonly bytesLost: number;
  /** Of the newest trace alone, and only since the list was cleared. */
  readonly newest: { readonly calls: number; readonly bytesSeen: number; readonly cleared: boolean };
  /** Connections that are neither HTTP nor TLS. */
  readonly otherConnections: number;
  /** Traced processes. */
  readonly targets: readonly {
    readonly pid: number;
    readonly name: string | null;
    readonly ended: boolean;
    /** The process that started it, where that was seen. */
    readonly parent: number | null;
    /** What is known about its TLS libraries and what was decrypted; null: nothing. */
    readonly tls: ProcessTls | null;
  }[];
  /** Files whose calls are in the list. `note`: remarks about one, in sentences. */
  readonly files: readonly {
    readonly name: string;
    readonly note: string | null;
    /** A trace of this workspace, from before the window was reloaded. */
    readonly kept: boolean;
  }[];
  /** When debuggers of this window paused a program, in order; only the newest. */
  readonly pauses: readonly PauseSpan[];
  readonly backend: string | null;
  /** No trace runs, and a helper waits for the next one. */
  readonly helperKept: boolean;
  /** The problem and what to do, as a text for the user; null when all is well. */
  readonly problem: string | null;
}

export const IDLE_STATUS: TraceStatus = {
  phase: 'idle',
  list: 0,
  startedAt: null,
  bootStart: null,
  suspendedMs: null,
  now: 0,
  behindMs: 0,
  waitingRecords: 0,
  calls: 0,
  errors: 0,
  runningCalls: 0,
  pairs: 0,
  failedPairs: 0,
  evicted: 0,
  bytesSeen: 0,
  bytesLost: 0,
  newest: { calls: 0, bytesSeen: 0, cleared: false },
  otherConnections: 0,
  targets: [],
  files: [],
  pauses: [],
  backend: null,
  helperKept: false,
  problem: null,
};
