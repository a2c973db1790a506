/**
 * Makes record batches as the kernel programs write them (bpf/trace_http.h), for tests: single records with
 * {@link recordBatch}, and whole conversations with {@link conversation}, which counts positions and time.
 */
import {
  Direction,
  type Ending,
  FLAG_JOINED_LATE,
  Layer,
  NameTransport,
  type Omission,
  RecordType,
  type TlsBinding,
  type TlsLibraryName,
  WireProtocol,
} from '../record.ts';
import { LAYOUT } from '../recordLayout.ts';

/** Default boot time (ns) at which conversations begin. */
export const START = 1_000_000_000_000n;

interface Common {
  readonly connection?: bigint;
  readonly pid?: number;
  readonly tid?: number;
  readonly flags?: number;
  /** Boot time in nanoseconds. */
  readonly time?: bigint;
  readonly emitted?: bigint;
}

export interface OpenedSpec extends Common {
  readonly type: 'opened';
  readonly side?: 'client' | 'server' | null;
  /** `127.0.0.1:80` or `[::1]:80`. */
  readonly local?: string;
  readonly remote?: string;
  readonly connectStarted?: bigint;
  readonly established?: bigint;
}

export interface DataSpec extends Common {
  readonly type: 'data';
  readonly direction: Direction;
  readonly position: number;
  readonly bytes: Uint8Array | string;
  /** Bytes that the record covers; by default the length of `bytes`. */
  readonly size?: number;
  readonly omission?: Omission;
  readonly unseen?: number;
  readonly claim?: number;
  /** By default the call takes no time. */
  readonly returned?: bigint;
  readonly protocol?: WireProtocol;
  readonly layer?: Layer;
}

export interface EndedSpec extends Common {
  readonly type: 'ended';
  readonly direction: Direction;
  readonly position: number;
  readonly ending: Ending;
  readonly error?: number;
}

export interface ConnectFailedSpec extends Common {
  readonly type: 'connectFailed';
  /** Boot time; 0n or missing = unknown. */
  readonly started?: bigint;
  /** errno; 0: the process gave up. */
  readonly error: number;
  /** `127.0.0.1:80`, or the path of a Unix socket. */
  readonly remote: string;
}

export interface ClosedSpec extends Common {
  readonly type: 'closed';
  readonly sent: number;
  readonly received: number;
}

export interface ProcessSpec extends Common {
  readonly type: 'processStarted' | 'processReplaced' | 'processEnded';
  readonly name?: string;
  readonly parent?: number;
  readonly status?: number;
}

export interface TlsSpec extends Common {
  readonly type: 'tls';
  /** 0n or missing = unknown. */
  readonly socket?: bigint;
  readonly handshakeStarted?: bigint;
  readonly handshakeEnded?: bigint;
  readonly library?: TlsLibraryName | null;
  readonly file?: number;
  readonly binding?: TlsBinding | null;
  readonly side?: 'client' | 'server' | null;
  readonly alpn?: string | null;
  readonly error?: number;
  readonly verification?: number;
  readonly closeNotify?: boolean | null;
}

export interface NameSpec extends Common {
  readonly type: 'name';
  /** Inode. Default 77n. */
  readonly socket?: bigint;
  readonly direction: Direction;
  readonly transport?: NameTransport;
  /** `127.0.0.53:53`, the default; null: not known. */
  readonly server?: string | null;
  readonly bytes?: Uint8Array;
  /** Bytes that moved; by default the length of `bytes`. */
  readonly size?: number;
  readonly error?: number;
  readonly closed?: boolean;
}

export type RecordSpec =
  | OpenedSpec
  | DataSpec
  | EndedSpec
  | ClosedSpec
  | ConnectFailedSpec
  | ProcessSpec
  | TlsSpec
  | NameSpec;

