/**
 * One stream of bytes in two directions: orders its records and picks the dissector that reads them. The
 * bytes of a socket are one such stream, the plaintext of a TLS session another.
 */
import type { FileReading, MissingReason, PieceContext } from './byteStream.ts';
import type { ConnectionHost, Dissector, TlsDissector } from './dissector.ts';
import { refusedByProxy } from './ending.ts';
import { Http1Connection } from './http1/connection.ts';
import { Http2OrRefusal } from './http2/refusal.ts';
import type { Refusal } from './layers/layer.ts';
import { type OrderedSink, Reassembly, type StreamRecord } from './reassembly.ts';
import { Detection } from './recognition/detection.ts';
import {
  type ClosedRecord,
  type DataRecord,
  Direction,
  type EndedRecord,
  Ending,
  FLAG_FROM_FILE,
  Omission,
  RecordType,
  WireProtocol,
} from './record.ts';
import type { StoredConnection } from './storedExchange.ts';
import { TlsSocket } from './tls/socket.ts';

export class Connection implements OrderedSink {
  readonly info: StoredConnection;
  /** The stream has ended and has been read to its end. */
  #closed = false;

  readonly #host: ConnectionHost;
  readonly #reassembly: Reassembly;
  readonly #detection: Detection;
  /** The dissector, if the stream is a socket that carries TLS. */
  #tls: TlsSocket | null = null;
  #time = 0;

  constructor(info: StoredConnection, host: ConnectionHost) {
    this.info = info;
    this.#host = host;
    this.#detection = new Detection(
      info,
      (protocol) => this.#make(protocol),
      (refusal, context) => this.#refusedBy(refusal, context),
    );
    this.#reassembly = new Reassembly(this, host.counters);
  }

  /** The dissector that reads the stream, or the tunnel in it, as TLS; null when it is not TLS, or not known yet. */
  get tlsSocket(): TlsDissector | null {
    return this.#tls ?? this.#detection.dissector?.tlsSocket ?? null;
  }

  /** It carries HTTP in plaintext. */
  get carriesMessages(): boolean {
    return this.#detection.dissector !== null && this.#tls === null;
  }

  /** No more input is expected, and no row's reason is pending. */
  get done(): boolean {
    return this.#closed && this.tlsSocket?.ending !== true;
  }

  /** True while something waits for a record or a timeout. */
  get waiting(): boolean {
    return this.#reassembly.waiting || (this.#detection.dissector?.waiting ?? false);
  }

  /** The addresses and times in `info` are known. */
  opened(): void {
    this.#detection.dissector?.opened();
    this.#reassembly.opened();
  }

  push(record: StreamRecord): void {
    this.#reassembly.push(record);
  }

  /** All records emitted up to this boot time (ns) have been pushed. */
  advance(upTo: number): void {
    // For the dissector, time does not pass what waits.
    const delivered = this.#reassembly.advance(upTo);
    this.#detection.dissector?.advance(delivered);
  }

  /** The trace ends at this time (milliseconds). */
  finish(at: number): void {
    this.#reassembly.finish();
    if (this.done) return;
    this.#time = Math.max(this.#time, at);
    this.#detection.settle()?.finish(this.#time);
    this.info.lastEnded = null;
    this.#closed = true;
  }

  // ── records in order ───────────────────────────────────────────────────────────────────────────────────

  bytes(record: DataRecord, bytes: Buffer): void {
    this.#detection.bytes(record.direction, bytes, this.#context(record), record.protocol);
  }

  missing(direction: Direction, length: number, reason: MissingReason, record: StreamRecord): void {
    const fromKernel = record.type === RecordType.Data ? record.protocol : null;
    this.#detection.missing(direction, length, reason, this.#context(record), fromKernel);
  }

  directionEnded(record: EndedRecord): void {
    const context = this.#context(record);
    this.info.ends.ended(record, this.#host.milliseconds(record.time), (pid) => this.#host.exitStatus(pid));
    const cut = this.#isCut(record);
    if (cut) this.info.ends.unconfirmed = true;
    if (record.ending === Ending.PeerReset) this.#host.connectionFailed(this.info);
    if (record.ending === Ending.PeerFin || record.ending === Ending.PeerReset) return;
    // A RST discards bytes that were sent but not read yet.
    const reset = record.ending === Ending.Reset || record.error !== 0;
    const orderly = !reset && !cut;
    this.#detection.ended(record.direction, orderly, context);
  }

  connectionClosed(record: ClosedRecord): void {
    const context = this.#context(record);
    this.info.ends.closed(this.#host.milliseconds(record.time));
    this.#detection.closed(context);
    const dissector = this.#detection.settle();
    // The traced process closed, so all it sent is known. Whether the peer had sent everything is known
    // only if its EOF was read.
    dissector?.ended(Direction.Out, true, context);
    dissector?.ended(Direction.In, false, context);
    dissector?.closed(context);
    this.info.lastEnded = null;
    this.#closed = true;
  }

  /**
   * True when TLS ended without close_notify, so that anybody on the path may have truncated it (RFC 8446 section 6.1).
   * Where the library does not report this, the socket's records decide.
   */
  #isCut({ direction, unconfirmed }: EndedRecord): boolean {
    if (direction !== Direction.In) return false;
    return !(this.info.tls?.closeNotify ?? unconfirmed !== true);
  }

  #context(record: StreamRecord): PieceContext {
    const { pid, emitted } = record;
    if (record.type !== RecordType.Data) {
      const time = this.#host.milliseconds(record.time);
      this.#time = Math.max(this.#time, time);
      return { time, end: time, pid, emitted, file: null };
    }
    const time = this.#host.millisecondsOf(record.timeHigh, record.timeLow);
    const end = this.#host.millisecondsOf(record.returnedHigh, record.returnedLow);
    this.#time = Math.max(this.#time, end);
    return { time, end: Math.max(time, end), pid, emitted, file: readingOf(record) };
  }

  /** A proxy has refused: for the client, the connection was not established. */
  #refusedBy(refusal: Refusal, { pid, time, end }: PieceContext): void {
    const { info } = this;
    if (info.side !== 'client') return;
    info.through = [...info.through, refusal.layer];
    const exchange = this.#host.createFailed(this.#host.process(pid), info, {
      attempts: 1,
      ending: refusedByProxy(refusal, info.ends),
      started: info.connectStarted ?? info.established ?? time,
    });
    exchange.endedAt = end;
    exchange.state = 'ended';
    this.#host.ended(exchange);
  }

  /** @returns null for a protocol without a dissector. */
  #make(protocol: WireProtocol): Dissector | null {
    switch (protocol) {
      case WireProtocol.Http1:
        return new Http1Connection(this.info, this.#host);
      case WireProtocol.Http2:
        return new Http2OrRefusal(this.info, this.#host);
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

const UNREAD: Readonly<Partial<Record<Omission, FileReading>>> = {
  [Omission.FileChanged]: 'changed',
  [Omission.FileUncertain]: 'uncertain',
  [Omission.FileUnreadable]: 'unreadable',
  [Omission.FileSystem]: 'file-system',
  [Omission.FileSlow]: 'slow',
};

function readingOf({ flags, omission }: DataRecord): FileReading | null {
  return (flags & FLAG_FROM_FILE) !== 0 ? 'read' : (UNREAD[omission] ?? null);
}
