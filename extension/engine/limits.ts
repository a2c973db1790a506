/**
 * Every bound of the engine in one place. They limit how much of hostile or merely large input is kept, so that memory
 * and time per byte stay bounded. Whatever a bound cuts off is labelled, never silently dropped.
 */

/**
 * Bytes of start line and fields kept per message. Common servers accept 8 to 64 KiB; 256 KiB shows even
 * rejected heads.
 */
export const MAX_HEAD_BYTES = 256 * 1024;

/**
 * Bytes of one line that are still examined when the head is already too large: enough for its framing fields.
 */
export const MAX_LINE_BEYOND_HEAD = 512;

/** Fields kept per message. Node's own parser stops at 2,000. */
export const MAX_FIELDS = 2_000;

/** Framing fields obeyed after {@link MAX_FIELDS} or {@link MAX_HEAD_BYTES} is reached. */
export const MAX_LATE_FRAMING_FIELDS = 16;

/** Bytes of a chunk-size line that are examined; extensions beyond are only counted (RFC 9112 section 7.1.1). */
export const MAX_CHUNK_LINE = 4 * 1024;

/** Bytes of trailer fields kept per message. */
export const MAX_TRAILER_BYTES = 64 * 1024;

/** Body bytes kept per message unless the options say otherwise. */
export const DEFAULT_BODY_LIMIT = 64 * 1024;

/** Distinct rules noted per message. */
export const MAX_VIOLATIONS = 32;

/** Callers kept for requests of one connection that have not been seen yet: HTTP/2 can have this many streams. */
export const MAX_CALLERS = 1_024;

/** Connections for which callers are kept; beyond it the least recently used is dropped. */
export const MAX_CALLER_CONNECTIONS = 4_096;

/** Callers kept for HTTP/2 requests that have no stream yet. */
export const MAX_PENDING_CALLERS = 4_096;

/** Distinct call stacks kept. */
export const MAX_CALLER_STACKS = 2_000;

/** Exchanges held unless the options say otherwise. */
export const DEFAULT_MAX_EXCHANGES = 100_000;

/** Exchanges that can be pinned against eviction: more would leave no room for new ones. */
export const MAX_PINNED = 1_000;

/** Bytes held unless the options say otherwise. */
export const DEFAULT_MAX_BYTES = 256 * 1024 * 1024;

/**
 * Requests that wait for their response on one connection. Beyond it responses are no longer paired by order.
 */
export const MAX_PIPELINED = 1_024;

/** Requests or responses kept apart after a gap until it is certain which belong together. */
export const MAX_LIMBO = 256;

/** Interim (1xx) responses kept per exchange. */
export const MAX_INTERIM = 64;

/** Records that wait behind a hole of one connection, in both directions together. */
export const MAX_WAITING_RECORDS = 512;

/**
 * Nanoseconds for which bytes that no call was seen to move are waited for: the thread that moved them may have been
 * preempted before its call ended, and they are reported then.
 */
export const UNSEEN_PATIENCE = 250_000_000;

/** Copied bytes that wait behind a hole of one connection. */
export const MAX_WAITING_BYTES = 1024 * 1024;

/** Pieces, and their bytes, that wait for the other direction (see connection.ts). */
export const MAX_HELD_PIECES = 1_024;
export const MAX_HELD_BYTES = 256 * 1024;

/** Pieces and bytes held of a client's turn on a connection that was joined late (see http1/lateTurn.ts). */
export const MAX_TURN_PIECES = 8_192;
export const MAX_TURN_BYTES = 16 * 1024 * 1024;

/** Bytes examined to distinguish requests from responses where the side of a connection is unknown. */
export const MAX_SNIFF_BYTES = 64 * 1024;

/** Connections with state; beyond it the least recently used is dropped. */
export const MAX_CONNECTIONS = 32_768;

/** Ids of closed connections remembered, so that a late record does not open them again. */
export const MAX_CLOSED_CONNECTIONS = 8_192;

/** Process names remembered. */
export const MAX_PROCESSES = 16_384;

/**
 * Nanoseconds after which newer records alone prove that an older one is lost: far beyond any delay in the
 * ring.
 */
export const RECORD_PATIENCE = 2_000_000_000;

