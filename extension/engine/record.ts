/**
 * The records of `bpf/trace_http.h`, read from the bytes that the helper forwards.
 * test/trust/layout.test.ts compares every offset here with what the C compiler says.
 */

/** TRACE_HTTP_LAYOUT that this file reads. */
export const RECORD_LAYOUT = 4;

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

/** Why fewer bytes were copied than moved. */
export enum Omission {
  None = 0,
  Limit = 1,
  Fault = 2,
  NoBytes = 3,
  Protocol = 4,
  Segments = 5,
  /** Whole messages, faster than the chosen latency. */
  Filter = 6,
  /** Of a body: too much at once. */
  Pressure = 7,
  /** Whatever there was: too much at once. */
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
  /** Notices, which end no direction: what came before may still be read. */
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
/** The process did not close the socket, it ended. */
export const FLAG_PROCESS_ENDED = 16;
/** A file is named in place of bytes: `extension/capture/sentFile.ts`. */
export const FLAG_FILE = 32;
/** The bytes were read from the file that was sent. */
export const FLAG_FROM_FILE = 64;

interface RecordBase {
  readonly flags: number;
  /** Boot time in nanoseconds: a send's entry, a receive's exit. */
  readonly time: bigint;
  /** Boot time in nanoseconds at which the record was made (the exit of a call). */
  readonly emitted: bigint;
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
}

export interface DataRecord extends RecordBase {
  readonly type: RecordType.Data;
  readonly position: number;
  /** Bytes before `position` that no hook saw. */
  readonly unseen: number;
  readonly size: number;
  readonly direction: Direction;
  readonly layer: Layer;
  readonly protocol: WireProtocol;
  readonly omission: Omission;
  readonly call: number;
  /** Boot time of the call's exit; of a send, `time` is its entry. */
  readonly returned: bigint;
  /** The first bytes of `size`; may be shorter, or empty. A view of the batch: copy what is kept. */
  readonly bytes: Uint8Array;
}

export interface EndedRecord extends RecordBase {
  readonly type: RecordType.Ended;
  readonly position: number;
  readonly error: number;
  readonly direction: Direction;
  readonly ending: Ending;
  /** Not in the record: of a socket's end that ends a TLS session, which its library has not confirmed. */
  readonly unconfirmed?: boolean;
}

/** A connect(2) that came to nothing; `time` is when. */
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
 * How a session's socket was found: by a socket call inside the library's call, by its ciphertext, by the
 * program.
 */
export type TlsBinding = 'call' | 'ciphertext' | 'descriptor';

/** What is known of a TLS session, whose plaintext is a stream of its own. A later record replaces it. */
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
  /** What the library says went wrong last, by its own number; 0 = nothing. */
  readonly error: number;
  /** What the library said of the peer's certificate (X509_V_ERR_); 0 = nothing wrong, or not asked. */
  readonly verification: number;
  /** Whether the library has read the peer's close_notify; null = not known, or not yet. */
  readonly closeNotify: boolean | null;
}

/** What a call moved to or from a name server. */
export interface NameRecord extends RecordBase {
  readonly type: RecordType.Name;
  /** Inode of the socket. */
  readonly socket: bigint;
  readonly size: number;
  /** errno of a call that failed, as the server cannot be reached; 0 = none. */
  readonly error: number;
  /** null: not known, or systemd-resolved's socket, which has none. */
  readonly family: 'ipv4' | 'ipv6' | null;
  /** 0 = not known. */
  readonly remotePort: number;
  /** 16 bytes; IPv4 in the first four. */
  readonly remoteAddress: Uint8Array;
  readonly direction: Direction;
  readonly transport: NameTransport;
  /** The socket is gone: nothing moved. */
  readonly closed: boolean;
  /** The first bytes of `size`. A view of the batch: copy what is kept. */
  readonly bytes: Uint8Array;
}

export type TraceRecord =
  | OpenedRecord
  | DataRecord
  | EndedRecord
  | ClosedRecord
  | ConnectFailedRecord
  | ProcessRecord
  | TlsRecord
  | NameRecord;

