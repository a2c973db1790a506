/** Reads all record types except data records (recordReader.ts). */
import {
  type CallerRecord,
  type ClosedRecord,
  type ConnectFailedRecord,
  type Direction,
  type EndedRecord,
  type Ending,
  type NameRecord,
  type NameTransport,
  type OpenedRecord,
  type ProcessRecord,
  RecordType,
  type TlsBinding,
  type TlsLibraryName,
  type TlsRecord,
  type TraceRecord,
} from './record.ts';
import { type RecordCursor, RecordError, RecordHeader } from './recordCursor.ts';
import { FIELD_SIZES, LAYOUT } from './recordLayout.ts';

const FAMILIES: Readonly<Record<number, OpenedRecord['family']>> = { 1: 'unix', 2: 'ipv4', 10: 'ipv6' };
/** Enums of bpf/trace_http.h, by value; null: unknown. */
export const SIDES = [null, 'client', 'server'] as const;
export const TRANSPORTS = ['tcp', 'unix'] as const;
export const LIBRARIES = [null, 'openssl', 'gnutls', 'go', 'boringssl', 'nss', 'mbedtls', 'wolfssl'] as const;
/** enum close_notify */
const CLOSE_NOTIFY: readonly (boolean | null)[] = [null, true, false];
export const BINDINGS = [null, 'call', 'ciphertext', 'descriptor'] as const;

/** @throws RecordError for a length or value that the kernel programs never write. */
export function readControlRecord(type: RecordType, cursor: RecordCursor): TraceRecord {
  switch (type) {
    case RecordType.Opened:
      return new Opened(cursor);
    case RecordType.Ended:
      return new Ended(cursor);
    case RecordType.Closed:
      return new Closed(cursor);
    case RecordType.ConnectFailed:
      return new FailedConnect(cursor);
    case RecordType.ProcessStarted:
    case RecordType.ProcessReplaced:
    case RecordType.ProcessEnded:
      return new ProcessEvent(type, cursor);
    case RecordType.Tls:
      return new TlsFacts(cursor);
    case RecordType.Name:
      return new NameMessage(cursor);
    case RecordType.Caller:
      return new Caller(cursor);
    default:
      throw new RecordError(`a record has the unknown type ${type}`);
  }
}

class Opened extends RecordHeader implements OpenedRecord {
  readonly type = RecordType.Opened;
  readonly inode: bigint;
  readonly connectStarted: bigint;
  readonly established: bigint;
  readonly networkNamespace: number;
  readonly family: OpenedRecord['family'];
  readonly side: OpenedRecord['side'];
  readonly transport: OpenedRecord['transport'];
  readonly localPort: number;
  readonly remotePort: number;
  readonly localAddress: Uint8Array;
  readonly remoteAddress: Uint8Array;
  readonly localPath: string | null;
  readonly remotePath: string | null;
  readonly peerInode: bigint;

  constructor(cursor: RecordCursor) {
    super(cursor);
    const f = LAYOUT.opened;
    cursor.need(RecordType.Opened, f.size);
    const family = FAMILIES[cursor.u16(f.family)];
    const side = SIDES[cursor.u8(f.side)];
    const transport = TRANSPORTS[cursor.u8(f.transport)];
    if (family === undefined || side === undefined || transport === undefined) {
      throw new RecordError('an opened record has an unknown family, side or transport');
    }
    this.inode = cursor.u64(f.inode);
    this.connectStarted = cursor.u64(f.connectStarted);
    this.established = cursor.u64(f.established);
    this.networkNamespace = cursor.u32(f.networkNamespace);
    this.family = family;
    this.side = side;
    this.transport = transport;
    this.localPort = cursor.u16(f.localPort);
    this.remotePort = cursor.u16(f.remotePort);
    this.localAddress = cursor.bytes(f.localAddress, FIELD_SIZES.address);
    this.remoteAddress = cursor.bytes(f.remoteAddress, FIELD_SIZES.address);
    const { size, localLength, localPath, remoteLength, remotePath, peerInode } = LAYOUT.openedUnix;
    const longer = cursor.length >= size;
    this.localPath = longer ? readPath(cursor, localLength, localPath) : null;
    this.remotePath = longer ? readPath(cursor, remoteLength, remotePath) : null;
    this.peerInode = longer ? BigInt(cursor.u32(peerInode)) : 0n;
  }
}

