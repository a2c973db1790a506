/**
 * Finds the two exchanges of one call: the client's and the server's, where both processes are traced. On the two ends
 * of one connection (socketPairs.ts) HTTP/2 has the stream's identifier, and HTTP/1 the position of the request in the
 * stream of bytes, which holds across gaps, and however many requests are under way. Where an end was joined in the
 * middle of the connection, positions have nothing in common: there the server's view has to lie inside the client's
 * in time, and no other one may. Never a guess: what is not certain stays two exchanges.
 */
import { MAX_UNPAIRED, MAX_UNPAIRED_OF_CONNECTION } from '../limits.ts';
import type { StoredExchange } from '../storedExchange.ts';
import type { SocketEnd } from './socketEnd.ts';

/** Exchanges on a connection that was joined late among which the other end's may be: it has one at a time. */
const MAX_RECENT = 16;
/** More than any stream has bytes: apart from each other are a layer's positions, its streams, and other layers. */
const STREAMS = 2 ** 44;
const LAYER = 2 ** 45;

export interface PeersHost {
  /** undefined: no longer held. */
  get(id: number): StoredExchange | undefined;
  /** Each has become the other's peer. */
  paired(one: StoredExchange, other: StoredExchange): void;
}

export class Peers {
  readonly #host: PeersHost;
  /** Ends with exchanges that wait for their peer, the longest known first. */
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

  /** It has ended: if it was joined late, it can be compared by its times. */
  ended(exchange: StoredExchange): void {
    if (exchange.peer !== null || exchange.place < 0 || isStream(exchange)) return;
    const { end } = exchange.connection;
    const far = end?.peer ?? null;
    if (end === null || far === null) return;
    const found = this.#only(far, exchange);
    if (found !== null && isLate(exchange, found) && this.#only(end, found) === exchange)
      this.#pair(exchange, found);
  }

  /** Two sockets have turned out to be the ends of one connection. */
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

  /** Nothing of this end is paired any more. */
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
      // Many at once: each look for the oldest of a map passes over those that were deleted before.
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

  /** Two exchanges that stand at the same place of one connection. */
  #isSame(a: StoredExchange, b: StoredExchange): boolean {
    // Positions that are counted from where each end was joined have nothing in common.
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

  /** The exchange of this end that is certainly the same call; null where none is, or where several might be. */
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

/** Where the request stands on its connection: the same number on both ends. */
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

/** What both sides know is the same: a hint that is right can still be about another call. */
function agree({ request: sent }: StoredExchange, { request: received }: StoredExchange): boolean {
  if (sent === null || received === null) return false;
  if (sent.method !== received.method && sent.method !== '' && received.method !== '') return false;
  if (sent.target !== received.target && sent.target !== '' && received.target !== '') return false;
  // A send counts from its entry, a receive at its exit.
  return sent.firstByte === null || received.firstByte === null || sent.firstByte <= received.firstByte;
}

/** The server's request came after the client's, and its response before: whatever else happened in between. */
function isNested(client: StoredExchange, server: StoredExchange): boolean {
  const [sent, answered] = [client.request?.firstByte ?? null, client.response?.firstByte ?? null];
  const [received, answer] = [server.request?.firstByte ?? null, server.response?.firstByte ?? null];
  if (sent === null || answered === null || received === null || answer === null) return false;
  return sent <= received && answer <= answered;
}

/** As far as is known by now. */
function mayNest(client: StoredExchange, server: StoredExchange): boolean {
  const [sent, answered] = [client.request?.firstByte ?? null, client.response?.firstByte ?? null];
  const [received, answer] = [server.request?.firstByte ?? null, server.response?.firstByte ?? null];
  if (sent !== null && received !== null && sent > received) return false;
  if (answered !== null && received !== null && received > answered) return false;
  return answer === null || answered === null || answer <= answered;
}
