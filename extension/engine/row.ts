/**
 * An exchange as lists, trees and the timeline need it, and nothing more: small, flat, structured-
 * clonable. Secrets in the query are masked already (see extension/privacy).
 */
import type {
  CallEnding,
  Cause,
  Completeness,
  EndingKind,
  ExchangeState,
  Failure,
  Side,
} from './exchange.ts';
import type { MessageFormat } from './messages/messageList.ts';

export interface Phases {
  /** All in milliseconds; null where unknown. */
  readonly lookupMs: number | null;
  readonly connectMs: number | null;
  readonly tlsMs: number | null;
  readonly sendMs: number | null;
  readonly waitMs: number | null;
  readonly receiveMs: number | null;
  /** How long before the end of the request the response began: sending and receiving overlap. */
  readonly overlapMs: number | null;
}

/** A line of the program that made a call. */
export interface SourceLine {
  /** As the debugger or the program names it. It is untrusted: never open it without a check. */
  readonly path: string;
  /** From 1. */
  readonly line: number;
  /** From 1; null: not known. */
  readonly column: number | null;
  /** null: it has no name. */
  readonly function: string | null;
}

/**
 * What the editor knows about a call: its process, its debug session and when that was paused, and the line that made
 * the call (for some programs known without a debugger). Times in milliseconds.
 */
export interface DebugFacts {
  /** Name of the debug session that its process, or one that started it, belongs to; null: none. */
  readonly session: string | null;
  /** What the process runs, such as `shop.js`; null: no more than its name is known. */
  readonly script: string | null;
  /** For how long the debugger had paused the process during the call; null: it is not debugged. */
  readonly pausedMs: number | null;
  /** The part of `pausedMs` between request and response. */
  readonly waitPausedMs: number;
  /** The debug session that answered this call, if it was paused meanwhile, and for how long; null: none. */
  readonly pausedPeer: { readonly session: string; readonly ms: number } | null;
  /** The program's own line that made this call; null: not known. */
  readonly source: SourceLine | null;
}

/** For a process without a debug session, or outside of the editor. */
export const NOT_DEBUGGED = {
  session: null,
  script: null,
  pausedMs: null,
  waitPausedMs: 0,
  pausedPeer: null,
  source: null,
} as const satisfies DebugFacts;

