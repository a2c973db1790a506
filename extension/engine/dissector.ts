/**
 * What reads one protocol on one connection: bytes, holes and ends of both directions in order go in, exchanges
 * come out. connection.ts picks it; each protocol's folder has one.
 */

import type { MissingReason, PieceContext } from './byteStream.ts';
import type { Process } from './exchange.ts';
import type { StoredConnection, StoredEncrypted, StoredExchange } from './model.ts';
import type { ByteCounters } from './reassembly.ts';
import type { Direction } from './record.ts';

/** What a dissector needs of the engine. */
export interface ConnectionHost {
  readonly counters: ByteCounters;
  readonly bodyLimit: number;
  /** Milliseconds since the trace's start. */
  milliseconds(bootTime: bigint): number;
  process(pid: number): Process | null;
  create(process: Process | null, connection: StoredConnection, first: boolean): StoredExchange;
  changed(exchange: StoredExchange): void;
  ended(exchange: StoredExchange): void;
  merged(exchange: StoredExchange): void;
  /** An exchange that stands for a connection without plaintext. */
  createEncrypted(
    process: Process | null,
    connection: StoredConnection,
    encrypted: StoredEncrypted,
  ): StoredExchange;
  /** It does not stand for anything any more. */
  withdraw(exchange: StoredExchange): void;
  /** Why the plaintext of this process's connection is not seen. @param late it was open before it was seen. */
  whyEncrypted(pid: number, late: boolean): string;
  /** One session more, or less, of this process has plaintext and no known socket. */
  unboundSession(pid: number, change: 1 | -1): void;
  mayKeep(bytes: number): boolean;
  /** See {@link MessageHost.described}. */
  described(response: Buffer): void;
}

export interface Dissector {
  /** Something is held that time alone may let go on. */
  readonly waiting: boolean;
  /** What an opened record tells is known. */
  opened(): void;
  /** @param bytes a view that is valid during the call only. */
  bytes(direction: Direction, bytes: Buffer, context: PieceContext): void;
  missing(direction: Direction, length: number, reason: MissingReason, context: PieceContext): void;
  /** Nothing follows in this direction. @param orderly the sender said so, as opposed to a reset. */
  ended(direction: Direction, orderly: boolean, context: PieceContext): void;
  /** Every record emitted up to then has been pushed. */
  advance(upTo: bigint): void;
  /** Both directions have ended. */
  closed(context: PieceContext): void;
  /** The trace is over at this time (milliseconds); the connection is not. */
  finish(at: number): void;
}
