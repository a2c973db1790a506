import type { ProcessTls } from './tls/library.ts';

/** The state of a trace as every view shows it. */
export type TracePhase = 'idle' | 'starting' | 'running' | 'stopping' | 'stopped' | 'failed';

export interface TraceStatus {
  readonly phase: TracePhase;
  /** Wall time of the trace's start in milliseconds since the epoch; null before the first start. */
  readonly startedAt: number | null;
  /** Milliseconds since the start up to which everything was seen: where running calls end for now. */
  readonly now: number;
  /** Milliseconds by which what is shown is behind the program; 0: it keeps up. */
  readonly behindMs: number;
  /** Records that wait to be shown. */
  readonly waitingRecords: number;
  readonly calls: number;
  readonly errors: number;
  readonly runningCalls: number;
  /** Calls that fell out of the bounded store. */
  readonly evicted: number;
  /** Bytes on captured connections, and those of them that were lost (not left out by a limit). */
  readonly bytesSeen: number;
  readonly bytesLost: number;
  /** Connections that are neither HTTP nor TLS. */
  readonly otherConnections: number;
  /** Traced processes. */
  readonly targets: readonly {
    readonly pid: number;
    readonly name: string | null;
    readonly ended: boolean;
    /** What is known about its TLS libraries and what was decrypted; null: nothing. */
    readonly tls: ProcessTls | null;
  }[];
  readonly backend: string | null;
  /** Problem in the user's words with what to do; null when all is well. */
  readonly problem: string | null;
}

export const IDLE_STATUS: TraceStatus = {
  phase: 'idle',
  startedAt: null,
  now: 0,
  behindMs: 0,
  waitingRecords: 0,
  calls: 0,
  errors: 0,
  runningCalls: 0,
  evicted: 0,
  bytesSeen: 0,
  bytesLost: 0,
  otherConnections: 0,
  targets: [],
  backend: null,
  problem: null,
};
