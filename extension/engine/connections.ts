/**
 * The connections of a trace by their id (beyond a bound, the least recently used is dropped) and the TLS
 * sessions, each a stream of plaintext with an id of its own, which are bound to the connection whose bytes
 * they encrypt.
 */
import { formatAddress } from './address.ts';
import { Connection } from './connection.ts';
import type { ConnectionHost } from './dissector.ts';
import { FailedConnects } from './failedConnects.ts';
import { MAX_CLOSED_CONNECTIONS, MAX_CONNECTIONS } from './limits.ts';
import { LinkedList, type Place } from './linkedList.ts';
import type { Lookups } from './names/lookups.ts';
import { SocketPairs } from './peers/socketPairs.ts';
import { isShed } from './reassembly.ts';
import {
  type ClosedRecord,
  type ConnectFailedRecord,
  type DataRecord,
  type EndedRecord,
  FLAG_JOINED_LATE,
  Layer,
  type OpenedRecord,
  RecordType,
  type TlsRecord,
} from './record.ts';
import { StoredConnection } from './storedExchange.ts';
import { type Before, TlsSession } from './tls/session.ts';

/** Key of a connection: a number, which a Map finds much faster, unless the id is too large to be exact as one. */
type Key = number | bigint;

/** A connection, or a session. */
interface Entry {
  readonly id: Key;
  readonly stream: Connection;
  /** null: a connection. */
  readonly session: TlsSession | null;
  /** Of a connection: the sessions on it. */
  readonly sessions: Set<Entry>;
  /** There was at least one session, now or earlier. */
  hadSession: boolean;
  /** Its place in the order of use. */
  place: Place<Entry> | null;
}

/** Records that belong to a connection. */
type ConnectionRecord = OpenedRecord | DataRecord | EndedRecord | ClosedRecord | TlsRecord;

export class Connections {
  /** Connections seen so far, sessions not counted. */
  seen = 0;

  readonly #host: ConnectionHost;
  readonly #lookups: Lookups;
  readonly #entries = new Map<Key, Entry>();
  /** The same, least recently used first. */
  readonly #byUse = new LinkedList<Entry>();
  readonly #waiting = new Set<Entry>();
  /** Closed connections: a session may still be bound to one of them. */
  readonly #closed = new Map<Key, StoredConnection>();
  readonly #failed: FailedConnects;
  readonly #pairs: SocketPairs;
  /** Boot time (ns) at which the newest record was made. */
  #newest = 0;

