/**
 * The model that the engine builds from records: connections, exchanges and their messages. Terminology is that of
 * RFC 9110 and RFC 9112. Nothing is guessed: a value that is not known is null.
 *
 * In records, times are boot-time nanoseconds (bigint). Here they are relative to the start of the trace: doubles in
 * milliseconds (exact to a nanosecond for 100 days).
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
  | 'handshake-failed'
  /** A connection that was not established: there is no exchange. */
  | 'connect-failed'
  /** A name that was not found, so there was nothing to connect to. */
  | 'lookup-failed';

/**
 * How a call ended:
 * - `answered`: the response is complete. For a tunnel, `by` is the side that ended it first.
 * - `cancelled`: the client ended the connection or the stream first.
 * - `reset`: the peer, or something in between, reset the connection or stream; or the server did, by closing it.
 * - `closed`: the server closed without a complete response.
 * - `not-http`: the server's answer is not HTTP. Set before the connection ends.
 * - `refused`: the server refused the connection, or did not process the request.
 * - `unreachable`: the network has no route to the server.
 * - `timed-out`: the kernel gave up waiting for the peer's host.
 * - `process-ended`: the process of the side `by` ended, and its connections with it.
 * - `failed`: the connection was not established for another reason (`error`, TLS handshake, name not found).
 * - `trace-ended`: the call was in progress when the trace ended.
 * - `unknown`: what ended it was not seen.
 */
export type EndingKind =
  | 'answered'
  | 'cancelled'
  | 'reset'
  | 'closed'
  | 'not-http'
  | 'refused'
  | 'unreachable'
  | 'timed-out'
  | 'process-ended'
  | 'failed'
  | 'trace-ended'
  | 'unknown';

/**
 * What else the order of events shows.
 * - `stale-connection`: the server had closed before the request was sent.
 * - `not-delivered`: the response was written, but the client had gone before it began.
 * - `no-close-notify`: the body ends with the connection, and TLS does not confirm that end (RFC 9112 section 9.8).
 * - `by-proxy`: a proxy refused before there could be a call.
 * - `request-not-http`: the request that was answered is not HTTP.
 */
export type EndingDetail =
  | 'stale-connection'
  | 'not-delivered'
  | 'no-close-notify'
  | 'by-proxy'
  | 'request-not-http';

export interface CallEnding {
  readonly how: EndingKind;
  /** null: neither, or not known. */
  readonly by: Side | null;
  /** Name of the socket's error, such as `ECONNRESET`, or what the proxy said; null: none was seen. */
  readonly error: string | null;
  readonly detail: EndingDetail | null;
  /** For `process-ended`, if known: the signal's name, or else the exit status. */
  readonly signal: string | null;
  readonly exitCode: number | null;
}

/** A connect(2) that failed. */
export interface FailedConnect {
  /** Address or path that was tried. */
  readonly remote: string | null;
  readonly ending: CallEnding;
  /** Milliseconds since the trace's start; `started` null: not known. */
  readonly started: number | null;
  readonly ended: number;
}

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
  /** Bytes in `chunks`, which always hold a prefix of the body. */
  captured: number;
  /**
   * Outcome for bytes that the program sent from a file; of several, the first failure. null: there were none.
   */
  readonly file: FileReading | null;
  /** Captured prefix, in one or more pieces. */
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
  /**
   * Length of the head in the stream: for HTTP/1 from the start line to the empty line, inclusive; for HTTP/2 the
   * HEADERS or PUSH_PROMISE frame and its CONTINUATION frames. null: not all of it was seen.
   */
  headSize: number | null;
}

