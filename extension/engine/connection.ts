/**
 * One stream of bytes in two directions: orders its records and picks the dissector that reads them. The
 * bytes of a socket are one such stream, the plaintext of a TLS session another.
 */
import type { MissingReason, PieceContext } from './byteStream.ts';
import type { ConnectionHost, Dissector } from './dissector.ts';
import { Http1Connection } from './http1/connection.ts';
import { Http2Connection } from './http2/connection.ts';
import { looksLikeHttp2 } from './http2/detection.ts';
import { MAX_HELD_PIECES } from './limits.ts';
import type { StoredConnection } from './model.ts';
import { type OrderedSink, Reassembly, type StreamRecord } from './reassembly.ts';
import {
  type ClosedRecord,
  type DataRecord,
  Direction,
  type EndedRecord,
  Ending,
  RecordType,
  WireProtocol,
} from './record.ts';
import { TlsSocket } from './tls/socket.ts';

/** RFC 9113 section 3.4. While the bytes of a direction may become it, no dissector is picked. */
const HTTP2_PREFACE = 'PRI * HTTP/2.0\r\n';

/** First bytes of a direction that are examined to detect its protocol. */
const BEGINNING = 64;

/** Content type and major version of a handshake record (RFC 8446 section 5.1). */
const TLS_HANDSHAKE = '\x16\x03';

type Action = (dissector: Dissector) => void;

export class Connection implements OrderedSink {
  readonly info: StoredConnection;
  /** It has ended, and everything was read. */
  done = false;

  readonly #host: ConnectionHost;
  readonly #reassembly: Reassembly;
  #dissector: Dissector | null = null;
  /** The dissector, where the stream is a socket that carries TLS. */
  #tls: TlsSocket | null = null;
  /** What arrived before the protocol was known. */
  #held: Action[] = [];
  readonly #beginnings: readonly [Beginning, Beginning] = [new Beginning(), new Beginning()];
  #time = 0;

  constructor(info: StoredConnection, host: ConnectionHost) {
    this.info = info;
    this.#host = host;
    this.#reassembly = new Reassembly(this, host.counters);
  }

  /** Reads the stream as TLS; null when it is not TLS, or not known yet. */
  get tlsSocket(): TlsSocket | null {
    return this.#tls;
  }

  /** It carries HTTP in plaintext. */
  get carriesMessages(): boolean {
    return this.#dissector !== null && this.#tls === null;
  }

  /** True when something waits for a record or for time. */
  get waiting(): boolean {
    return this.#reassembly.waiting || (this.#dissector?.waiting ?? false);
  }

  /** The addresses and times in `info` are known. */
  opened(): void {
    this.#dissector?.opened();
    this.#reassembly.opened();
  }

  push(record: StreamRecord): void {
    this.#reassembly.push(record);
  }

  /** Every record emitted up to then has been pushed. */
  advance(upTo: bigint): void {
    this.#reassembly.advance(upTo);
    this.#dissector?.advance(upTo);
  }

  /** The trace ends at this time (milliseconds). */
  finish(at: number): void {
    this.#reassembly.finish();
    if (this.done) return;
    this.#time = Math.max(this.#time, at);
    this.#settle()?.finish(this.#time);
    this.info.lastEnded = null;
    this.done = true;
  }

  // ── records in order ───────────────────────────────────────────────────────────────────────────────────

  bytes(record: DataRecord, bytes: Buffer): void {
    const { direction } = record;
    const context = this.#context(record);
    if (this.#dissector === null) {
      const protocol =
        record.protocol === WireProtocol.Undecided
          ? this.#beginnings[direction].protocol(bytes)
          : record.protocol;
      if (protocol === WireProtocol.Undecided) {
        const copy = Buffer.from(bytes);
        this.#hold((dissector) => dissector.bytes(direction, copy, context));
        return;
      }
      this.#pick(protocol);
    }
    if (isForeign(record.protocol)) this.#dissector?.missing(direction, bytes.length, 'foreign', context);
    else this.#dissector?.bytes(direction, bytes, context);
  }

