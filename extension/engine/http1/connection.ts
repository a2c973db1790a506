/**
 * One connection of HTTP/1: finds which direction carries requests, reads both directions, and pairs their
 * messages.
 *
 * A direction is held while how to read on depends on the other one:
 * - a response, while no request is known (a blocking send is recorded when it returns, which may be after
 *   the response was received by another thread);
 * - what follows a CONNECT or an upgrade request, while its response has not come.
 */
import {
  type GapReason,
  gapReason,
  type MissingReason,
  type Origin,
  type Outcome,
  type PieceContext,
} from '../byteStream.ts';
import type { ConnectionHost, Dissector } from '../dissector.ts';
import type { Field, MessageKind, Process, Side } from '../exchange.ts';
import { Http2Connection } from '../http2/connection.ts';
import { Http2OrRefusal } from '../http2/refusal.ts';
import { HELD_PATIENCE, MAX_HELD_BYTES, MAX_HELD_PIECES, MAX_INTERIM } from '../limits.ts';
import { openMessageReader } from '../messages/formats.ts';
import type { MessageReader } from '../messages/messageReader.ts';
import { StoredConnection, type StoredExchange, type StoredMessage } from '../model.ts';
import { Detection } from '../recognition/detection.ts';
import { Direction, WireProtocol } from '../record.ts';
import { TlsWire } from '../tls/wire.ts';
import {
  expectsContinue,
  type Framing,
  mayBecomeTunnel,
  requestFraming,
  responseFraming,
  unnamedProtocol,
} from './framing.ts';
import type { Piece } from './heldPiece.ts';
import { LateTurn } from './lateTurn.ts';
import { Pairing, type PairingHost } from './pairing.ts';
import { Reader } from './reader.ts';
import type { HeadResult, ReaderSink } from './readerSink.ts';
import { SideSniffer } from './sideSniffer.ts';

const NO_BODY = { framing: { kind: 'none' }, codings: null } as const;

class Lane {
  reader: Reader | null = null;
  held: Piece[] = [];
  heldBytes = 0;
  /** Emission time of the first held piece. */
  heldSince = 0n;
  ended = false;
  /** Finds the messages inside the body that is being read; null: the body contains none. */
  body: MessageReader | null = null;
  /** Finds the messages inside the tunnel. */
  tunnel: MessageReader | null = null;
  /** Messages may begin even where nothing allows it: the wait was given up. */
  forced = false;
  releasing = false;
}

export class Http1Connection implements Dissector, ReaderSink, PairingHost {
  readonly #info: StoredConnection;
  readonly #host: ConnectionHost;
  readonly #pairing: Pairing;
  readonly #lanes: readonly [Lane, Lane] = [new Lane(), new Lane()];
  #sniffer: SideSniffer | null = null;
  /** What the client sent since the server's last answer, while it may be the middle of a body; else null. */
  #turn: LateTurn | null = null;
  #side: Side | null = null;
  #exchanges = 0;
  #tunnel: StoredExchange | null = null;
  /** Reads the connection after an upgrade to HTTP/2. */
  #upgraded: Http2Connection | null = null;
  /**
   * Reads the TLS handshake in a tunnel through a proxy, for the session inside it; null when it is complete.
   */
  #wire: TlsWire | null = null;
  /** Reads what such a tunnel carries, where it is HTTP in plaintext. */
  #inner: Detection | null = null;
  #innerInfo: StoredConnection | null = null;
  /** Something has changed: a held direction may be able to continue. */
  #retry = false;
  #retrying = false;
  /** The trace ends. */
  #finishing = false;
  /** Emission time of the record being read. */
  #emitted = 0n;
  #time = 0;

  constructor(info: StoredConnection, host: ConnectionHost) {
    this.#info = info;
    this.#host = host;
    this.#pairing = new Pairing(this);
    this.opened();
  }