export interface ExchangeRow {
  readonly id: number;
  /** Grows with each change of this exchange. */
  readonly revision: number;
  /** null: the request was not seen. */
  readonly method: string | null;
  readonly status: number | null;
  readonly statusText: string | null;
  readonly scheme: 'http' | 'https' | null;
  /** Authority (host and port) as the request names it, else the server end's address, else null. */
  readonly host: string | null;
  /** Path and query, or the whole target where it is in another form. */
  readonly path: string | null;
  readonly protocol: string;
  /** Short type for a column: json, html, text, image, …; null when unknown. */
  readonly type: string | null;
  /** Body sizes in bytes after transfer decoding; null when unknown. */
  readonly requestSize: number | null;
  readonly responseSize: number | null;
  /** Milliseconds since the start of the trace: first byte of the request (or of what was seen first). */
  readonly start: number;
  /** Milliseconds; null while running. */
  readonly duration: number | null;
  readonly phases: Phases;
  readonly pid: number | null;
  readonly processName: string | null;
  readonly side: Side | null;
  readonly state: ExchangeState;
  readonly completeness: readonly Completeness[];
  /** How it ended; null while it runs (but for `not-http`), and for an encrypted connection without a failure. */
  readonly ending: CallEnding | null;
  /** The error that the traced side's TLS library reports for a call without an answer; null: none, or not known. */
  readonly tlsFailure: string | null;
  /** Attempts to connect that the row counts; 0: it is not about a failed connection. */
  readonly connectAttempts: number;
  /** Number of broken rules. */
  readonly violations: number;
  readonly connection: string;
  /** Of the traced process's end of the connection; null: not TCP, or not known. */
  readonly localPort: number | null;
  /** Of HTTP/2; null: another protocol. */
  readonly stream: number | null;
  /**
   * Messages inside the exchange (WebSocket, server-sent events, …) and their format; null: it can have none.
   */
  readonly messageFormat: MessageFormat | null;
  readonly messages: number;
  /** Status of a gRPC call: 0 is OK. null: not a gRPC call, or its status is unknown. */
  readonly grpcStatus: number | null;
  /**
   * Why no messages are visible, in one line: the row is a TLS connection, and its sizes are the
   * bytes sent and received on it. null for a call.
   */
  readonly encrypted: string | null;
  /** Why there was no call: a step before it failed, which the row represents. null for a call. */
  readonly failure: Failure | null;
  /**
   * What the call is for: `mutation AddItem` (GraphQL), `eth_call` (JSON-RPC), `tools/call add` (MCP),
   * `gpt-4o, 12 → 345 tokens` (a language model).
   */
  readonly operation: string | null;
  /** The language model that answered, else the requested one; null: not such a call, or not known. */
  readonly model: string | null;
  /** The proxies on the way, outermost first: `SOCKS5 127.0.0.1:1080, CONNECT b.test:3128`; null: none was seen. */
  readonly proxy: string | null;
  /** Name of the file that the row is from; null: it was traced here. */
  readonly file: string | null;
  /** Id of the other side's row for the same call; null: the other side is not traced, or not known (yet). */
  readonly peer: number | null;
  /** The call that caused this one; null: none was seen, or several are possible. */
  readonly cause: Cause | null;
  /** Pinned: not evicted until the list is cleared. */
  readonly pinned: boolean;
  /** null: the editor knows nothing about the process, and the line that made the call is not known. */
  readonly debug: DebugFacts | null;
}

/** How long the call took without the time for which the debugger paused the program. */
export function activeMs({ duration, debug }: Pick<ExchangeRow, 'duration' | 'debug'>): number | null {
  return duration === null ? null : Math.max(0, duration - (debug?.pausedMs ?? 0));
}

/** The values that decide whether an exchange is an error. */
export interface OutcomeFacts {
  /** HTTP status; null: none (yet). */
  readonly status: number | null;
  /** gRPC status; null: none (yet). */
  readonly grpcStatus: number | null;
  readonly completeness: Iterable<Completeness>;
  readonly ending: CallEnding | null;
}

/** Labels of calls that failed, whatever their status says. */
const FAILURES: ReadonlySet<Completeness> = new Set([
  'aborted',
  'handshake-failed',
  'connect-failed',
  'lookup-failed',
]);

/** Endings that count as errors. Ending with the trace, or in a way that was not seen, does not. */
const BAD_ENDS: ReadonlySet<EndingKind> = new Set([
  'cancelled',
  'reset',
  'closed',
  'not-http',
  'refused',
  'unreachable',
  'timed-out',
  'process-ended',
  'failed',
]);

/**
 * The one definition of an error, for every count, mark and filter: HTTP status 400 and above, a gRPC status that
 * is not OK, a call that ended before its response was complete (closed, reset, cancelled or timed out), an answer that
 * is not HTTP, a connection or TLS handshake that failed, or a name that was not found.
 */
export function isError({ status, grpcStatus, completeness, ending }: OutcomeFacts): boolean {
  if (status !== null && status >= 400) return true;
  if (grpcStatus !== null && grpcStatus !== 0) return true;
  if (ending !== null && BAD_ENDS.has(ending.how)) return true;
  if (completeness instanceof Set && completeness.size === 0) return false;
  for (const label of completeness) if (FAILURES.has(label)) return true;
  return false;
}

/** A call that is under way. An open connection without plaintext is not a call. */
export function isRunning(row: ExchangeRow): boolean {
  return row.state === 'running' && row.encrypted === null;
}

/** An HTTP call, or a failure that prevented one: what rates and sums count. */
export function isCall(row: ExchangeRow): boolean {
  return row.encrypted === null || row.completeness.includes('handshake-failed');
}
