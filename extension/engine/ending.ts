/**
 * Derives how an exchange ended from its messages, its stream and its connection. The first event decides. Nothing is
 * guessed: if no event was seen, the ending is unknown.
 */
import type { ConnectionEnds } from './connectionEnds.ts';
import { errorCode } from './errno.ts';
import type { CallEnding, EndingDetail, EndingKind, Side } from './exchange.ts';
import type { Refusal } from './layers/layer.ts';
import type { StoredExchange } from './storedExchange.ts';

/** RFC 9113 section 7. */
const REFUSED_STREAM = 7;
const CANCEL = 8;
const NO_ERROR = 0;

const EPIPE = 32;
const ENETDOWN = 100;
const ENETUNREACH = 101;
const ECONNRESET = 104;
const ETIMEDOUT = 110;
const ECONNREFUSED = 111;
const EHOSTDOWN = 112;
const EHOSTUNREACH = 113;

const NO_WAY: ReadonlySet<number> = new Set([ENETDOWN, ENETUNREACH, EHOSTDOWN, EHOSTUNREACH]);
const BY_PEER: ReadonlySet<number> = new Set([EPIPE, ECONNRESET]);

interface More {
  readonly by?: Side | null;
  readonly errno?: number;
  readonly detail?: EndingDetail | null;
  readonly signal?: string | null;
  readonly exitCode?: number | null;
}

function made(
  how: EndingKind,
  { by = null, errno = 0, detail = null, signal = null, exitCode = null }: More = {},
): CallEnding {
  return { how, by, error: errorCode(errno), detail, signal, exitCode };
}

/** Nearly all calls share one of these objects. */
const ANSWERED = made('answered');
const FAILED = made('failed');
const NOT_HTTP = made('not-http', { by: 'server' });
const TRACE_ENDED = made('trace-ended');
const UNKNOWN = made('unknown');

/** @returns null while the exchange runs, unless the answer is not HTTP. */
export function endingOf(exchange: StoredExchange): CallEnding | null {
  const ending = endOf(exchange);
  if (ending === null || ending.detail !== null || (exchange.request?.quoted ?? null) === null) return ending;
  return { ...ending, detail: 'request-not-http' };
}

function endOf(exchange: StoredExchange): CallEnding | null {
  const { state, response, connection, side, connectFailed } = exchange;
  if (connectFailed !== null) return connectFailed.ending;
  if (exchange.failedLookup !== null) return FAILED;
  if (response !== null && response.quoted !== null) return NOT_HTTP;
  if (state !== 'ended') return null;
  if (exchange.encrypted !== null) return exchange.completeness.has('handshake-failed') ? FAILED : null;
  const { ends } = connection;
  if (exchange.tunnel !== null) return ofTunnel(exchange, ends);
  if (response?.outcome === 'complete') return deliveryOf(exchange, ends);
  if (isHidden(exchange)) return UNKNOWN;
  return (
    ofStream(exchange) ?? ofConnection(ends, side, exchange) ?? (exchange.openAtEnd ? TRACE_ENDED : UNKNOWN)
  );
}

/** @param errno 0: the process closed the socket before there was an answer. */
export function connectEnding(errno: number, processEnded: boolean): CallEnding {
  const more = { errno };
  if (errno === 0) return made(processEnded ? 'process-ended' : 'cancelled', { by: 'client' });
  if (errno === ECONNREFUSED) return made('refused', { ...more, by: 'server' });
  if (errno === ETIMEDOUT) return made('timed-out', more);
  if (NO_WAY.has(errno)) return made('unreachable', more);
  return made('failed', more);
}

export function refusedByProxy({ how, reason }: Refusal, ends: ConnectionEnds): CallEnding {
  if (how === 'refused') return { ...made('refused', { by: 'server', detail: 'by-proxy' }), error: reason };
  if (how === 'foreign') return { ...made('failed', { by: 'server', detail: 'by-proxy' }), error: reason };
  const ending = ofConnection(ends, 'client', null) ?? UNKNOWN;
  return { ...ending, detail: 'by-proxy', error: `${reason}${silence(ending)}` };
}

/** What a proxy did instead of answering. */
function silence({ how, by }: CallEnding): string {
  if (by === 'client') return 'no answer from the proxy before the client gave up';
  return how === 'reset'
    ? 'the proxy reset the connection without an answer'
    : 'the proxy closed the connection without an answer';
}