  get waiting(): boolean {
    const [out, back] = this.#lanes;
    if (out.held.length > 0 || back.held.length > 0 || (this.#upgraded?.waiting ?? false)) return true;
    return this.#inner?.dissector?.waiting ?? false;
  }

  get joinedLate(): boolean {
    return this.#info.joinedLate;
  }

  opened(): void {
    if (this.#side === null && this.#info.side !== null) this.#become(this.#info.side);
    if (this.#innerInfo !== null) this.#innerInfo.take(this.#info);
    // Of a session it may only be known now that it was seen from its first byte.
    if (!this.#info.joinedLate) this.#endTurn();
  }

  advance(upTo: bigint): void {
    for (const lane of this.#lanes) {
      if (lane.held.length > 0 && lane.heldSince + HELD_PATIENCE <= upTo) this.#force(lane);
    }
    this.#upgraded?.advance(upTo);
    this.#inner?.dissector?.advance(upTo);
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
    this.#upgraded?.finish(this.#time);
    this.#inner?.settle()?.finish(this.#time);
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
    if (wholeMessages && (lane.reader === null || lane.reader.idle) && !this.#tunnelling) {
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
    // What this direction waits for may never come, and no later bytes can be misread.
    this.#force(lane);
    this.#piece(direction, { kind: 'end', orderly });
    this.#upgraded?.ended(direction, orderly, context);
    this.#inner?.ended(direction, orderly, context);
  }

  closed(context: PieceContext): void {
    this.#note(context);
    this.#endTunnel('cut');
    this.#upgraded?.closed(context);
    this.#inner?.settle()?.closed(context);
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

  /** An answer begins, or none will come: what was sent before is a request, or unknown. */
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
    if (lane.held.length === 0) lane.heldSince = this.#emitted;
    if (piece.kind === 'bytes') {
      const bytes = Buffer.from(piece.bytes.subarray(piece.from));
      lane.held.push({ kind: 'bytes', bytes, from: 0, context: piece.context });
      lane.heldBytes += bytes.length;
    } else lane.held.push(piece);
    if (lane.held.length > MAX_HELD_PIECES || lane.heldBytes > MAX_HELD_BYTES) this.#force(lane);
  }

  #release(lane: Lane): void {
    if (lane.releasing) return;
    lane.releasing = true;
    let count = 0;
    for (const piece of lane.held) {
      if (!this.#read(lane, piece)) break;
      count++;
    }
    lane.held.splice(0, count);
    lane.heldBytes = 0;
    for (const piece of lane.held)
      if (piece.kind === 'bytes') lane.heldBytes += piece.bytes.length - piece.from;
    lane.releasing = false;
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
    this.#endTunnelReader(lane, orderly ? 'complete' : 'cut');
    if (reader.kind === 'response') {
      this.#endTurn();
      // Read the held requests before they are declared unanswered.
      const other = this.#lanes.find((candidate) => candidate !== lane);
      if (other !== undefined) this.#force(other);
      this.#pairing.responsesEnded(this.#time);
    }
  }

  #endTunnel(outcome: Outcome): void {
    if (this.#tunnel === null) return;
    for (const lane of this.#lanes) this.#endTunnelReader(lane, outcome);
    this.#pairing.endTunnel(this.#tunnel, this.#time);
    this.#tunnel = null;
  }

  #endTunnelReader(lane: Lane, outcome: Outcome): void {
    lane.tunnel?.end(outcome, this.#time);
    lane.tunnel = null;
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
    const last = this.#pairing.lastOutstanding;
    return last === null || !last.mayBecomeTunnel;
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

  headEnded(message: StoredMessage, fields: readonly Field[]): HeadResult {
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
      if (exchange !== null) this.#openBody(exchange, message, body.framing);
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
    if (result.framing.kind === 'tunnel' && responding !== null) {
      const named = result.framing.protocol;
      const protocol = named === '' ? unnamedProtocol(request?.field('upgrade') ?? null, fields) : named;
      responding.tunnel = { protocol, sent: 0, received: 0 };
      this.#tunnel = responding;
      if (request?.method === 'CONNECT') {
        this.#wire = new TlsWire();
        this.#info.wire = this.#wire.facts;
        this.#openInner(request.target);
      }
      for (const kind of ['request', 'response'] as const) {
        this.#laneOf(kind).tunnel = openMessageReader(responding, kind, this.#host);
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

  bodyBytes(message: StoredMessage, bytes: Buffer, from: number, to: number, { time }: Origin): void {
    const reader = this.#laneOf(message.kind).body;
    if (reader !== null) reader.feed(bytes.subarray(from, to), time);
  }

  bodyGap(message: StoredMessage, length: number | null, reason: GapReason, { time }: Origin): void {
    this.#laneOf(message.kind).body?.gap(length, reason, time);
  }

  messageEnded(message: StoredMessage, outcome: Outcome): void {
    this.#retry = true;
    const lane = this.#laneOf(message.kind);
    lane.body?.end(outcome, this.#time);
    lane.body = null;
    if (message.kind === 'request') {
      this.#pairing.requestEnded(message);
      return;
    }
    const responding = this.#pairing.responding;
    this.#pairing.responseEnded();
    if (responding === null || responding !== this.#tunnel) return;
    this.#laneOf('request').reader?.becomeTunnel();
    if (responding.tunnel?.protocol.toLowerCase() === 'h2c') this.#upgrade(responding);
  }

  /**
   * The rest of the connection is HTTP/2, which answers this request on its stream 1 (RFC 7540 section 3.2).
   */
  #upgrade(exchange: StoredExchange): void {
    if (exchange.response !== null) exchange.addInterim(exchange.response, MAX_INTERIM);
    exchange.response = null;
    exchange.responseDone = false;
    exchange.tunnel = null;
    this.#tunnel = null;
    this.#upgraded = new Http2Connection(this.#info, this.#host, exchange);
  }

  /** What a tunnel carries is a stream of its own, with the proxy in front. */
  #openInner(target: string): void {
    const info = new StoredConnection(this.#info.id);
    info.take(this.#info);
    info.through = [
      ...this.#info.through,
      { protocol: 'CONNECT', client: null, target: printableTarget(target) },
    ];
    this.#info.tunnelled = info.through;
    this.#innerInfo = info;
    this.#inner = new Detection(info, (protocol) => {
      if (protocol === WireProtocol.Http1) return new Http1Connection(info, this.#host);
      // TLS is read by its session, and by #wire.
      if (protocol !== WireProtocol.Http2) return null;
      return new Http2OrRefusal(info, this.#host);
    });
  }

  get #tunnelling(): boolean {
    return this.#tunnel !== null || this.#upgraded !== null;
  }

  #directionOf(kind: MessageKind): Direction {
    return (kind === 'request') === (this.#side === 'client') ? Direction.Out : Direction.In;
  }

  hidden(kind: MessageKind): void {
    this.#retry = true;
    this.#pairing.hidden(kind);
  }

  tunnelled(kind: MessageKind, bytes: Buffer, { time, end, pid, file }: Origin): void {
    const context = { time, end, pid, file, emitted: this.#emitted };
    this.#upgraded?.bytes(this.#directionOf(kind), bytes, context);
    if (this.#tunnel === null) return;
    this.#laneOf(kind).tunnel?.feed(bytes, time);
    this.#wire?.feed(this.#directionOf(kind), bytes, time);
    this.#inner?.bytes(this.#directionOf(kind), bytes, context, WireProtocol.Undecided);
    this.#dropWire();
    this.#countTunnelled(this.#tunnel, kind, bytes.length);
  }

  tunnelGap(kind: MessageKind, length: number, reason: GapReason, { time, end, pid, file }: Origin): void {
    const context = { time, end, pid, file, emitted: this.#emitted };
    this.#upgraded?.missing(this.#directionOf(kind), length, reason, context);
    if (this.#tunnel === null) return;
    this.#wire?.gap(this.#directionOf(kind), length, time);
    this.#inner?.missing(this.#directionOf(kind), length, reason, context, null);
    this.#dropWire();
    const reader = this.#laneOf(kind).tunnel;
    const message = kind === 'request' ? this.#tunnel.request : this.#tunnel.response;
    if (reader !== null && message !== null) {
      reader.gap(length, reason, time);
      if (reason !== 'lost') message.leaveOut(reason);
      else message.gap = true;
    }
    this.#countTunnelled(this.#tunnel, kind, length);
  }

  #dropWire(): void {
    if (this.#wire !== null && (this.#wire.facts.established || !this.#wire.inStep)) this.#wire = null;
  }

  #countTunnelled(exchange: StoredExchange, kind: MessageKind, length: number): void {
    const { tunnel } = exchange;
    if (tunnel === null) return;
    if (this.#directionOf(kind) === Direction.Out) tunnel.sent += length;
    else tunnel.received += length;
    this.#host.changed(exchange);
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
    exchange.endedAt = at;
    exchange.state = 'ended';
    exchange.openAtEnd = this.#finishing;
    this.#host.ended(exchange);
  }

  exchangeMerged(half: StoredExchange, exchange: StoredExchange): void {
    if (this.#tunnel === half) this.#tunnel = exchange;
    this.#host.merged(half);
  }
}

/** An authority as a proxy is asked for it, if it is one. */
function printableTarget(target: string): string | null {
  return /^[\w.:%[\]-]{1,261}$/.test(target) ? target : null;
}
