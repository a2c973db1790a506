/**
 * What a connection carries once it is no longer HTTP/1: the tunnel of a CONNECT or of an upgrade, the stream inside a
 * tunnel through a proxy, or HTTP/2.
 */
import type { GapReason, Origin, Outcome, PieceContext } from '../byteStream.ts';
import type { ConnectionHost, Dissector, TlsDissector } from '../dissector.ts';
import type { MessageKind } from '../exchange.ts';
import { Http2Connection } from '../http2/connection.ts';
import { MAX_INTERIM } from '../limits.ts';
import type { Direction } from '../record.ts';
import type { StoredConnection, StoredExchange } from '../storedExchange.ts';
import { ProxiedStream } from './proxiedStream.ts';
import { Tunnel } from './tunnel.ts';

export class Successor {
  readonly #info: StoredConnection;
  readonly #host: ConnectionHost;
  #tunnel: Tunnel | null = null;
  /** Reads the connection after an upgrade to HTTP/2. */
  #upgraded: Http2Connection | null = null;
  /** What a tunnel through a proxy carries. */
  #proxied: ProxiedStream | null = null;

  constructor(info: StoredConnection, host: ConnectionHost) {
    this.#info = info;
    this.#host = host;
  }

  /** The connection is no longer HTTP/1. */
  get active(): boolean {
    return this.#tunnel !== null || this.#upgraded !== null;
  }

  get waiting(): boolean {
    return (this.#upgraded?.waiting ?? false) || (this.#proxied?.waiting ?? false);
  }

  get tlsSocket(): TlsDissector | null {
    return this.#proxied?.tlsSocket ?? null;
  }

  /** The exchange that opened the tunnel. */
  get exchange(): StoredExchange | null {
    return this.#tunnel?.exchange ?? null;
  }

  // ── beginnings and ends ────────────────────────────────────────────────────────────────────────────────

  /** @param protocol as Upgrade names it, or `CONNECT`. */
  open(exchange: StoredExchange, protocol: string): void {
    this.#tunnel = new Tunnel(exchange, protocol, this.#host);
  }

  /** The tunnel leads through a proxy to `target`, and may carry HTTP/1 again. */
  proxy(target: string, openHttp1: (info: StoredConnection) => Dissector): void {
    this.#proxied = new ProxiedStream(this.#info, this.#host, target, openHttp1);
  }

  /**
   * The rest of the connection is HTTP/2, which answers this request on its stream 1 (RFC 7540 section 3.2).
   */
  upgrade(exchange: StoredExchange): void {
    if (exchange.response !== null) exchange.addInterim(exchange.response, MAX_INTERIM);
    exchange.response = null;
    exchange.responseDone = false;
    exchange.tunnel = null;
    this.#tunnel = null;
    this.#upgraded = new Http2Connection(this.#info, this.#host, exchange);
  }

  /** `half`, which may be the tunnel's exchange, was merged into `exchange`. */
  merged(half: StoredExchange, exchange: StoredExchange): void {
    if (this.#tunnel?.exchange === half) this.#tunnel.exchange = exchange;
  }

  endReader(kind: MessageKind, outcome: Outcome, at: number): void {
    this.#tunnel?.endReader(kind, outcome, at);
  }

  /** @returns the exchange whose tunnel has ended. */
  endTunnel(outcome: Outcome, at: number): StoredExchange | null {
    const tunnel = this.#tunnel;
    if (tunnel === null) return null;
    for (const kind of ['request', 'response'] as const) tunnel.endReader(kind, outcome, at);
    this.#tunnel = null;
    return tunnel.exchange;
  }

  // ── what happens to the connection ─────────────────────────────────────────────────────────────────────

  opened(): void {
    this.#proxied?.opened();
  }

  advance(upTo: number): void {
    this.#upgraded?.advance(upTo);
    this.#proxied?.advance(upTo);
  }

  ended(direction: Direction, orderly: boolean, context: PieceContext): void {
    this.#upgraded?.ended(direction, orderly, context);
    this.#proxied?.ended(direction, orderly, context);
  }

  closed(context: PieceContext): void {
    this.#upgraded?.closed(context);
    this.#proxied?.closed(context);
  }

  finish(at: number): void {
    this.#upgraded?.finish(at);
    this.#proxied?.finish(at);
  }

  /** @param emitted when the record of the bytes was made. */
  bytes(kind: MessageKind, direction: Direction, bytes: Buffer, origin: Origin, emitted: number): void {
    const context = contextOf(origin, emitted);
    this.#upgraded?.bytes(direction, bytes, context);
    const tunnel = this.#tunnel;
    if (tunnel === null) return;
    tunnel.feed(kind, bytes, origin.time);
    this.#proxied?.bytes(direction, bytes, context);
    tunnel.count(direction, bytes.length);
    this.#host.changed(tunnel.exchange);
  }

  gap(
    kind: MessageKind,
    direction: Direction,
    length: number,
    reason: GapReason,
    origin: Origin,
    emitted: number,
  ): void {
    const context = contextOf(origin, emitted);
    this.#upgraded?.missing(direction, length, reason, context);
    const tunnel = this.#tunnel;
    if (tunnel === null) return;
    this.#proxied?.missing(direction, length, reason, context);
    tunnel.gap(kind, length, reason, origin.time);
    tunnel.count(direction, length);
    this.#host.changed(tunnel.exchange);
  }
}

function contextOf({ time, end, pid, file }: Origin, emitted: number): PieceContext {
  return { time, end, pid, file, emitted };
}
