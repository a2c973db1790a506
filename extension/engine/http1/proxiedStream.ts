/** The stream inside a tunnel through a proxy (CONNECT), read like a connection of its own. */
import type { GapReason, PieceContext } from '../byteStream.ts';
import type { ConnectionHost, Dissector, TlsDissector } from '../dissector.ts';
import { Http2OrRefusal } from '../http2/refusal.ts';
import { Detection } from '../recognition/detection.ts';
import { type Direction, WireProtocol } from '../record.ts';
import { StoredConnection } from '../storedExchange.ts';
import { TlsSocket } from '../tls/socket.ts';

export class ProxiedStream {
  readonly #outer: StoredConnection;
  readonly #info: StoredConnection;
  /** Chooses the dissector. */
  readonly #detection: Detection;
  #tls: TlsSocket | null = null;

  /** @param target the target of the CONNECT request. */
  constructor(
    outer: StoredConnection,
    host: ConnectionHost,
    target: string,
    openHttp1: (info: StoredConnection) => Dissector,
  ) {
    const info = new StoredConnection(outer.id);
    info.take(outer);
    info.through = [...outer.through, { protocol: 'CONNECT', client: null, target: printableTarget(target) }];
    outer.tunnelled = info.through;
    this.#outer = outer;
    this.#info = info;
    this.#detection = new Detection(info, (protocol) => {
      if (protocol === WireProtocol.Http1) return openHttp1(info);
      if (protocol === WireProtocol.Http2) return new Http2OrRefusal(info, host);
      // TLS in TLS is not read here: its session is known, but not which tunnel it is in.
      if (protocol !== WireProtocol.Tls || outer.tls !== null) return null;
      this.#tls = new TlsSocket(info, host, outer.side === 'server');
      outer.wire = info.wire;
      return this.#tls;
    });
  }

  /** The dissector that reads the tunnel as TLS; null when it is something else, or not known yet. */
  get tlsSocket(): TlsDissector | null {
    return this.#tls ?? this.#detection.dissector?.tlsSocket ?? null;
  }

  get waiting(): boolean {
    return this.#detection.dissector?.waiting ?? false;
  }

  /** The opened record of the connection to the proxy has arrived. */
  opened(): void {
    this.#info.take(this.#outer);
  }

  advance(upTo: number): void {
    this.#detection.dissector?.advance(upTo);
  }

  bytes(direction: Direction, bytes: Buffer, context: PieceContext): void {
    this.#detection.bytes(direction, bytes, context, WireProtocol.Undecided);
  }

  missing(direction: Direction, length: number, reason: GapReason, context: PieceContext): void {
    this.#detection.missing(direction, length, reason, context, null);
  }

  ended(direction: Direction, orderly: boolean, context: PieceContext): void {
    this.#detection.ended(direction, orderly, context);
  }

  closed(context: PieceContext): void {
    this.#detection.settle()?.closed(context);
  }

  finish(at: number): void {
    this.#detection.settle()?.finish(at);
  }
}

/** The target of a CONNECT request, if it looks like an authority; else null. */
function printableTarget(target: string): string | null {
  return /^[\w.:%[\]-]{1,261}$/.test(target) ? target : null;
}
