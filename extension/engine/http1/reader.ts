/**
 * Reads the HTTP/1 messages of one direction of a connection (RFC 9112), from bytes in order and gaps of known
 * length. It never fails: what breaks a rule is labelled and read on in the most sensible way; where that is
 * impossible, the next message is searched for. Each byte is looked at a bounded number of times, whatever
 * the sizes of the pieces in which the bytes come.
 */
import type { GapReason, Origin, Outcome } from '../byteStream.ts';
import type { Field, MessageKind } from '../exchange.ts';
import { MAX_CHUNK_LINE, MAX_HEAD_BYTES, MAX_LINE_BEYOND_HEAD, MAX_TRAILER_BYTES } from '../limits.ts';
import { StoredMessage } from '../model.ts';
import type { RuleName } from '../violations.ts';
import { CR, LF } from './characters.ts';
import { findLastChunk, readChunkLine, TERMINATOR_TAIL } from './chunks.ts';
import { FieldLines } from './fieldLines.ts';
import { type Framing, type FramingResult, isFramingField, persists } from './framing.ts';
import { LineBuffer } from './lineBuffer.ts';
import { isKnownMethod, isMethodPrefix, isMethodStart, LONGEST_METHOD } from './methods.ts';
import { readPlainHead } from './plainHead.ts';
import { isRecognised, NO_VERSION, readRequestLine, readStatusLine } from './startLine.ts';

export interface HeadResult extends FramingResult {
  /**
   * The body may not exist: of a response, when the request's method is unknown (RFC 9110 section 9.3.2); of a
   * request, when it expects 100 (section 10.1.1).
   */
  readonly doubtful: boolean;
}

export interface ReaderSink {
  /** Asked before each message; false: hold what follows until {@link Reader.feed} is called again. */
  mayBegin(kind: MessageKind): boolean;
  /** The start line was read. */
  messageBegan(message: StoredMessage, pid: number): void;
  /**
   * The head is complete: how is the body delimited?
   * @param framing at least the fields by which that is decided.
   */
  headEnded(message: StoredMessage, framing: readonly Field[]): HeadResult;
  /** Is it possible that the doubtful body does not exist, now that what follows the head has come? */
  mayLackBody(message: StoredMessage): boolean;
  /** More of the message has come. */
  progressed(message: StoredMessage): void;
  messageEnded(message: StoredMessage, outcome: Outcome): void;
  /** From here on it is not known how many messages of this kind there were. */
  hidden(kind: MessageKind): void;
  /** Bytes of the body, after transfer decoding: `bytes` from `from` to `to`. */
  bodyBytes(message: StoredMessage, bytes: Buffer, from: number, to: number, context: Origin): void;
  /** Bytes of the body that are not known; null: not even how many. */
  bodyGap(message: StoredMessage, length: number | null, reason: GapReason, context: Origin): void;
  /** Bytes of the tunnel that follows a 101 or a CONNECT. */
  tunnelled(kind: MessageKind, bytes: Buffer, context: Origin): void;
  tunnelGap(kind: MessageKind, length: number, reason: GapReason, context: Origin): void;
  /** May this many more body bytes be kept? */
  mayKeep(bytes: number): boolean;
}

enum State {
  /** Between messages. */
  Start,
  StartLine,
  Fields,
  /** First bytes of a doubtful body. */
  Probe,
  Body,
  BodyToEnd,
  ChunkSize,
  ChunkData,
  ChunkEnd,
  Trailers,
  /** In a chunked body, at an unknown place. */
  ChunkLost,
  /** Looking for the next start line. */
  Lost,
  Tunnel,
  /** Nothing more is read: another protocol, or the stream has ended. */
  Over,
}

const STATUS_START = 'HTTP/1.';
/** Bytes by which a start line is told from a body. */
const LONGEST_START = Math.max(STATUS_START.length, LONGEST_METHOD + 1);
const HTTP2_PREFACE = 'PRI * HTTP/2.0';