/** Byte offsets; every record begins with the header. */
export const LAYOUT = {
  header: { size: 40, length: 0, type: 4, flags: 6, time: 8, emitted: 16, pid: 24, tid: 28, connection: 32 },
  opened: {
    size: 112,
    inode: 40,
    connectStarted: 48,
    established: 56,
    networkNamespace: 64,
    family: 68,
    side: 70,
    transport: 71,
    localPort: 72,
    remotePort: 74,
    localAddress: 80,
    remoteAddress: 96,
  },
  openedUnix: { size: 336, localLength: 112, remoteLength: 114, localPath: 120, remotePath: 228 },
  data: {
    size: 80,
    position: 40,
    returned: 48,
    unseen: 56,
    bytes: 64,
    copied: 68,
    direction: 72,
    layer: 73,
    protocol: 74,
    omission: 75,
    call: 76,
  },
  /** A data record with {@link FLAG_FILE}; the path follows. */
  sentFile: {
    size: 136,
    filePosition: 80,
    fileSize: 88,
    inode: 96,
    changedSeconds: 104,
    changedNanoseconds: 112,
    device: 116,
    granularity: 120,
    descriptor: 124,
    flags: 128,
    pathLength: 130,
  },
  ended: { size: 56, position: 40, error: 48, direction: 52, ending: 53 },
  closed: { size: 56, sent: 40, received: 48 },
  connectFailed: {
    size: 192,
    started: 40,
    networkNamespace: 48,
    error: 52,
    family: 56,
    transport: 58,
    remotePort: 60,
    remoteLength: 62,
    remoteAddress: 64,
    remotePath: 80,
  },
  process: { size: 72, startTime: 40, parent: 48, status: 52, name: 56 },
  tls: {
    size: 120,
    socket: 40,
    handshakeStarted: 48,
    handshakeEnded: 56,
    library: 64,
    binding: 65,
    side: 66,
    alpnLength: 67,
    file: 68,
    alpn: 72,
    error: 104,
    verification: 108,
    closeNotify: 112,
  },
  name: {
    size: 88,
    socket: 40,
    bytes: 48,
    copied: 52,
    error: 56,
    family: 60,
    remotePort: 62,
    direction: 64,
    transport: 65,
    closed: 66,
    remoteAddress: 72,
  },
} as const;

/** A batch that does not fit the layout: the helper and the engine differ, or the file is damaged. */
export class RecordError extends Error {
  override readonly name = 'RecordError';
}

const FAMILIES: Readonly<Record<number, OpenedRecord['family']>> = { 1: 'unix', 2: 'ipv4', 10: 'ipv6' };
const SIDES = [null, 'client', 'server'] as const;
const TRANSPORTS = ['tcp', 'unix'] as const;
const LIBRARIES = [null, 'openssl', 'gnutls', 'go', 'boringssl', 'nss', 'mbedtls', 'wolfssl'] as const;
/** enum close_notify */
const CLOSE_NOTIFY: readonly (boolean | null)[] = [null, true, false];
const BINDINGS = [null, 'call', 'ciphertext', 'descriptor'] as const;
const ALPN_SIZE = 32;

/**
 * The records of one batch, in order. Payloads are views of `batch`.
 * @throws RecordError when a length or a value is not one that the kernel programs write.
 */
export function* readRecords(batch: Uint8Array): Generator<TraceRecord, void, undefined> {
  const view = new DataView(batch.buffer, batch.byteOffset, batch.byteLength);
  let offset = 0;
  while (offset < batch.length) {
    if (batch.length - offset < LAYOUT.header.size)
      throw new RecordError(`a record is cut at byte ${offset}`);
    const length = view.getUint32(offset, true);
    if (length < LAYOUT.header.size || length % 8 !== 0 || length > batch.length - offset) {
      throw new RecordError(`a record at byte ${offset} has the impossible length ${length}`);
    }
    const type = view.getUint16(offset + LAYOUT.header.type, true);
    yield type === RecordType.Data
      ? readData(batch, view, offset, length)
      : readRecord(batch, view, offset, length, type);
    offset += length;
  }
}

/** The bulk of all records. */
function readData(batch: Uint8Array, view: DataView, at: number, length: number): DataRecord {
  const h = LAYOUT.header;
  const f = LAYOUT.data;
  needSize(RecordType.Data, length, f.size);
  const size = view.getUint32(at + f.bytes, true);
  const copied = view.getUint32(at + f.copied, true);
  const direction = view.getUint8(at + f.direction);
  const layer = view.getUint8(at + f.layer);
  const protocol = view.getUint8(at + f.protocol);
  const omission = view.getUint8(at + f.omission);
  if (
    copied > size ||
    copied > length - f.size ||
    direction > 1 ||
    layer > 1 ||
    protocol > 4 ||
    Omission[omission] === undefined
  ) {
    throw new RecordError('a data record has an impossible value');
  }
  return {
    flags: view.getUint16(at + h.flags, true),
    time: view.getBigUint64(at + h.time, true),
    emitted: view.getBigUint64(at + h.emitted, true),
    pid: view.getUint32(at + h.pid, true),
    tid: view.getUint32(at + h.tid, true),
    connection: view.getBigUint64(at + h.connection, true),
    type: RecordType.Data,
    position: readCount(view, at + f.position),
    unseen: readCount(view, at + f.unseen),
    size,
    direction,
    layer,
    protocol,
    omission,
    call: view.getUint16(at + f.call, true),
    returned: view.getBigUint64(at + f.returned, true),
    bytes: batch.subarray(at + f.size, at + f.size + copied),
  };
}

