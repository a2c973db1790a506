/**
 * A TLS session whose plaintext is seen. Its socket may become known later, or never. What the socket shows is
 * copied into the session's own connection object, so that exchanges created before have it, too.
 */
import type { ConnectionHost } from '../dissector.ts';
import { SESSION_PATIENCE } from '../limits.ts';
import {
  type ClosedRecord,
  Direction,
  type EndedRecord,
  Ending,
  FLAG_JOINED_LATE,
  RecordType,
  type TlsRecord,
} from '../record.ts';
import type { StoredConnection } from '../storedExchange.ts';
import { StoredTls } from '../storedTls.ts';
import { libraryReason, libraryVerdict } from './libraryError.ts';

type End = EndedRecord | ClosedRecord;

/** What a socket carried before a session; `messages`: plaintext HTTP, such as the CONNECT that opened a tunnel. */
export type Before = 'nothing' | 'messages' | 'session';

/** Higher than the layer of any tunnel in a socket's own bytes: see StoredConnection.layer. */
const SESSION_LAYER = 16;
const INNER_LAYER = 32;

export class TlsSession {
  /** Connection id of its socket; null while unknown. */
  socket: bigint | null = null;
  hasPlaintext = false;
  /** Its library's objection to the peer's certificate; null = none. */
  verdict: string | null = null;

  readonly #info: StoredConnection;
  readonly #tls = new StoredTls();
  readonly #host: ConnectionHost;
  /** What the socket carried before this session. */
  #before: Before = 'nothing';
  /** Carried by another session, whose handshake is in the socket's bytes. */
  #inner = false;
  /** Ends of the socket, held back: bytes received before them may not have been decrypted yet. */
  #ends: End[] = [];
  /** The process has read EOF from the socket. */
  #socketRead = false;
  /** The process for which this is counted as a session without a known socket; null: not counted. */
  #countedFor: number | null = null;

  constructor(info: StoredConnection, host: ConnectionHost) {
    this.#info = info;
    this.#host = host;
    info.tls = this.#tls;
    info.unbound = [];
  }

  /** The socket's bytes may show more. */
  get lacksWire(): boolean {
    return this.#tls.wire === null && !this.#inner;
  }

  /** What its library says went wrong; null = nothing. */
  get failure(): string | null {
    return this.#tls.failure;
  }

  /** Its socket has ended. */
  get ending(): boolean {
    return this.#ends.length > 0;
  }

  /** Each record repeats everything that is known by then. */
  learn(record: TlsRecord): void {
    const tls = this.#tls;
    if (record.library !== null) tls.library = record.library;
    if (record.file !== 0) tls.file = record.file;
    if (record.binding !== null) tls.binding = record.binding;
    if (record.alpn !== null) tls.alpn = record.alpn;
    if (record.handshakeStarted !== 0n) {
      tls.handshakeStarted = this.#host.milliseconds(record.handshakeStarted);
    }
    if (record.handshakeEnded !== 0n) tls.handshakeEnded = this.#host.milliseconds(record.handshakeEnded);
    if (record.closeNotify !== null) tls.closeNotify = record.closeNotify;
    const { library } = tls;
    const side = record.side ?? this.#info.side;
    const { error, verification } = record;
    const said = { library, side, error, verification };
    tls.failure = libraryReason(said);
    this.verdict = libraryVerdict(said);
    this.#info.side ??= record.side;
    // This flag is set until the session's socket is known.
    this.#info.joinedLate = (record.flags & FLAG_JOINED_LATE) !== 0;
  }

  /**
   * @param before what the socket carried until then
   * @param inner it is carried by another session on that socket: TLS in TLS
   */
  bind(id: bigint, socket: StoredConnection, before: Before, inner: boolean): void {
    this.socket = id;
    this.#inner = inner;
    this.#tls.socket = id.toString();
    this.#tls.wire = null;
    this.#before = before;
    this.#count(null);
    this.socketKnown(socket);
  }

