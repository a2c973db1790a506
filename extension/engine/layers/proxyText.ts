/** The proxies of a call in one line. */
import type { Connection, Side } from '../exchange.ts';
import type { Layer } from './layer.ts';

interface Proxied extends Pick<Connection, 'local' | 'remote'> {
  readonly side: Side | null;
  readonly through: readonly Layer[];
}

/**
 * `SOCKS5 127.0.0.1:1080`: a proxy that was asked to connect, with its address if known. Behind another proxy, that is
 * the target requested from the other proxy. `PROXY protocol for 10.0.0.1:4000`: a proxy that names its client.
 * null: there is no proxy.
 */
export function proxyText({ through, side, local, remote }: Proxied): string | null {
  if (through.length === 0) return null;
  let address = side === null ? null : side === 'client' ? remote : local;
  const proxies = through.map(({ protocol, client, target }) => {
    if (protocol === 'PROXY protocol') return client === null ? protocol : `${protocol} for ${client}`;
    const proxy = address === null ? protocol : `${protocol} ${address}`;
    address = target;
    return proxy;
  });
  return proxies.join(', ');
}