/** The response, or its end, may be among bytes that were not captured: the call may have been answered. */
function isHidden({ response, completeness }: StoredExchange): boolean {
  if (response !== null) return response.outcome === 'lost';
  return completeness.has('one-sided') || completeness.has('response-gap');
}

/** A request with a partial response has been processed, whatever the server says: it is not safe to retry. */
function ofStream({ reset, goAway, response }: StoredExchange): CallEnding | null {
  if (reset !== null) {
    if (reset.by === 'client') return made('cancelled', { by: 'client' });
    return made(reset.code === REFUSED_STREAM && response === null ? 'refused' : 'reset', { by: 'server' });
  }
  if (goAway !== null && !goAway.processed)
    return made(response === null ? 'refused' : 'reset', { by: goAway.by });
  return null;
}

/** A tunnel has no end of its own. Names the side that ended it first, and what went wrong. */
function ofTunnel(exchange: StoredExchange, ends: ConnectionEnds): CallEnding {
  const { reset, openAtEnd, side } = exchange;
  if (reset !== null)
    return made(reset.code === CANCEL || reset.code === NO_ERROR ? 'answered' : 'reset', { by: reset.by });
  const ending = ofConnection(ends, side, exchange);
  if (ending === null) return openAtEnd ? TRACE_ENDED : UNKNOWN;
  return ending.how === 'cancelled' || ending.how === 'closed' ? { ...ending, how: 'answered' } : ending;
}

/** A client that had closed before a complete response began, and answered it with a RST, has not read it. */
function deliveryOf(exchange: StoredExchange, { peerEnd, error, errno }: ConnectionEnds): CallEnding {
  const began = exchange.response?.firstByte ?? null;
  if (
    exchange.side !== 'server' ||
    exchange.stream !== null ||
    peerEnd === null ||
    error === null ||
    began === null
  )
    return ANSWERED;
  if (peerEnd >= began || error < began || !BY_PEER.has(errno)) return ANSWERED;
  return made('cancelled', { by: 'client', errno, detail: 'not-delivered' });
}

/** Decides by the first event of the connection; null: there was none. @param exchange null: none has begun. */
function ofConnection(
  ends: ConnectionEnds,
  side: Side | null,
  exchange: StoredExchange | null,
): CallEnding | null {
  const { exit, peerEnd, error, errno } = ends;
  // Some programs (Node) shut down their sending side before they close. A client may then still wait for an answer.
  const localClose = side === 'server' ? (ends.localFin ?? ends.localClose) : ends.localClose;
  const peer = side === null ? null : side === 'client' ? 'server' : 'client';
  const failed = error !== null && (localClose === null || error <= localClose);
  if (failed && !BY_PEER.has(errno)) {
    if (errno === ETIMEDOUT) return made('timed-out', { errno });
    return made(NO_WAY.has(errno) ? 'unreachable' : 'reset', { errno });
  }
  if (localClose !== null && !failed && (peerEnd === null || localClose < peerEnd)) {
    if (exit !== null) return made('process-ended', { by: side, ...exit });
    if (side === 'client') return made('cancelled', { by: side });
    return made(ends.closedByReset ? 'reset' : 'closed', { by: side });
  }
  if (failed) {
    if (peer === 'client') return made('cancelled', { by: peer, errno });
    return made('reset', { by: peer, errno, detail: isStale(ends, exchange) ? 'stale-connection' : null });
  }
  if (peerEnd === null) return null;
  if (peer === 'client') return made('cancelled', { by: peer });
  if (isStale(ends, exchange)) return made('closed', { by: peer, detail: 'stale-connection' });
  const unconfirmed = ends.unconfirmed && exchange !== null && endsWithConnection(exchange);
  return made('closed', { by: peer, detail: unconfirmed ? 'no-close-notify' : null });
}

/** The server had already closed when the request was sent. */
function isStale({ peerEnd }: ConnectionEnds, exchange: StoredExchange | null): boolean {
  const began = exchange?.request?.firstByte ?? null;
  return peerEnd !== null && began !== null && peerEnd <= began;
}

/** The response's body is delimited only by the end of the connection (RFC 9112 section 6.3). */
function endsWithConnection({ response, stream, tunnel }: StoredExchange): boolean {
  if (response === null || stream !== null || tunnel !== null || response.headIncomplete) return false;
  return response.field('content-length') === null && response.field('transfer-encoding') === null;
}