export class Reader {
  readonly kind: MessageKind;
  /** Bytes that belong to no message: empty lines, bytes that are no HTTP, gaps between messages. */
  skipped = 0;

  readonly #sink: ReaderSink;
  readonly #bodyLimit: number;
  #state = State.Start;
  /** Position in the stream of the next byte. */
  #position = 0;

  #message: StoredMessage | null = null;
  #fields: FieldLines | null = null;
  /** Bytes of the body or chunk still to come. */
  #remaining = 0;
  #bodySize = 0;
  #sizeKnown = true;
  /** No byte of the body has been left out so far. */
  #prefixWhole = true;
  #afterProbe: Framing = { kind: 'none' };
  #tunnelNext = false;

  readonly #line = new LineBuffer();
  #lineTime = 0;
  #linePid = 0;
  #linePosition = 0;
  /** Bytes of lines of this head or trailer section. */
  #headBytes = 0;
  /** Rules broken before the message that they will be noted on exists. */
  #early: RuleName[] = [];
  #lastSkipped = -1;
  /** The last message said that the connection will be closed. */
  #closing = false;
  /** In ChunkEnd: CR has been read. */
  #sawCr = false;
  /** In ChunkLost: the last bytes of earlier pieces. */
  #tail = '';
  /** `#tail` begins where the gap ended. */
  #tailWhole = false;
  /** In ChunkLost: nothing was read since the gap, so a call begins here. */
  #afterGap = false;

  /** @param midStream when the first byte need not begin a message. */
  constructor(kind: MessageKind, sink: ReaderSink, bodyLimit: number, midStream: boolean) {
    this.kind = kind;
    this.#sink = sink;
    this.#bodyLimit = bodyLimit;
    if (midStream) this.#state = State.Lost;
  }

  /** True where no message is under way. */
  get idle(): boolean {
    return this.#message === null && this.#state !== State.StartLine;
  }

