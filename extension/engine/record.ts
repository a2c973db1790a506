/**
 * The records of `bpf/trace_http.h` as types. recordLayout.ts has the offset of each field; recordReader.ts reads records
 * from the bytes that the helper forwards.
 */

export enum RecordType {
  Opened = 1,
  Data = 2,
  Ended = 3,
  Closed = 4,
  ProcessStarted = 5,
  ProcessReplaced = 6,
  ProcessEnded = 7,
  Tls = 8,
  ConnectFailed = 9,
  Name = 10,
  Caller = 11,
  /** Replaced by `extension/capture/callers.ts`. */
  Stack = 12,
}

export enum Direction {
  Out = 0,
  In = 1,
}

export enum Layer {
  Socket = 0,
  Tls = 1,
}

/** The protocol that the kernel programs recognised in the connection's first bytes. */
export enum WireProtocol {
  Undecided = 0,
  Http1 = 1,
  Http2 = 2,
  Tls = 3,
  Other = 4,
}

/** Why not all bytes were copied. */
export enum Omission {
  None = 0,
  Limit = 1,
  Fault = 2,
  NoBytes = 3,
  Protocol = 4,
  Segments = 5,
  /** Whole messages, faster than the chosen latency. */
  Filter = 6,
  /** Body bytes left out because of overload, so that nothing is lost. */
  Pressure = 7,
  /** Bytes of any kind left out because of overload. */
  PressureHead = 8,
  /** Sent from a file, which has changed since. */
  FileChanged = 16,
  /** Sent from a file that was being changed. */
  FileUncertain = 17,
  /** Sent from a file that cannot be opened or read. */
  FileUnreadable = 18,
  /** Sent from a file on a file system that is not read. */
  FileSystem = 19,
  /** Sent from a file; reading it took too long. */
  FileSlow = 20,
}

export enum Ending {
  Fin = 1,
  Reset = 2,
  ReadEof = 3,
  /** Out: the traced process closed the socket, or shut both directions down. */
  Close = 4,
  /** Notices that do not end a direction: earlier bytes may still be read. */
  PeerFin = 5,
  PeerReset = 6,
}

/** By which protocol a name is looked up: DNS over UDP or TCP, or systemd-resolved's own. */
export enum NameTransport {
  Udp = 1,
  Tcp = 2,
  Resolved = 3,
}

export const FLAG_JOINED_LATE = 1;
export const FLAG_TAIL = 2;
export const FLAG_CONTINUED = 4;
export const FLAG_UNORDERED = 8;
/** The socket was closed because the process ended. */
export const FLAG_PROCESS_ENDED = 16;
/** The record names a file instead of carrying bytes: `extension/capture/sentFile.ts`. */
export const FLAG_FILE = 32;
/** The bytes were read from the file that was sent. */
export const FLAG_FROM_FILE = 64;
/** The record has source lines instead of addresses: `extension/capture/callers.ts`. */
export const FLAG_NAMED = 128;
/** The caller's method is not known. */
export const FLAG_ANY_METHOD = 256;

interface RecordBase {
  readonly flags: number;
  /** Boot time in nanoseconds: send entry, receive exit. */
  readonly time: bigint;
  /**
   * Boot time in nanoseconds at which the record was made (the exit of a system call): exact for 104 days, later to a
   * few nanoseconds. Used to time out waits for missing records.
   */
  readonly emitted: number;
  readonly pid: number;
  readonly tid: number;
  /** Unique within one trace; 0n = none. */
  readonly connection: bigint;
}

export interface OpenedRecord extends RecordBase {
  readonly type: RecordType.Opened;
  readonly inode: bigint;
  /** Boot time; 0n = unknown or accepted. */
  readonly connectStarted: bigint;
  readonly established: bigint;
  readonly networkNamespace: number;
  readonly family: 'ipv4' | 'ipv6' | 'unix';
  readonly side: 'client' | 'server' | null;
  readonly transport: 'tcp' | 'unix';
  readonly localPort: number;
  readonly remotePort: number;
  /** 16 bytes; IPv4 in the first four. */
  readonly localAddress: Uint8Array;
  readonly remoteAddress: Uint8Array;
  /**
   * Unix: path of each end, abstract names with `@` for their NUL; null for other families and unnamed ends.
   */
  readonly localPath: string | null;
  readonly remotePath: string | null;
  /** Unix: inode of the peer's socket; 0n = it has none yet (the server has not accepted), or another family. */
  readonly peerInode: bigint;
}

