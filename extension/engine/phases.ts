/** Phases of an exchange, from kernel timestamps. */
import type { Encrypted, Exchange, Tls } from './exchange.ts';
import type { Phases } from './row.ts';

/**
 * - lookup: of the server's name; only for the first exchange of a connection, and only if the connection's lookup is
 *   certain.
 * - connect: from connect() to the established state; only for the first exchange of a connection that the
 *   process itself opened.
 * - tls: the handshake; only for the first exchange of a connection.
 * - send: the request's first to its last byte (for a server: received).
 * - wait: the request's last byte to the response's first; 0 when the response began earlier.
 * - receive: the response's first to its last byte (for a server: sent).
 * - overlap: the response's first byte to the request's last; 0 when the response began later.
 *
 * A send lasts from its entry to its exit, because a blocking send transfers bytes throughout. A receive is timed at
 * its exit (record.ts). Never negative; milliseconds.
 */
export function phasesOf(exchange: Exchange): Phases {
  const { connection, request, response } = exchange;
  const connects = exchange.firstOnConnection && exchange.side === 'client';
  const { lookup } = exchange;
  return {
    lookupMs: between(lookup?.started ?? null, lookup?.ended ?? null),
    connectMs: connects ? between(connection.connectStarted, connection.established) : null,
    tlsMs: exchange.firstOnConnection ? handshakeOf(connection.tls) : null,
    sendMs:
      request === null
        ? null
        : between(
            request.firstByte,
            exchange.state === 'ended' || response !== null ? request.lastByte : null,
          ),
    waitMs: between(request?.lastByte ?? null, response?.firstByte ?? null),
    receiveMs:
      exchange.state === 'ended' ? between(response?.firstByte ?? null, response?.lastByte ?? null) : null,
    overlapMs: between(response?.firstByte ?? null, request?.lastByte ?? null),
  };
}

/**
 * How long the handshake took: as the library reports, else as the socket's bytes show; null when neither
 * does.
 */
export function handshakeOf(tls: Tls | null): number | null {
  if (tls === null) return null;
  const { handshakeStarted, handshakeEnded, wire } = tls;
  return between(handshakeStarted, handshakeEnded) ?? between(wire?.started ?? null, wire?.ended ?? null);
}

/** When the exchange began, as far as seen. */
export function startOf(exchange: Exchange): number {
  if (exchange.failure !== null) return exchange.lookup?.started ?? 0;
  if (exchange.encrypted !== null) return startOfEncrypted(exchange, exchange.encrypted);
  if (exchange.connectFailed !== null) return exchange.connectFailed.started;
  return exchange.request?.firstByte ?? exchange.interim[0]?.firstByte ?? exchange.response?.firstByte ?? 0;
}

/** The exchange starts after the handshake, if its end was seen: the handshake is a phase before the start. */
function startOfEncrypted({ connection }: Exchange, { firstByte }: Encrypted): number {
  const { tls } = connection;
  return handshakeOf(tls) === null ? firstByte : (tls?.handshakeEnded ?? tls?.wire?.ended ?? firstByte);
}

/** Milliseconds from the exchange's start to its end; null while running. */
export function durationOf(exchange: Exchange): number | null {
  if (exchange.endedAt === null) return null;
  // The end of an incomplete request may be known only when the next one begins.
  const { completeness, response } = exchange;
  const endUnknown = completeness.has('request-truncated') || completeness.has('request-gap');
  const end = endUnknown && response?.lastByte != null ? response.lastByte : exchange.endedAt;
  return between(startOf(exchange), end);
}

function between(from: number | null, to: number | null): number | null {
  return from === null || to === null ? null : toNanoseconds(Math.max(0, to - from));
}

/** Removes the rounding noise of double subtraction below a nanosecond. */
export function toNanoseconds(milliseconds: number): number {
  return Math.round(milliseconds * 1e6) / 1e6;
}
