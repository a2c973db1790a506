/**
 * The public JSON contract of one exchange: a line of `http-trace --format json`, and what the details view
 * shows. `extension/cli/exchange.schema.json` is its JSON Schema. Unknown values are null, never guessed.
 */
import type { Completeness, SeenField, Side } from './exchange.ts';
import type { MessageFormat, MessageType } from './messages/messageList.ts';
import type { DefinitionSource } from './protobuf/definitions.ts';
import type { TlsBinding, TlsLibraryName } from './record.ts';

export type BodyJson = { readonly text: string } | { readonly base64: string };

/** How much of an exchange its JSON contains. */
export interface JsonOptions {
  /** With secrets unmasked. */
  readonly reveal?: boolean;
  /** Bytes of each message inside; null, or left out: all that is held. */
  readonly messageBytes?: number | null;
}

export interface MessageJson {
  /**
   * In their original order and case. HTTP/2: without pseudo-header fields that are known; a name or value is null
   * where it refers to what was not seen.
   */
  readonly headers: readonly SeenField[];
  readonly trailers: readonly SeenField[];
  /** After transfer decoding, before content decoding; null when unknown. */
  readonly bodySize: number | null;
  readonly bodyCaptured: number;
  /** Decoded from transfer and content coding; null when there is none or nothing of it was captured. */
  readonly body: BodyJson | null;
  /** Size of the decoded body where a content coding was removed, else null. */
  readonly decodedSize: number | null;
  /** Why `body` is not the whole decoded body, in words; null when it is. */
  readonly bodyNote: string | null;
}

/** A protobuf message as text. */
export interface ProtobufJson {
  /** Full name of the message; null: it is not known. */
  readonly type: string | null;
  /** Who told what it is: .proto files, or the server by reflection. null: nobody. */
  readonly source: DefinitionSource | null;
  /** With a type, JSON by the ProtoJSON mapping; else field numbers and what they may be, as `protoc --decode_raw`. */
  readonly text: string;
  readonly note: string | null;
}

/** A message inside an exchange. */
export type StreamMessageJson = {
  /** From 1, in the order in which they ended; a jump shows messages that are not held any more. */
  readonly number: number;
  /** Seen from the traced process; null when its side is unknown. */
  readonly direction: 'out' | 'in' | null;
  /** When its last byte moved, from the start of the exchange. */
  readonly atMs: number;
  readonly kind: MessageType;
  /** Bytes of the content, decompressed; null when unknown. */
  readonly size: number | null;
  /** Bytes of the content as it was sent, where the message itself was compressed; else null. */
  readonly compressedSize: number | null;
  /** What the format says besides: an event's type and id, a close code, a part's header fields. */
  readonly fields: readonly (readonly [string, string])[];
  /** null: it is none, or cannot be read as such. */
  readonly protobuf: ProtobufJson | null;
  /** Why the content is not all of the message, in words; null when it is. */
  readonly note: string | null;
  /** Broken rules, with how the bytes were read all the same. */
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
  /** What is to be said of all of them; null: nothing. */
  readonly note: string | null;
  /** Of many messages the first and the last are held: these, after that number, are not. null: all are. */
  readonly omitted: { readonly after: number; readonly count: number } | null;
}

export interface TlsJson {
  /** Whose functions showed the plaintext; null where none is seen. */
  readonly library: TlsLibraryName | null;
  readonly libraryVersion: string | null;
  /** `TLSv1.3`. */
  readonly version: string | null;
  /** By the IANA registry. */
  readonly cipher: string | null;
  /** As the client asked for it (SNI). */
  readonly serverName: string | null;
  /** The application protocol that was agreed on. */
  readonly alpn: string | null;
  /** What the client offered, in order; null when its hello was not seen. */
  readonly alpnOffered: readonly string[] | null;
  readonly resumed: boolean | null;
  /** Of the connection; `timings.tlsMs` is its part in the connection's first call. */
  readonly handshakeMs: number | null;
  /** What ended the handshake. */
  readonly alert: {
    /** By the IANA registry; null where it is encrypted. */
    readonly name: string | null;
    readonly code: number | null;
    readonly sentBy: Side | null;
    /** What it usually means; one sentence. */
    readonly meaning: string | null;
  } | null;
  /** How the plaintext was told to its socket; null: it was not. */
  readonly binding: TlsBinding | null;
  /** Id of the connection that carries the session. */
  readonly socket: string | null;
}

