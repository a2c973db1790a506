/**
 * A TLS session whose plaintext is seen, and its socket, which may become known later, or
 * never. What the socket shows is copied into the session's own connection object, so that the exchanges
 * made before have it, too.
 */
import type { ConnectionHost } from '../dissector.ts';
import { SESSION_PATIENCE } from '../limits.ts';
import { type StoredConnection, StoredTls } from '../model.ts';
import {
  type ClosedRecord,
  type EndedRecord,
  FLAG_JOINED_LATE,
  RecordType,
  type TlsRecord,
} from '../record.ts';

type End = EndedRecord | ClosedRecord;

/** `messages`: plaintext HTTP, with a tunnel made by CONNECT. */
export type Before = 'nothing' | 'messages' | 'session';

export class TlsSession {
  /** Connection id of its socket; null while unknown. */
  socket: bigint | null = null;
  hasPlaintext = false;

  readonly #info: StoredConnection;
  readonly #tls = new StoredTls();
  readonly #host: ConnectionHost;
  /** What the socket carried before this session. */
  #before: Before = 'nothing';
  /** Ends of the socket: what came before them may not have been decrypted yet. */
  #ends: End[] = [];
  /** Process that is counted as having plaintext without a socket; null when it is not. */
  #countedFor: number | null = null;

  constructor(info: StoredConnection, host: ConnectionHost) {
    this.#info = info;
    this.#host = host;
    info.tls = this.#tls;
    info.unbound = [];
  }

  /** The socket's bytes may show more. */
  get lacksWire(): boolean {
    return this.#tls.wire === null;
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
    this.#info.side ??= record.side;
    // Until its socket is known, a session counts as joined late.
    this.#info.joinedLate = (record.flags & FLAG_JOINED_LATE) !== 0;
  }

  /** @param before what the socket carried until then. */
  bind(id: bigint, socket: StoredConnection, before: Before): void {
    this.socket = id;
    this.#tls.socket = id.toString();
    this.#tls.wire = null;
    this.#before = before;
    this.#count(null);
    this.socketKnown(socket);
  }

  /** The session was bound to the socket, or more is known about the socket. */
  socketKnown(socket: StoredConnection): void {
    const info = this.#info;
    this.#tls.wire = socket.wire;
    info.transport = socket.transport;
    info.local = socket.local;
    info.remote = socket.remote;
    info.side ??= socket.side;
    const isFirst = this.#before === 'nothing';
    info.connectStarted = isFirst ? socket.connectStarted : null;
    info.established = isFirst ? socket.established : null;
    info.lookup = isFirst ? socket.lookup : null;
    // Whoever saw the handshake saw the beginning; the handshake in the socket's bytes is the first session's.
    const begun =
      this.#before !== 'session' && (!socket.joinedLate || (socket.wire?.started ?? null) !== null);
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

  plaintextSeen(pid: number): void {
    if (this.hasPlaintext) return;
    this.hasPlaintext = true;
    if (this.socket === null) this.#count(pid);
  }

  /** The socket has ended, and with it this session, unless more plaintext arrives. */
  socketEnded(record: End): void {
    const connection = BigInt(this.#info.id);
    // The socket's positions are not those of the plaintext.
    if (record.type === RecordType.Ended) this.#ends.push({ ...record, connection, position: 0 });
    else this.#ends.push({ ...record, connection, sent: 0, received: 0 });
  }

  /** The ends before which no more plaintext can arrive. @param upTo null: all of them. */
  dueEnds(upTo: bigint | null): End[] {
    const later = this.#ends.findIndex(({ emitted }) => upTo !== null && emitted + SESSION_PATIENCE > upTo);
    return this.#ends.splice(0, later < 0 ? this.#ends.length : later);
  }

  /** The session has ended. */
  ended(): void {
    this.#info.unbound = null;
    this.#count(null);
  }

  #count(pid: number | null): void {
    if (this.#countedFor !== null) this.#host.unboundSession(this.#countedFor, -1);
    if (pid !== null) this.#host.unboundSession(pid, 1);
    this.#countedFor = pid;
  }
}