  /** The doubtful body, of which nothing has come, does not exist. */
  concludeWithoutBody(): void {
    if (this.#state === State.Probe && this.#line.length === 0) this.#finish('complete');
  }

  /** After the message under way, if any, no further one comes: the bytes are those of a tunnel. */
  becomeTunnel(): void {
    if (this.#message !== null) this.#tunnelNext = true;
    else if (this.#state !== State.Over) this.#state = State.Tunnel;
  }

  /**
   * Reads `bytes` from `from` on.
   * @returns the offset of the first byte that was not taken: less than the length when the sink wants the
   *   next message held back.
   */
  feed(bytes: Buffer, from: number, context: Origin): number {
    let at = from;
    while (at < bytes.length) {
      const next = this.#step(bytes, at, context);
      if (next < 0) break;
      at = next;
    }
    if (this.#message !== null) this.#sink.progressed(this.#message);
    return at;
  }

  /** `length` bytes were moved and are not known. */
  gap(length: number, reason: GapReason, context: Origin): void {
    if (length <= 0) return;
    switch (this.#state) {
      case State.Tunnel:
        this.#position += length;
        this.#sink.tunnelGap(this.kind, length, reason, context);
        return;
      case State.Over:
        this.#position += length;
        this.skipped += length;
        return;
      case State.Probe: {
        const held = this.#line.length;
        if (held === 0 && reason === 'limit') {
          // Only bodies are left out on purpose, so there is one.
          this.#leaveProbe(context);
          this.gap(length, reason, context);
          return;
        }
        this.#finish('lost');
        this.#take(held, context);
        this.#passUnknown(length);
        return;
      }
      case State.BodyToEnd:
        this.#omit(length, length, reason, context);
        this.#bodySize += length;
        break;
      case State.Body:
      case State.ChunkData: {
        const inside = Math.min(length, this.#remaining);
        this.#omit(inside, inside, reason, context);
        this.#bodySize += inside;
        this.#remaining -= inside;
        if (this.#remaining === 0) {
          if (this.#state === State.Body) this.#finish('complete');
          else this.#expectChunkEnd();
        }
        if (length > inside) this.gap(length - inside, reason, context);
        break;
      }
      case State.ChunkSize:
      case State.ChunkEnd:
      case State.Trailers:
      case State.ChunkLost:
        this.#omit(length, null, reason, context);
        this.#loseChunks();
        // What is left out on purpose is left out of one message's body: the kernel copies every head. What is
        // lost may hold the end of this message and the beginning of the next.
        if (reason === 'lost') this.#sink.hidden(this.kind);
        break;
      case State.Fields: {
        const message = this.#message as StoredMessage;
        this.#line.clear();
        this.#closeHead(message);
        message.headIncomplete = true;
        message.gap = true;
        this.#finish('lost');
        this.#passUnknown(length);
        break;
      }
      default:
        this.#line.clear();
        this.#passUnknown(length);
        break;
    }
    if (this.#message !== null) this.#sink.progressed(this.#message);
  }

  /** Between messages: bytes that are known to be whole messages that are not read. */
  pass(length: number): void {
    this.#position += length;
    this.skipped += length;
  }

  /** Nothing follows. @param orderly the sender said so, as opposed to a reset. */
  end(orderly: boolean): void {
    this.#over('cut', orderly);
  }

  /** The trace is over, the stream is not. */
  stop(): void {
    this.#over('open', false);
  }

  // ── pieces ─────────────────────────────────────────────────────────────────────────────────────────────

  /** Takes some bytes. @returns the offset behind them, or -1 to be held. */
  #step(bytes: Buffer, at: number, context: Origin): number {
    switch (this.#state) {
      case State.Start:
        return this.#start(bytes, at, context);
      case State.StartLine:
      case State.Fields:
      case State.ChunkSize:
      case State.Trailers:
      case State.Lost:
        return this.#lines(bytes, at, context);
      case State.Probe:
        return this.#probe(bytes, at, context);
      case State.Body:
      case State.ChunkData: {
        const to = Math.min(bytes.length, at + this.#remaining);
        this.#take(to - at, context);
        this.#keep(bytes, at, to, context);
        this.#remaining -= to - at;
        if (this.#remaining === 0) {
          if (this.#state === State.Body) this.#finish('complete');
          else this.#expectChunkEnd();
        }
        return to;
      }
      case State.BodyToEnd:
        this.#take(bytes.length - at, context);
        this.#keep(bytes, at, bytes.length, context);
        return bytes.length;
      case State.ChunkEnd:
        return this.#chunkEnd(bytes, at, context);
      case State.ChunkLost:
        return this.#searchChunkEnd(bytes, at, context);
      case State.Tunnel:
        this.#position += bytes.length - at;
        this.#sink.tunnelled(this.kind, bytes.subarray(at), context);
        return bytes.length;
      case State.Over:
        this.#take(bytes.length - at, context);
        return bytes.length;
    }
  }

  /** Bytes were read: they belong to the message under way, if any. */
  #take(count: number, context: Origin): void {
    this.#position += count;
    if (this.#message === null) this.skipped += count;
    else {
      this.#message.wireSize += count;
      this.#message.lastByte = context.time;
    }
  }

  /** Bytes of the message under way that are not known. @param inBody how many are the body's; null: unknown. */
  #omit(count: number, inBody: number | null, reason: GapReason, context: Origin): void {
    const message = this.#message as StoredMessage;
    this.#position += count;
    if (count === 0) return;
    this.#sink.bodyGap(message, inBody, reason, context);
    message.wireSize += count;
    message.lastByte = context.time;
    this.#prefixWhole = false;
    if (reason === 'limit') message.truncated = true;
    else message.gap = true;
  }

  /** Unknown bytes that belong to no message that is known. */
  #passUnknown(length: number): void {
    this.#position += length;
    this.skipped += length;
    this.#lose();
    this.#sink.hidden(this.kind);
  }

  #lose(): void {
    this.#line.clear();
    this.#state = State.Lost;
  }

  // ── lines ──────────────────────────────────────────────────────────────────────────────────────────────

  #start(bytes: Buffer, at: number, context: Origin): number {
    const byte = bytes[at];
    if (byte === CR || byte === LF) {
      // RFC 9112 section 2.2 lets a server ignore empty lines before a request; clients need not.
      if (this.kind === 'response') this.#early.push('empty-lines');
      if (byte === CR && this.#lastSkipped === CR) this.#early.push('leading-cr');
      this.#lastSkipped = byte;
      this.#take(1, context);
      return at + 1;
    }
    if (!this.#sink.mayBegin(this.kind)) return -1;
    if (this.#lastSkipped === CR) this.#early.push('leading-cr');
    this.#lastSkipped = -1;
    this.#headBytes = 0;
    this.#state = State.StartLine;
    return this.#plainHead(bytes, at, context) ?? at;
  }

  /** @returns the offset behind the head; null for one that has to be read line by line. */
  #plainHead(bytes: Buffer, at: number, context: Origin): number | null {
    const head = readPlainHead(bytes, at);
    if (head === null) return null;
    const { text, fieldsAt, end } = head;
    this.#lineTime = context.time;
    this.#linePid = context.pid;
    this.#linePosition = this.#position;
    const start = this.#readStart(text.slice(0, fieldsAt - 2));
    if (start === null || start === 'other') return null;
    this.#take(fieldsAt, context);
    this.#begin(start, fieldsAt, context);
    this.#take(end - at - fieldsAt, context);
    start.setHead(text, fieldsAt);
    this.#enterBody(start, head.framing, head.framing);
    return end;
  }

  #lines(bytes: Buffer, at: number, context: Origin): number {
    const line = this.#line;
    if (this.#state === State.Lost && at === 0 && line.length > 0 && this.#beginsMessage(bytes, 0)) {
      // A call that begins with a start line is better evidence than a line end that was never sent.
      line.clear();
    }
    if (line.length === 0) {
      this.#lineTime = context.time;
      this.#linePid = context.pid;
      this.#linePosition = this.#position;
    }
    const end = bytes.indexOf(LF, at);
    const limit = this.#lineLimit();
    if (end < 0) {
      line.append(bytes, at, bytes.length, limit);
      this.#take(bytes.length - at, context);
      return bytes.length;
    }
    let text: string;
    let cut: boolean;
    let length: number;
    const last = end > at ? bytes[end - 1] : line.last;
    if (line.length === 0) {
      length = end - at;
      cut = length > limit;
      text = bytes.toString('latin1', at, cut ? at + limit : end);
    } else {
      line.append(bytes, at, end, limit);
      length = line.length;
      cut = line.cut;
      text = line.text();
      line.clear();
    }
    this.#take(end + 1 - at, context);
    const withCr = last === CR;
    if (withCr && !cut) text = text.slice(0, -1);
    this.#headBytes += length + 1;
    this.#lineEnded(text, cut, withCr, length + 1, context);
    return end + 1;
  }

  #lineLimit(): number {
    switch (this.#state) {
      case State.ChunkSize:
        return MAX_CHUNK_LINE;
      case State.Trailers:
        return Math.max(MAX_TRAILER_BYTES - this.#headBytes, MAX_LINE_BEYOND_HEAD);
      case State.Lost:
        return MAX_HEAD_BYTES;
      default:
        return Math.max(MAX_HEAD_BYTES - this.#headBytes, MAX_LINE_BEYOND_HEAD);
    }
  }

  #lineEnded(text: string, cut: boolean, withCr: boolean, length: number, context: Origin): void {
    switch (this.#state) {
      case State.StartLine:
        if (!this.#startLine(text, cut, withCr, length, context)) {
          this.#early.push('unrecognised');
          this.#lose();
          this.#sink.hidden(this.kind);
        }
        return;
      case State.Lost:
        if (isRecognised(this.kind, text)) {
          this.#headBytes = length;
          this.#startLine(text, cut, withCr, length, context);
        }
        return;
      case State.ChunkSize:
        this.#chunkSize(text, cut, withCr, context);
        return;
      case State.Fields:
      case State.Trailers: {
        const message = this.#message as StoredMessage;
        if (!withCr) message.breaks('bare-lf', this.#linePosition);
        if (text === '' && !cut) {
          if (this.#state === State.Fields) this.#headEnded(message);
          else this.#trailersEnded(message);
          return;
        }
        if (cut) {
          message.breaks('line-too-long', this.#linePosition);
          message.headIncomplete = true;
        }
        const bound = this.#state === State.Fields ? MAX_HEAD_BYTES : MAX_TRAILER_BYTES;
        this.#fields?.add(text, this.#headBytes - length < bound);
        return;
      }
      default:
        return;
    }
  }

  /** @returns false when the line is no start line. */
  #startLine(text: string, cut: boolean, withCr: boolean, length: number, context: Origin): boolean {
    const message = this.#readStart(text);
    if (message === null) return false;
    if (message === 'other') {
      this.#state = State.Over;
      return true;
    }
    this.#begin(message, length, context);
    this.#fields = new FieldLines((name) => message.breaks(name, this.#linePosition));
    if (!withCr) message.breaks('bare-lf', this.#linePosition);
    if (cut) {
      message.breaks('line-too-long', this.#linePosition);
      message.headIncomplete = true;
    }
    return true;
  }

  /** The message that begins with this line; `other`: another protocol does; null when it is no start line. */
  #readStart(text: string): StoredMessage | 'other' | null {
    if (this.kind === 'request') {
      if (text === HTTP2_PREFACE) return 'other';
      const line = readRequestLine(text);
      if (line === null) return null;
      const message = this.#create(line);
      message.method = line.method;
      message.target = line.target;
      return message;
    }
    const line = readStatusLine(text);
    if (line === null) return null;
    const message = this.#create(line);
    message.status = line.status;
    message.statusText = line.statusText;
    return message;
  }

  #create({
    version,
    broken,
  }: {
    readonly version: string;
    readonly broken: readonly RuleName[];
  }): StoredMessage {
    const message = new StoredMessage(this.kind, this.#linePosition, version);
    for (const name of this.#early) message.breaks(name, message.position);
    if (this.#closing) message.breaks('after-close', message.position);
    for (const name of broken) message.breaks(name, message.position);
    return message;
  }

  /** @param taken bytes of the message that were counted as skipped so far. */
  #begin(message: StoredMessage, taken: number, context: Origin): void {
    message.firstByte = this.#lineTime;
    message.lastByte = context.time;
    message.wireSize = taken;
    this.skipped -= taken;
    this.#closing = false;
    if (this.#early.length > 0) this.#early = [];
    this.#message = message;
    this.#bodySize = 0;
    this.#sizeKnown = true;
    this.#prefixWhole = true;
    this.#state = State.Fields;
    this.#sink.messageBegan(message, this.#linePid);
  }

  #headEnded(message: StoredMessage): void {
    this.#closeHead(message);
    const { fields, late } = this.#fields as FieldLines;
    this.#fields = null;
    this.#enterBody(message, fields, late.length === 0 ? fields : [...fields, ...late]);
  }

  /** @param fields those that were kept. @param framing with framing fields that came too late to be kept. */
  #enterBody(message: StoredMessage, fields: readonly Field[], framing: readonly Field[]): void {
    const result = this.#sink.headEnded(message, framing);
    const interim = this.kind === 'response' && message.status < 200;
    this.#closing = !interim && !persists(message.version, fields);
    for (const name of result.broken) message.breaks(name, message.position);
    message.transferCodings = result.codings;
    if (result.doubtful && mayHaveBody(result.framing)) {
      this.#afterProbe = result.framing;
      this.#state = State.Probe;
    } else this.#enter(result.framing);
  }

  #closeHead(message: StoredMessage): void {
    const fields = this.#fields;
    if (fields === null) return;
    fields.finish();
    if (this.#state === State.Trailers) this.#setTrailers(message, fields.fields);
    else message.setFields(fields.fields);
    if (fields.incomplete) message.headIncomplete = true;
  }

  #setTrailers(message: StoredMessage, trailers: readonly Field[]): void {
    if (trailers.some(([name]) => isFramingField(name.toLowerCase()))) {
      message.breaks('framing-in-trailer', this.#linePosition);
    }
    message.setTrailers(trailers);
  }

  #trailersEnded(message: StoredMessage): void {
    this.#closeHead(message);
    this.#finish('complete');
  }

  // ── bodies ─────────────────────────────────────────────────────────────────────────────────────────────

  #enter(framing: Framing): void {
    switch (framing.kind) {
      case 'none':
        this.#finish('complete');
        return;
      case 'length':
        this.#remaining = framing.length;
        this.#state = State.Body;
        if (framing.length === 0) this.#finish('complete');
        return;
      case 'chunked':
        this.#expectChunkSize();
        return;
      case 'close':
        this.#state = State.BodyToEnd;
        return;
      case 'tunnel':
        this.#tunnelNext = true;
        this.#finish('complete');
        return;
    }
  }

  #keep(bytes: Buffer, from: number, to: number, context: Origin): void {
    const message = this.#message as StoredMessage;
    this.#bodySize += to - from;
    if (to > from) this.#sink.bodyBytes(message, bytes, from, to, context);
    if (!this.#prefixWhole || from === to) return;
    const room = Math.min(to - from, this.#bodyLimit - message.body.captured);
    if (room > 0 && this.#sink.mayKeep(room)) {
      message.body.append(bytes, from, from + room);
      if (room === to - from) return;
    }
    this.#prefixWhole = false;
    message.truncated = true;
  }

  /** The first bytes of a doubtful body may be the next status line, which shows that there is none. */
  #probe(bytes: Buffer, at: number, context: Origin): number {
    const line = this.#line;
    if (line.length === 0) {
      this.#lineTime = context.time;
      this.#linePid = context.pid;
      this.#linePosition = this.#position;
    }
    if (!this.#sink.mayLackBody(this.#message as StoredMessage)) {
      this.#leaveProbe(context);
      return at;
    }
    for (let to = at; to < bytes.length; ) {
      line.append(bytes, to, to + 1, LONGEST_START);
      to++;
      const start = line.text();
      const found = this.kind === 'response' ? start === STATUS_START : isMethodStart(start);
      if (found) {
        const position = this.#linePosition;
        this.#finish('complete');
        this.#linePosition = position;
        this.#headBytes = 0;
        this.#state = State.StartLine;
        line.append(Buffer.from(start, 'latin1'), 0, start.length, MAX_HEAD_BYTES);
        this.#take(start.length, context);
        return to;
      }
      if (this.kind === 'response' ? !STATUS_START.startsWith(start) : !isMethodPrefix(start)) {
        this.#leaveProbe(context);
        return to;
      }
    }
    return bytes.length;
  }

  /** There is a body, and it begins with the bytes that were held. */
  #leaveProbe(context: Origin): void {
    const held = Buffer.from(this.#line.text(), 'latin1');
    this.#line.clear();
    this.#enter(this.#afterProbe);
    let at = 0;
    while (at < held.length) {
      const next = this.#step(held, at, context);
      if (next >= 0) at = next;
      else {
        this.#take(held.length - at, context);
        break;
      }
    }
  }

  #expectChunkSize(): void {
    this.#line.clear();
    this.#state = State.ChunkSize;
  }

  #expectChunkEnd(): void {
    this.#sawCr = false;
    this.#state = State.ChunkEnd;
  }

  #chunkSize(text: string, cut: boolean, withCr: boolean, context: Origin): void {
    const message = this.#message as StoredMessage;
    if (!withCr) message.breaks('chunk-line-end', this.#linePosition);
    const line = readChunkLine(text, cut);
    for (const name of line.broken) message.breaks(name, this.#linePosition);
    if (line.size === null) {
      this.#sink.bodyGap(message, null, 'lost', context);
      message.truncated = true;
      this.#loseChunks();
      this.#afterGap = false;
      this.#sink.hidden(this.kind);
    } else if (line.size > 0) {
      this.#remaining = line.size;
      this.#state = State.ChunkData;
    } else {
      this.#headBytes = 0;
      this.#fields = new FieldLines((name) => message.breaks(name, this.#linePosition));
      this.#state = State.Trailers;
    }
  }

  #chunkEnd(bytes: Buffer, at: number, context: Origin): number {
    const message = this.#message as StoredMessage;
    const byte = bytes[at];
    if (byte === CR && !this.#sawCr) this.#sawCr = true;
    else if (byte === LF) {
      if (!this.#sawCr) message.breaks('chunk-line-end', this.#position);
      this.#expectChunkSize();
    } else {
      message.breaks('chunk-data-end', this.#position);
      this.#sink.bodyGap(message, null, 'lost', context);
      message.truncated = true;
      this.#loseChunks();
      this.#afterGap = false;
      this.#sink.hidden(this.kind);
      return at;
    }
    this.#take(1, context);
    return at + 1;
  }

  #loseChunks(): void {
    this.#line.clear();
    this.#fields = null;
    this.#sizeKnown = false;
    this.#prefixWhole = false;
    this.#tail = '';
    this.#tailWhole = true;
    this.#afterGap = true;
    this.#state = State.ChunkLost;
  }

  #searchChunkEnd(bytes: Buffer, at: number, context: Origin): number {
    const boundary = at === 0 || this.#afterGap;
    this.#afterGap = false;
    const message = this.#message as StoredMessage;
    if (boundary && this.#beginsMessage(bytes, at)) {
      this.#finish('lost');
      // With bytes lost, a message between may have gone unnoticed.
      if (message.gap) this.#sink.hidden(this.kind);
      return at;
    }
    const before = this.#tail.length;
    const text = this.#tail + bytes.toString('latin1', at);
    const found = findLastChunk(text, this.#tailWhole || (boundary && before === 0), (offset) => {
      const behind = at + offset - before;
      return behind === bytes.length || (behind > at && this.#beginsMessage(bytes, behind));
    });
    if (found === null) {
      this.#tail = text.slice(-TERMINATOR_TAIL);
      this.#tailWhole &&= text.length <= TERMINATOR_TAIL;
      this.#take(bytes.length - at, context);
      return bytes.length;
    }
    const to = at + found.end - before;
    this.#take(to - at, context);
    const trailers = new FieldLines((name) => message.breaks(name, this.#position));
    for (const line of found.trailers) trailers.add(line, true);
    trailers.finish();
    this.#setTrailers(message, trailers.fields);
    this.#finish('complete');
    return to;
  }

  /** Do the bytes at `at` look like the start of a message of this kind? */
  #beginsMessage(bytes: Buffer, at: number): boolean {
    if (this.kind === 'response') {
      return bytes.toString('latin1', at, at + STATUS_START.length) === STATUS_START;
    }
    const text = bytes.toString('latin1', at, at + LONGEST_METHOD + 1);
    return isMethodStart(text.slice(0, text.indexOf(' ') + 1));
  }

  // ── ends ───────────────────────────────────────────────────────────────────────────────────────────────

  #finish(outcome: Outcome): void {
    const message = this.#message as StoredMessage;
    message.body.close();
    if (outcome === 'complete' && this.#sizeKnown) message.body.size = this.#bodySize;
    if (outcome === 'cut') message.cut = true;
    else if (outcome === 'open') message.truncated = true;
    else if (outcome === 'lost' && !message.truncated) message.gap = true;
    this.#message = null;
    this.#fields = null;
    this.#line.clear();
    this.#state = this.#tunnelNext ? State.Tunnel : outcome === 'lost' ? State.Lost : State.Start;
    this.#tunnelNext = false;
    this.#sink.messageEnded(message, outcome);
  }

  #over(outcome: 'cut' | 'open', orderly: boolean): void {
    switch (this.#state) {
      case State.StartLine:
        this.#overInStartLine(outcome);
        break;
      case State.Fields: {
        const message = this.#message as StoredMessage;
        // A last line without its end may be half a field: what is known of it is not shown as a whole.
        this.#closeHead(message);
        message.headIncomplete = true;
        this.#finish(outcome);
        break;
      }
      case State.Probe:
        if (this.#line.length > 0) this.#leaveProbe({ time: this.#lineTime, pid: this.#linePid });
        if (this.#state !== State.Probe) {
          this.#over(outcome, orderly);
          return;
        }
        // A request that was answered before its body was sent is over; of a response that cannot be known.
        if (this.kind === 'request' && this.#sink.mayLackBody(this.#message as StoredMessage)) {
          this.#finish('complete');
        } else this.#finish(this.#afterProbe.kind === 'close' && orderly ? 'complete' : outcome);
        break;
      case State.BodyToEnd:
        this.#finish(outcome === 'cut' && orderly ? 'complete' : outcome);
        break;
      case State.Body:
      case State.ChunkSize:
      case State.ChunkData:
      case State.ChunkEnd:
        this.#finish(outcome);
        break;
      case State.Trailers:
        this.#closeHead(this.#message as StoredMessage);
        this.#finish(outcome);
        break;
      case State.ChunkLost:
        this.#finish('lost');
        this.#sink.hidden(this.kind);
        break;
      default:
        break;
    }
    this.#state = State.Over;
  }

  /** A start line that never ended is shown when it is certain what it was to be. */
  #overInStartLine(outcome: 'cut' | 'open'): void {
    const text = this.#line.text();
    const length = this.#line.length;
    const context = { time: this.#lineTime, pid: this.#linePid };
    this.#line.clear();
    if (this.kind === 'request') {
      const message = this.#cutRequestLine(text);
      if (message === null) return;
      this.#begin(message, length, context);
    } else {
      // The reason phrase must have begun, or the status code might be but its first digits.
      const line = /^HTTP\/\d\.\d [1-5]\d\d /.test(text) ? readStatusLine(text) : null;
      if (line === null) return;
      const message = this.#create(line);
      message.status = line.status;
      message.statusText = line.statusText;
      this.#begin(message, length, context);
    }
    const message = this.#message as unknown as StoredMessage;
    message.headIncomplete = true;
    this.#closeHead(message);
    this.#finish(outcome);
  }

  /** What is certain of a request line that never ended. */
  #cutRequestLine(text: string): StoredMessage | null {
    const whole = readRequestLine(text);
    if (whole !== null && whole.version !== NO_VERSION && /^HTTP\/\d\.\d$/.test(whole.version)) {
      const message = this.#create(whole);
      message.method = whole.method;
      message.target = whole.target;
      return message;
    }
    const space = text.indexOf(' ');
    const method = text.slice(0, space);
    if (space < 0 || !isKnownMethod(method) || space + 1 === text.length) return null;
    const rest = text.slice(space + 1);
    const message = this.#create({ version: '', broken: [] });
    message.method = method;
    message.target = rest.includes(' ') ? rest.slice(0, rest.indexOf(' ')) : rest;
    return message;
  }
}

function mayHaveBody(framing: Framing): boolean {
  return framing.kind === 'length'
    ? framing.length > 0
    : framing.kind === 'chunked' || framing.kind === 'close';
}