  constructor(host: ConnectionHost, lookups: Lookups) {
    this.#host = host;
    this.#failed = new FailedConnects(host, lookups);
    this.#lookups = lookups;
    this.#pairs = new SocketPairs(
      (one, other) => host.connected(one, other),
      (end) => host.endForgotten(end),
    );
  }

  take(record: ConnectionRecord | ConnectFailedRecord): void {
    if (record.emitted > this.#newest) this.#newest = record.emitted;
    if (record.type === RecordType.ConnectFailed) {
      this.#failed.take(record);
      return;
    }
    const isSession =
      record.type === RecordType.Tls || (record.type === RecordType.Data && record.layer === Layer.Tls);
    const entry = this.#entry(keyOf(record), isSession);
    if (entry === null) {
      // A late record of a closed connection is counted, but not read.
      if (record.type === RecordType.Data) {
        this.#host.counters.copied += record.bytes.length;
        this.#host.counters.omitted += record.size - record.bytes.length;
        if (isShed(record)) this.#host.counters.shed += record.size - record.bytes.length;
      }
      return;
    }
    switch (record.type) {
      case RecordType.Opened:
        // The record is a view of the batch; formatting copies its addresses.
        this.#open(entry, record);
        break;
      case RecordType.Tls:
        this.#learn(entry, record);
        break;
      case RecordType.Data:
        // Data records repeat the flag, in case the opened record was lost.
        if ((record.flags & FLAG_JOINED_LATE) !== 0) entry.stream.info.joinedLate = true;
        entry.stream.push(record);
        if (entry.session !== null) this.#plaintext(entry.session, record.pid);
        else if (entry.sessions.size > 0) this.#shareWire(entry);
        break;
      case RecordType.Ended:
      case RecordType.Closed:
        for (const session of entry.sessions) {
          session.session?.socketEnded(record);
          this.#waiting.add(session);
        }
        // A closed session gets no more plaintext: the pending ends of its socket apply now.
        if (record.type === RecordType.Closed)
          for (const end of entry.session?.dueEnds(null) ?? []) entry.stream.push(end);
        entry.stream.push(entry.session === null ? record : entry.session.confirm(record));
        break;
    }
    this.#settle(entry);
  }

  /** All records emitted up to this boot time (ns) have been pushed. */
  advance(upTo: number): void {
    this.#failed.advance(upTo);
    for (const entry of [...this.#waiting]) {
      entry.stream.advance(upTo);
      for (const end of entry.session?.dueEnds(upTo) ?? []) entry.stream.push(end);
      this.#settle(entry);
    }
  }

  finish(at: number): void {
    for (const entry of this.#byUse) this.#finish(entry, at);
    this.#entries.clear();
    this.#waiting.clear();
    this.#byUse.clear();
    this.#failed.finish();
  }

  /** What is known of a process's TLS libraries has changed. */
  explain(pid: number): void {
    for (const entry of [...this.#byUse]) {
      entry.stream.tlsSocket?.explain(pid);
      if (entry.stream.done) this.#settle(entry);
    }
  }

  #finish(entry: Entry, at: number): void {
    for (const end of entry.session?.dueEnds(null) ?? []) entry.stream.push(end);
    entry.stream.finish(at);
  }

  /** Decides after each event whether the entry is done, waits, or neither. */
  #settle(entry: Entry): void {
    if (entry.stream.done) this.#forget(entry);
    else if (entry.stream.waiting || entry.session?.ending === true) this.#waiting.add(entry);
    else if (this.#waiting.size > 0) this.#waiting.delete(entry);
  }

  /** @returns null for a closed one. */
  #entry(id: Key, isSession: boolean): Entry | null {
    const last = this.#byUse.last;
    if (last?.id === id) return last;
    let entry = this.#entries.get(id);
    if (entry === undefined) {
      if (this.#closed.has(id)) return null;
      entry = this.#create(id, isSession);
      this.#entries.set(id, entry);
    }
    if (entry.place === null) entry.place = this.#byUse.add(entry);
    else this.#byUse.moveToEnd(entry.place);
    if (this.#entries.size > MAX_CONNECTIONS) {
      const oldest = this.#byUse.first ?? entry;
      this.#finish(oldest, this.#host.milliseconds(BigInt(this.#newest)));
      this.#forget(oldest);
    }
    return entry;
  }

  #create(id: Key, isSession: boolean): Entry {
    const info = new StoredConnection(id.toString());
    const session = isSession ? new TlsSession(info, this.#host) : null;
    if (session === null) this.seen++;
    const stream = new Connection(info, this.#host);
    return { id, stream, session, sessions: new Set(), hadSession: false, place: null };
  }

  #open(entry: Entry, record: OpenedRecord): void {
    const { info } = entry.stream;
    info.transport = record.transport;
    info.known = true;
    info.local = record.localPath ?? formatAddress(record.family, record.localAddress, record.localPort);
    info.remote = record.remotePath ?? formatAddress(record.family, record.remoteAddress, record.remotePort);
    info.side ??= record.side;
    if ((record.flags & FLAG_JOINED_LATE) !== 0) info.joinedLate = true;
    info.connectStarted =
      record.connectStarted === 0n ? null : this.#host.milliseconds(record.connectStarted);
    info.established = record.established === 0n ? null : this.#host.milliseconds(record.established);
    // Must come before the claim: failed attempts at other addresses are matched by the same lookup.
    this.#failed.opened(record, info);
    if (info.connectStarted !== null && record.family !== 'unix') {
      const address = record.family === 'ipv4' ? record.remoteAddress.subarray(0, 4) : record.remoteAddress;
      info.lookup =
        this.#lookups.claim(record.pid, address, record.remotePort, info.connectStarted) ?? info.lookup;
    }
    info.end ??= this.#pairs.open(record, info);
    entry.stream.opened();
    for (const session of entry.sessions) {
      session.session?.socketKnown(info);
      session.stream.opened();
      this.#settle(session);
    }
  }

  // ── sessions ───────────────────────────────────────────────────────────────────────────────────────────

  #learn(entry: Entry, record: TlsRecord): void {
    const { session } = entry;
    if (session === null) return;
    session.learn(record);
    const carrier = this.#entries.get(keyOfId(record.socket))?.session ?? null;
    const id = carrier === null ? record.socket : (carrier.socket ?? 0n);
    if (id !== 0n && id !== session.socket) this.#bind(entry, session, id, carrier !== null);
    const socket = session.socket === null ? undefined : this.#entries.get(keyOfId(session.socket));
    if (socket !== undefined && (session.failure !== null || session.verdict !== null)) {
      socket.stream.tlsSocket?.sessionFailed(session.failure, session.verdict);
      this.#settle(socket);
    }
    entry.stream.opened();
  }

  /** @param inner the session is inside another one on that socket. */
  #bind(entry: Entry, session: TlsSession, id: bigint, inner: boolean): void {
    const before = session.socket === null ? undefined : this.#entries.get(keyOfId(session.socket));
    if (before !== undefined) {
      before.sessions.delete(entry);
      before.stream.tlsSocket?.bound(-1);
    }
    // The connection's own records may come later than the session's.
    const socket = this.#entry(keyOfId(id), false);
    const info = socket?.stream.info ?? this.#closed.get(keyOfId(id));
    if (info === undefined || socket?.session != null) return;
    // Whether an earlier exchange on a closed connection already includes its connect time is unknown: assume so.
    session.bind(id, info, socket === null ? 'messages' : carriedBy(socket), inner);
    if (socket === null) return;
    socket.sessions.add(entry);
    socket.hadSession = true;
    socket.stream.tlsSocket?.bound(1);
    if (session.hasPlaintext) socket.stream.tlsSocket?.plaintextSeen();
    this.#settle(socket);
  }

  #plaintext(session: TlsSession, pid: number): void {
    session.plaintextSeen(pid);
    if (session.socket === null) return;
    const socket = this.#entries.get(keyOfId(session.socket));
    const info = socket?.stream.info ?? this.#closed.get(keyOfId(session.socket));
    // Node passes the request to the library even after it has refused the certificate and closed the socket.
    const isClosed = socket === undefined || socket.stream.info.ends.localClose !== null;
    if (isClosed && info?.wire?.established === false) session.neverBegan();
    if (socket === undefined) return;
    socket.stream.tlsSocket?.plaintextSeen();
    this.#settle(socket);
  }

  /** The connection was found to carry TLS after sessions were bound to it. */
  #shareWire(socket: Entry): void {
    for (const { session } of socket.sessions) {
      if (session === null || !session.lacksWire) continue;
      session.socketKnown(socket.stream.info);
      if (!session.lacksWire) {
        socket.stream.tlsSocket?.bound(1);
        if (session.hasPlaintext) socket.stream.tlsSocket?.plaintextSeen();
      }
    }
  }

  #forget(entry: Entry): void {
    if (this.#entries.get(entry.id) === entry) this.#entries.delete(entry.id);
    if (entry.place !== null) this.#byUse.remove(entry.place);
    this.#waiting.delete(entry);
    this.#closed.set(entry.id, entry.stream.info);
    if (entry.session === null && entry.stream.info.end !== null) this.#pairs.close(entry.stream.info.end);
    const socket =
      entry.session?.socket == null ? undefined : this.#entries.get(keyOfId(entry.session.socket));
    socket?.sessions.delete(entry);
    entry.session?.ended();
    if (this.#closed.size > MAX_CLOSED_CONNECTIONS) {
      for (const oldest of this.#closed.keys()) {
        this.#closed.delete(oldest);
        break;
      }
    }
  }
}

function carriedBy({ hadSession, stream }: Entry): Before {
  if (hadSession) return 'session';
  return stream.carriesMessages ? 'messages' : 'nothing';
}

function keyOf(record: ConnectionRecord): Key {
  if (record.type !== RecordType.Data) return keyOfId(record.connection);
  const { connectionHigh, connectionLow } = record;
  return connectionHigh < 2 ** 21 ? connectionHigh * 2 ** 32 + connectionLow : record.connection;
}

function keyOfId(id: bigint): Key {
  return id <= Number.MAX_SAFE_INTEGER ? Number(id) : id;
}
