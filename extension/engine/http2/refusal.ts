/**
 * A connection that begins with the HTTP/2 preface. A server that does not speak HTTP/2 answers in HTTP/1, or in
 * another protocol. That answer is shown as the response to the first waiting call, or to the preface itself.
 */
import { gapReason, type MissingReason, type PieceContext } from '../byteStream.ts';
import type { ConnectionHost, Dissector } from '../dissector.ts';
import { responseFraming } from '../http1/framing.ts';
import { Reader } from '../http1/reader.ts';
import { IGNORED, type ReaderSink } from '../http1/readerSink.ts';
import { Direction } from '../record.ts';
import type { StoredConnection, StoredExchange } from '../storedExchange.ts';
import { StoredMessage } from '../storedMessage.ts';
import { Http2Connection } from './connection.ts';

/** The preface's request line, as HTTP/1 reads it (RFC 9113 section 3.4). */
const PREFACE_LINE = 'PRI * HTTP/2.0\r\n';

/** Do these first bytes match the beginning of the preface? */
function isPreface(bytes: Buffer): boolean {
  const text = bytes.toString('latin1', 0, PREFACE_LINE.length);
  return text !== '' && PREFACE_LINE.startsWith(text);
}

export class Http2OrRefusal implements Dissector {
  readonly #info: StoredConnection;
  readonly #host: ConnectionHost;
  readonly #http2: Http2Connection;
  /** The server's first byte has not arrived: 0, the first byte of a SETTINGS frame's length, means HTTP/2. */
  #undecided: boolean;
  /** The client began with the preface. */
  #greeted = false;
  /** Reads the answer of a server that does not speak HTTP/2. */
  #reader: Reader | null = null;
  /** The exchange that gets the answer. */
  #exchange: StoredExchange | null = null;
  /** The exchange was created here for the preface: it is not that of a stream. */
  #own = false;
  #first: PieceContext | null = null;

  constructor(info: StoredConnection, host: ConnectionHost) {
    this.#info = info;
    this.#host = host;
    this.#http2 = new Http2Connection(info, host);
    this.#undecided = !info.joinedLate;
  }

  get waiting(): boolean {
    return this.#http2.waiting;
  }

  opened(): void {
    this.#http2.opened();
  }

  bytes(direction: Direction, bytes: Buffer, context: PieceContext): void {
    if (this.#first === null && !this.#answers(direction)) this.#greeted = isPreface(bytes);
    this.#first ??= context;
    if (this.#answers(direction)) {
      if (this.#undecided && bytes.length > 0) {
        this.#undecided = false;
        if (bytes[0] !== 0 && this.#greeted)
          this.#reader = new Reader('response', this.#sink(), this.#host.bodyLimit, false);
      }
      if (this.#reader !== null) {
        this.#reader.feed(bytes, 0, context);
        return;
      }
    }
    this.#http2.bytes(direction, bytes, context);
  }

  missing(direction: Direction, length: number, reason: MissingReason, context: PieceContext): void {
    if (this.#answers(direction)) {
      this.#undecided = false;
      if (this.#reader !== null) {
        this.#reader.gap(length, gapReason(reason), context);
        return;
      }
    }
    this.#http2.missing(direction, length, reason, context);
  }

  ended(direction: Direction, orderly: boolean, context: PieceContext): void {
    if (this.#answers(direction)) this.#reader?.end(orderly);
    this.#http2.ended(direction, orderly, context);
  }

  advance(upTo: number): void {
    this.#http2.advance(upTo);
  }

  closed(context: PieceContext): void {
    this.#reader?.end(false);
    this.#http2.closed(context);
    this.#end(context.time);
  }

  finish(at: number): void {
    this.#reader?.stop();
    this.#http2.finish(at);
    this.#end(at);
  }

  #answers(direction: Direction): boolean {
    const { side } = this.#info;
    return side !== null && direction === (side === 'client' ? Direction.In : Direction.Out);
  }

  #sink(): ReaderSink {
    return {
      ...IGNORED,
      mayBegin: () => this.#exchange === null,
      mayBeForeign: () => true,
      messageBegan: (message, pid) => this.#answer(message, pid),
      headEnded: (message, fields) => ({
        ...responseFraming(null, message.version, message.status, fields),
        doubtful: false,
      }),
      mayLackBody: () => false,
      progressed: () => this.#changed(),
      messageEnded: (message) => {
        this.#changed();
        this.#end(message.lastByte ?? 0);
      },
      hidden: () => {},
      mayKeep: (bytes) => this.#host.mayKeep(bytes),
    };
  }

  #answer(message: StoredMessage, pid: number): void {
    const waiting = this.#http2.waitingForAnswer;
    for (const { request } of waiting) request?.breaks('h2-refused', request.position);
    this.#exchange = waiting[0] ?? this.#preface(pid);
    this.#exchange.response = message;
    this.#changed();
  }

  /** Creates an exchange whose request is the preface itself, if no call was made. */
  #preface(pid: number): StoredExchange {
    const exchange = this.#host.create(this.#host.process(pid), this.#info, true);
    const request = new StoredMessage('request', 0, 'HTTP/2.0');
    request.method = 'PRI';
    request.target = '*';
    request.firstByte = request.lastByte = this.#first?.time ?? null;
    request.endBody(0);
    request.breaks('h2-refused', 0);
    exchange.request = request;
    exchange.requestDone = true;
    this.#own = true;
    return exchange;
  }

  #changed(): void {
    if (this.#exchange !== null && this.#exchange.state !== 'ended') this.#host.changed(this.#exchange);
  }

  #end(at: number): void {
    const exchange = this.#exchange;
    if (exchange === null || !this.#own || exchange.state === 'ended') return;
    exchange.labelEnd([]);
    exchange.endedAt = at;
    exchange.state = 'ended';
    this.#host.ended(exchange);
  }
}
