/**
 * Finds the two exchanges of one call, the client's and the server's, if both processes are traced. At both ends of a
 * connection (socketPairs.ts) they have the same stream identifier (HTTP/2), or the same position of the request in the
 * byte stream (HTTP/1). This works across gaps and with any number of requests in progress. If an end was joined in the
 * middle of the connection, the positions are not comparable: then the server's exchange has to lie inside the client's
 * in time, and must be the only one that can. Nothing is guessed: what is not certain stays two exchanges.
 */
import { MAX_UNPAIRED, MAX_UNPAIRED_OF_CONNECTION } from '../limits.ts';
import type { StoredExchange } from '../storedExchange.ts';
import type { SocketEnd } from './socketEnd.ts';

/** Newest exchanges of a connection that are compared by time if it was joined late: HTTP/1 has one at a time. */
const MAX_RECENT = 16;
/** Offsets that combine layer, and stream or position, into one number. Both are larger than any position. */
const STREAMS = 2 ** 44;
const LAYER = 2 ** 45;

export interface PeersHost {
  /** undefined: no longer held. */
  get(id: number): StoredExchange | undefined;
  /** The two exchanges have become each other's peer. */
  paired(one: StoredExchange, other: StoredExchange): void;
}

export class Peers {
  readonly #host: PeersHost;
  /** Ends with exchanges that wait for their peer, oldest first. */
  readonly #ends = new Set<SocketEnd>();
  #waiting = 0;

  constructor(host: PeersHost) {
    this.#host = host;
  }

  /** A request has begun, or its socket has become known. */
  offer(exchange: StoredExchange): void {
    const { end } = exchange.connection;
    if (end === null || exchange.place >= 0 || exchange.request === null || exchange.side === null) return;
    exchange.place = placeOf(exchange);
    const other = end.peer?.waiting.get(exchange.place);
    const found = other === undefined ? undefined : this.#host.get(other);
    if (found !== undefined && this.#isSame(exchange, found)) this.#pair(exchange, found);
    else this.#wait(end, exchange);
  }

  /** The exchange has ended: if its connection was joined late, it can now be compared by its times. */
  ended(exchange: StoredExchange): void {
    if (exchange.peer !== null || exchange.place < 0 || isStream(exchange)) return;
    const { end } = exchange.connection;
    const far = end?.peer ?? null;
    if (end === null || far === null) return;
    const found = this.#only(far, exchange);
    if (found !== null && isLate(exchange, found) && this.#only(end, found) === exchange)
      this.#pair(exchange, found);
  }

  /** Two sockets were found to be the ends of one connection. */
  connected(one: SocketEnd, other: SocketEnd): void {
    for (const [place, id] of one.waiting) {
      const far = other.waiting.get(place);
      if (far === undefined) continue;
      const [a, b] = [this.#host.get(id), this.#host.get(far)];
      if (a !== undefined && b !== undefined && this.#isSame(a, b)) this.#pair(a, b);
    }
    for (const id of [...one.recent]) {
      const exchange = this.#host.get(id);
      if (exchange?.state === 'ended') this.ended(exchange);
    }
  }

  /** Exchanges on this end will not be paired any more. */
  forget(end: SocketEnd): void {
    this.#waiting -= end.waiting.size;
    end.waiting.clear();
    end.recent.length = 0;
    this.#ends.delete(end);
  }

  #wait(end: SocketEnd, exchange: StoredExchange): void {
    const { waiting, recent } = end;
    const { id, place } = exchange;
    if (waiting.set(place, id)) this.#waiting++;
    if (!isStream(exchange) && recent.push(id) > MAX_RECENT) recent.shift();
    this.#ends.add(end);
    if (waiting.size > MAX_UNPAIRED_OF_CONNECTION) {
      // Drop many at once: finding the oldest entry of a Map skips over all that were deleted before.
      this.#waiting -= waiting.dropFirst(MAX_UNPAIRED_OF_CONNECTION / 4);
    }
    if (this.#waiting <= MAX_UNPAIRED) return;
    for (const longest of this.#ends) {
      this.forget(longest);
      break;
    }
  }

  #drop(end: SocketEnd, place: number): void {
    if (end.waiting.delete(place)) this.#waiting--;
    if (end.waiting.size === 0) this.#ends.delete(end);
  }

  /** Are two exchanges at the same place of one connection the same call? */
  #isSame(a: StoredExchange, b: StoredExchange): boolean {
    // Positions count from where each end was joined, so they are not comparable.
    if (!isStream(a) && isLate(a, b)) return false;
    const [client, server] = a.side === 'client' ? [a, b] : [b, a];
    return client.side === 'client' && server.side === 'server' && agree(client, server);
  }

  #pair(a: StoredExchange, b: StoredExchange): void {
    a.peer = b.id;
    b.peer = a.id;
    for (const { id, place, connection } of [a, b]) {
      const { end } = connection;
      if (end === null) continue;
      if (end.waiting.get(place) === id) this.#drop(end, place);
      const recent = end.recent.indexOf(id);
      if (recent >= 0) end.recent.splice(recent, 1);
    }
    this.#host.paired(a, b);
  }

  /** The exchange at this end that is certainly the same call; null when there is none, or several are possible. */
  #only(end: SocketEnd, exchange: StoredExchange): StoredExchange | null {
    let found: StoredExchange | null = null;
    for (const id of end.recent) {
      const other = this.#host.get(id);
      if (other === undefined || other.peer !== null || other.side === exchange.side) continue;
      const [client, server] = exchange.side === 'client' ? [exchange, other] : [other, exchange];
      if (client.side !== 'client' || server.side !== 'server' || !mayNest(client, server)) continue;
      if (found !== null) return null;
      found = other;
    }
    if (found === null) return null;
    const [client, server] = exchange.side === 'client' ? [exchange, found] : [found, exchange];
    return agree(client, server) && isNested(client, server) ? found : null;
  }
}

