import { ConnectionEnds } from './connectionEnds.ts';
import type { Connection, FailedConnect, Side, Tls } from './exchange.ts';
import type { Layer } from './layers/layer.ts';
import type { LookupClaim } from './names/claim.ts';
import type { TlsBinding, TlsLibraryName } from './record.ts';
import type { StoredExchange } from './storedExchange.ts';
import type { WireFacts } from './tls/wire.ts';

const NO_LAYERS: readonly Layer[] = [];

export class StoredConnection implements Connection {
  readonly id: string;
  /** Its opened record has come. */
  known = false;
  transport: 'tcp' | 'unix' = 'tcp';
  local: string | null = null;
  remote: string | null = null;
  side: Side | null = null;
  joinedLate = false;
  connectStarted: number | null = null;
  established: number | null = null;
  /** By which its address may have been found. */
  lookup: LookupClaim | null = null;
  tls: StoredTls | null;
  /** What precedes its messages, or its TLS: the protocols of proxies, outermost first. */
  through: readonly Layer[] = NO_LAYERS;
  /** The same, for what a tunnel on it carries. */
  tunnelled: readonly Layer[] | null = null;
  /** The unencrypted part of TLS on this socket, or in a tunnel through it. */
  wire: WireFacts | null = null;
  /** Shared with the TLS session on it. */
  attempts: FailedConnect[] = [];
  /** The exchange that ended last, while an event may still show more about its end. */
  lastEnded: StoredExchange | null = null;
  /** What ended it; a TLS session shares those of its socket. */
  ends = new ConnectionEnds();
  /** Exchanges that lack what only the socket shows; null when the socket is known. */
  unbound: StoredExchange[] | null = null;

  constructor(id: string, tls: StoredTls | null = null) {
    this.id = id;
    this.tls = tls;
  }

  /** Of a stream inside another one: what only the outer one shows. */
  take(outer: StoredConnection): void {
    this.known = outer.known;
    this.transport = outer.transport;
    this.local = outer.local;
    this.remote = outer.remote;
    this.side = outer.side;
  }
}

export class StoredTls implements Tls {
  library: TlsLibraryName | null = null;
  /** Number of the library's file; 0 = not known. */
  file = 0;
  binding: TlsBinding | null = null;
  socket: string | null = null;
  alpn: string | null = null;
  handshakeStarted: number | null = null;
  handshakeEnded: number | null = null;
  wire: WireFacts | null = null;
  /** What the library says went wrong in the session; null = nothing. */
  failure: string | null = null;
  /** The library has read the peer's close_notify; null: not known, or not yet. */
  closeNotify: boolean | null = null;
}
