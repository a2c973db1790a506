/** What both versions of SOCKS have in common: a client asks a proxy to connect, and the proxy answers. */
import { QUOTED, quoteForeign } from '../http1/quote.ts';
import type { Layer, LayerResult, Refusal } from './layer.ts';
import { isSocks4Client, readSocks4Reply, readSocks4Request, socks4Refusal } from './socks4.ts';
import { isSocks5Client, readSocks5Client, readSocks5Server, socks5Refusal } from './socks5.ts';

/** How one version of SOCKS is read at the beginning of both directions. */
export interface Socks {
  readonly protocol: Layer['protocol'];
  readonly readClient: (bytes: Buffer) => LayerResult;
  readonly readServer: (bytes: Buffer) => LayerResult;
  /** In words, why the proxy has refused; null: it has not. */
  readonly refusal: (bytes: Buffer) => string | null;
  /** Are these bytes exactly what a client sends before the proxy answers? */
  readonly isClient: (bytes: Buffer) => boolean;
}

/** By the client's first byte. */
export const SOCKS: ReadonlyMap<number | undefined, Socks> = new Map([
  [
    4,
    {
      protocol: 'SOCKS4',
      readClient: readSocks4Request,
      readServer: readSocks4Reply,
      refusal: socks4Refusal,
      isClient: isSocks4Client,
    },
  ],
  [
    5,
    {
      protocol: 'SOCKS5',
      readClient: readSocks5Client,
      readServer: readSocks5Server,
      refusal: socks5Refusal,
      isClient: isSocks5Client,
    },
  ],
]);

/** @returns null where the proxy has not refused. */
export function refusalOf(socks: Socks, client: Buffer, server: Buffer): Refusal | null {
  const reason = socks.refusal(server);
  if (reason === null || socks.readClient(client) === null) return null;
  return { how: 'refused', layer: layerOf(socks, client), reason: `${socks.protocol}: ${reason}` };
}

/** The refusal to report when the connection has ended without an answer of a SOCKS proxy. */
export function unansweredOf(socks: Socks, client: Buffer, server: Buffer): Refusal {
  const { protocol } = socks;
  const layer = layerOf(socks, client);
  if (socks.readServer(server) !== null) return { how: 'silent', layer, reason: `${protocol}: ` };
  const quote = quoteForeign(server.toString('latin1', 0, QUOTED));
  const notSocks = `the answer is not SOCKS (${quote})`;
  return { how: 'foreign', layer, reason: `${protocol}: ${notSocks}` };
}

function layerOf({ protocol, readClient }: Socks, client: Buffer): Layer {
  const asked = readClient(client);
  return { protocol, client: null, target: asked === null || asked === 'more' ? null : asked.target };
}
