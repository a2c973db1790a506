/** A proxy's protocol that precedes the protocol for which a connection was opened. */
export interface Layer {
  readonly protocol: 'PROXY protocol' | 'SOCKS4' | 'SOCKS5' | 'CONNECT';
  /** Address of the client that the proxy names (PROXY protocol); null: none is named. */
  readonly client: string | null;
  /** Where the proxy was asked to connect to, or was connected to; null: not named. */
  readonly target: string | null;
}

/** A proxy was asked to connect and did not. */
export interface Refusal {
  /** It refused; it did not answer; or its answer is of another protocol. */
  readonly how: 'refused' | 'silent' | 'foreign';
  readonly layer: Layer;
  /** In words, with the protocol: `SOCKS5: connection refused`. If there was no answer, only the protocol. */
  readonly reason: string;
}

/** One direction's part of a layer. */
export interface LayerPart {
  /** Offset after it. */
  readonly end: number;
  readonly client: string | null;
  readonly target: string | null;
}

/** `more`: more bytes are needed to decide. null: not this protocol. */
export type LayerResult = LayerPart | 'more' | null;

/** A name or address with its port, as in a URL; null if a character is invalid in a host. */
export function hostAndPort(host: string, port: number): string | null {
  if (!/^[\w.:%-]{1,255}$/.test(host)) return null;
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
