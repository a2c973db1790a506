/**
 * One connection of HTTP/1: finds which direction carries requests, reads both directions, and pairs their
 * messages.
 *
 * A direction is held while its reading depends on the other one:
 * - a response, until its request is known (a blocking send is recorded when it returns, which may be after
 *   another thread has received the response);
 * - whatever follows a CONNECT or an upgrade request, until its response arrives.
 */
import {
  type GapReason,
  gapReason,
  type MissingReason,
  type Origin,
  type Outcome,
  type PieceContext,
} from '../byteStream.ts';
import type { ConnectionHost, Dissector, TlsDissector } from '../dissector.ts';
import type { MessageKind, Process, Side } from '../exchange.ts';
import { HELD_PATIENCE } from '../limits.ts';
import { openMessageReader } from '../messages/formats.ts';
import { Direction } from '../record.ts';
import type { StoredConnection, StoredExchange } from '../storedExchange.ts';
import type { StoredMessage } from '../storedMessage.ts';
import {
  expectsContinue,
  type Framing,
  mayBecomeTunnel,
  requestFraming,
  responseFraming,
  unnamedProtocol,
} from './framing.ts';
import type { FramingFields } from './framingFields.ts';
import type { Piece } from './heldPiece.ts';
import { Lane } from './lane.ts';
import { LateTurn } from './lateTurn.ts';
import { Pairing, type PairingHost } from './pairing.ts';
import { Reader } from './reader.ts';
import type { HeadResult, ReaderSink } from './readerSink.ts';
import { SideSniffer } from './sideSniffer.ts';
import { Successor } from './successor.ts';

const NO_BODY = { framing: { kind: 'none' }, codings: null } as const;

export class Http1Connection implements Dissector, ReaderSink, PairingHost {
  readonly #info: StoredConnection;
  readonly #host: ConnectionHost;
  readonly #pairing: Pairing;
  readonly #lanes: readonly [Lane, Lane] = [new Lane(), new Lane()];
  #sniffer: SideSniffer | null = null;
  /** What the client has sent since the server's last response, if it may be the middle of a body; else null. */
  #turn: LateTurn | null = null;
  #side: Side | null = null;
  #exchanges = 0;
  readonly #successor: Successor;
  /** Something has changed: a held direction may be able to continue. */
  #retry = false;
  #retrying = false;
  /** The trace ends. */
  #finishing = false;
  /** Emission time of the record being read. */
  #emitted = 0;
  #time = 0;

  constructor(info: StoredConnection, host: ConnectionHost) {
    this.#info = info;
    this.#host = host;
    this.#pairing = new Pairing(this);
    this.#successor = new Successor(info, host);
    this.opened();
  }

  get waiting(): boolean {
    const [out, back] = this.#lanes;
    return out.held.length > 0 || back.held.length > 0 || this.#successor.waiting;
  }

  get tlsSocket(): TlsDissector | null {
    return this.#successor.tlsSocket;
  }

  get joinedLate(): boolean {
    return this.#info.joinedLate;
  }