class Ended extends RecordHeader implements EndedRecord {
  readonly type = RecordType.Ended;
  readonly position: number;
  readonly error: number;
  readonly direction: Direction;
  readonly ending: Ending;

  constructor(cursor: RecordCursor) {
    super(cursor);
    const f = LAYOUT.ended;
    cursor.need(RecordType.Ended, f.size);
    this.direction = cursor.u8(f.direction);
    this.ending = cursor.u8(f.ending);
    if (this.direction > 1 || this.ending < 1 || this.ending > 6) {
      throw new RecordError('an ended record has an impossible value');
    }
    this.position = cursor.count(f.position);
    this.error = cursor.u32(f.error);
  }
}

class Closed extends RecordHeader implements ClosedRecord {
  readonly type = RecordType.Closed;
  readonly sent: number;
  readonly received: number;

  constructor(cursor: RecordCursor) {
    super(cursor);
    cursor.need(RecordType.Closed, LAYOUT.closed.size);
    this.sent = cursor.count(LAYOUT.closed.sent);
    this.received = cursor.count(LAYOUT.closed.received);
  }
}

class FailedConnect extends RecordHeader implements ConnectFailedRecord {
  readonly type = RecordType.ConnectFailed;
  readonly started: bigint;
  readonly networkNamespace: number;
  readonly error: number;
  readonly family: ConnectFailedRecord['family'];
  readonly transport: ConnectFailedRecord['transport'];
  readonly remotePort: number;
  readonly remoteAddress: Uint8Array;
  readonly remotePath: string | null;

  constructor(cursor: RecordCursor) {
    super(cursor);
    const f = LAYOUT.connectFailed;
    cursor.need(RecordType.ConnectFailed, f.size);
    const family = FAMILIES[cursor.u16(f.family)];
    const transport = TRANSPORTS[cursor.u8(f.transport)];
    const pathLength = cursor.u16(f.remoteLength);
    if (family === undefined || transport === undefined || pathLength > FIELD_SIZES.unixPath) {
      throw new RecordError('a record of a failed connect has an impossible value');
    }
    this.started = cursor.u64(f.started);
    this.networkNamespace = cursor.u32(f.networkNamespace);
    this.error = cursor.u32(f.error);
    this.family = family;
    this.transport = transport;
    this.remotePort = cursor.u16(f.remotePort);
    this.remoteAddress = cursor.bytes(f.remoteAddress, FIELD_SIZES.address);
    this.remotePath = readUnixPath(cursor.bytes(f.remotePath, pathLength));
  }
}

class ProcessEvent extends RecordHeader implements ProcessRecord {
  readonly type: ProcessRecord['type'];
  readonly startTime: bigint;
  readonly parent: number;
  readonly status: number;
  readonly name: string;

  constructor(type: ProcessRecord['type'], cursor: RecordCursor) {
    super(cursor);
    const f = LAYOUT.process;
    cursor.need(type, f.size);
    this.type = type;
    this.startTime = cursor.u64(f.startTime);
    this.parent = cursor.u32(f.parent);
    this.status = cursor.u32(f.status);
    this.name = readName(cursor.bytes(f.name, FIELD_SIZES.comm));
  }
}

class TlsFacts extends RecordHeader implements TlsRecord {
  readonly type = RecordType.Tls;
  readonly socket: bigint;
  readonly handshakeStarted: bigint;
  readonly handshakeEnded: bigint;
  readonly library: TlsLibraryName | null;
  readonly file: number;
  readonly binding: TlsBinding | null;
  readonly side: TlsRecord['side'];
  readonly alpn: string | null;
  readonly error: number;
  readonly verification: number;
  readonly closeNotify: boolean | null;

