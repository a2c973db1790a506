/** Why a TLS handshake failed, in one readable line. */
import type { Side } from '../exchange.ts';
import { Direction } from '../record.ts';
import type { TlsAlert } from './wire.ts';

/** The first direction to end. */
export interface TlsEnd {
  readonly direction: Direction;
  readonly reset: boolean;
}

/** `TLS handshake failed: unknown_ca (alert 48) sent by the client`. */
export function alertText(alert: TlsAlert, clientDirection: Direction | null): string {
  const by = sender(alert.direction, clientDirection);
  if (alert.code === null) return `TLS handshake failed: ${by} sent an alert, which is encrypted`;
  const name = alert.name === null ? `alert ${alert.code}` : `${alert.name} (alert ${alert.code})`;
  return `TLS handshake failed: ${name} sent by ${by}`;
}

/** The other side does not speak TLS. @param beginning the printable beginning of its bytes */
export function foreignText(beginning: string, clientDirection: Direction | null): string {
  const other = clientDirection === null ? 'the other side' : 'the server';
  const what = beginning === '' ? '' : `: its answer begins with "${beginning}"`;
  return `TLS handshake failed: ${other} did not answer with TLS${what}`;
}

/**
 * Adds the error that the traced side's library reports to what the bytes show, or uses it alone if the bytes show
 * nothing, as with an encrypted alert.
 */
export function withLibraryReason(text: string, said: string | null, alert: TlsAlert | null): string {
  if (said === null || text.endsWith(said)) return text;
  if (alert !== null && alert.code === null) return `TLS handshake failed: ${said}`;
  return text === '' ? `TLS handshake failed: ${said}` : `${text}; ${said}`;
}

/** The connection ended during the handshake. @param end the first end seen; null: none. */
export function cutText(end: TlsEnd | null, clientDirection: Direction | null): string {
  if (end?.reset === true) return 'TLS handshake not finished: the connection was reset';
  const by = end === null ? 'the program' : sender(end.direction, clientDirection);
  return `TLS handshake not finished: ${by} closed the connection`;
}

/** For a session whose handshake was finished. */
export const NOTHING_SENT = 'the TLS session ended before any data was sent';

/**
 * The handshake was finished, and the connection ended before either side had sent data.
 * @param by null: not known.
 */
export function nothingSentText(by: Side | null, reset: boolean, alertBy: Side | null): string {
  if (by === null) return NOTHING_SENT;
  if (by === 'server')
    return reset
      ? 'the TLS session ended before any data was sent: the server reset the connection after the handshake'
      : 'the TLS session ended before any data was sent: the server closed the connection after the handshake';
  if (reset)
    return 'the TLS session ended before any data was sent: the client reset the connection after the handshake. Clients do this if they reject the certificate, or only probe the connection';
  return alertBy === 'client'
    ? 'the TLS session ended before any data was sent: after the handshake the client sent an alert, which is encrypted, and closed the connection. Clients do this if they reject the certificate, or only probe the connection'
    : 'the TLS session ended before any data was sent: the client closed the connection after the handshake. Clients do this if they reject the certificate, or only probe the connection';
}

function sender(direction: Direction, clientDirection: Direction | null): string {
  if (clientDirection === null) return direction === Direction.Out ? 'the program' : 'the peer';
  return direction === clientDirection ? 'the client' : 'the server';
}

/** What an alert usually means, to help fix it; null if its name says enough, or is too vague to explain. */
export function alertMeaning(code: number): string | null {
  return MEANINGS[code] ?? null;
}

/** By AlertDescription: RFC 8446 section 6.2, and when OpenSSL and GnuTLS send them. */
const MEANINGS: Readonly<Record<number, string>> = {
  40: 'The two sides have no cipher suite, key exchange or signature algorithm in common, or a certificate is missing.',
  42: 'The certificate of the other side is damaged or its signature is wrong.',
  45: 'The certificate of the other side has expired.',
  46: 'The certificate of the other side was not accepted; the sender gives no reason.',
  48: 'The sender does not trust the authority that issued the certificate of the other side.',
  70: 'The two sides have no version of TLS in common.',
  71: 'The sender demands stronger algorithms than the other side has.',
  86: 'The client retried with an older version of TLS, which the server treats as an attack.',
  112: 'The server has no certificate for the name that the client asked for.',
  116: 'The server demands a certificate, and the client sent none.',
  120: 'The two sides have no application protocol (ALPN) in common.',
};