export interface Request extends Message {
  /** Empty when it is not known. */
  method: string;
  /**
   * request-target as sent (RFC 9112 section 3.2). HTTP/2: the path, or the authority for a CONNECT without one;
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

/** A GOAWAY frame, which announces the end of an HTTP/2 connection. */
export interface GoAway {
  readonly code: number;
  /** Side that sent it. */
  readonly by: Side;
  /** false: its sender has not acted on the request, which may be sent again. */
  readonly processed: boolean;
  /** Its debug data; empty: none. */
  readonly text: string;
}

/** What only an HTTP/2 exchange has: its stream. */
export interface StreamInfo {
  /** Stream identifier (RFC 9113 section 5.1.1). */
  readonly stream: number;
  /** Promised by the server, not asked for by the client (section 8.4). */
  readonly pushed: boolean;
  /** RST_STREAM (section 6.4): the error code, and which side sent it. */
  readonly reset: { readonly code: number; readonly by: Side } | null;
  /** GOAWAY (section 6.8), if it ended the stream, or reported an error while it was open. */
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
  /** Failed attempts just before, or at the same time, at other addresses with the same port. */
  readonly attempts: readonly FailedConnect[];
}

/** A TLS session. Values that are not seen, or encrypted, are null. */
export interface Tls {
  /** The library whose calls carried the plaintext. */
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

/** Attempts to connect that failed. */
export interface ConnectFailed {
  /** How often the same attempt was made in quick succession. */
  readonly attempts: number;
  readonly ending: CallEnding;
  /** Milliseconds since the trace's start. */
  readonly started: number;
}

/** How a name was looked up; its times are in {@link NameLookup}. */
export interface LookupFacts {
  /** In lower case. */
  readonly name: string;
  /** The name with each other suffix that was tried (search list of resolv.conf), in order. */
  readonly alsoTried: readonly string[];
  readonly types: readonly ('A' | 'AAAA')[];
  /** `127.0.0.53:53`; null: not known, or the query went to systemd-resolved's socket. */
  readonly server: string | null;
  readonly transport: 'udp' | 'tcp' | 'resolved';
  readonly addresses: readonly string[];
  /** The name that it is an alias of (CNAME); null: no alias. */
  readonly alias: string | null;
  /** Queries sent, with repeats. */
  readonly queries: number;
  /** Name of the RCODE if there is no address, such as `NXDOMAIN`; null: the server gave none. */
  readonly error: string | null;
}

/** The lookup of the name by which a client found its server's address. */
export interface NameLookup extends LookupFacts {
  /** Milliseconds since the trace's start; null where several lookups are possible. */
  readonly started: number | null;
  readonly ended: number | null;
}

/** Why there was no call. */
export interface Failure {
  readonly phase: 'lookup';
  /** One line for people, which stands alone. */
  readonly reason: string;
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

/** How a call's cause was found: by the distributed trace that both belong to, or by timing. */
export type CauseEvidence = 'traceparent' | 'time';

/**
 * Why a cause is only probable:
 * - `others`: the process was answering several calls when it made this one, which lies inside only the named one.
 * - `outlived`: the process was answering only the named call, but this one lasted longer.
 * - `own-calls`: the process has also made calls while it answered none.
 * - `stream`: a long stream, such as a WebSocket, was open, too.
 * - `encrypted`: the process had an incoming connection whose calls are not seen.
 * - `joined-late`: an incoming connection was joined late, so that some calls were not seen while they were answered.
 */
export type CauseDoubt = 'others' | 'outlived' | 'own-calls' | 'stream' | 'encrypted' | 'joined-late';

/** The call that caused this one. */
export interface Cause {
  /** Id of the causing call, as seen by the answering process; if only traceparent links them, by its client. */
  readonly id: number;
  readonly by: CauseEvidence;
  /** null: no doubt, as far as was seen. */
  readonly doubt: CauseDoubt | null;
}

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
  /** Set for a connection that was not established: the exchange has no messages. */
  connectFailed: ConnectFailed | null;
  /** null while it runs (but for `not-http`), and for an encrypted connection without a failure. */
  readonly ending: CallEnding | null;
  /** Set where something failed before there could be a call: the exchange has no messages. */
  failure: Failure | null;
  /** Of the first exchange of a connection that the process opened; null where it is not certain. */
  readonly lookup: NameLookup | null;
}
