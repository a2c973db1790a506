/**
 * The model that the engine makes of records: connections, exchanges and their messages. Words are those of
 * RFC 9110 and RFC 9112. Nothing here is ever guessed: what is not known is null.
 *
 * Times are boot-time nanoseconds as bigint inside the engine's records, and here, once relative to the start
 * of the trace, doubles in milliseconds (exact to a nanosecond for 100 days).
 */

import type { FileReading } from './byteStream.ts';
import type { GraphqlType } from './operations/graphql.ts';
import type { TlsBinding, TlsLibraryName } from './record.ts';
import type { WireFacts } from './tls/wire.ts';

export type Side = 'client' | 'server';
export type MessageKind = 'request' | 'response';

/** Field name and value in their original order and case (RFC 9110 section 5). Bytes are read as Latin-1. */
export type Field = readonly [name: string, value: string];

/**
 * A field as far as it is known. null: it refers to an earlier message that was not seen (HTTP/2
 * compresses fields by reference, RFC 7541).
 */
export type SeenField = readonly [name: string | null, value: string | null];

export type Completeness =
  | 'complete'
  | 'request-truncated'
  | 'response-truncated'
  | 'request-gap'
  | 'response-gap'
  | 'joined-late'
  | 'headers-incomplete'
  | 'socket-unknown'
  | 'unanswered'
  | 'aborted'
  | 'one-sided'
  /** A TLS connection whose plaintext is not seen. */
  | 'encrypted'
  /** A TLS connection whose handshake failed. */
  | 'handshake-failed';

/** A rule that a message breaks, and how the message was read nevertheless. */
export interface Violation {
  /** For example `RFC 9112 section 6.3`. */
  readonly rule: string;
  /** One sentence for people. Never contains captured bytes. */
  readonly message: string;
  readonly in: MessageKind;
  /** Position in that direction's stream; null: in one of the messages inside the exchange. */
  readonly position: number | null;
}

export interface Body {
  /** Length after transfer decoding; null while running or when the length could not be known. */
  size: number | null;
  /** Bytes of `bytes`. The captured bytes are always a prefix of the body. */
  captured: number;
  /**
   * What became of bytes that the program sent from a file; of several readings the first that failed. null: there
   * were none.
   */
  readonly file: FileReading | null;
  /** Captured prefix, in the pieces in which it arrived. */
  readonly chunks: readonly Uint8Array[];
}

export interface Message {
  /** `HTTP/1.0`, `HTTP/1.1`, `HTTP/2`, or as it was sent. */
  version: string;
  fields: SeenField[];
  trailers: SeenField[];
  body: Body;
  /** First and last byte, in milliseconds since the trace's start; null where not seen (yet). */
  firstByte: number | null;
  lastByte: number | null;
  /** Length in the stream, head and framing included, as far as seen. */
  wireSize: number;
}

export interface Request extends Message {
  /** Empty when it is not known. */
  method: string;
  /**
   * request-target as sent (RFC 9112 section 3.2). HTTP/2: the path, and for CONNECT without one the authority;
   * empty when it is not known.
   */
  target: string;
  /** HTTP/2 (RFC 9113 section 8.3.1); null in HTTP/1 and when not known. */
  scheme: string | null;
  authority: string | null;
}

export interface Response extends Message {
  /** {@link UNKNOWN_STATUS} when it is not known. */
  status: number;
  /** reason-phrase, possibly empty. */
  statusText: string;
}

/** The status of a response whose status could not be read. */
export const UNKNOWN_STATUS = -1;

/** The announced end of an HTTP/2 connection (GOAWAY). */
export interface GoAway {
  readonly code: number;
  /** Side that sent it. */
  readonly by: Side;
  /** false: its sender has not acted on the request, which may be sent again. */
  readonly processed: boolean;
  /** Its debug data; empty: none. */
  readonly text: string;
}