/**
 * Milliseconds for which a server's call that has ended waits for its client's end: a system call may return this much
 * later on a busy machine.
 */
export const PEER_PATIENCE = 500;

/** Nanoseconds between two checks for expired waits, when records are the only clock. */
export const PATIENCE_INTERVAL = 250_000_000;

/** Nanoseconds that a response waits for its request's record (a blocking send is recorded when it returns). */
export const HELD_PATIENCE = 2_000_000_000;

/** Bytes of one decoded body. */
export const MAX_DECODED_BYTES = 8 * 1024 * 1024;

/** Codings undone per body; more is an attack (RFC 9110 section 8.4 sets no bound). */
export const MAX_CODINGS = 4;

/** The first messages (WebSocket, events, …) of one exchange, which are kept permanently, and their bytes. */
export const MAX_FIRST_MESSAGES = 100;
export const MAX_FIRST_MESSAGE_BYTES = 1024 * 1024;

/** Decompressed bytes of one message. */
export const MAX_INFLATED_MESSAGE = 16 * 1024 * 1024;

/** Pieces, and their bytes, that are searched for the next WebSocket frame after a gap. */
export const MAX_SEARCHED_PIECES = 32;
export const MAX_SEARCHED_BYTES = 64 * 1024;

/**
 * The last messages of one exchange that are kept, and their bytes (or the body limit, if that is larger).
 */
export const MAX_LAST_MESSAGES = 1_900;
export const MAX_LAST_MESSAGE_BYTES = 4 * 1024 * 1024;

/**
 * Bytes of a ClientHello or ServerHello that are read: what the kernel copies of a TLS connection, each way.
 */
export const MAX_HELLO_BYTES = 16 * 1024;

/** Nanoseconds without plaintext after which a TLS connection is shown as encrypted. */
export const ENCRYPTED_PATIENCE = 1_000_000_000;

/** Nanoseconds that a connection without plaintext waits, after its end, for the helper to look at its program. */
export const REASON_PATIENCE = 3_000_000_000;

/** Nanoseconds for which a session outlives its socket, as it may not have decrypted everything yet. */
export const SESSION_PATIENCE = 100_000_000;

/** Exchanges of one session that wait for its socket to become known. */
export const MAX_UNBOUND_EXCHANGES = 1_024;

/** Bytes of a br or zstd body that are decoded repeatedly to find messages while it arrives. */
export const MAX_REPEATED_CODING_BYTES = 1024 * 1024;

/**
 * Bytes of one HTTP/2 field block (RFC 9113 section 4.3) that are collected; servers refuse far smaller ones.
 */
export const MAX_FIELD_BLOCK = 256 * 1024;

/** Bytes of one frame's payload that are examined, where the frame carries neither content nor fields. */
export const MAX_CONTROL_PAYLOAD = 4 * 1024;

/**
 * Bytes (as RFC 7541 section 4.1 counts them) of a dynamic table that are kept. Browsers and servers allow
 * 64 KiB; in a larger one, the oldest are as unknown as those from before the trace.
 */
export const MAX_DYNAMIC_TABLE = 128 * 1024;

/** HTTP/2 streams of one connection that are open at once; beyond it the oldest is dropped. */
export const MAX_STREAMS = 16_384;

/** Ended streams of one connection that are remembered, if their identifiers alone do not show that they ended. */
export const MAX_CLOSED_STREAMS = 1_024;

/** Closed sockets that are remembered, because the other end may be accepted or read later. */
export const MAX_CLOSED_ENDS = 4_096;

/** Calls that wait to be matched to the other end's exchange: in total, and of one connection. Only ids are kept. */
export const MAX_UNPAIRED = 65_536;
export const MAX_UNPAIRED_OF_CONNECTION = 1_024;

/** Processes whose calls may have caused others, and the newest calls remembered for each. */
export const MAX_CAUSING_PROCESSES = 4_096;
export const MAX_RECENT_CALLS = 64;

/** Ids of calls that one call is remembered to have caused. */
export const MAX_CAUSED = 1_000;

/** Distributed traces whose calls are remembered, and outgoing calls whose peer is sought by traceparent. */
export const MAX_TRACES = 16_384;
export const MAX_UNJOINED = 4_096;