  opened(): void {
    if (this.#side === null && this.#info.side !== null) this.#become(this.#info.side);
    this.#successor.opened();
    // Only now may it be known that a TLS session was seen from its first byte.
    if (!this.#info.joinedLate) this.#endTurn();
  }

  advance(upTo: number): void {
    for (const lane of this.#lanes) {
      if (lane.held.length > 0 && lane.heldSince + HELD_PATIENCE <= upTo) this.#force(lane);
    }
    this.#successor.advance(upTo);
  }

  finish(at: number): void {
    this.#time = Math.max(this.#time, at);
    this.#finishing = true;
    for (const lane of this.#lanes) {
      this.#force(lane);
      lane.reader?.stop();
      lane.ended = true;
    }
    this.#endTunnel('open');
    this.#successor.finish(this.#time);
    this.#pairing.connectionEnded(this.#time, false);
  }

  // ── pieces in order ────────────────────────────────────────────────────────────────────────────────────

  bytes(direction: Direction, bytes: Buffer, context: PieceContext): void {
    this.#note(context);
    this.#piece(direction, { kind: 'bytes', bytes, from: 0, context });
  }

  missing(direction: Direction, length: number, reason: MissingReason, context: PieceContext): void {
    this.#note(context);
    const lane = this.#lanes[direction];
    const wholeMessages = reason === 'foreign' || reason === 'filter';
    if (wholeMessages && (lane.reader === null || lane.reader.idle) && !this.#successor.active) {
      lane.reader?.pass(length);
      return;
    }
    this.#piece(direction, { kind: 'gap', length, reason: gapReason(reason), context });
  }

  ended(direction: Direction, orderly: boolean, context: PieceContext): void {
    this.#note(context);
    const lane = this.#lanes[direction];
    if (lane.ended) return;
    lane.ended = true;
    // Held bytes might wait forever, and nothing follows that could be misread.
    this.#force(lane);
    this.#piece(direction, { kind: 'end', orderly });
    this.#successor.ended(direction, orderly, context);
  }

  closed(context: PieceContext): void {
    this.#note(context);
    this.#endTunnel('cut');
    this.#successor.closed(context);
    this.#pairing.connectionEnded(this.#time, true);
  }

  #note(context: PieceContext): void {
    this.#emitted = context.emitted;
    this.#time = Math.max(this.#time, context.end);
  }

  #piece(direction: Direction, piece: Piece): void {
    if (this.#side !== null) {
      this.#feed(this.#lanes[direction], piece);
      return;
    }
    this.#sniffer ??= new SideSniffer();
    this.#sniffer.add(direction, piece);
    if (this.#sniffer.side !== null) this.#become(this.#sniffer.side);
  }

  #become(side: Side): void {
    this.#side = side;
    this.#info.side = side;
    const sniffer = this.#sniffer;
    this.#sniffer = null;
    const requests = side === 'client' ? Direction.Out : Direction.In;
    for (const direction of [Direction.Out, Direction.In]) {
      const midStream = this.#info.joinedLate || (sniffer?.skipped(direction) ?? false);
      const kind = direction === requests ? 'request' : 'response';
      this.#lanes[direction].reader = new Reader(kind, this, this.#host.bodyLimit, midStream);
    }
    if (this.#info.joinedLate) this.#turn = new LateTurn(false, this.#host.bodyLimit);
    for (const { direction, piece } of sniffer?.pieces ?? []) this.#feed(this.#lanes[direction], piece);
  }

  // ── lanes ──────────────────────────────────────────────────────────────────────────────────────────────

  #feed(lane: Lane, piece: Piece): void {
    if (this.#turn !== null && lane.reader?.kind === 'request') this.#turn.add(piece);
    else {
      if (piece.kind === 'gap' && piece.reason === 'lost') this.#turn?.answerMissing();
      this.#readOrHold(lane, piece);
    }
    this.#retryHeld();
  }

  /** A response begins, or none will come: the held turn is read if it is a request, and skipped otherwise. */
  #endTurn(): void {
    const turn = this.#turn;
    if (turn === null) return;
    const lane = this.#laneOf('request');
    const isRead = turn.isRequest || !this.#info.joinedLate;
    this.#turn = isRead ? null : new LateTurn(true, this.#host.bodyLimit);
    if (!isRead) lane.reader?.pass(turn.length);
    for (const piece of turn.pieces) if (isRead || piece.kind === 'end') this.#readOrHold(lane, piece);
  }

  #readOrHold(lane: Lane, piece: Piece): void {
    if (lane.held.length > 0 || !this.#read(lane, piece)) this.#hold(lane, piece);
  }

