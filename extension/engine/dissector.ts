/**
 * Reads one protocol on one connection: ordered bytes, gaps and ends of both directions go in, exchanges
 * come out. connection.ts picks it; each protocol's folder has one.
 */

import type { MissingReason, PieceContext } from './byteStream.ts';
import type { ConnectFailed, Process } from './exchange.ts';
import type { SocketEnd } from './peers/socketEnd.ts';
import type { ByteCounters } from './reassembly.ts';
import type { Direction } from './record.ts';
import type { StoredConnection, StoredEncrypted, StoredExchange } from './storedExchange.ts';
import type { Unread } from './tls/library.ts';

/** What a dissector needs from the engine. */
export interface ConnectionHost {
  readonly counters: ByteCounters;
  readonly bodyLimit: number;
  /** Milliseconds since the trace's start. */
  milliseconds(bootTime: bigint): number;
  /** As {@link milliseconds}, from the upper and lower 32 bits of the boot time. */
  millisecondsOf(high: number, low: number): number;
  process(pid: number): Process | null;
  create(process: Process | null, connection: StoredConnection, first: boolean): StoredExchange;
  changed(exchange: StoredExchange): void;
  /** All fields of its request were read (HTTP/1). */
  requestRead(exchange: StoredExchange): void;
  ended(exchange: StoredExchange): void;
  /** A connection error was recorded; it may explain how the last exchange ended. */
  connectionFailed(connection: StoredConnection): void;
  merged(exchange: StoredExchange): void;
  /** Two sockets are the ends of one connection. */
  connected(one: SocketEnd, other: SocketEnd): void;
  /** No further call on this socket will be matched to its peer. */
  endForgotten(end: SocketEnd): void;
  /** An exchange that represents a TLS connection without plaintext. */
  createEncrypted(
    process: Process | null,
    connection: StoredConnection,
    encrypted: StoredEncrypted,
  ): StoredExchange;
  /** Removes such an exchange: the connection has plaintext after all. */
  withdraw(exchange: StoredExchange): void;
  /** An exchange that represents a connection which was not established. */
  createFailed(process: Process | null, connection: StoredConnection, failed: ConnectFailed): StoredExchange;
  /** The wait status of a process that has ended; null: not known. */
  exitStatus(pid: number): number | null;
  /** Why this process's connection has no plaintext. */
  whyEncrypted(pid: number, connection: Unread): string;
  /** Whether the process's TLS libraries are known; also true when they never will be. */
  librariesKnown(pid: number): boolean;
  /** Counts the sessions of this process that have plaintext but no known socket. */
  unboundSession(pid: number, change: 1 | -1): void;
  mayKeep(bytes: number): boolean;
  /** See {@link MessageHost.learnDefinitions}. */
  learnDefinitions(response: Buffer): void;
}

export interface Dissector {
  /** Something is held until a record arrives or time passes. */
  readonly waiting: boolean;
  /** The dissector that reads the tunnel in it as TLS. */
  readonly tlsSocket?: TlsDissector | null;
  /** The connection's opened record has arrived. */
  opened(): void;
  /** @param bytes a view that is valid during the call only. */
  bytes(direction: Direction, bytes: Buffer, context: PieceContext): void;
  missing(direction: Direction, length: number, reason: MissingReason, context: PieceContext): void;
  /** This direction has ended. @param orderly the sender closed it, as opposed to a reset. */
  ended(direction: Direction, orderly: boolean, context: PieceContext): void;
  /** Every record emitted up to `upTo` has been pushed. */
  advance(upTo: number): void;
  /** Both directions have ended. */
  closed(context: PieceContext): void;
  /** The trace ends at this time (milliseconds) while the connection is open. */
  finish(at: number): void;
}

/** Reads the unencrypted part of TLS; the plaintext arrives separately, as sessions (tls/session.ts). */
export interface TlsDissector extends Dissector {
  /** The connection has closed; its row's reason is pending. */
  readonly ending: boolean;
  /** A session was matched to this connection, or (-1) matched to another one instead. */
  bound(change: 1 | -1): void;
  /** What a session's library reports: why the session failed, and its verdict on the peer's certificate. */
  sessionFailed(reason: string | null, verdict: string | null): void;
  /** Plaintext was seen: its calls are shown instead of the connection. */
  plaintextSeen(): void;
  /** More is known about the process's libraries. */
  explain(pid: number): void;
}