const LIBRARIES: readonly (TlsLibraryName | null)[] = [
  null,
  'openssl',
  'gnutls',
  'go',
  'boringssl',
  'nss',
  'mbedtls',
  'wolfssl',
];
const BINDINGS: readonly (TlsBinding | null)[] = [null, 'call', 'ciphertext', 'descriptor'];

/** The bytes of these records, one after the other. Strings are Latin-1. */
export function recordBatch(specs: readonly RecordSpec[]): Buffer {
  return Buffer.concat(specs.map(recordBytes));
}

/** The same records of another connection: to encode very many anew takes longer than to read them. */
export function ofConnection(batch: Uint8Array, connection: bigint): Buffer {
  const copy = Buffer.from(batch);
  const { length, connection: place } = LAYOUT.header;
  for (let at = 0; at < copy.length; at += copy.readUInt32LE(at + length))
    copy.writeBigUInt64LE(connection, at + place);
  return copy;
}

export function recordBytes(spec: RecordSpec): Buffer {
  switch (spec.type) {
    case 'opened': {
      const f = LAYOUT.opened;
      const local = parseAddress(spec.local ?? '127.0.0.1:40000');
      const remote = parseAddress(spec.remote ?? '127.0.0.1:8080');
      const bytes = header(spec, RecordType.Opened, f.size);
      bytes.writeBigUInt64LE(spec.connectStarted ?? 0n, f.connectStarted);
      bytes.writeBigUInt64LE(spec.established ?? 0n, f.established);
      bytes.writeUInt16LE(local.bytes.length === 4 ? 2 : 10, f.family);
      const side = spec.side === undefined ? 'client' : spec.side;
      bytes.writeUInt8(side === null ? 0 : side === 'client' ? 1 : 2, f.side);
      bytes.writeUInt16LE(local.port, f.localPort);
      bytes.writeUInt16LE(remote.port, f.remotePort);
      bytes.set(local.bytes, f.localAddress);
      bytes.set(remote.bytes, f.remoteAddress);
      return bytes;
    }
    case 'connectFailed': {
      const f = LAYOUT.connectFailed;
      const bytes = header(spec, RecordType.ConnectFailed, f.size);
      bytes.writeBigUInt64LE(spec.started ?? 0n, f.started);
      bytes.writeUInt32LE(spec.error, f.error);
      if (spec.remote.startsWith('/')) {
        bytes.writeUInt16LE(1, f.family);
        bytes.writeUInt8(1, f.transport);
        bytes.writeUInt16LE(spec.remote.length, f.remoteLength);
        bytes.write(spec.remote, f.remotePath, 'latin1');
        return bytes;
      }
      const remote = parseAddress(spec.remote);
      bytes.writeUInt16LE(remote.bytes.length === 4 ? 2 : 10, f.family);
      bytes.writeUInt16LE(remote.port, f.remotePort);
      bytes.set(remote.bytes, f.remoteAddress);
      return bytes;
    }
    case 'data': {
      const f = LAYOUT.data;
      const payload = toBytes(spec.bytes);
      const bytes = header(spec, RecordType.Data, f.size + payload.length);
      const time = spec.time ?? START;
      bytes.writeBigUInt64LE(BigInt(spec.position), f.position);
      bytes.writeBigUInt64LE(spec.returned ?? time, f.returned);
      bytes.writeBigUInt64LE(BigInt(spec.unseen ?? 0), f.unseen);
      bytes.writeUInt32LE(spec.size ?? payload.length, f.bytes);
      bytes.writeUInt32LE(payload.length, f.copied);
      bytes.writeUInt8(spec.direction, f.direction);
      bytes.writeUInt8(spec.layer ?? Layer.Socket, f.layer);
      bytes.writeUInt8(spec.protocol ?? WireProtocol.Http1, f.protocol);
      bytes.writeUInt8(spec.omission ?? 0, f.omission);
      bytes.writeUInt16LE(0xffff, f.call);
      bytes.writeUInt16LE(spec.claim ?? 0, f.claim);
      bytes.set(payload, f.size);
      return bytes;
    }
    case 'ended': {
      const f = LAYOUT.ended;
      const bytes = header(spec, RecordType.Ended, f.size);
      bytes.writeBigUInt64LE(BigInt(spec.position), f.position);
      bytes.writeUInt32LE(spec.error ?? 0, f.error);
      bytes.writeUInt8(spec.direction, f.direction);
      bytes.writeUInt8(spec.ending, f.ending);
      return bytes;
    }
    case 'closed': {
      const f = LAYOUT.closed;
      const bytes = header(spec, RecordType.Closed, f.size);
      bytes.writeBigUInt64LE(BigInt(spec.sent), f.sent);
      bytes.writeBigUInt64LE(BigInt(spec.received), f.received);
      return bytes;
    }
    case 'tls': {
      const f = LAYOUT.tls;
      const bytes = header(spec, RecordType.Tls, f.size);
      const side = spec.side ?? null;
      bytes.writeBigUInt64LE(spec.socket ?? 0n, f.socket);
      bytes.writeBigUInt64LE(spec.handshakeStarted ?? 0n, f.handshakeStarted);
      bytes.writeBigUInt64LE(spec.handshakeEnded ?? 0n, f.handshakeEnded);
      bytes.writeUInt8(LIBRARIES.indexOf(spec.library ?? null), f.library);
      bytes.writeUInt32LE(spec.file ?? 0, f.file);
      bytes.writeUInt8(BINDINGS.indexOf(spec.binding ?? null), f.binding);
      bytes.writeUInt8(side === null ? 0 : side === 'client' ? 1 : 2, f.side);
      bytes.writeUInt8(spec.alpn?.length ?? 0, f.alpnLength);
      bytes.write(spec.alpn ?? '', f.alpn, 'latin1');
      bytes.writeUInt32LE(spec.error ?? 0, f.error);
      bytes.writeUInt32LE(spec.verification ?? 0, f.verification);
      const { closeNotify = null } = spec;
      bytes.writeUInt8(closeNotify === null ? 0 : closeNotify ? 1 : 2, f.closeNotify);
      return bytes;
    }
    case 'name': {
      const f = LAYOUT.name;
      const payload = Buffer.from(spec.bytes ?? []);
      const bytes = header({ connection: 0n, ...spec }, RecordType.Name, f.size + payload.length);
      const server = spec.server === null ? null : parseAddress(spec.server ?? '127.0.0.53:53');
      bytes.writeBigUInt64LE(spec.socket ?? 77n, f.socket);
      bytes.writeUInt32LE(spec.size ?? payload.length, f.bytes);
      bytes.writeUInt32LE(payload.length, f.copied);
      bytes.writeUInt32LE(spec.error ?? 0, f.error);
      bytes.writeUInt8(spec.direction, f.direction);
      bytes.writeUInt8(spec.transport ?? NameTransport.Udp, f.transport);
      bytes.writeUInt8(spec.closed === true ? 1 : 0, f.closed);
      if (server !== null) {
        bytes.writeUInt16LE(server.bytes.length === 4 ? 2 : 10, f.family);
        bytes.writeUInt16LE(server.port, f.remotePort);
        bytes.set(server.bytes, f.remoteAddress);
      }
      bytes.set(payload, f.size);
      return bytes;
    }
    default: {
      const f = LAYOUT.process;
      const type =
        spec.type === 'processStarted'
          ? RecordType.ProcessStarted
          : spec.type === 'processReplaced'
            ? RecordType.ProcessReplaced
            : RecordType.ProcessEnded;
      const bytes = header({ connection: 0n, ...spec }, type, f.size);
      bytes.writeBigUInt64LE(spec.time ?? START, f.startTime);
      bytes.writeUInt32LE(spec.parent ?? 0, f.parent);
      bytes.writeUInt32LE(spec.status ?? 0, f.status);
      bytes.write((spec.name ?? '').slice(0, 15), f.name, 'utf8');
      return bytes;
    }
  }
}

