/**
 * The public JSON contract of one exchange: a line of `http-trace --format json`, and what the details view
 * shows. `extension/cli/exchange.schema.json` is its JSON Schema. Unknown values are null, never guessed.
 */
import type { AiJson, McpJson } from './ai/aiJson.ts';
import type { CallEnding, Cause, Completeness, LookupFacts, Operation, SeenField, Side } from './exchange.ts';
import type { MessageFormat, MessageType } from './messages/messageList.ts';
import type { DefinitionSource } from './protobuf/definitions.ts';
import type { TlsBinding, TlsLibraryName } from './record.ts';
import type { Phases, SourceLine } from './row.ts';

export type BodyJson = { readonly text: string } | { readonly base64: string };

/** How much of an exchange its JSON contains. */
export interface JsonOptions {
  /** With secrets unmasked. */
  readonly reveal?: boolean;
  /** Byte limit of each message inside; null or absent: all that is held. */
  readonly messageBytes?: number | null;
}

export interface MessageJson {
  /**
   * In their original order and case. HTTP/2: without pseudo-header fields that are known; a name or value is
   * null where it refers to a message that was not seen.
   */
  readonly headers: readonly SeenField[];
  readonly trailers: readonly SeenField[];
  /**
   * Bytes of the head as sent: for HTTP/1 from the start line to the empty line, inclusive; for HTTP/2 the HEADERS or
   * PUSH_PROMISE frame and its CONTINUATION frames, as compressed. null when unknown.
   */
  readonly headersSize: number | null;
  /** Bytes of the whole message as sent: head, body and trailers, with their framing, without TLS; null when unknown. */
  readonly wireSize: number | null;
  /** After transfer decoding, before content decoding; null when unknown. */
  readonly bodySize: number | null;
  readonly bodyCaptured: number;
  /** Decoded from transfer and content coding; null when there is none or nothing of it was captured. */
  readonly body: BodyJson | null;
  /** Size of the decoded body where a content coding was removed, else null. */
  readonly decodedSize: number | null;
  /** Why `body` is not the whole decoded body, in words; null when it is. */
  readonly bodyNote: string | null;
  /** The program sent the body, or a part of it, from a file (sendfile), and it was read from there. */
  readonly bodyFromFile: boolean;
}

/** A protobuf message as text. */
export interface ProtobufJson {
  /** Full name of the message; null: it is not known. */
  readonly type: string | null;
  /** Where its definition is from: .proto files, or the server's reflection. null: it has none. */
  readonly source: DefinitionSource | null;
  /**
   * With a type, JSON in the ProtoJSON mapping; else field numbers and possible values, like `protoc --decode_raw`.
   */
  readonly text: string;
  readonly note: string | null;
}

/** A message inside an exchange. */
export type StreamMessageJson = {
  /** From 1, in the order in which they ended; a gap means messages that are no longer held. */
  readonly number: number;
  /** Seen from the traced process; null when its side is unknown. */
  readonly direction: 'out' | 'in' | null;
  /** When its last byte was sent or received, from the start of the exchange. */
  readonly atMs: number;
  readonly kind: MessageType;
  /** Bytes of the content, decompressed; null when unknown. */
  readonly size: number | null;
  /** Bytes of the content as it was sent, where the message itself was compressed; else null. */
  readonly compressedSize: number | null;
  /** Further values of the format: an event's type and id, a close code, a part's header fields. */
  readonly fields: readonly (readonly [string, string])[];
  /** null: not protobuf, or not readable as such. */
  readonly protobuf: ProtobufJson | null;
  /** Why the content is not the whole message, in words; null when it is. */
  readonly note: string | null;
  /** Broken rules, and how the bytes were read nevertheless. */
  readonly violations: readonly { readonly rule: string; readonly message: string }[];
} & (
  | {
      /** null when nothing of it was captured. */
      readonly text: string | null;
    }
  | { readonly base64: string }
);

export interface MessageStreamJson {
  readonly format: MessageFormat;
  /** Messages seen, whether or not they are held. */
  readonly out: number;
  readonly in: number;
  /** A note about all of them; null: nothing to note. */
  readonly note: string | null;
  /**
   * Of many messages only the first and the last are held: after number `after`, `count` are not. null: all
   * are held.
   */
  readonly omitted: { readonly after: number; readonly count: number } | null;
}