export interface ExchangeJson {
  readonly id: number;
  readonly process: { readonly pid: number; readonly name: string | null } | null;
  readonly side: Side | null;
  readonly protocol: string;
  readonly method: string | null;
  readonly url: string | null;
  /** GraphQL or JSON-RPC: what the request asks for; null where it is not certain that it is one. */
  readonly operation: {
    readonly protocol: 'graphql' | 'json-rpc';
    /** More than one in a batch. */
    readonly count: number;
    /** The first 16 at most. */
    readonly names: readonly {
      readonly type: 'query' | 'mutation' | 'subscription' | null;
      readonly name: string | null;
    }[];
  } | null;
  readonly status: number | null;
  readonly statusText: string | null;
  /** RFC 3339, microseconds, UTC. */
  readonly startedAt: string;
  readonly durationMs: number | null;
  readonly timings: {
    readonly connectMs: number | null;
    readonly tlsMs: number | null;
    readonly sendMs: number | null;
    readonly waitMs: number | null;
    readonly receiveMs: number | null;
    readonly pausedMs: number | null;
  };
  readonly connection: {
    readonly id: string;
    readonly transport: 'tcp' | 'unix';
    readonly local: string | null;
    readonly remote: string | null;
    readonly joinedLate: boolean;
  };
  /** null: not TLS. */
  readonly tls: TlsJson | null;
  /** Why the plaintext of a TLS connection is not seen, or why there was none; null for a call. */
  readonly encrypted: {
    /** One line. */
    readonly reason: string;
    /** Bytes of the connection, those of TLS itself included. */
    readonly sent: number;
    readonly received: number;
  } | null;
  /** null: not HTTP/2. */
  readonly http2: {
    /** Stream identifier. */
    readonly stream: number;
    /** Promised by the server (PUSH_PROMISE), not asked for. */
    readonly pushed: boolean;
    /** The stream was reset (RST_STREAM) by this side; `name` of the error code, null when it has none. */
    readonly reset: { readonly code: number; readonly name: string | null; readonly by: Side } | null;
    /**
     * The connection's end was announced (GOAWAY) by this side and ended the stream, or told of an error while it
     * ran; `processed` is false when the request was not acted on; `text` is the debug data, null when it has none.
     */
    readonly goAway: {
      readonly code: number;
      readonly name: string | null;
      readonly by: Side;
      readonly processed: boolean;
      readonly text: string | null;
    } | null;
    /** How long the process could not send more, for the flow control of its peer; null: not known. */
    readonly blockedMs: number | null;
  } | null;
  /** null: no gRPC call. */
  readonly grpc: {
    /** `package.Service`; null when it is not known. */
    readonly service: string | null;
    readonly method: string | null;
    /** Of the trailers, whatever HTTP's status is; null: not seen. */
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
  /** Broken rules, with how the bytes were read all the same. */
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
      /** Moved on captured connections: `seen = copied + omitted + dropped + unseen`. */
      readonly seen: number;
      readonly copied: number;
      /** Beyond the body limit or without bytes in memory: counted, not copied. */
      readonly omitted: number;
      /** Lost because the ring was full. */
      readonly dropped: number;
      /** Moved by calls that no probe sees. */
      readonly unseen: number;
      /** On connections that are not HTTP. */
      readonly other: number;
    } | null;
    readonly backend: string;
    /** null when everything was delivered; else one sentence. */
    readonly note: string | null;
  };
}