/** What an exchange on HTTP/2 has besides: its stream. */
export interface StreamInfo {
  /** Stream identifier (RFC 9113 section 5.1.1). */
  readonly stream: number;
  /** Promised by the server, not asked for by the client (section 8.4). */
  readonly pushed: boolean;
  /** RST_STREAM (section 6.4): the error code, and which side sent it. */
  readonly reset: { readonly code: number; readonly by: Side } | null;
  /** GOAWAY (section 6.8), where it ended the stream or came with an error while the stream ran. */
  readonly goAway: GoAway | null;
  /**
   * Milliseconds for which flow control kept the process from sending (section 5.2); null
   * while it runs and when not known.
   */
  readonly blocked: number | null;
}

export interface Process {
  readonly pid: number;
  /** comm; null when unknown. */
  readonly name: string | null;
}

export interface Connection {
  /** Unique within the trace. */
  readonly id: string;
  readonly transport: 'tcp' | 'unix';
  /** `127.0.0.1:8080`, `[::1]:8080`, a Unix path, or null when unknown. */
  readonly local: string | null;
  readonly remote: string | null;
  readonly side: Side | null;
  readonly joinedLate: boolean;
  /** Milliseconds since the trace's start. */
  readonly connectStarted: number | null;
  readonly established: number | null;
  /** null: not TLS. */
  readonly tls: Tls | null;
}

/** Of a TLS session. What is not seen, or encrypted, is null. */
export interface Tls {
  /** The library whose functions gave the plaintext. */
  readonly library: TlsLibraryName | null;
  /** How its socket was found. */
  readonly binding: TlsBinding | null;
  /** Connection id of its socket. */
  readonly socket: string | null;
  /** The selected protocol (RFC 7301). */
  readonly alpn: string | null;
  /** As the library reports it; milliseconds since the trace's start. */
  readonly handshakeStarted: number | null;
  readonly handshakeEnded: number | null;
  /** What the socket's unencrypted bytes show. */
  readonly wire: WireFacts | null;
}

/** A connection whose plaintext is not seen. */
export interface Encrypted {
  /** Why, in one line for people; for a failed handshake the line stands alone. */
  readonly reason: string;
  /** Milliseconds since the trace's start. */
  readonly firstByte: number;
  /** Bytes that the process sent and received, TLS overhead included. */
  readonly sent: number;
  readonly received: number;
}

export interface OperationName {
  /** Of GraphQL; null where unknown (a persisted query) and for JSON-RPC. */
  readonly type: GraphqlType | null;
  readonly name: string | null;
}

/** The operation that a request's body names: GraphQL over HTTP, JSON-RPC. */
export interface Operation {
  readonly protocol: 'graphql' | 'json-rpc';
  /** Operations in the request: more than one in a batch. */
  readonly count: number;
  /** The first ones, in order. */
  readonly names: readonly OperationName[];
}

export type ExchangeState = 'running' | 'ended';

export interface Exchange {
  /** The operation named in the request's body; null where it is not certain that there is one. */
  readonly operation: Operation | null;
  /** From 1, in the order in which requests were first seen. Never reused within a trace. */
  readonly id: number;
  process: Process | null;
  connection: Connection;
  side: Side | null;
  request: Request | null;
  response: Response | null;
  /** 1xx responses before the final one, in order. */
  interim: Response[];
  state: ExchangeState;
  completeness: Set<Completeness>;
  violations: Violation[];
  /** When it became `ended`; milliseconds since the trace's start. */
  endedAt: number | null;
  /** true for the first exchange of a connection, to which its connect time belongs. */
  firstOnConnection: boolean;
  /** After a 101 or a 2xx to CONNECT: what the connection carries. */
  tunnel: { protocol: string; sent: number; received: number } | null;
  /** null: HTTP/1. */
  http2: StreamInfo | null;
  /** Set for a TLS connection without plaintext: the exchange has no messages. */
  encrypted: Encrypted | null;
}
