/**
 * One HTTP/2 connection (RFC 9113): each stream is an exchange, so its two messages are paired by the stream
 * identifier. If the request was not seen, the exchange begins with the first frame that was seen.
 */
import { gapReason, type MissingReason, type PieceContext } from '../byteStream.ts';
import type { ConnectionHost, Dissector } from '../dissector.ts';
import type { Side } from '../exchange.ts';
import { Direction } from '../record.ts';
import type { StoredConnection, StoredExchange } from '../storedExchange.ts';
import { SETTINGS_INITIAL_WINDOW_SIZE } from './frameFormat.ts';
import { Lane, type LaneSink } from './lane.ts';
import { PeerSettings } from './peerSettings.ts';
import { type HeldPiece, RoleSniffer } from './roleSniffer.ts';
import { OTHER, type Role } from './stream.ts';
import { StreamMessages } from './streamMessages.ts';
import { Streams } from './streams.ts';

/** `P`, the first byte of the preface; no frame begins with it, as it would be too large. */
const PREFACE_START = 0x50;

export class Http2Connection implements Dissector {
  readonly #info: StoredConnection;
  /** Both directions are seen from their first byte. */
  readonly #fromStart: boolean;
  readonly #lanes: Record<Role, Lane | null> = { request: null, response: null };
  /** The limits that the receiver of each direction has set. */
  readonly #allowed = { request: new PeerSettings(), response: new PeerSettings() };
  #side: Side | null = null;
  #sniffer: RoleSniffer | null = null;

  readonly #streams: Streams;
  readonly #messages: StreamMessages;
  /** @param upgraded the HTTP/1 exchange whose response will arrive on stream 1 (RFC 7540 section 3.2). */
  constructor(info: StoredConnection, host: ConnectionHost, upgraded: StoredExchange | null = null) {
    this.#info = info;
    this.#streams = new Streams(info, host, this.#lanes);
    this.#messages = new StreamMessages(host, this.#streams, this.#allowed);
    this.#fromStart = upgraded !== null || !info.joinedLate;
    if (upgraded !== null) {
      this.#streams.adopt(upgraded);
      // The client's first settings are in the HTTP2-Settings field of the request.
      this.#allowed.response.lose();
      this.#streams.windows = null;
    } else if (info.joinedLate) {
      this.#streams.opened.lose();
      this.#streams.windows = null;
    }
    this.opened();
  }

  /** The exchanges that have no response yet. */
  get waitingForAnswer(): StoredExchange[] {
    return this.#streams.all.flatMap(({ exchange }) => (exchange.response === null ? [exchange] : []));
  }

  get waiting(): boolean {
    return this.#streams.waiting;
  }

