/**
 * A window's trace as the views see it. This is their only interface: they do not know about sockets, workers or
 * helpers. The shapes of events and disposables are VS Code's, so that a view can use them directly.
 */
import type { BreakRequest, BreakState } from '../../helper/protocol.ts';
import type { MessageKind } from '../engine/exchange.ts';
import type { ExchangeJson, StreamMessageJson } from '../engine/exchangeJson.ts';
import type { ProtoSchema } from '../engine/protobuf/schema.ts';
import type { DebugFacts, ExchangeRow, SourceLine } from '../engine/row.ts';
import type { StoryMark, TraceStatus } from '../engine/traceStatus.ts';

export interface Subscription {
  dispose(): void;
}

export type Listen<T> = (listener: (value: T) => unknown) => Subscription;

export interface RowChanges {
  /** New and changed rows. */
  readonly rows: readonly ExchangeRow[];
  /** Ids that are no longer held. */
  readonly removed: readonly number[];
}

/** The result of reading a file. */
export interface Opened {
  readonly calls: number;
  /** Remarks about it, in sentences; null: none. */
  readonly note: string | null;
}

/** A trace that was captured in this window, or before it was reloaded, as a recording. */
export interface Recorded {
  /** When it began, in milliseconds since the epoch. */
  readonly began: number;
  /** Approximate number of bytes that will be written. */
  readonly bytes: number;
  /** Its oldest part was dropped, as there was no room. */
  readonly partly: boolean;
  /**
   * Writes it, piece by piece, unmasked.
   * @param progress receives how many bytes were written; returning false stops the writing.
   */
  write(to: (bytes: Uint8Array) => void, progress: (bytes: number) => boolean): Promise<void>;
}

/** Opens one file; `cancel` makes it fail as cancelled. */
export interface Opening {
  /** @throws TraceError */
  readonly opened: Promise<Opened>;
  cancel(): void;
}

/** Why a trace could not start, or a file could not be opened, as a text for the user. */
export class TraceError extends Error {
  override readonly name = 'TraceError';
  constructor(
    /** Stable, for tests and for choosing the button that offers a remedy. */
    readonly code:
      | 'no-permission'
      | 'cancelled'
      | 'platform'
      | 'kernel'
      | 'not-found'
      | 'not-owner'
      | 'gone'
      | 'helper'
      | 'untrusted-workspace'
      | 'file',
    message: string,
    /** The signal that ended the process concerned; null: none, or not known. */
    readonly signal: string | null = null,
  ) {
    super(message);
  }
}

/** Information that the editor adds to captured rows. */
export interface Annotations {
  /** Annotations for a held row that was traced and that is new or has changed. */
  debugOf(row: ExchangeRow, rows: ReadonlyMap<number, ExchangeRow>): DebugFacts | null;
  /** The call stack that led to `source`, innermost first. */
  stackOf(row: ExchangeRow): readonly SourceLine[];
  statusOf(status: TraceStatus): TraceStatus;
  /**
   * Annotations of the status changed, and of rows that had not ended at the given time (in milliseconds of the
   * list).
   */
  readonly onDidChange: Listen<number>;
}

/** What debugged programs printed, and where they stopped, beside the calls. */
export interface Marks {
  /** In order of time. */
  readonly all: readonly StoryMark[];
  readonly onDidChange: Listen<void>;
}

/** The kernel's part of Break on Calls, for processes that are debugged by ptrace. */
export interface StoppingTrace {
  /** @throws TraceError when no trace runs */
  setBreak(what: Omit<BreakRequest, 'request'>): Promise<BreakState>;
  /** A process was stopped, and no answer has reported it. */
  readonly onDidBreak: Listen<BreakState>;
}

export interface Trace {
  readonly status: TraceStatus;
  readonly onDidChangeStatus: Listen<TraceStatus>;
  /** All rows held, by id, in the order of ids. */
  readonly rows: ReadonlyMap<number, ExchangeRow>;
  /** At most ten times a second. */
  readonly onDidChangeRows: Listen<RowChanges>;
  /** Starts (if idle, stopped or failed) and attaches; if already running, attaches these too. @throws TraceError */
  start(pids: readonly number[]): Promise<void>;
  /**
   * Starts (if idle, stopped or failed) without a process: processes that the seeds start from now on are traced from
   * the first instruction, and shown when named with {@link confirm} or {@link start}. @throws TraceError
   */
  arm(seeds: readonly number[]): Promise<void>;
  /** Shows the calls of these processes if an armed trace already follows them; does not attach to the others. */
  confirm(pids: readonly number[]): void;
  /** Drops processes that an armed trace has followed for this many milliseconds without their being named. */
  leaveOutUnnamed(olderMs: number): void;
  /** Drains records in flight, then ends. Captured calls stay. Idempotent. */
  stop(): Promise<void>;
  /** While it stops: drops and counts the remaining records instead of waiting for them. */
  cutShort(): void;
  /** Pins a call, so that it is not evicted until the list is cleared; or unpins it. */
  pin(id: number, pinned: boolean): void;
  /** Drops calls that have ended. */
  clear(): void;
  /**
   * null when no longer held.
   * @param reveal with secrets unmasked.
   * @param messageBytes of each message inside the exchange; all that is held when omitted.
   */
  details(id: number, reveal: boolean, messageBytes?: number): Promise<ExchangeJson | null>;
  /** One message inside an exchange, by its number; null when no longer held. */
  message(id: number, number: number, reveal: boolean): Promise<StreamMessageJson | null>;
  /**
   * A body as it was sent: with its content coding and its secrets, without transfer coding. null: there is none,
   * nothing of it was captured, or the call is no longer held.
   */
  body(id: number, kind: MessageKind): Promise<Uint8Array | null>;
  /**
   * Which of a filter's detail tests match, as bits (see Filter), for each of these calls that is held. Ask for a few
   * at a time: other requests wait in the meantime.
   */
  search(query: string, ids: readonly number[]): Promise<readonly (readonly [id: number, found: number])[]>;
  /**
   * Reads a recording or an HTTP Archive into the list, beside what is in it. Needs neither privilege nor Linux.
   * @param content its path, or its content.
   * @param name shown by its rows as their origin.
   * @param progress receives how much was read, in percent.
   */
  open(content: string | Uint8Array, name: string, progress: (percent: number) => void): Opening;
  /** Traces that can be saved, oldest first. @throws TraceError with the reason when the running trace is not kept */
  recordings(): Promise<readonly Recorded[]>;
  /** The messages of .proto files; replaces earlier ones. */
  setProtos(schema: ProtoSchema): void;
  dispose(): void;
}