/** Whether a server's exchange without a peer may still get one: its client's socket is traced as well. */
export function mayFindPeer({ peer, side, place, connection }: StoredExchange): boolean {
  const far = connection.end?.peer ?? null;
  return peer === null && side === 'server' && place >= 0 && far !== null && !connection.joinedLate;
}

/** The request's position on its connection: the same number at both ends. */
function placeOf({ connection, stream, request }: StoredExchange): number {
  return connection.layer * LAYER + (stream === null ? (request?.position ?? 0) : STREAMS + stream);
}

function isStream({ place }: StoredExchange): boolean {
  return place % LAYER >= STREAMS;
}

/** One of their ends was joined in the middle of the connection. */
function isLate(a: StoredExchange, b: StoredExchange): boolean {
  return a.connection.joinedLate || b.connection.joinedLate;
}

/** Whatever both sides know is the same. This is necessary, not sufficient: other calls may look alike. */
function agree({ request: sent }: StoredExchange, { request: received }: StoredExchange): boolean {
  if (sent === null || received === null) return false;
  if (sent.method !== received.method && sent.method !== '' && received.method !== '') return false;
  if (sent.target !== received.target && sent.target !== '' && received.target !== '') return false;
  // A send is timed at its entry, a receive at its exit.
  return sent.firstByte === null || received.firstByte === null || sent.firstByte <= received.firstByte;
}

/** The server saw the request after the client sent it, and sent its response before the client saw that. */
function isNested(client: StoredExchange, server: StoredExchange): boolean {
  const [sent, answered] = [client.request?.firstByte ?? null, client.response?.firstByte ?? null];
  const [received, answer] = [server.request?.firstByte ?? null, server.response?.firstByte ?? null];
  if (sent === null || answered === null || received === null || answer === null) return false;
  return sent <= received && answer <= answered;
}

/** Like {@link isNested}, but times that are not known yet are ignored. */
function mayNest(client: StoredExchange, server: StoredExchange): boolean {
  const [sent, answered] = [client.request?.firstByte ?? null, client.response?.firstByte ?? null];
  const [received, answer] = [server.request?.firstByte ?? null, server.response?.firstByte ?? null];
  if (sent !== null && received !== null && sent > received) return false;
  if (answered !== null && received !== null && received > answered) return false;
  return answer === null || answered === null || answer <= answered;
}