  opened(): void {
    if (this.#side === null && this.#info.side !== null) this.#become(this.#info.side);
  }

  bytes(direction: Direction, bytes: Buffer, context: PieceContext): void {
    this.#streams.reached(context.time);
    if (this.#side !== null) this.#lane(this.#roleOf(direction), bytes).reader.feed(bytes, context);
    else this.#sniff({ direction, bytes: Buffer.from(bytes), length: bytes.length, reason: 'lost', context });
  }

  missing(direction: Direction, length: number, reason: MissingReason, context: PieceContext): void {
    this.#streams.reached(context.time);
    const gap = gapReason(reason);
    if (this.#side !== null) this.#lane(this.#roleOf(direction), null).reader.gap(length, gap, context);
    else this.#sniff({ direction, bytes: null, length, reason: gap, context });
  }

  ended(direction: Direction, _orderly: boolean, context: PieceContext): void {
    this.#streams.reached(context.time);
    if (this.#side === null) return;
    const role = this.#roleOf(direction);
    this.#lanes[role]?.end(context);
    this.#streams.directionEnded(role, context);
  }

  advance(upTo: number): void {
    this.#streams.advance(upTo);
  }

  closed(context: PieceContext): void {
    this.#streams.closed(context.time);
  }

  finish(at: number): void {
    this.#streams.reached(at);
    const { time } = this.#streams;
    const context = { time, end: time, pid: 0, emitted: 0, file: null };
    this.#lanes.request?.end(context);
    this.#lanes.response?.end(context);
    this.#streams.finish();
  }

  // ── directions ─────────────────────────────────────────────────────────────────────────────────────────

  #sniff(piece: HeldPiece): void {
    this.#sniffer ??= new RoleSniffer();
    this.#sniffer.add(piece);
    if (this.#sniffer.side !== null) this.#become(this.#sniffer.side);
  }

  #become(side: Side): void {
    this.#side = side;
    this.#info.side = side;
    this.#messages.sending = this.#sending;
    const pieces = this.#sniffer?.pieces ?? [];
    this.#sniffer = null;
    for (const { direction, bytes, length, reason, context } of pieces) {
      const lane = this.#lane(this.#roleOf(direction), bytes);
      if (bytes !== null) lane.reader.feed(bytes, context);
      else lane.reader.gap(length, reason, context);
    }
  }

  /** The kind of message that the traced process sends. */
  get #sending(): Role {
    return this.#side === 'client' ? 'request' : 'response';
  }

  #roleOf(direction: Direction): Role {
    return (direction === Direction.Out) === (this.#side === 'client') ? 'request' : 'response';
  }

  /** The lane of a direction, created with its first bytes. @param bytes these first bytes; null: they are missing. */
  #lane(role: Role, bytes: Buffer | null): Lane {
    const lane = this.#lanes[role];
    if (lane !== null) return lane;
    const other = this.#lanes[OTHER[role]];
    // Even on a connection joined late, the client's preface proves that both directions are seen from the
    // beginning.
    const begins =
      role === 'request' ? bytes?.[0] === PREFACE_START : other !== null && !other.lossy && other.begun;
    const late = !this.#fromStart && !begins;
    const start = late ? 'anywhere' : role === 'request' ? 'preface' : 'frame';
    const made = new Lane(this.#sinkOf(role), start);
    this.#lanes[role] = made;
    this.#allowed[role].apply(made);
    return made;
  }

  #sinkOf(role: Role): LaneSink {
    return {
      block: (frame, section, promised, size, context) => {
        if (promised !== 0) this.#messages.promise(role, frame, section, promised, size, context);
        else this.#messages.headers(role, frame, section, size, context);
      },
      dataBegan: (frame) => this.#messages.dataBegan(role, frame),
      data: (_frame, bytes, from, to, context) => this.#messages.content(role, bytes, from, to, context),
      dataMissing: (_frame, length, reason, sized, context) =>
        this.#messages.missing(role, length, reason, sized, context),
      dataEnded: (frame, malformed, context) => this.#messages.dataEnded(role, frame, malformed, context),
      reset: (frame, code, context) => this.#streams.reset(role, frame, code, context),
      goAway: (last, code, text, context) => this.#streams.goAway(role, last, code, text, context),
      window: (id, increment, { time }) => {
        if (role === this.#sending) return;
        const stream = this.#streams.get(id) ?? null;
        if (id === 0 || stream !== null) this.#streams.windows?.update(increment, stream, time);
      },
      setting: (identifier, value, { time }) => {
        if (identifier === SETTINGS_INITIAL_WINDOW_SIZE && role !== this.#sending) {
          this.#streams.windows?.setInitial(value, time);
        }
        const other = OTHER[role];
        this.#allowed[other].set(identifier, value);
        const lane = this.#lanes[other];
        if (lane !== null) this.#allowed[other].apply(lane);
      },
      lost: (context) => this.#lost(role, context),
    };
  }

  #lost(role: Role, context: PieceContext): void {
    this.#streams.windows = null;
    const other = this.#lanes[OTHER[role]];
    this.#allowed[OTHER[role]].lose();
    if (other !== null) this.#allowed[OTHER[role]].apply(other);
    if (role === 'request') this.#streams.opened.lose();
    for (const stream of this.#streams.all) {
      const half = stream[role];
      if (half.ended) continue;
      half.lose();
      half.reader?.gap(null, 'lost', context.time);
      if (half.message !== null && stream.tunnel === null) half.missing(0, 'lost', false);
      this.#streams.endIfDone(stream, context);
    }
  }
}
