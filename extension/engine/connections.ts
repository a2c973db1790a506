/** The connections of a trace by their id, the longest unused given up beyond a bound. */
import { formatAddress } from './address.ts';
import { Connection } from './connection.ts';
import type { ConnectionHost } from './dissector.ts';
import { MAX_CLOSED_CONNECTIONS, MAX_CONNECTIONS } from './limits.ts';
import { StoredConnection } from './model.ts';
import {
  type ClosedRecord,
  type DataRecord,
  type EndedRecord,
  FLAG_JOINED_LATE,
  Layer,
  type OpenedRecord,
  RecordType,
} from './record.ts';

interface Entry {
  readonly id: bigint;
  readonly socket: Connection;
  /** Plaintext on the same socket. */
  tls: Connection | null;
  opened: boolean;
}

export class Connections {
  /** Connections seen so far. */
  seen = 0;

  readonly #host: ConnectionHost;
  /** In the order of their last use. */
  readonly #entries = new Map<bigint, Entry>();
  readonly #waiting = new Map<Connection, Entry>();
  /** Ids of connections that are over. */
  readonly #closed = new Set<bigint>();
  #last: Entry | null = null;
  #time = 0;

  constructor(host: ConnectionHost) {
    this.#host = host;
  }

  take(record: OpenedRecord | DataRecord | EndedRecord | ClosedRecord): void {
    this.#time = Math.max(this.#time, this.#host.milliseconds(record.time));
    const entry = this.#entry(record.connection);
    if (entry === null) {
      // After the end: counted, nothing more can be made of it.
      if (record.type === RecordType.Data) {
        this.#host.counters.copied += record.bytes.length;
        this.#host.counters.omitted += record.size - record.bytes.length;
      }
      return;
    }
    switch (record.type) {
      case RecordType.Opened:
        // A view of the batch: the addresses are copied by being formatted.
        this.#open(entry, record);
        break;
      case RecordType.Data: {
        const connection = record.layer === Layer.Tls ? this.#tls(entry) : entry.socket;
        // The flag on data tells it where the opened record was lost.
        if ((record.flags & FLAG_JOINED_LATE) !== 0) connection.info.joinedLate = true;
        connection.push(record);
        this.#look(connection, entry);
        break;
      }
      case RecordType.Ended:
      case RecordType.Closed:
        for (const connection of [entry.socket, entry.tls]) {
          if (connection === null) continue;
          connection.push(record);
          this.#look(connection, entry);
        }
        break;
    }
    this.#forgetIfDone(entry);
  }

  /** Every record emitted up to then has been pushed. */
  advance(upTo: bigint): void {
    for (const [connection, entry] of [...this.#waiting]) {
      connection.advance(upTo);
      this.#look(connection, entry);
      this.#forgetIfDone(entry);
    }
  }

  finish(at: number): void {
    for (const entry of this.#entries.values()) this.#finish(entry, at);
    this.#entries.clear();
    this.#waiting.clear();
    this.#last = null;
  }

  #finish(entry: Entry, at: number): void {
    entry.socket.finish(at);
    entry.tls?.finish(at);
  }

  #look(connection: Connection, entry: Entry): void {
    if (connection.waiting) this.#waiting.set(connection, entry);
    else this.#waiting.delete(connection);
  }

  #forgetIfDone(entry: Entry): void {
    if (entry.socket.done && (entry.tls?.done ?? true)) this.#forget(entry);
  }

  #entry(id: bigint): Entry | null {
    if (this.#last?.id === id) return this.#last;
    let entry = this.#entries.get(id);
    if (entry === undefined) {
      if (this.#closed.has(id)) return null;
      entry = {
        id,
        socket: new Connection(new StoredConnection(id.toString(), false), this.#host),
        tls: null,
        opened: false,
      };
      this.seen++;
    } else this.#entries.delete(id);
    this.#entries.set(id, entry);
    this.#last = entry;
    if (this.#entries.size > MAX_CONNECTIONS) {
      for (const oldest of this.#entries.values()) {
        this.#finish(oldest, this.#time);
        this.#forget(oldest);
        break;
      }
    }
    return entry;
  }

  #tls(entry: Entry): Connection {
    if (entry.tls === null) {
      entry.tls = new Connection(new StoredConnection(entry.id.toString(), true), this.#host);
      copyInfo(entry.socket.info, entry.tls.info);
      if (entry.opened) entry.tls.opened();
    }
    return entry.tls;
  }

  #open(entry: Entry, record: OpenedRecord): void {
    entry.opened = true;
    const { info } = entry.socket;
    info.transport = record.transport;
    info.known = true;
    info.local = record.localPath ?? formatAddress(record.family, record.localAddress, record.localPort);
    info.remote = record.remotePath ?? formatAddress(record.family, record.remoteAddress, record.remotePort);
    info.side ??= record.side;
    if ((record.flags & FLAG_JOINED_LATE) !== 0) info.joinedLate = true;
    info.connectStarted =
      record.connectStarted === 0n ? null : this.#host.milliseconds(record.connectStarted);
    info.established = record.established === 0n ? null : this.#host.milliseconds(record.established);
    if (entry.tls !== null) copyInfo(info, entry.tls.info);
    entry.socket.opened();
    this.#look(entry.socket, entry);
    if (entry.tls === null) return;
    entry.tls.opened();
    this.#look(entry.tls, entry);
  }

  #forget(entry: Entry): void {
    this.#entries.delete(entry.id);
    this.#waiting.delete(entry.socket);
    if (entry.tls !== null) this.#waiting.delete(entry.tls);
    if (this.#last === entry) this.#last = null;
    this.#closed.add(entry.id);
    if (this.#closed.size > MAX_CLOSED_CONNECTIONS) {
      for (const oldest of this.#closed) {
        this.#closed.delete(oldest);
        break;
      }
    }
  }
}

function copyInfo(from: StoredConnection, to: StoredConnection): void {
  to.known = from.known;
  to.transport = from.transport;
  to.local = from.local;
  to.remote = from.remote;
  to.side = from.side;
  to.joinedLate = from.joinedLate;
  to.connectStarted = from.connectStarted;
  to.established = from.established;
}