  /** @returns false when not all of the piece was read. */
  #read(lane: Lane, piece: Piece): boolean {
    const { reader } = lane;
    if (reader === null) return true;
    if (piece.kind === 'gap') reader.gap(piece.length, piece.reason, piece.context);
    else if (piece.kind === 'end') this.#endReader(lane, piece.orderly);
    else {
      piece.from = reader.feed(piece.bytes, piece.from, piece.context);
      return piece.from >= piece.bytes.length;
    }
    return true;
  }

  #hold(lane: Lane, piece: Piece): void {
    lane.hold(piece, this.#emitted);
    if (lane.full) this.#force(lane);
  }

  #release(lane: Lane): void {
    lane.release((piece) => this.#read(lane, piece));
  }

  #force(lane: Lane): void {
    if (lane.held.length === 0) return;
    lane.forced = true;
    this.#release(lane);
    lane.forced = false;
    this.#retryHeld();
  }

  #retryHeld(): void {
    if (this.#retrying) return;
    this.#retrying = true;
    while (this.#retry) {
      this.#retry = false;
      for (const lane of this.#lanes) if (lane.held.length > 0) this.#release(lane);
    }
    this.#retrying = false;
  }

  #endReader(lane: Lane, orderly: boolean): void {
    const { reader } = lane;
    if (reader === null) return;
    reader.end(orderly);
    this.#successor.endReader(reader.kind, orderly ? 'complete' : 'cut', this.#time);
    if (reader.kind === 'response') {
      this.#endTurn();
      // Read the held requests before they are declared unanswered.
      const other = this.#lanes.find((candidate) => candidate !== lane);
      if (other !== undefined) this.#force(other);
      this.#pairing.responsesEnded(this.#time);
    }
  }

  #endTunnel(outcome: Outcome): void {
    const exchange = this.#successor.endTunnel(outcome, this.#time);
    if (exchange !== null) this.#pairing.endTunnel(exchange, this.#time);
  }

  #laneOf(kind: MessageKind): Lane {
    const requests = this.#side === 'client' ? Direction.Out : Direction.In;
    return this.#lanes[
      kind === 'request' ? requests : requests === Direction.Out ? Direction.In : Direction.Out
    ];
  }

  // ── messages ───────────────────────────────────────────────────────────────────────────────────────────

  mayBegin(kind: MessageKind): boolean {
    if (this.#laneOf(kind).forced) return true;
    if (kind === 'response') return this.#pairing.expectsResponse;
    // The response may have begun without showing yet whether it opens a tunnel.
    const last = this.#pairing.lastOutstanding ?? this.#pairing.responding;
    return last === null || !last.mayBecomeTunnel;
  }

  answerBegins(): void {
    if (this.#pairing.expectsResponse) return;
    const requests = this.#laneOf('request');
    requests.reader?.answerBegins(requests.ended || this.#laneOf('response').forced);
  }

  mayBeForeign(): boolean {
    return !this.#info.joinedLate && this.#pairing.lastOutstanding !== null;
  }

  messageBegan(message: StoredMessage, pid: number): void {
    const process = this.#host.process(pid);
    if (message.kind === 'request') {
      // If the client sends again before any body byte arrives, there is no body.
      this.#laneOf('response').reader?.concludeWithoutBody();
      this.#pairing.requestBegan(message, process);
    } else {
      this.#endTurn();
      this.#pairing.responseBegan(message, process);
    }
    this.#retry = true;
  }

  headEnded(message: StoredMessage, fields: FramingFields): HeadResult {
    this.#retry = true;
    if (message.kind === 'request') {
      const exchange = this.#pairing.requesting;
      if (exchange !== null) {
        exchange.mayBecomeTunnel = mayBecomeTunnel(message.method, fields);
      }
      // After a CONNECT comes the tunnel or the next request, never a body (RFC 9110 section 9.3.6).
      const result = requestFraming(message.version, fields, message.target);
      const body = message.method === 'CONNECT' ? NO_BODY : result;
      message.transferCodings = body.codings;
      if (exchange !== null) {
        this.#openBody(exchange, message, body.framing);
        this.#host.requestRead(exchange);
      }
      return {
        framing: body.framing,
        codings: body.codings,
        broken: result.broken,
        doubtful: expectsContinue(fields),
      };
    }
    const request = this.#pairing.answered?.request ?? null;
    const result = responseFraming(request?.method ?? null, message.version, message.status, fields);
    const responding = this.#pairing.responding;
    if (result.framing.kind !== 'tunnel' && responding !== null) responding.mayBecomeTunnel = false;
    if (result.framing.kind === 'tunnel' && responding !== null) {
      const named = result.framing.protocol;
      const accept = message.field('sec-websocket-accept');
      const protocol = named === '' ? unnamedProtocol(request?.field('upgrade') ?? null, accept) : named;
      this.#successor.open(responding, protocol);
      if (request?.method === 'CONNECT') {
        this.#successor.proxy(request.target, (info) => new Http1Connection(info, this.#host));
      }
    }
    const { framing, codings, broken } = result;
    message.transferCodings = codings;
    if (responding !== null) this.#openBody(responding, message, framing);
    return { framing, codings, broken, doubtful: request === null };
  }

  #openBody(exchange: StoredExchange, message: StoredMessage, framing: Framing): void {
    const { kind } = framing;
    if (kind === 'none' || kind === 'tunnel' || (kind === 'length' && framing.length === 0)) return;
    this.#laneOf(message.kind).body = openMessageReader(exchange, message.kind, this.#host);
  }

  mayLackBody(message: StoredMessage): boolean {
    if (message.kind === 'response') return true;
    const { requesting } = this.#pairing;
    return requesting !== null && requesting.response !== null && requesting.interim.length === 0;
  }

  progressed(message: StoredMessage): void {
    const exchange = message.kind === 'request' ? this.#pairing.requesting : this.#pairing.responding;
    if (exchange !== null) this.#host.changed(exchange);
  }

  surplus(kind: MessageKind, position: number): void {
    const message = this.#info.lastMessages[kind];
    if (message === null) return;
    message.breaks('surplus', position);
    const last = this.#info.lastEnded;
    if (last !== null && (last.request === message || last.response === message)) this.#host.changed(last);
  }

  bodyBytes(message: StoredMessage, bytes: Buffer, from: number, to: number, { time }: Origin): void {
    const reader = this.#laneOf(message.kind).body;
    if (reader !== null) reader.feed(bytes.subarray(from, to), time);
  }

  bodyGap(message: StoredMessage, length: number | null, reason: GapReason, { time }: Origin): void {
    this.#laneOf(message.kind).body?.gap(length, reason, time);
  }

  messageEnded(message: StoredMessage, outcome: Outcome): void {
    this.#retry = true;
    this.#info.lastMessages[message.kind] = message;
    const lane = this.#laneOf(message.kind);
    lane.body?.end(outcome, this.#time);
    lane.body = null;
    if (message.kind === 'request') {
      this.#pairing.requestEnded(message);
      return;
    }
    const responding = this.#pairing.responding;
    this.#pairing.responseEnded();
    if (responding === null || responding !== this.#successor.exchange) return;
    this.#laneOf('request').reader?.becomeTunnel();
    if (responding.tunnel?.protocol.toLowerCase() === 'h2c') this.#successor.upgrade(responding);
  }

  #directionOf(kind: MessageKind): Direction {
    return (kind === 'request') === (this.#side === 'client') ? Direction.Out : Direction.In;
  }

  hidden(kind: MessageKind): void {
    this.#retry = true;
    this.#pairing.hidden(kind);
  }

  tunnelled(kind: MessageKind, bytes: Buffer, origin: Origin): void {
    this.#successor.bytes(kind, this.#directionOf(kind), bytes, origin, this.#emitted);
  }

  tunnelGap(kind: MessageKind, length: number, reason: GapReason, origin: Origin): void {
    this.#successor.gap(kind, this.#directionOf(kind), length, reason, origin, this.#emitted);
  }

  mayKeep(bytes: number): boolean {
    return this.#host.mayKeep(bytes);
  }

  // ── exchanges ──────────────────────────────────────────────────────────────────────────────────────────

  createExchange(process: Process | null): StoredExchange {
    this.#exchanges++;
    return this.#host.create(process, this.#info, this.#exchanges === 1);
  }

  exchangeChanged(exchange: StoredExchange): void {
    this.#host.changed(exchange);
  }

  exchangeEnded(exchange: StoredExchange, at: number): void {
    // An exchange that was cut off ends when it was cut, which may be long after its last byte.
    exchange.endedAt = exchange.response?.cut === true ? Math.max(at, this.#time) : at;
    exchange.state = 'ended';
    exchange.openAtEnd = this.#finishing;
    this.#host.ended(exchange);
  }

  exchangeMerged(half: StoredExchange, exchange: StoredExchange): void {
    this.#successor.merged(half, exchange);
    this.#host.merged(half);
  }
}