/** Length of a chain of calls, each caused by the one before. */
export const MAX_CHAIN = 64;

/** Bytes that are searched for the next HTTP/2 frame after a gap; frames larger than this are not found. */
export const MAX_SEARCH_BYTES = 128 * 1024;
/** Bytes of a request that are searched for its operation; GraphQL documents are rarely larger. */
export const MAX_OPERATION_BYTES = 64 * 1024;

/** Operations of one batch that are named, and characters of each name. */
export const MAX_OPERATIONS = 16;
export const MAX_OPERATION_NAME = 100;

/** Limits of a language model's assembled answer: its characters, its parts, and the characters of a name or id in it. */
export const MAX_AI_TEXT = 512 * 1024;
export const MAX_AI_PARTS = 512;
export const MAX_AI_WORD = 200;

/** Bytes of a body that are read for the row of a call to a language model. */
export const MAX_AI_BYTES = 1024 * 1024;

/** The last messages of a prompt, which are shown, and the tools that are named. */
export const MAX_AI_MESSAGES = 500;
export const MAX_AI_TOOLS = 128;

/** MCP requests of one exchange that are shown, and characters of the arguments or the result of each. */
export const MAX_MCP_CALLS = 64;
export const MAX_MCP_TEXT = 64 * 1024;

/** Bytes of one answer of gRPC server reflection, which contains whole descriptor files. */
export const MAX_DESCRIBED_BYTES = 1024 * 1024;

/** Messages, enums and methods that server reflection may describe in all, and their fields and values. */
export const MAX_DESCRIBED_TYPES = 20_000;
export const MAX_DESCRIBED_FIELDS = 200_000;

/** Fields of one protobuf message that are shown, and the depth of nested messages. */
export const MAX_PROTOBUF_FIELDS = 5_000;
export const MAX_PROTOBUF_DEPTH = 32;

/** Characters in which one protobuf message is shown. */
export const MAX_PROTOBUF_TEXT = 512 * 1024;

/** Nanoseconds for which a failed connect is held, as another attempt or a retry may follow. */
export const CONNECT_PATIENCE = 1_000_000_000;

/** Milliseconds within which a retry of a failed connect counts in the same row. */
export const REPEAT_TIME = 1_000;

/** Failed connects held. */
export const MAX_HELD_CONNECTS = 256;

/** Established connections remembered, to which a failed connect may belong. */
export const MAX_RECENT_CONNECTS = 64;

/** Failed connects kept with a connection. */
export const MAX_ATTEMPTS = 8;

/** Name lookups that are remembered: in progress, or answered and not yet followed by a connection. */
export const MAX_LOOKUPS = 4_096;

/** Lookups of one name that are remembered for connections on their way, though a later one has been claimed. */
export const MAX_SUPERSEDED_LOOKUPS = 16;

/** Sockets to name servers that are remembered. */
export const MAX_NAME_SOCKETS = 4_096;

/** Bytes of one DNS message that are read; the kernel copies less of each call. */
export const MAX_NAME_MESSAGE = 4 * 1024;

/** Addresses that are kept of one lookup, and repeated queries for one type. */
export const MAX_LOOKUP_ADDRESSES = 64;
export const MAX_REPEATED_QUERIES = 16;

/** Attempts at one name with different suffixes; resolvers support six. */
export const MAX_LOOKUP_ATTEMPTS = 16;

/** Milliseconds after which a failed lookup is final: resolvers make their next attempt at once. */
export const LOOKUP_SETTLE_MS = 1_000;

/** As {@link LOOKUP_SETTLE_MS}, after a server's error on a socket that is still open: musl asks again on it after 2.5 seconds. */
export const LOOKUP_RETRY_MS = 6_000;

/** Milliseconds between two checks for timeouts. */
export const LOOKUP_CHECK_MS = 100;

/** Milliseconds within which a resolver continues with the next server, or the next suffix of the name. */
export const SEARCH_WINDOW_MS = 50;

/** Milliseconds after which no answer is expected any more; resolvers wait 5 seconds, and try twice. */
export const LOOKUP_PATIENCE_MS = 30_000;

/** Milliseconds within which an answer may lead to a connection: programs cache addresses. */
export const LOOKUP_AGE_MS = 60_000;