export interface DataRecord extends RecordBase {
  readonly type: RecordType.Data;
  /** Upper and lower 32 bits of `connection`, unsigned: see below. */
  readonly connectionHigh: number;
  readonly connectionLow: number;
  readonly position: number;
  /** Bytes before `position` that no hook saw. */
  readonly unseen: number;
  /**
   * 0 = nothing is certain. Another number on a record with `unseen` bytes: its position is certain. A later record with
   * {@link FLAG_UNORDERED} and the same number has these bytes, if its position and size agree with them, too.
   */
  readonly claim: number;
  readonly size: number;
  readonly direction: Direction;
  readonly layer: Layer;
  readonly protocol: WireProtocol;
  readonly omission: Omission;
  readonly call: number;
  /** Boot time of the call's exit; of a send, `time` is its entry. */
  readonly returned: bigint;
  /** Both times as upper and lower 32 bits (signed): there are too many data records for two bigints each. */
  readonly timeHigh: number;
  readonly timeLow: number;
  readonly returnedHigh: number;
  readonly returnedLow: number;
  /** The first bytes of `size`; may be shorter, or empty. A view of the batch: copy what is kept. */
  readonly bytes: Uint8Array;
}

export interface EndedRecord extends RecordBase {
  readonly type: RecordType.Ended;
  readonly position: number;
  readonly error: number;
  readonly direction: Direction;
  readonly ending: Ending;
  /** Not in the record. Set when a socket's end is passed on to a TLS session whose library has not confirmed it. */
  readonly unconfirmed?: boolean;
}

/** A connect(2) that failed, at `time`. */
export interface ConnectFailedRecord extends RecordBase {
  readonly type: RecordType.ConnectFailed;
  /** Boot time; 0n = unknown. */
  readonly started: bigint;
  readonly networkNamespace: number;
  /** errno; 0: the process closed the socket before there was an answer. */
  readonly error: number;
  readonly family: 'ipv4' | 'ipv6' | 'unix';
  readonly transport: 'tcp' | 'unix';
  readonly remotePort: number;
  readonly remoteAddress: Uint8Array;
  readonly remotePath: string | null;
}

export interface ClosedRecord extends RecordBase {
  readonly type: RecordType.Closed;
  readonly sent: number;
  readonly received: number;
}

export interface ProcessRecord extends RecordBase {
  readonly type: RecordType.ProcessStarted | RecordType.ProcessReplaced | RecordType.ProcessEnded;
  readonly startTime: bigint;
  readonly parent: number;
  readonly status: number;
  readonly name: string;
}

export type TlsLibraryName = 'openssl' | 'gnutls' | 'go' | 'boringssl' | 'nss' | 'mbedtls' | 'wolfssl';

/**
 * How a session's socket was found: by a socket call inside the library's call, by its ciphertext, or because the
 * program named the descriptor.
 */
export type TlsBinding = 'call' | 'ciphertext' | 'descriptor';

/** Everything known of a TLS session, whose plaintext is a stream of its own. A later record replaces an earlier one. */
export interface TlsRecord extends RecordBase {
  readonly type: RecordType.Tls;
  /** Connection of the session's socket; 0n = unknown. */
  readonly socket: bigint;
  /** Boot time; 0n = not seen. */
  readonly handshakeStarted: bigint;
  readonly handshakeEnded: bigint;
  readonly library: TlsLibraryName | null;
  /** Number of the library's file, as the helper counts them; 0 = not known. */
  readonly file: number;
  readonly binding: TlsBinding | null;
  readonly side: 'client' | 'server' | null;
  /** The selected protocol (RFC 7301) in Latin-1; null = none, or not known. */
  readonly alpn: string | null;
  /** The library's last error, as its own code; 0 = none. */
  readonly error: number;
  /** The library's verdict on the peer's certificate (X509_V_ERR_); 0 = accepted, or not asked for. */
  readonly verification: number;
  /** Whether the library has read the peer's close_notify; null = not known, or not yet. */
  readonly closeNotify: boolean | null;
}

/** What one system call sent to or received from a name server. */
export interface NameRecord extends RecordBase {
  readonly type: RecordType.Name;
  /** Inode of the socket. */
  readonly socket: bigint;
  readonly size: number;
  /** errno of a call that failed because the server cannot be reached; 0 = none. */
  readonly error: number;
  /** null: not known, or systemd-resolved's socket, which has none. */
  readonly family: 'ipv4' | 'ipv6' | null;
  /** 0 = not known. */
  readonly remotePort: number;
  /** 16 bytes; IPv4 in the first four. */
  readonly remoteAddress: Uint8Array;
  readonly direction: Direction;
  readonly transport: NameTransport;
  /** The socket was closed; no bytes. */
  readonly closed: boolean;
  /** The first bytes of `size`. A view of the batch: copy what is kept. */
  readonly bytes: Uint8Array;
}

/** Where in a program a request is about to be sent. HTTP/2 has two such records, see `struct record_caller`. */
export interface CallerRecord extends RecordBase {
  readonly type: RecordType.Caller;
  /** Address of the request in the program. */
  readonly request: bigint;
  /** Of HTTP/2; 0 = another protocol, or not known yet. */
  readonly stream: number;
  /** Empty = GET. */
  readonly method: string;
  /** With {@link FLAG_NAMED}: JSON, padded with NULs. A view of the batch: copy what is kept. */
  readonly frames: Uint8Array;
}

export type TraceRecord =
  | OpenedRecord
  | DataRecord
  | EndedRecord
  | ClosedRecord
  | ConnectFailedRecord
  | ProcessRecord
  | TlsRecord
  | NameRecord
  | CallerRecord;
