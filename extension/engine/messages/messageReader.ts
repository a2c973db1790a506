/**
 * The interface between what carries bytes (an HTTP/1 body, HTTP/2 DATA, the tunnel behind a 101 or a
 * CONNECT) and what finds messages in them (WebSocket, server-sent events, gRPC, …).
 *
 * One reader reads one direction of one exchange; {@link openMessageReader} in formats.ts chooses it when a
 * head is complete. It gets bytes after transfer decoding, in order, and puts what it finds into the
 * exchange's {@link MessageList}; the caller then reports the exchange as changed. It never
 * throws, and needs bounded time and memory per byte, whatever the bytes are.
 */
import type { GapReason, Outcome } from '../byteStream.ts';

export interface MessageReader {
  /**
   * @param bytes a view that is valid during the call only. May be empty.
   * @param time of transfer, in milliseconds since the trace's start.
   */
  feed(bytes: Buffer, time: number): void;
  /** @param length missing bytes; null when their number is unknown. */
  gap(length: number | null, reason: GapReason, time: number): void;
  /** This direction has ended. Called once. */
  end(outcome: Outcome, time: number): void;
}

/** What readers need from the engine. */
export interface MessageHost {
  /** Bytes of each message's content that are kept; the rest is only counted. */
  readonly bodyLimit: number;
  /** May this many more bytes be kept? */
  mayKeep(bytes: number): boolean;
  /**
   * A gRPC server described its messages.
   * @param response a `ServerReflectionResponse` (gRPC server reflection); a view that is valid during the
   *   call only.
   */
  learnDefinitions(response: Buffer): void;
}