export interface TlsJson {
  /** The library whose calls carried the plaintext; null: none was seen. */
  readonly library: TlsLibraryName | null;
  readonly libraryVersion: string | null;
  /** `TLSv1.3`. */
  readonly version: string | null;
  /** IANA name. */
  readonly cipher: string | null;
  /** The server name that the client asked for (SNI). */
  readonly serverName: string | null;
  /** The negotiated application protocol. */
  readonly alpn: string | null;
  /** What the client offered, in order; null when its hello was not seen. */
  readonly alpnOffered: readonly string[] | null;
  readonly resumed: boolean | null;
  /** The connection's handshake time; only its first call also has it as `timings.tlsMs`. */
  readonly handshakeMs: number | null;
  /** The alert that ended the handshake. */
  readonly alert: {
    /** IANA name; null if encrypted. */
    readonly name: string | null;
    readonly code: number | null;
    readonly sentBy: Side | null;
    /** What the alert usually means; one sentence. */
    readonly meaning: string | null;
  } | null;
  /** The error that the traced side's library reports, in words; null = none, or not known. */
  readonly failure: string | null;
  /**
   * Whether the traced side's library has read the peer's close_notify. Without it, the end of the data may have been
   * cut off (RFC 8446 section 6.1). null = not known, or not yet.
   */
  readonly closeNotify: boolean | null;
  /** How the session was matched to its socket; null: it was not. */
  readonly binding: TlsBinding | null;
  /** Id of the connection that carries the session. */
  readonly socket: string | null;
}

export interface DebugJson {
  /** Name of the debug session. */
  readonly session: string | null;
  /** What the process runs, such as `shop.js`. */
  readonly script: string | null;
  /** The part of `timings.waitMs` for which the process was paused. */
  readonly waitPausedMs: number;
  /** The session that answered this call, if it was paused meanwhile, and for how long. */
  readonly pausedPeer: { readonly session: string; readonly ms: number } | null;
  /** The line of the program's own code that made the call, with its call stack, innermost frame first. */
  readonly source: (SourceLine & { readonly stack: readonly SourceLine[] }) | null;
}

