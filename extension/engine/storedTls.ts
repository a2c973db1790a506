import type { Tls } from './exchange.ts';
import type { TlsBinding, TlsLibraryName } from './record.ts';
import type { WireFacts } from './tls/wire.ts';

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