  constructor(cursor: RecordCursor) {
    super(cursor);
    const f = LAYOUT.tls;
    // Before layout 4, records end here.
    cursor.need(RecordType.Tls, f.alpn + FIELD_SIZES.alpn);
    const longer = cursor.length >= f.size;
    const library = LIBRARIES[cursor.u8(f.library)];
    const binding = BINDINGS[cursor.u8(f.binding)];
    const side = SIDES[cursor.u8(f.side)];
    const alpnLength = cursor.u8(f.alpnLength);
    const closeNotify = CLOSE_NOTIFY[longer ? cursor.u8(f.closeNotify) : 0];
    const known = library !== undefined && binding !== undefined && side !== undefined;
    if (!known || alpnLength > FIELD_SIZES.alpn || closeNotify === undefined) {
      throw new RecordError('a TLS record has an impossible value');
    }
    this.socket = cursor.u64(f.socket);
    this.handshakeStarted = cursor.u64(f.handshakeStarted);
    this.handshakeEnded = cursor.u64(f.handshakeEnded);
    this.library = library;
    this.file = cursor.u32(f.file);
    this.binding = binding;
    this.side = side;
    this.alpn = alpnLength === 0 ? null : latin1(cursor.bytes(f.alpn, alpnLength));
    this.error = longer ? cursor.u32(f.error) : 0;
    this.verification = longer ? cursor.u32(f.verification) : 0;
    this.closeNotify = closeNotify;
  }
}

class NameMessage extends RecordHeader implements NameRecord {
  readonly type = RecordType.Name;
  readonly socket: bigint;
  readonly size: number;
  readonly error: number;
  readonly family: NameRecord['family'];
  readonly remotePort: number;
  readonly remoteAddress: Uint8Array;
  readonly direction: Direction;
  readonly transport: NameTransport;
  readonly closed: boolean;
  readonly bytes: Uint8Array;

  constructor(cursor: RecordCursor) {
    super(cursor);
    const f = LAYOUT.name;
    cursor.need(RecordType.Name, f.size);
    const copied = cursor.u32(f.copied);
    this.size = cursor.u32(f.bytes);
    this.direction = cursor.u8(f.direction);
    this.transport = cursor.u8(f.transport);
    const fits = copied <= this.size && copied <= cursor.length - f.size;
    if (!fits || this.direction > 1 || this.transport < 1 || this.transport > 3) {
      throw new RecordError('a name record has an impossible value');
    }
    const family = FAMILIES[cursor.u16(f.family)] ?? null;
    this.socket = cursor.u64(f.socket);
    this.error = cursor.u32(f.error);
    this.family = family === 'unix' ? null : family;
    this.remotePort = cursor.u16(f.remotePort);
    this.remoteAddress = cursor.bytes(f.remoteAddress, FIELD_SIZES.address);
    this.closed = cursor.u8(f.closed) !== 0;
    this.bytes = cursor.bytes(f.size, copied);
  }
}

class Caller extends RecordHeader implements CallerRecord {
  readonly type = RecordType.Caller;
  readonly request: bigint;
  readonly stream: number;
  readonly method: string;
  readonly frames: Uint8Array;

  constructor(cursor: RecordCursor) {
    super(cursor);
    const f = LAYOUT.caller;
    cursor.need(RecordType.Caller, f.frames);
    const length = cursor.u8(f.methodLength);
    if (length > FIELD_SIZES.method) throw new RecordError('a caller record has an impossible value');
    this.request = cursor.u64(f.request);
    this.stream = cursor.u32(f.stream);
    this.method = latin1(cursor.bytes(f.method, length));
    this.frames = cursor.bytes(f.frames, cursor.length - f.frames);
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

function readPath(cursor: RecordCursor, lengthField: number, field: number): string | null {
  return readUnixPath(cursor.bytes(field, Math.min(cursor.u16(lengthField), FIELD_SIZES.unixPath)));
}

/** unix(7): a path ends at its NUL; an abstract name begins with one and may contain more. */
function readUnixPath(bytes: Uint8Array): string | null {
  if (bytes.length === 0) return null;
  const decoder = new TextDecoder();
  if (bytes[0] === 0) return `@${decoder.decode(bytes.subarray(1))}`;
  const end = bytes.indexOf(0);
  return decoder.decode(end < 0 ? bytes : bytes.subarray(0, end));
}