/** One step of a conversation. */
export type Step =
  /** Bytes that the target sends, receives; strings are Latin-1. */
  | { readonly out: Uint8Array | string; readonly pid?: number }
  | { readonly in: Uint8Array | string; readonly pid?: number }
  /** Bytes moved without a copy. */
  | { readonly omit: 'out' | 'in'; readonly size: number; readonly omission: Omission }
  /** Bytes moved whose record was lost; the next one shows the hole. */
  | { readonly lose: 'out' | 'in'; readonly size: number }
  /** Bytes that no hook saw; the next record reports them. */
  | { readonly unseen: 'out' | 'in'; readonly size: number }
  | { readonly end: 'out' | 'in'; readonly ending: Ending; readonly error?: number; readonly flags?: number }
  | { readonly wait: bigint }
  | { readonly close: true };

export interface ConversationOptions {
  readonly connection?: bigint;
  readonly side?: 'client' | 'server' | null;
  readonly joinedLate?: boolean;
  /** No opened record. */
  readonly anonymous?: boolean;
  readonly pid?: number;
  /** Boot time in nanoseconds of the first record. */
  readonly start?: bigint;
  /** Nanoseconds between steps. Default 1 ms. */
  readonly interval?: bigint;
  readonly local?: string;
  readonly remote?: string;
  /** The plaintext of a TLS session, of which this is known. */
  readonly session?: Pick<
    TlsSpec,
    'socket' | 'handshakeStarted' | 'handshakeEnded' | 'library' | 'binding' | 'alpn'
  >;
  readonly protocol?: WireProtocol;
  readonly connectStarted?: bigint;
  readonly established?: bigint;
}