export interface ExchangeJson {
  readonly id: number;
  /**
   * Id of the other side's exchange for the same call, if both processes are traced; null: there is none, or it was not
   * known when the exchange ended. The other exchange may still name this one.
   */
  readonly peer: number | null;
  /** The call that caused this one; null: none was seen, or several are possible. */
  readonly causedBy: Cause | null;
  /** Ids of calls that the process made to answer this one, at most 1,000, as known when it ended. */
  readonly caused: readonly number[];
  /** The chain of calls that leads to this one, without doubtful causes. */
  readonly trace: {
    /** trace-id of W3C Trace Context (traceparent) of this call, else of the nearest cause that has one; null: none has. */
    readonly id: string | null;
    /** Id of the call with which the chain begins; its own, if nothing caused it. */
    readonly first: number;
  };
  readonly process: { readonly pid: number; readonly name: string | null } | null;
  readonly side: Side | null;
  readonly protocol: string;
  readonly method: string | null;
  readonly url: string | null;
  /** The GraphQL or JSON-RPC operation of the request, with at most 16 names; null where it is not certain that there is one. */
  readonly operation: Operation | null;
  /** A call to a language model's API; null: not such a call, as far as is known. */
  readonly ai: AiJson | null;
  /** A call to an MCP server; null: not such a call, as far as is known. */
  readonly mcp: McpJson | null;
  readonly status: number | null;
  readonly statusText: string | null;
  /** Whether it is an error, by the definition of {@link isError}; false while it runs and nothing has failed. */
  readonly error: boolean;
  /** RFC 3339, microseconds, UTC. */
  readonly startedAt: string;
  readonly durationMs: number | null;
  readonly timings: Phases & {
    /** How long the debugger paused the process during the call; null: it is not debugged. */
    readonly pausedMs: number | null;
  };
  /** What the editor's debugger knows, and the line that made the call; null where neither is known. */
  readonly debug: DebugJson | null;
  readonly connection: {
    readonly id: string;
    readonly transport: 'tcp' | 'unix';
    readonly local: string | null;
    readonly remote: string | null;
    readonly joinedLate: boolean;
    /** Other addresses that the process tried before, or at the same time, and how each attempt ended. */
    readonly attempts: readonly {
      readonly remote: string | null;
      readonly ending: CallEnding;
      /** null: not known. */
      readonly durationMs: number | null;
    }[];
    /**
     * The proxies' protocols that precede the messages, or TLS, on this connection, outermost first. PROXY protocol
     * names the client, SOCKS and CONNECT the target.
     */
    readonly through: readonly {
      readonly protocol: 'PROXY protocol' | 'SOCKS4' | 'SOCKS5' | 'CONNECT';
      /** The address of the client that the proxy names; null: it names none. */
      readonly client: string | null;
      /** Where the proxy connects to; null: not named. */
      readonly target: string | null;
    }[];
  };
  /** How it ended; null while it runs (but for `not-http`), and for an encrypted connection without a failure. */
  readonly ending: CallEnding | null;
  /** null: not TLS. */
  readonly tls: TlsJson | null;
  /** For a TLS connection without plaintext, why there is none; null for a call. */
  readonly encrypted: {
    /** One line. */
    readonly reason: string;
    /** Bytes of the connection, TLS overhead included. */
    readonly sent: number;
    readonly received: number;
  } | null;
  /** Why there was no call, because a step before it failed; null for a call. */
  readonly failure: {
    /** Looking up the server's name, or connecting to it. */
    readonly phase: 'lookup' | 'connect';
    /** One line for people. */
    readonly reason: string;
    /** Number of attempts to connect, each within a second of the last; null for a lookup, which counts its queries itself. */
    readonly attempts: number | null;
  } | null;
  /** How the server's name was resolved, or failed to be; null where the lookup is not certain. */
  readonly lookup: LookupFacts | null;
  /** null: not HTTP/2. */
  readonly http2: {
    /** Stream identifier. */
    readonly stream: number;
    /** Pushed by the server (PUSH_PROMISE), not requested. */
    readonly pushed: boolean;
    /** RST_STREAM: the side that sent it, and its error code; `name` is null for a code without a name. */
    readonly reset: { readonly code: number; readonly name: string | null; readonly by: Side } | null;
    /**
     * The GOAWAY that ended the stream, or that reported an error while the stream was open. `processed` is false
     * when the request was not processed; `text` is the debug data, null when there is none.
     */
    readonly goAway: {
      readonly code: number;
      readonly name: string | null;
      readonly by: Side;
      readonly processed: boolean;
      readonly text: string | null;
    } | null;
    /** How long the peer's flow control kept the process from sending; null: not known. */
    readonly blockedMs: number | null;
  } | null;
  /** null: not a gRPC call. */
  readonly grpc: {
    /** `package.Service`; null when it is not known. */
    readonly service: string | null;
    readonly method: string | null;
    /** The status in the trailers, which does not depend on HTTP's; null: not seen. */
    readonly status: number | null;
    /** `NOT_FOUND`; null for a code without a name. */
    readonly statusName: string | null;
    /** grpc-message, decoded; null: none. */
    readonly message: string | null;
    /** The deadline (grpc-timeout), from the start; null: none. */
    readonly timeoutMs: number | null;
  } | null;
  readonly request: MessageJson | null;
  readonly response: MessageJson | null;
  /** 1xx responses before the final one. */
  readonly interim: readonly {
    /** null: not known (HTTP/2). */
    readonly status: number | null;
    readonly statusText: string;
    readonly headers: readonly SeenField[];
  }[];
  readonly messages: readonly StreamMessageJson[];
  /** What `messages` holds; null when the exchange carries none. */
  readonly messageStream: MessageStreamJson | null;
  readonly completeness: readonly Completeness[];
  /** Broken rules, and how the bytes were read nevertheless. */
  readonly violations: readonly {
    readonly rule: string;
    readonly message: string;
    readonly in: 'request' | 'response';
  }[];
}

/** The last line of `--format json`. */
export interface SummaryJson {
  readonly summary: {
    /**
     * Records that the kernel programs made. `produced = delivered + dropped`, exactly. The kernel's counts
     * (`produced`, `dropped`, `bytes`) are null when the trace broke off before they could be read.
     */
    readonly produced: number | null;
    readonly delivered: number;
    readonly dropped: number | null;
    readonly exchanges: number;
    /** TLS connections whose plaintext was not seen. */
    readonly encrypted: number;
    readonly connections: number;
    readonly bytes: {
      /** Sent and received on captured connections: `seen = copied + omitted + dropped + unseen`. */
      readonly seen: number;
      readonly copied: number;
      /** Beyond the body limit or without bytes in memory: counted, not copied. */
      readonly omitted: number;
      /** Part of the omitted bytes: read from the files that were sent. */
      readonly fromFiles: number;
      /** Part of the omitted bytes: left out by the kernel programs or the helper because of overload. */
      readonly shed: number;
      /** Lost because the ring was full, or left behind when the trace was stopped without waiting. */
      readonly dropped: number;
      /** Sent or received by calls that no probe sees. */
      readonly unseen: number;
      /** On connections that are not HTTP. */
      readonly other: number;
    } | null;
    readonly backend: string;
    /** The longest delay of the output behind the program, in milliseconds; 0: it kept up. */
    readonly behindMs: number;
    /** null when everything was delivered; else one sentence. */
    readonly note: string | null;
  };
}
