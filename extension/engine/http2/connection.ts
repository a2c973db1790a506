/**
 * One connection of HTTP/2 (RFC 9113): each stream is an exchange, so its two messages are paired by
 * the stream identifier. A stream whose request was not seen is known from its later frames.
 */
import { type GapReason, gapReason, type MissingReason, type PieceContext } from '../byteStream.ts';
import type { ConnectionHost, Dissector } from '../dissector.ts';
import { type Completeness, type GoAway, type Side, UNKNOWN_STATUS } from '../exchange.ts';
import { HELD_PATIENCE, MAX_INTERIM, MAX_STREAMS } from '../limits.ts';
import { openMessageReader } from '../messages/formats.ts';
import { Direction } from '../record.ts';
import type { StoredConnection, StoredExchange } from '../storedExchange.ts';
import { HTTP2, StoredMessage } from '../storedMessage.ts';
import { SendWindows } from './flowControl.ts';
import { FLAG_END_STREAM, FRAME_HEADER, type Frame, SETTINGS_INITIAL_WINDOW_SIZE } from './frameFormat.ts';
import type { FieldSection } from './hpack.ts';
import { Lane, type LaneSink } from './lane.ts';
import { readHead, readTrailers, sectionKind } from './messageHead.ts';
import { OpenedStreams } from './openedStreams.ts';
import { PeerSettings } from './peerSettings.ts';
import { type HeldPiece, RoleSniffer } from './roleSniffer.ts';
import { type Half, Stream } from './stream.ts';

const NO_ERROR = 0;
/** The stream of the request that asked for the upgrade. */
const UPGRADED_STREAM = 1;
/** `P`, the first byte of the preface; no frame begins with it, as it would be too large. */
const PREFACE_START = 0x50;

/** What one direction carries. */
type Role = 'request' | 'response';

const OTHER: Readonly<Record<Role, Role>> = { request: 'response', response: 'request' };

export class Http2Connection implements Dissector {
  readonly #info: StoredConnection;
  readonly #host: ConnectionHost;
  /** The direction is seen from its first byte. */
  readonly #fromStart: boolean;
  readonly #lanes: Record<Role, Lane | null> = { request: null, response: null };
  /** The limits that the receiver of each direction has set. */
  readonly #allowed = { request: new PeerSettings(), response: new PeerSettings() };
  /** The stream of the DATA frame that is being read, in each direction. */
  readonly #data: Record<Role, Stream | null> = { request: null, response: null };
  #side: Side | null = null;
  #sniffer: RoleSniffer | null = null;
  #exchanges = 0;