  /** The session was bound to the socket, or more is known about the socket. */
  socketKnown(socket: StoredConnection): void {
    const info = this.#info;
    this.#tls.wire = this.#inner ? null : socket.wire;
    info.ends = socket.ends;
    info.end = socket.end;
    info.layer = this.#inner ? INNER_LAYER : SESSION_LAYER;
    info.transport = socket.transport;
    info.local = socket.local;
    info.remote = socket.remote;
    info.through = socket.tunnelled ?? socket.through;
    info.side ??= socket.side;
    const isFirst = this.#before === 'nothing';
    if (isFirst) info.attempts = socket.attempts;
    info.connectStarted = isFirst ? socket.connectStarted : null;
    info.established = isFirst ? socket.established : null;
    info.lookup = isFirst ? socket.lookup : null;
    // A trace that saw the handshake saw the beginning. The handshake in the socket's bytes is the first session's.
    const begun =
      (this.#before !== 'session' || this.#inner) &&
      (!socket.joinedLate || (socket.wire?.started ?? null) !== null);
    if (!begun && this.#tls.handshakeStarted === null) info.joinedLate = true;
    info.known = socket.known;
    if (!info.known || info.unbound === null) return;
    for (const exchange of info.unbound) {
      const labels = [...exchange.completeness].filter((label) => label !== 'socket-unknown');
      if (exchange.state === 'ended') exchange.relabel(labels.length === 0 ? ['complete'] : labels);
      this.#host.changed(exchange);
    }
    info.unbound = null;
  }

  /** Its socket was closed during the handshake: whatever the program still writes is never sent. */
  neverBegan(): void {
    this.#tls.failure ??= this.verdict ?? 'the handshake was not finished';
  }

  plaintextSeen(pid: number): void {
    if (this.hasPlaintext) return;
    this.hasPlaintext = true;
    if (this.socket === null) this.#count(pid);
  }

  /**
   * The library reports the end of the plaintext. This means the peer's close_notify, unless the socket's EOF was read
   * before, which some libraries report in the same way.
   */
  confirm<T extends End>(record: T): T {
    const doubtful = this.#socketRead && record.type === RecordType.Ended && record.ending === Ending.ReadEof;
    return doubtful ? { ...record, unconfirmed: true } : record;
  }

  /** The socket has ended. So will this session, unless more plaintext arrives. */
  socketEnded(record: End): void {
    const connection = BigInt(this.#info.id);
    if (record.type === RecordType.Ended && record.ending === Ending.ReadEof) this.#socketRead = true;
    // Positions in the socket do not apply to the plaintext.
    if (record.type === RecordType.Ended) {
      // A peer that has finished sends close_notify, which the library reports as the end. For Go's library this report
      // is not seen.
      const unconfirmed = record.direction === Direction.In && this.#tls.library !== 'go';
      this.#ends.push({ ...record, connection, position: 0, unconfirmed });
    } else {
      this.#ends.push({ ...record, connection, sent: 0, received: 0 });
      // The library objects to the certificate, and the last message of the handshake was not sent.
      if (this.verdict !== null && this.#tls.wire?.established === false) this.neverBegan();
    }
  }

  /** Takes the ends that need not be held back any longer. @param upTo null: all of them. */
  dueEnds(upTo: number | null): End[] {
    const later = this.#ends.findIndex(({ emitted }) => upTo !== null && emitted + SESSION_PATIENCE > upTo);
    return this.#ends.splice(0, later < 0 ? this.#ends.length : later);
  }

  /**
   * The session has ended. If it was never bound, it stays counted: a socket of the process without plaintext may be its
   * socket, and often ends later.
   */
  ended(): void {
    this.#info.unbound = null;
  }

  #count(pid: number | null): void {
    if (this.#countedFor !== null) this.#host.unboundSession(this.#countedFor, -1);
    if (pid !== null) this.#host.unboundSession(pid, 1);
    this.#countedFor = pid;
  }
}