  missing(direction: Direction, length: number, reason: MissingReason, record: StreamRecord): void {
    const context = this.#context(record);
    const isTls = record.type === RecordType.Data && record.protocol === WireProtocol.Tls;
    if (this.#dissector === null && isTls) this.#pick(WireProtocol.Tls);
    if (this.#dissector !== null) this.#dissector.missing(direction, length, reason, context);
    else if (reason !== 'foreign') {
      this.#beginnings[direction].lost();
      this.#hold((dissector) => dissector.missing(direction, length, reason, context));
    }
  }

  directionEnded(record: EndedRecord): void {
    const context = this.#context(record);
    this.info.ends.ended(record, this.#host.milliseconds(record.time), (pid) => this.#host.exitStatus(pid));
    if (record.unconfirmed === true) this.info.ends.unconfirmed = true;
    if (record.ending === Ending.PeerReset) this.#host.connectionFailed(this.info);
    if (record.ending === Ending.PeerFin || record.ending === Ending.PeerReset) return;
    const orderly = record.ending !== Ending.Reset && record.unconfirmed !== true;
    if (this.#dissector !== null) this.#dissector.ended(record.direction, orderly, context);
    else this.#hold((dissector) => dissector.ended(record.direction, orderly, context));
  }

  connectionClosed(record: ClosedRecord): void {
    const context = this.#context(record);
    this.info.ends.closed(this.#host.milliseconds(record.time));
    const dissector = this.#settle();
    // The traced process closed: all that it sent is known. Whether the peer had sent everything is known
    // only if its end was read.
    dissector?.ended(Direction.Out, true, context);
    dissector?.ended(Direction.In, false, context);
    dissector?.closed(context);
    this.info.lastEnded = null;
    this.done = true;
  }

  #context(record: StreamRecord): PieceContext {
    const time = this.#host.milliseconds(record.time);
    this.#time = Math.max(this.#time, time);
    return { time, pid: record.pid, emitted: record.emitted };
  }

  #hold(action: Action): void {
    this.#held.push(action);
    if (this.#held.length > MAX_HELD_PIECES) this.#pick(WireProtocol.Http1);
  }

  /** No more bytes will come from which the protocol could be detected. */
  #settle(): Dissector | null {
    if (this.#dissector === null && this.#held.length > 0) this.#pick(WireProtocol.Http1);
    return this.#dissector;
  }

  #pick(protocol: WireProtocol): void {
    const dissector = this.#make(protocol);
    if (dissector === null) return;
    this.#dissector = dissector;
    for (const action of this.#held) action(dissector);
    this.#held = [];
  }

  /** @returns null for a protocol without a dissector. */
  #make(protocol: WireProtocol): Dissector | null {
    switch (protocol) {
      case WireProtocol.Http1:
      case WireProtocol.Undecided:
        return new Http1Connection(this.info, this.#host);
      case WireProtocol.Http2:
        return new Http2Connection(this.info, this.#host);
      case WireProtocol.Tls:
        // TLS inside a session's plaintext is not read.
        if (this.info.tls !== null) return null;
        this.#tls = new TlsSocket(this.info, this.#host);
        return this.#tls;
      default:
        return null;
    }
  }
}

/** No dissector reads it. */
function isForeign(protocol: WireProtocol): boolean {
  return protocol === WireProtocol.Other;
}

/** The first bytes of one direction. */
class Beginning {
  #text = '';
  #known = false;

  /** The protocol, as far as these further bytes show it. */
  protocol(bytes: Buffer): WireProtocol {
    if (this.#known) return WireProtocol.Http1;
    this.#text += bytes.toString('latin1', 0, BEGINNING - this.#text.length);
    if (this.#text.startsWith(HTTP2_PREFACE)) return WireProtocol.Http2;
    if (this.#text.startsWith(TLS_HANDSHAKE)) return WireProtocol.Tls;
    if (TLS_HANDSHAKE.startsWith(this.#text)) return WireProtocol.Undecided;
    if (HTTP2_PREFACE.startsWith(this.#text)) return WireProtocol.Undecided;
    // A server may send first: its SETTINGS frame begins with a zero byte, which no text does.
    if (!this.#text.startsWith('\0')) return WireProtocol.Http1;
    if (looksLikeHttp2(Buffer.from(this.#text, 'latin1'))) return WireProtocol.Http2;
    return this.#text.length < BEGINNING ? WireProtocol.Undecided : WireProtocol.Http1;
  }

  /** Bytes are missing: what follows is not the beginning of the stream. */
  lost(): void {
    this.#known = true;
  }
}
