/** Builds the messages of a connection's streams from frames: heads, trailers and content. */
import type { GapReason, PieceContext } from '../byteStream.ts';
import type { ConnectionHost } from '../dissector.ts';
import { UNKNOWN_STATUS } from '../exchange.ts';
import { MAX_INTERIM } from '../limits.ts';
import { openMessageReader } from '../messages/formats.ts';
import { HTTP2, StoredMessage } from '../storedMessage.ts';
import { FLAG_END_STREAM, FRAME_HEADER, type Frame } from './frameFormat.ts';
import type { FieldSection } from './hpack.ts';
import { readHead, readTrailers, sectionKind } from './messageHead.ts';
import type { PeerSettings } from './peerSettings.ts';
import type { Role, Stream } from './stream.ts';
import type { Streams } from './streams.ts';

export class StreamMessages {
  /** The kind of message that the traced process sends. */
  sending: Role = 'response';

  readonly #host: ConnectionHost;
  readonly #streams: Streams;
  /** The limits that the receiver of each direction has set. */
  readonly #allowed: Readonly<Record<Role, PeerSettings>>;

  constructor(host: ConnectionHost, streams: Streams, allowed: Readonly<Record<Role, PeerSettings>>) {
    this.#host = host;
    this.#streams = streams;
    this.#allowed = allowed;
  }

  headers(role: Role, frame: Frame, section: FieldSection, size: number, context: PieceContext): void {
    const stream = this.#streams.of(role, frame, true);
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
      // While the message is tentative, either section may be the response's head, so neither is shown.
      if (!half.tentative) readTrailers(message, section);
      if (section.gap) message.gap = true;
    }
    if (ends) {
      this.#streams.endHalf(role, stream, context);
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
      this.#streams.opened.opened(frame.stream);
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
    if (!section.cut) message.headSize = size;
    if (role === 'response' && message.status >= 100 && message.status < 200) {
      if ((frame.flags & FLAG_END_STREAM) === 0) {
        message.endBody(0);
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

  /** PUSH_PROMISE (section 8.4): a request that the server creates and answers. */
  promise(
    role: Role,
    frame: Frame,
    section: FieldSection,
    promised: number,
    size: number,
    context: PieceContext,
  ): void {
    if (
      role === 'request' ||
      this.#streams.get(promised) !== undefined ||
      this.#streams.opened.isClosed(promised)
    )
      return;
    const stream = this.#streams.open(promised, frame);
    stream.exchange.pushed = true;
    this.#begin('request', stream, frame, section, size, 'head', context);
    if (promised % 2 !== 0) stream.request.message?.breaks('h2-stream-order', frame.position);
    this.#streams.endHalf('request', stream, context);
  }

  dataBegan(role: Role, frame: Frame): void {
    this.#streams.data[role] = null;
    const stream = this.#streams.of(role, frame, false);
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
    this.#streams.data[role] = stream;
  }

  content(role: Role, bytes: Buffer, from: number, to: number, context: PieceContext): void {
    const stream = this.#streams.data[role];
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

  missing(role: Role, length: number, reason: GapReason, sized: boolean, context: PieceContext): void {
    const stream = this.#streams.data[role];
    if (stream === null) return;
    const half = stream[role];
    (half.message as StoredMessage).lastByte = context.end;
    half.reader?.gap(sized ? length : null, reason, context.time);
    if (stream.tunnel !== null) this.#tunnelled(role, stream.tunnel, length);
    else half.missing(length, reason, sized);
    this.#host.changed(stream.exchange);
  }

  #tunnelled(role: Role, tunnel: NonNullable<Stream['tunnel']>, length: number): void {
    if (role === this.sending) tunnel.sent += length;
    else tunnel.received += length;
  }

  dataEnded(role: Role, frame: Frame, malformed: boolean, context: PieceContext): void {
    const stream = this.#streams.data[role];
    this.#streams.data[role] = null;
    const ends = (frame.flags & FLAG_END_STREAM) !== 0;
    const allowed =
      role !== this.sending || (this.#streams.windows?.sent(frame, stream, ends, context.time) ?? true);
    if (stream === null) return;
    const message = stream[role].message as StoredMessage;
    message.wireSize += FRAME_HEADER + frame.length;
    message.lastByte = context.end;
    if (malformed) message.breaks('h2-padding', frame.position);
    if (this.#allowed[role].exceeds(frame)) message.breaks('h2-frame-size', frame.position);
    if (!allowed) message.breaks('h2-flow-control', frame.position);
    if (ends) this.#streams.endHalf(role, stream, context);
    else this.#host.changed(stream.exchange);
  }
}

function newMessage(role: Role, frame: Frame): StoredMessage {
  const message = new StoredMessage(role, frame.position, HTTP2);
  message.firstByte = frame.time;
  if (role === 'response') message.status = UNKNOWN_STATUS;
  return message;
}