/** The records of a conversation, in order. */
export function conversation(steps: readonly Step[], options: ConversationOptions = {}): RecordSpec[] {
  const connection = options.connection ?? 1n;
  const pid = options.pid ?? 4242;
  let time = options.start ?? START;
  const positions: [number, number] = [0, 0];
  const unseen: [number, number] = [0, 0];
  const specs: RecordSpec[] = [];
  const flags = options.joinedLate === true ? FLAG_JOINED_LATE : 0;
  if (options.session !== undefined) {
    const side = options.side === undefined ? 'client' : options.side;
    specs.push({ type: 'tls', connection, pid, time, flags, side, library: 'openssl', ...options.session });
  } else if (options.anonymous !== true) {
    specs.push({
      type: 'opened',
      connection,
      pid,
      time,
      flags,
      side: options.side === undefined ? 'client' : options.side,
      ...(options.local === undefined ? {} : { local: options.local }),
      ...(options.remote === undefined ? {} : { remote: options.remote }),
      connectStarted: options.connectStarted ?? 0n,
      established: options.established ?? 0n,
    });
  }
  const data = (direction: Direction, bytes: Uint8Array | string, extra: Partial<DataSpec> = {}): void => {
    const size = extra.size ?? toBytes(bytes).length;
    specs.push({
      type: 'data',
      connection,
      pid,
      time,
      flags,
      direction,
      position: positions[direction],
      bytes,
      unseen: unseen[direction],
      ...(options.session === undefined ? {} : { layer: Layer.Tls }),
      ...(options.protocol === undefined ? {} : { protocol: options.protocol }),
      ...extra,
    });
    positions[direction] += size;
    unseen[direction] = 0;
  };
  for (const step of steps) {
    time += options.interval ?? 1_000_000n;
    if ('out' in step) data(Direction.Out, step.out, step.pid === undefined ? {} : { pid: step.pid });
    else if ('in' in step) data(Direction.In, step.in, step.pid === undefined ? {} : { pid: step.pid });
    else if ('omit' in step) data(directionOf(step.omit), '', { size: step.size, omission: step.omission });
    else if ('lose' in step) positions[directionOf(step.lose)] += step.size;
    else if ('unseen' in step) {
      positions[directionOf(step.unseen)] += step.size;
      unseen[directionOf(step.unseen)] += step.size;
    } else if ('end' in step) {
      const direction = directionOf(step.end);
      specs.push({
        type: 'ended',
        connection,
        pid,
        time,
        direction,
        position: positions[direction],
        ending: step.ending,
        error: step.error ?? 0,
        flags: step.flags ?? 0,
      });
    } else if ('wait' in step) time += step.wait;
    else specs.push({ type: 'closed', connection, pid, time, sent: positions[0], received: positions[1] });
  }
  return specs;
}