/** A u64 that counts bytes: exact up to 2^53, which no stream reaches. */
function readCount(view: DataView, at: number): number {
  return view.getUint32(at + 4, true) * 2 ** 32 + view.getUint32(at, true);
}

function needSize(type: RecordType, length: number, size: number): void {
  if (length < size) throw new RecordError(`a record of type ${type} is ${length} bytes, ${size} expected`);
}

function readRecord(
  batch: Uint8Array,
  view: DataView,
  at: number,
  length: number,
  type: RecordType,
): TraceRecord {
  // Copied field by field below: spreading an object costs 15 us per record on Node 20.
  const flags = view.getUint16(at + LAYOUT.header.flags, true);
  const time = view.getBigUint64(at + LAYOUT.header.time, true);
  const emitted = view.getBigUint64(at + LAYOUT.header.emitted, true);
  const pid = view.getUint32(at + LAYOUT.header.pid, true);
  const tid = view.getUint32(at + LAYOUT.header.tid, true);
  const connection = view.getBigUint64(at + LAYOUT.header.connection, true);
  const need = (size: number): void => needSize(type, length, size);
  const big = (field: number): bigint => view.getBigUint64(at + field, true);
  switch (type) {
    case RecordType.Opened: {
      const f = LAYOUT.opened;
      need(f.size);
      const family = FAMILIES[view.getUint16(at + f.family, true)];
      const side = SIDES[view.getUint8(at + f.side)];
      const transport = TRANSPORTS[view.getUint8(at + f.transport)];
      if (family === undefined || side === undefined || transport === undefined) {
        throw new RecordError('an opened record has an unknown family, side or transport');
      }
      return {
        flags,
        time,
        emitted,
        pid,
        tid,
        connection,
        type,
        inode: big(f.inode),
        connectStarted: big(f.connectStarted),
        established: big(f.established),
        networkNamespace: view.getUint32(at + f.networkNamespace, true),
        family,
        side,
        transport,
        localPort: view.getUint16(at + f.localPort, true),
        remotePort: view.getUint16(at + f.remotePort, true),
        localAddress: batch.subarray(at + f.localAddress, at + f.localAddress + 16),
        remoteAddress: batch.subarray(at + f.remoteAddress, at + f.remoteAddress + 16),
        localPath: readPath(
          batch,
          view,
          at,
          length,
          LAYOUT.openedUnix.localLength,
          LAYOUT.openedUnix.localPath,
        ),
        remotePath: readPath(
          batch,
          view,
          at,
          length,
          LAYOUT.openedUnix.remoteLength,
          LAYOUT.openedUnix.remotePath,
        ),
      };
    }
    case RecordType.Ended: {
      const f = LAYOUT.ended;
      need(f.size);
      const direction = view.getUint8(at + f.direction);
      const ending = view.getUint8(at + f.ending);
      if (direction > 1 || ending < 1 || ending > 6)
        throw new RecordError('an ended record has an impossible value');
      return {
        flags,
        time,
        emitted,
        pid,
        tid,
        connection,
        type,
        position: readCount(view, at + f.position),
        error: view.getUint32(at + f.error, true),
        direction,
        ending,
      };
    }
    case RecordType.ConnectFailed: {
      const f = LAYOUT.connectFailed;
      need(f.size);
      const family = FAMILIES[view.getUint16(at + f.family, true)];
      const transport = TRANSPORTS[view.getUint8(at + f.transport)];
      const pathLength = view.getUint16(at + f.remoteLength, true);
      if (family === undefined || transport === undefined || pathLength > UNIX_PATH_SIZE) {
        throw new RecordError('a record of a failed connect has an impossible value');
      }
      return {
        flags,
        time,
        emitted,
        pid,
        tid,
        connection,
        type,
        started: big(f.started),
        networkNamespace: view.getUint32(at + f.networkNamespace, true),
        error: view.getUint32(at + f.error, true),
        family,
        transport,
        remotePort: view.getUint16(at + f.remotePort, true),
        remoteAddress: batch.subarray(at + f.remoteAddress, at + f.remoteAddress + 16),
        remotePath: readUnixPath(batch.subarray(at + f.remotePath, at + f.remotePath + pathLength)),
      };
    }
    case RecordType.Closed:
      need(LAYOUT.closed.size);
      return {
        flags,
        time,
        emitted,
        pid,
        tid,
        connection,
        type,
        sent: readCount(view, at + LAYOUT.closed.sent),
        received: readCount(view, at + LAYOUT.closed.received),
      };
    case RecordType.ProcessStarted:
    case RecordType.ProcessReplaced:
    case RecordType.ProcessEnded: {
      const f = LAYOUT.process;
      need(f.size);
      return {
        flags,
        time,
        emitted,
        pid,
        tid,
        connection,
        type,
        startTime: big(f.startTime),
        parent: view.getUint32(at + f.parent, true),
        status: view.getUint32(at + f.status, true),
        name: readName(batch.subarray(at + f.name, at + f.name + 16)),
      };
    }
    case RecordType.Tls: {
      const f = LAYOUT.tls;
      // Recordings before layout 4 end there.
      need(f.alpn + ALPN_SIZE);
      const longer = length >= f.size;
      const library = LIBRARIES[view.getUint8(at + f.library)];
      const binding = BINDINGS[view.getUint8(at + f.binding)];
      const side = SIDES[view.getUint8(at + f.side)];
      const alpnLength = view.getUint8(at + f.alpnLength);
      const closeNotify = CLOSE_NOTIFY[longer ? view.getUint8(at + f.closeNotify) : 0];
      const known = library !== undefined && binding !== undefined && side !== undefined;
      if (!known || alpnLength > ALPN_SIZE || closeNotify === undefined) {
        throw new RecordError('a TLS record has an impossible value');
      }
      return {
        flags,
        time,
        emitted,
        pid,
        tid,
        connection,
        type,
        socket: big(f.socket),
        handshakeStarted: big(f.handshakeStarted),
        handshakeEnded: big(f.handshakeEnded),
        library,
        file: view.getUint32(at + f.file, true),
        binding,
        side,
        alpn: alpnLength === 0 ? null : latin1(batch.subarray(at + f.alpn, at + f.alpn + alpnLength)),
        error: longer ? view.getUint32(at + f.error, true) : 0,
        verification: longer ? view.getUint32(at + f.verification, true) : 0,
        closeNotify,
      };
    }
    case RecordType.Name: {
      const f = LAYOUT.name;
      need(f.size);
      const copied = view.getUint32(at + f.copied, true);
      const size = view.getUint32(at + f.bytes, true);
      const direction = view.getUint8(at + f.direction);
      const transport = view.getUint8(at + f.transport);
      if (copied > size || copied > length - f.size || direction > 1 || transport < 1 || transport > 3) {
        throw new RecordError('a name record has an impossible value');
      }
      const family = FAMILIES[view.getUint16(at + f.family, true)] ?? null;
      return {
        flags,
        time,
        emitted,
        pid,
        tid,
        connection,
        type,
        socket: big(f.socket),
        size,
        error: view.getUint32(at + f.error, true),
        family: family === 'unix' ? null : family,
        remotePort: view.getUint16(at + f.remotePort, true),
        remoteAddress: batch.subarray(at + f.remoteAddress, at + f.remoteAddress + 16),
        direction,
        transport,
        closed: view.getUint8(at + f.closed) !== 0,
        bytes: batch.subarray(at + f.size, at + f.size + copied),
      };
    }
    default:
      throw new RecordError(`a record has the unknown type ${type}`);
  }
}

function latin1(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}

/** comm: up to 15 bytes and a NUL, set by the program itself, so not always UTF-8. */
function readName(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end));
}

const UNIX_PATH_SIZE = 108;

function readPath(
  batch: Uint8Array,
  view: DataView,
  at: number,
  length: number,
  lengthField: number,
  field: number,
): string | null {
  if (length < LAYOUT.openedUnix.size) return null;
  const size = Math.min(view.getUint16(at + lengthField, true), UNIX_PATH_SIZE);
  return readUnixPath(batch.subarray(at + field, at + field + size));
}

/** unix(7): a path ends at its NUL; an abstract name begins with one and counts in full. */
function readUnixPath(bytes: Uint8Array): string | null {
  if (bytes.length === 0) return null;
  const decoder = new TextDecoder();
  if (bytes[0] === 0) return `@${decoder.decode(bytes.subarray(1))}`;
  const end = bytes.indexOf(0);
  return decoder.decode(end < 0 ? bytes : bytes.subarray(0, end));
}
