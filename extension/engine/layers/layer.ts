/** What precedes, on a connection, the protocol that it was opened for: a proxy's protocol around it. */
export interface Layer {
  readonly protocol: 'PROXY protocol' | 'SOCKS4' | 'SOCKS5' | 'CONNECT';
  /** Address of the client that the proxy names (PROXY protocol); null: none is named. */
  readonly client: string | null;
  /** Where the proxy was asked to connect to, or was connected to; null: not named. */
  readonly target: string | null;
}

/** A proxy that was asked to connect has not done so. */
export interface Refusal {
  /** It said so; it said nothing; or what it said is another protocol's. */
  readonly how: 'refused' | 'silent' | 'foreign';
  readonly layer: Layer;
  /** In words, with the protocol: `SOCKS5: connection refused`. Where nothing was said, only the protocol. */
  readonly reason: string;
}

/** What one direction contributed to a layer. */
export interface LayerPart {
  /** Offset behind it. */
  readonly end: number;
  readonly client: string | null;
  readonly target: string | null;
}

/** `more`: more bytes are needed to decide. null: not such a protocol. */
export type LayerResult = LayerPart | 'more' | null;

/** A name or address with its port, as in a URL. Characters that no host has make it unknown. */
export function hostAndPort(host: string, port: number): string | null {
  if (!/^[\w.:%-]{1,255}$/.test(host)) return null;
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