/** Each data record cut into records of at most `size` bytes, at the same time. */
export function split(specs: readonly RecordSpec[], size: number): RecordSpec[] {
  return specs.flatMap((spec) => {
    if (spec.type !== 'data') return [spec];
    const bytes = toBytes(spec.bytes);
    if (bytes.length <= size) return [spec];
    const pieces: RecordSpec[] = [];
    for (let at = 0; at < bytes.length; at += size)
      pieces.push(piece(spec, bytes, at, Math.min(bytes.length, at + size)));
    return pieces;
  });
}

/** The data record with this index cut in two at `offset`. */
export function splitAt(specs: readonly RecordSpec[], index: number, offset: number): RecordSpec[] {
  return specs.flatMap((spec, i) => {
    if (i !== index || spec.type !== 'data') return [spec];
    const bytes = toBytes(spec.bytes);
    return [piece(spec, bytes, 0, offset), piece(spec, bytes, offset, bytes.length)];
  });
}

function piece(spec: DataSpec, bytes: Buffer, from: number, to: number): DataSpec {
  const last = to === bytes.length;
  return {
    ...spec,
    position: spec.position + from,
    bytes: bytes.subarray(from, to),
    size: last ? (spec.size ?? bytes.length) - from : to - from,
    omission: last ? (spec.omission ?? 0) : 0,
    unseen: from === 0 ? (spec.unseen ?? 0) : 0,
  };
}

function directionOf(word: 'out' | 'in'): Direction {
  return word === 'out' ? Direction.Out : Direction.In;
}

function toBytes(bytes: Uint8Array | string): Buffer {
  return typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : Buffer.from(bytes);
}

function header(spec: Common, type: RecordType, size: number): Buffer {
  const f = LAYOUT.header;
  const length = (size + 7) & ~7;
  const bytes = Buffer.alloc(length);
  const time = spec.time ?? START;
  bytes.writeUInt32LE(length, f.length);
  bytes.writeUInt16LE(type, f.type);
  bytes.writeUInt16LE(spec.flags ?? 0, f.flags);
  bytes.writeBigUInt64LE(time, f.time);
  bytes.writeBigUInt64LE(spec.emitted ?? time, f.emitted);
  bytes.writeUInt32LE(spec.pid ?? 4242, f.pid);
  bytes.writeUInt32LE(spec.tid ?? spec.pid ?? 4242, f.tid);
  bytes.writeBigUInt64LE(spec.connection ?? 1n, f.connection);
  return bytes;
}

function parseAddress(text: string): { bytes: Buffer; port: number } {
  const colon = text.lastIndexOf(':');
  const host = text.slice(0, colon).replace(/^\[|\]$/g, '');
  const port = Number(text.slice(colon + 1));
  if (!host.includes(':')) return { bytes: Buffer.from(host.split('.').map(Number)), port };
  const [head = '', tail = ''] = host.split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === '' ? [] : tail.split(':');
  const zeros = host.includes('::') ? 8 - left.length - right.length : 0;
  const groups = [...left, ...Array<string>(zeros).fill('0'), ...right].map((group) =>
    Number.parseInt(group, 16),
  );
  const bytes = Buffer.alloc(16);
  for (const [i, group] of groups.entries()) bytes.writeUInt16BE(group, 2 * i);
  return { bytes, port };
}
