/**
 * The streams of one connection, each of which is an exchange. A stream begins with its first frame, and ends with both
 * messages, with RST_STREAM or GOAWAY, or with the connection.
 */
import type { PieceContext } from '../byteStream.ts';
import type { ConnectionHost } from '../dissector.ts';
import type { Completeness, GoAway } from '../exchange.ts';
import { HELD_PATIENCE, MAX_STREAMS } from '../limits.ts';
import type { StoredConnection, StoredExchange } from '../storedExchange.ts';
import { SendWindows } from './flowControl.ts';
import type { Frame } from './frameFormat.ts';
import type { Lane } from './lane.ts';
import { OpenedStreams } from './openedStreams.ts';
import { type Half, OTHER, type Role, Stream } from './stream.ts';

const NO_ERROR = 0;
/** The stream of the request that asked for the upgrade. */
const UPGRADED_STREAM = 1;

export class Streams {
  readonly opened = new OpenedStreams();
  /** Flow control of what the process sends; null: not known. */
  windows: SendWindows | null = new SendWindows();
  /** The stream of the DATA frame that is being read, in each direction. */
  readonly data: Record<Role, Stream | null> = { request: null, response: null };

  /** Time of the newest piece; milliseconds since the trace's start. */
  time = 0;

  readonly #info: StoredConnection;
  readonly #host: ConnectionHost;
  readonly #lanes: Readonly<Record<Role, Lane | null>>;
  readonly #streams = new Map<number, Stream>();
  /** Streams with a complete response but no request yet, with the emission time of the response's end. */
  readonly #unasked = new Map<Stream, number>();
  /** The last stream that each side announced in GOAWAY: higher ones are not processed. */
  readonly #refused: Record<Role, { readonly above: number; readonly goAway: GoAway } | null> = {
    request: null,
    response: null,
  };
  #exchanges = 0;
  /** The trace ends. */
  #finishing = false;

  /** @param lanes of the connection, filled in as they are created. */
  constructor(info: StoredConnection, host: ConnectionHost, lanes: Readonly<Record<Role, Lane | null>>) {
    this.#info = info;
    this.#host = host;
    this.#lanes = lanes;
  }

  reached(time: number): void {
    this.time = Math.max(this.time, time);
  }

  get all(): Stream[] {
    return [...this.#streams.values()];
  }

  /** A response waits for its request, which may still be recorded. */
  get waiting(): boolean {
    return this.#unasked.size > 0;
  }

  get(id: number): Stream | undefined {
    return this.#streams.get(id);
  }

  /** The stream of a frame, opened if necessary; null: the stream has ended, or there is none. */
  of(role: Role, frame: Frame, opens: boolean): Stream | null {
    const { stream: id } = frame;
    const known = this.#streams.get(id);
    if (known !== undefined) return known;
    if (id === 0 || this.opened.isClosed(id)) return null;
    const hidden = this.opened.mayBeHidden(id);
    if (id % 2 === 0) {
      // A promised stream whose PUSH_PROMISE was not seen: possible only if frames were lost.
      if (role === 'request' || this.#lanes.response?.lossy !== true) return null;
    } else if (!hidden && (!this.opened.isNew(id) || (role === 'request' && !opens))) return null;
    const stream = this.open(id, frame);
    stream.request.doubtful = hidden;
    if (role === 'response') stream.response.doubtful = this.#lanes.response?.lossy ?? true;
    return stream;
  }

  open(id: number, frame: Frame): Stream {
    if (this.#streams.size >= MAX_STREAMS) {
      for (const oldest of this.#streams.values()) {
        this.end(oldest, this.time, ['one-sided']);
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

  /** The exchange whose request asked for the upgrade (RFC 7540 section 3.2). */
  adopt(exchange: StoredExchange): void {
    const stream = new Stream(UPGRADED_STREAM, exchange);
    stream.request.message = exchange.request;
    stream.request.ended = true;
    exchange.stream = UPGRADED_STREAM;
    this.#exchanges = 1;
    this.opened.opened(UPGRADED_STREAM);
    this.#streams.set(UPGRADED_STREAM, stream);
  }

  // ── ends ───────────────────────────────────────────────────────────────────────────────────────────────

  endHalf(role: Role, stream: Stream, context: PieceContext): void {
    stream[role].end('complete', context.time);
    this.endIfDone(stream, context);
    this.#host.changed(stream.exchange);
  }

  endIfDone(stream: Stream, context: PieceContext): void {
    const { request, response } = stream;
    // The client sent the request before it read the GOAWAY.
    if (!response.ended && request.ended && this.#refuse(stream, context.time)) return;
    if (!response.ended) return;
    if (request.ended || (request.doubtful && request.message !== null)) this.end(stream, context.time, []);
    else if (request.message === null) {
      // The request may still arrive: a blocking send is recorded when it returns.
      const gone = request.doubtful && this.#lanes.request?.reader.lost !== true;
      if (gone || stream.id % 2 === 0) this.end(stream, context.time, []);
      else this.#unasked.set(stream, context.emitted);
    }
  }

  end(stream: Stream, at: number, extra: readonly Completeness[]): void {
    const { exchange, request, response, id } = stream;
    this.#streams.delete(id);
    this.#unasked.delete(stream);
    // The rest of the current frame belongs to no stream.
    for (const role of ['request', 'response'] as const) {
      if (this.data[role] === stream) this.data[role] = null;
    }
    this.opened.close(id);
    this.windows?.streamEnded(stream, at);
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
  reset(role: Role, frame: Frame, code: number, context: PieceContext): void {
    const stream = this.#streams.get(frame.stream);
    if (stream === undefined) return;
    const { request, response, exchange } = stream;
    exchange.reset = { code, by: role === 'request' ? 'client' : 'server' };
    const answered = response.ended || response.whole;
    // With NO_ERROR, a server that has answered only stops the rest of the request body (section 8.1): nothing was
    // cut off. The same holds for a client that has sent its request and has the whole response.
    const enough = answered && (role === 'response' ? code === NO_ERROR : request.ended || request.whole);
    if (enough && !request.ended) {
      // The body may be shorter than Content-Length announced: that is allowed here.
      request.expected = null;
      request.end(request.doubtful ? 'lost' : 'complete', context.time);
    }
    for (const half of [request, response]) if (!half.ended) cutOff(stream, half, context.time);
    this.end(stream, context.time, enough || stream.tunnel !== null ? [] : ['aborted']);
  }

  /** Affects the streams opened by the other side: some will not be processed, others may be ended by an error. */
  goAway(role: Role, last: number, code: number, text: string, context: PieceContext): void {
    const by = role === 'request' ? 'client' : 'server';
    this.#refused[role] = { above: last, goAway: { code, by, processed: false, text } };
    for (const stream of this.all) {
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
    this.end(stream, at, unanswered(stream));
    return true;
  }

  /** A direction has ended. */
  directionEnded(role: Role, context: PieceContext): void {
    for (const stream of this.all) {
      const half = stream[role];
      if (!half.ended) cutOff(stream, half, context.time);
      // If the server can send no more, requests cannot be answered, even if the client is still sending them.
      if (role === 'response') this.end(stream, context.time, unanswered(stream));
      else this.endIfDone(stream, context);
    }
  }

  /** The connection is closed. */
  closed(at: number): void {
    for (const stream of this.all) this.end(stream, at, unanswered(stream));
  }

  /** Gives up waiting for the requests of old responses. @param upTo boot time (ns) */
  advance(upTo: number): void {
    for (const [stream, since] of [...this.#unasked]) {
      if (since + HELD_PATIENCE <= upTo) this.end(stream, stream.exchange.response?.lastByte ?? 0, []);
    }
  }

  /** The trace has ended. */
  finish(): void {
    this.#finishing = true;
    const at = this.time;
    for (const stream of this.all) {
      for (const half of [stream.request, stream.response]) {
        if (half.ended) continue;
        if (half.message !== null && !half.whole && stream.tunnel === null) half.message.truncated = true;
        half.end(half.whole ? 'complete' : 'open', at);
      }
      this.end(stream, at, unanswered(stream));
    }
  }
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