  readonly #streams = new Map<number, Stream>();
  readonly #opened = new OpenedStreams();
  /** Flow control of what the process sends; null: not known. */
  #windows: SendWindows | null = new SendWindows();
  /** Streams with a complete response but no request yet, with the emission time of the response's end. */
  readonly #unasked = new Map<Stream, number>();
  /** The last stream that each side announced in GOAWAY: higher ones are not processed. */
  readonly #refused: Record<Role, { readonly above: number; readonly goAway: GoAway } | null> = {
    request: null,
    response: null,
  };
  #time = 0;
  /** The trace ends. */
  #finishing = false;

  /** @param upgraded the HTTP/1 exchange whose response will arrive on stream 1 (RFC 7540 section 3.2). */
  constructor(info: StoredConnection, host: ConnectionHost, upgraded: StoredExchange | null = null) {
    this.#info = info;
    this.#host = host;
    this.#fromStart = upgraded !== null || !info.joinedLate;
    if (upgraded !== null) {
      this.#adopt(upgraded);
      // The client's first settings are in the HTTP2-Settings field of the request.
      this.#allowed.response.lose();
      this.#windows = null;
    } else if (info.joinedLate) {
      this.#opened.lose();
      this.#windows = null;
    }
    this.opened();
  }

  /** The exchanges that have no response yet. */
  get waitingForAnswer(): StoredExchange[] {
    return [...this.#streams.values()].flatMap(({ exchange }) =>
      exchange.response === null ? [exchange] : [],
    );
  }

  get waiting(): boolean {
    return this.#unasked.size > 0;
  }

  opened(): void {
    if (this.#side === null && this.#info.side !== null) this.#become(this.#info.side);
  }

  bytes(direction: Direction, bytes: Buffer, context: PieceContext): void {
    this.#time = Math.max(this.#time, context.time);
    if (this.#side !== null) this.#lane(this.#roleOf(direction), bytes).reader.feed(bytes, context);
    else this.#sniff({ direction, bytes: Buffer.from(bytes), length: bytes.length, reason: 'lost', context });
  }

  missing(direction: Direction, length: number, reason: MissingReason, context: PieceContext): void {
    this.#time = Math.max(this.#time, context.time);
    const gap = gapReason(reason);
    if (this.#side !== null) this.#lane(this.#roleOf(direction), null).reader.gap(length, gap, context);
    else this.#sniff({ direction, bytes: null, length, reason: gap, context });
  }

  ended(direction: Direction, _orderly: boolean, context: PieceContext): void {
    this.#time = Math.max(this.#time, context.time);
    if (this.#side === null) return;
    const role = this.#roleOf(direction);
    this.#lanes[role]?.end(context);
    for (const stream of [...this.#streams.values()]) {
      const half = stream[role];
      if (!half.ended) cutOff(stream, half, context.time);
      // Requests that the client still sends cannot be answered.
      if (role === 'response') this.#endStream(stream, context.time, unanswered(stream));
      else this.#endIfDone(stream, context);
    }
  }

  advance(upTo: number): void {
    for (const [stream, since] of [...this.#unasked]) {
      if (since + HELD_PATIENCE <= upTo) this.#endStream(stream, stream.exchange.response?.lastByte ?? 0, []);
    }
  }

  closed(context: PieceContext): void {
    for (const stream of [...this.#streams.values()])
      this.#endStream(stream, context.time, unanswered(stream));
  }

  finish(at: number): void {
    this.#time = Math.max(this.#time, at);
    this.#finishing = true;
    const context = { time: this.#time, end: this.#time, pid: 0, emitted: 0, file: null };
    this.#lanes.request?.end(context);
    this.#lanes.response?.end(context);
    for (const stream of [...this.#streams.values()]) {
      for (const half of [stream.request, stream.response]) {
        if (half.ended) continue;
        if (half.message !== null && !half.whole && stream.tunnel === null) half.message.truncated = true;
        half.end(half.whole ? 'complete' : 'open', this.#time);
      }
      this.#endStream(stream, this.#time, unanswered(stream));
    }
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

  /** @param bytes the first ones of the direction, if none have arrived before. */
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
        if (promised !== 0) this.#promise(role, frame, section, promised, size, context);
        else this.#headers(role, frame, section, size, context);
      },
      dataBegan: (frame) => this.#dataBegan(role, frame),
      data: (_frame, bytes, from, to, context) => this.#content(role, bytes, from, to, context),
      dataMissing: (_frame, length, reason, sized, context) =>
        this.#missing(role, length, reason, sized, context),
      dataEnded: (frame, malformed, context) => this.#dataEnded(role, frame, malformed, context),
      reset: (frame, code, context) => this.#reset(role, frame, code, context),
      goAway: (last, code, text, context) => this.#goAway(role, last, code, text, context),
      window: (id, increment, { time }) => {
        if (role === this.#sending) return;
        const stream = this.#streams.get(id) ?? null;
        if (id === 0 || stream !== null) this.#windows?.update(increment, stream, time);
      },
      setting: (identifier, value, { time }) => {
        if (identifier === SETTINGS_INITIAL_WINDOW_SIZE && role !== this.#sending) {
          this.#windows?.setInitial(value, time);
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
    this.#windows = null;
    const other = this.#lanes[OTHER[role]];
    this.#allowed[OTHER[role]].lose();
    if (other !== null) this.#allowed[OTHER[role]].apply(other);
    if (role === 'request') this.#opened.lose();
    for (const stream of [...this.#streams.values()]) {
      const half = stream[role];
      if (half.ended) continue;
      half.lose();
      half.reader?.gap(null, 'lost', context.time);
      if (half.message !== null && stream.tunnel === null) half.missing(0, 'lost', false);
      this.#endIfDone(stream, context);
    }
  }

  // ── streams ────────────────────────────────────────────────────────────────────────────────────────────

  /** The stream of a frame, which may open it; null: the stream has ended, or the frame has none. */
  #streamOf(role: Role, frame: Frame, opens: boolean): Stream | null {
    const { stream: id } = frame;
    const known = this.#streams.get(id);
    if (known !== undefined) return known;
    if (id === 0 || this.#opened.isClosed(id)) return null;
    const hidden = this.#opened.mayBeHidden(id);
    if (id % 2 === 0) {
      // Its PUSH_PROMISE was not seen.
      if (role === 'request' || this.#lanes.response?.lossy !== true) return null;
    } else if (!hidden && (!this.#opened.isNew(id) || (role === 'request' && !opens))) return null;
    const stream = this.#open(id, frame);
    if (role === 'request') stream.request.doubtful = hidden;
    else {
      stream.request.doubtful = hidden;
      stream.response.doubtful = this.#lanes.response?.lossy ?? true;
    }
    return stream;
  }

  #open(id: number, frame: Frame): Stream {
    if (this.#streams.size >= MAX_STREAMS) {
      for (const oldest of this.#streams.values()) {
        this.#endStream(oldest, this.#time, ['one-sided']);
        break;
      }
    }
    this.#exchanges++;
    const exchange = this.#host.create(this.#host.process(frame.pid), this.#info, this.#exchanges === 1);
    exchange.stream = id;
    exchange.pushed = id % 2 === 0;
    const stream = new Stream(id, exchange);
    stream.response.doubtful = this.#lanes.response?.reader.lost ?? false;
    this.#streams.set(id, stream);
    return stream;
  }

  #adopt(exchange: StoredExchange): void {
    const stream = new Stream(UPGRADED_STREAM, exchange);
    stream.request.message = exchange.request;
    stream.request.ended = true;
    exchange.stream = UPGRADED_STREAM;
    this.#exchanges = 1;
    this.#opened.opened(UPGRADED_STREAM);
    this.#streams.set(UPGRADED_STREAM, stream);
  }

  // ── messages ───────────────────────────────────────────────────────────────────────────────────────────

  #headers(role: Role, frame: Frame, section: FieldSection, size: number, context: PieceContext): void {
    const stream = this.#streamOf(role, frame, true);
    if (stream === null) return;
    const half = stream[role];
    if (half.ended) return;
    const ends = (frame.flags & FLAG_END_STREAM) !== 0;
    // Trailers end the stream, and a head begins with a pseudo-header field: only a section with both
    // properties is ambiguous.
    const kind = ends ? sectionKind(section) : 'head';
    if (half.message !== null && half.tentative && kind === 'head') {
      half.confirm();
      stream.exchange.addInterim(half.message, MAX_INTERIM);
      half.message = null;
    }
    const { message } = half;
    if (message === null)
      this.#begin(role, stream, frame, section, size, half.doubtful ? kind : 'head', context);
    else {
      message.wireSize += size;
      message.lastByte = context.end;
      if (!ends) message.breaks('h2-trailers', frame.position);
      if (kind === 'trailers') half.confirm();
      // Either may be the response's head and the other interim or trailers, so neither is shown.
      if (!half.tentative) readTrailers(message, section);
      if (section.gap) message.gap = true;
    }
    if (ends) {
      this.#endHalf(role, stream, context);
      return;
    }
    if (message === null && half.message !== null && stream.tunnel === null) {
      half.reader = openMessageReader(stream.exchange, role, this.#host);
    }
    this.#host.changed(stream.exchange);
  }

  #begin(
    role: Role,
    stream: Stream,
    frame: Frame,
    section: FieldSection,
    size: number,
    kind: 'head' | 'trailers' | 'unknown',
    context: PieceContext,
  ): void {
    const half = stream[role];
    const message = newMessage(role, frame);
    message.wireSize = size;
    message.lastByte = context.end;
    if (section.gap) message.gap = true;
    if (role === 'request' && kind === 'head' && frame.stream % 2 === 1) {
      this.#opened.opened(frame.stream);
      half.doubtful = false;
    }
    if (kind !== 'head') {
      message.gap = true;
      message.headIncomplete = true;
      if (kind === 'trailers') readTrailers(message, section);
      this.#attach(role, stream, message);
      half.missing(0, 'lost', false);
      return;
    }
    const { length, protocol } = readHead(message, section);
    if (role === 'response' && message.status >= 100 && message.status < 200) {
      if ((frame.flags & FLAG_END_STREAM) === 0) {
        message.body.size = 0;
        stream.exchange.addInterim(message, MAX_INTERIM);
        return;
      }
      message.breaks('h2-informational', message.position);
    }
    half.expected = length;
    if (role === 'request' && message.method === 'CONNECT') {
      stream.tunnel = { protocol: protocol ?? 'CONNECT', sent: 0, received: 0 };
    }
    this.#attach(role, stream, message);
    const open = (frame.flags & FLAG_END_STREAM) === 0;
    if (role === 'response' && message.status === UNKNOWN_STATUS && open) half.withhold(section.fresh);
  }

  #attach(role: Role, stream: Stream, message: StoredMessage): void {
    const { exchange } = stream;
    stream[role].message = message;
    exchange[role] = message;
    if (stream.tunnel === null) return;
    const status = exchange.response?.status ?? 0;
    if (exchange.tunnel !== null || status < 200 || status >= 300) return;
    exchange.tunnel = stream.tunnel;
    for (const each of ['request', 'response'] as const) {
      stream[each].read(openMessageReader(exchange, each, this.#host));
    }
  }

  /** PUSH_PROMISE (section 8.4): the request that the server will answer without being asked. */
  #promise(
    role: Role,
    frame: Frame,
    section: FieldSection,
    promised: number,
    size: number,
    context: PieceContext,
  ): void {
    if (role === 'request' || this.#streams.has(promised) || this.#opened.isClosed(promised)) return;
    const stream = this.#open(promised, frame);
    stream.exchange.pushed = true;
    this.#begin('request', stream, frame, section, size, 'head', context);
    if (promised % 2 !== 0) stream.request.message?.breaks('h2-stream-order', frame.position);
    this.#endHalf('request', stream, context);
  }

  #dataBegan(role: Role, frame: Frame): void {
    this.#data[role] = null;
    const stream = this.#streamOf(role, frame, false);
    if (stream === null || stream[role].ended) return;
    const half = stream[role];
    if (half.message === null) {
      const message = newMessage(role, frame);
      message.headIncomplete = true;
      message.gap = half.doubtful;
      this.#attach(role, stream, message);
      if (half.doubtful) half.missing(0, 'lost', false);
    }
    half.confirm();
    this.#data[role] = stream;
  }

  #content(role: Role, bytes: Buffer, from: number, to: number, context: PieceContext): void {
    const stream = this.#data[role];
    if (stream === null) return;
    const half = stream[role];
    (half.message as StoredMessage).lastByte = context.end;
    if (half.reader !== null) half.reader.feed(bytes.subarray(from, to), context.time);
    if (stream.tunnel === null) half.content(bytes, from, to, this.#host);
    else {
      // Bytes that a client sends before the CONNECT is accepted belong to the tunnel too.
      if (stream.exchange.tunnel === null) half.hold(bytes, from, to, context.time);
      this.#tunnelled(role, stream.tunnel, to - from);
    }
    this.#host.changed(stream.exchange);
  }

  #missing(role: Role, length: number, reason: GapReason, sized: boolean, context: PieceContext): void {
    const stream = this.#data[role];
    if (stream === null) return;
    const half = stream[role];
    (half.message as StoredMessage).lastByte = context.end;
    half.reader?.gap(sized ? length : null, reason, context.time);
    if (stream.tunnel !== null) this.#tunnelled(role, stream.tunnel, length);
    else half.missing(length, reason, sized);
    this.#host.changed(stream.exchange);
  }

  #tunnelled(role: Role, tunnel: NonNullable<Stream['tunnel']>, length: number): void {
    if ((role === 'request') === (this.#side === 'client')) tunnel.sent += length;
    else tunnel.received += length;
  }

  #dataEnded(role: Role, frame: Frame, malformed: boolean, context: PieceContext): void {
    const stream = this.#data[role];
    this.#data[role] = null;
    const ends = (frame.flags & FLAG_END_STREAM) !== 0;
    const allowed =
      role !== this.#sending || (this.#windows?.sent(frame, stream, ends, context.time) ?? true);
    if (stream === null) return;
    const message = stream[role].message as StoredMessage;
    message.wireSize += FRAME_HEADER + frame.length;
    message.lastByte = context.end;
    if (malformed) message.breaks('h2-padding', frame.position);
    if (this.#allowed[role].exceeds(frame)) message.breaks('h2-frame-size', frame.position);
    if (!allowed) message.breaks('h2-flow-control', frame.position);
    if (ends) this.#endHalf(role, stream, context);
    else this.#host.changed(stream.exchange);
  }

  #reset(role: Role, frame: Frame, code: number, context: PieceContext): void {
    const stream = this.#streams.get(frame.stream);
    if (stream === undefined) return;
    const { request, response, exchange } = stream;
    exchange.reset = { code, by: role === 'request' ? 'client' : 'server' };
    const answered = response.ended || response.whole;
    // With NO_ERROR, a server that has answered asks for no more of the body (section 8.1): what was sent is
    // known. A client that has the whole answer needs no more of the stream.
    const enough = answered && (role === 'response' ? code === NO_ERROR : request.ended || request.whole);
    if (enough && !request.ended) {
      // Less than Content-Length announced, which is allowed here.
      request.expected = null;
      request.end(request.doubtful ? 'lost' : 'complete', context.time);
    }
    for (const half of [request, response]) if (!half.ended) cutOff(stream, half, context.time);
    this.#endStream(stream, context.time, enough || stream.tunnel !== null ? [] : ['aborted']);
  }

  /** Streams opened by the other side: those that will not be processed, and those that an error may end. */
  #goAway(role: Role, last: number, code: number, text: string, context: PieceContext): void {
    const by = role === 'request' ? 'client' : 'server';
    this.#refused[role] = { above: last, goAway: { code, by, processed: false, text } };
    for (const stream of [...this.#streams.values()]) {
      if (openerOf(stream) === role) continue;
      if (stream.id > last) this.#refuse(stream, context.time);
      else if (code !== NO_ERROR) stream.exchange.goAway = { code, by, processed: true, text };
    }
  }

  /** @returns whether the stream has ended now. */
  #refuse(stream: Stream, at: number): boolean {
    const refused = this.#refused[OTHER[openerOf(stream)]];
    if (refused === null || stream.id <= refused.above) return false;
    stream.exchange.goAway = refused.goAway;
    for (const half of [stream.request, stream.response]) if (!half.ended) cutOff(stream, half, at);
    this.#endStream(stream, at, unanswered(stream));
    return true;
  }

  // ── ends ───────────────────────────────────────────────────────────────────────────────────────────────

  #endHalf(role: Role, stream: Stream, context: PieceContext): void {
    stream[role].end('complete', context.time);
    this.#endIfDone(stream, context);
    this.#host.changed(stream.exchange);
  }

  #endIfDone(stream: Stream, context: PieceContext): void {
    const { request, response } = stream;
    // The client sent it before it had read the GOAWAY.
    if (!response.ended && request.ended && this.#refuse(stream, context.time)) return;
    if (!response.ended) return;
    if (request.ended || (request.doubtful && request.message !== null))
      this.#endStream(stream, context.time, []);
    else if (request.message === null) {
      // The request may still arrive: a blocking send is recorded when it returns.
      const gone = request.doubtful && this.#lanes.request?.reader.lost !== true;
      if (gone || stream.id % 2 === 0) this.#endStream(stream, context.time, []);
      else this.#unasked.set(stream, context.emitted);
    }
  }

  #endStream(stream: Stream, at: number, extra: readonly Completeness[]): void {
    const { exchange, request, response, id } = stream;
    this.#streams.delete(id);
    this.#unasked.delete(stream);
    // The rest of the current frame belongs to no stream.
    for (const role of ['request', 'response'] as const) {
      if (this.#data[role] === stream) this.#data[role] = null;
    }
    this.#opened.close(id);
    this.#windows?.streamEnded(stream, at);
    for (const half of [request, response]) if (!half.ended) half.end(half.whole ? 'complete' : 'lost', at);
    const labels = [...extra];
    if (exchange.request === null) {
      if (this.#info.joinedLate) labels.push('joined-late');
      else labels.push('one-sided', 'request-gap');
    }
    exchange.labelEnd(labels);
    exchange.endedAt = Math.max(at, exchange.request?.lastByte ?? 0, exchange.response?.lastByte ?? 0);
    exchange.state = 'ended';
    exchange.openAtEnd = this.#finishing;
    this.#host.ended(exchange);
  }
}

function newMessage(role: Role, frame: Frame): StoredMessage {
  const message = new StoredMessage(role, frame.position, HTTP2);
  message.firstByte = frame.time;
  if (role === 'response') message.status = UNKNOWN_STATUS;
  return message;
}

/** The direction was cut: no more of the message will arrive. */
function cutOff(stream: Stream, half: Half, at: number): void {
  if (half.whole) {
    half.end('complete', at);
    return;
  }
  if (half.message !== null && stream.tunnel === null) half.message.cut = true;
  half.end('cut', at);
}

/** The direction in which a stream is opened (section 5.1.1). */
function openerOf({ id }: Stream): Role {
  return id % 2 === 0 ? 'response' : 'request';
}

/** Labels for a stream that ended without a response. */
function unanswered({ exchange, response }: Stream): readonly Completeness[] {
  if (exchange.response !== null || exchange.request?.cut === true) return [];
  return response.doubtful ? ['one-sided', 'response-gap'] : ['unanswered'];
}
