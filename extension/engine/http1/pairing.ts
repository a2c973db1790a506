/**
 * Matches responses to requests on one connection: by order alone (RFC 9112 section 9.3), never by thread,
 * port or similarity.
 *
 * A gap may hide a message and so break the order. Messages after it are kept apart, in *limbo*, until an
 * idle moment is proven: all responses seen were complete when a request was sent, and the next response
 * followed them without a gap. Then that response answers that request, the last response before it the last
 * request before it, and so on backwards to the gap; and the order is certain again. The end of the
 * connection is such a moment, too, when both streams are known up to it.
 *
 * For a client that was seen to send a request before the response to an earlier one (pipelining), no such
 * moment can be proven: messages in limbo stay apart, as `one-sided`. The only assumption is that a client
 * which was not seen to pipeline does not keep a hidden request in flight all the time.
 */
import type { Completeness, MessageKind, Process } from '../exchange.ts';
import { MAX_INTERIM, MAX_LIMBO, MAX_PIPELINED } from '../limits.ts';
import type { StoredExchange } from '../storedExchange.ts';
import type { StoredMessage } from '../storedMessage.ts';

export interface PairingHost {
  createExchange(process: Process | null): StoredExchange;
  exchangeChanged(exchange: StoredExchange): void;
  exchangeEnded(exchange: StoredExchange, at: number): void;
  /** `half` was the response of `exchange`: it is no longer an exchange of its own. */
  exchangeMerged(half: StoredExchange, exchange: StoredExchange): void;
  readonly joinedLate: boolean;
}

interface Limbo {
  requests: StoredExchange[];
  responses: StoredExchange[];
  requestGap: boolean;
  responseGap: boolean;
  /** A request may have been missed since the last one was seen, so the connection is not known to be idle. */
  hiding: boolean;
}

export class Pairing {
  readonly #host: PairingHost;
  /** Requests whose final response has not begun, in order. */
  #outstanding: StoredExchange[] = [];
  /** The exchange whose message is being read, in each direction. */
  #request: StoredExchange | null = null;
  #response: StoredExchange | null = null;
  #responseIsInterim = false;
  #limbo: Limbo | null = null;
  /** A request was seen to begin before the response to an earlier one. */
  #pipelined = false;
  /** Interim responses to a request that is not known. */
  #looseInterim: StoredMessage[] = [];
  #lastOrphan: StoredExchange | null = null;
  #noMoreResponses = false;
  /** In the order in which they began. There are few, and the oldest usually ends first. */
  #running: StoredExchange[] = [];

  constructor(host: PairingHost) {
    this.#host = host;
  }

  /** True when a response may begin: a request is, or may be, waiting for one. */
  get expectsResponse(): boolean {
    return this.#outstanding.length > 0 || this.#limbo !== null || this.#host.joinedLate;
  }

  /** The last request whose response has not begun. */
  get lastOutstanding(): StoredExchange | null {
    const { length } = this.#outstanding;
    return length === 0 ? null : (this.#outstanding[length - 1] as StoredExchange);
  }

  requestBegan(message: StoredMessage, process: Process | null): StoredExchange {
    const exchange = this.#create(process);
    exchange.request = message;
    this.#request = exchange;
    if (this.#outstanding.length >= MAX_PIPELINED) {
      this.hidden('request');
      this.#pipelined = true;
    }
    const orphan = this.#lastOrphan;
    this.#lastOrphan = null;
    if (this.#limbo !== null) {
      this.#limbo.hiding = false;
      this.#limbo.requests.push(exchange);
    } else if (orphan !== null && began(orphan) >= began(exchange) && this.#outstanding.length === 0) {
      // The request's record came after that of a response that began later: they may or may not belong
      // together.
      this.#enterLimbo();
      exchange.loose = true;
    } else this.#outstanding.push(exchange);
    this.#host.exchangeChanged(exchange);
    return exchange;
  }

  requestEnded(message: StoredMessage): void {
    const exchange = this.#request;
    this.#request = null;
    if (exchange === null || exchange.request !== message) return;
    exchange.requestDone = true;
    this.#endIfDone(exchange);
    // The end of the connection may show which of the responses is its own.
    const mayBeAnswered = (this.#limbo?.responses.length ?? 0) > 0;
    if (this.#noMoreResponses && !mayBeAnswered && exchange.state === 'running')
      this.#unanswered(exchange, message.lastByte ?? 0);
    this.#boundLimbo();
  }

  responseBegan(message: StoredMessage, process: Process | null): void {
    this.#responseIsInterim = message.status >= 100 && message.status < 200 && message.status !== 101;
    this.#proveIdle(message);
    const waiting = this.#outstanding[0];
    if (this.#responseIsInterim) {
      this.#response = waiting ?? null;
      if (waiting !== undefined) waiting.addInterim(message, MAX_INTERIM);
      else if (this.#looseInterim.length < MAX_INTERIM) this.#looseInterim.push(message);
      if (waiting !== undefined) this.#host.exchangeChanged(waiting);
      return;
    }
    let exchange: StoredExchange;
    if (waiting !== undefined) {
      this.#outstanding.shift();
      const second = this.#outstanding[0];
      if (second !== undefined && began(second) < (message.firstByte ?? 0)) this.#pipelined = true;
      exchange = waiting;
    } else {
      exchange = this.#create(process);
      exchange.requestDone = true;
      for (const interim of this.#looseInterim) exchange.addInterim(interim, MAX_INTERIM);
      const limbo = this.#limbo;
      if (limbo !== null) {
        // Two requests are waiting, and the response to the first cannot have been missed: the client pipelines.
        if (!limbo.responseGap && limbo.requests.length - limbo.responses.length >= 2) this.#pipelined = true;
        limbo.responses.push(exchange);
      } else {
        this.#lastOrphan = exchange;
        // Its request is not known, so the order is uncertain from here on.
        if (!this.#host.joinedLate) this.#enterLimbo().responses.push(exchange);
      }
    }
    if (this.#looseInterim.length > 0) this.#looseInterim = [];
    exchange.response = message;
    this.#response = exchange;
    this.#host.exchangeChanged(exchange);
  }

  /** The exchange of the request that the current response answers; null when unknown. */
  get answered(): StoredExchange | null {
    return this.#response?.request == null ? null : this.#response;
  }

  /** The exchange whose request is being read. */
  get requesting(): StoredExchange | null {
    return this.#request;
  }

  /** The exchange whose response (not an interim one) is being read. */
  get responding(): StoredExchange | null {
    return this.#responseIsInterim ? null : this.#response;
  }

  responseEnded(): void {
    const exchange = this.#response;
    const interim = this.#responseIsInterim;
    this.#response = null;
    this.#responseIsInterim = false;
    if (exchange === null) return;
    this.#host.exchangeChanged(exchange);
    if (interim) return;
    exchange.responseDone = true;
    this.#endIfDone(exchange);
    this.#boundLimbo();
  }

  /** Messages of this kind may have been missed. */
  hidden(kind: MessageKind): void {
    const limbo = this.#enterLimbo();
    if (kind === 'request') {
      limbo.requestGap = true;
      limbo.hiding = true;
      for (const exchange of limbo.requests) this.#apart(exchange);
      limbo.requests = [];
    } else {
      limbo.responseGap = true;
      // The final response to these was lost.
      this.#looseInterim = [];
      // Pairing backwards cannot reach beyond a gap in the requests.
      if (limbo.requestGap) for (const exchange of this.#outstanding) this.#apart(exchange);
      else limbo.requests = [...this.#outstanding, ...limbo.requests];
      this.#outstanding = [];
      for (const exchange of limbo.responses) this.#apart(exchange);
      limbo.responses = [];
    }
  }

  /** No further response will come. */
  responsesEnded(at: number): void {
    this.#noMoreResponses = true;
    for (const exchange of this.#outstanding) this.#unanswered(exchange, at);
    this.#outstanding = [];
  }

  /**
   * The connection or the trace has ended: ends running exchanges. Both readers have already ended.
   * @param closed both directions are known to their end, so no request was lost after the last one.
   */
  connectionEnded(at: number, closed: boolean): void {
    const limbo = this.#limbo;
    // A cut response, such as one to HEAD, may have been read as longer than it was and so hide others.
    if (closed && limbo !== null && this.#outstanding.length === 0 && limbo.responses.every(isWhole)) {
      this.#settle(limbo);
    }
    this.#leaveLimbo();
    this.responsesEnded(at);
    for (const exchange of [...this.#running]) this.#end(exchange, at, exchange.loose ? ['one-sided'] : []);
  }

  /** Ends the exchange when it has both messages; a tunnel runs on. */
  #endIfDone(exchange: StoredExchange): void {
    if (exchange.state === 'ended' || exchange.tunnel !== null) return;
    if (exchange.loose) {
      this.#apart(exchange);
      return;
    }
    const limbo = this.#limbo;
    if (exchange.response === null) {
      if (limbo !== null && this.#pipelined && remove(limbo.requests, exchange)) this.#apart(exchange);
      return;
    }
    if (!exchange.requestDone || !exchange.responseDone) return;
    if (limbo?.responses.includes(exchange) === true) {
      if (this.#pipelined && remove(limbo.responses, exchange)) this.#apart(exchange);
      return;
    }
    const labels: Completeness[] = exchange.request === null ? ['joined-late'] : [];
    this.#end(exchange, lastByteOf(exchange), labels);
  }

  /** A tunnel's exchange ends with the tunnel. */
  endTunnel(exchange: StoredExchange, at: number): void {
    this.#end(exchange, at, exchange.request === null && this.#host.joinedLate ? ['joined-late'] : []);
  }

  #unanswered(exchange: StoredExchange, at: number): void {
    if (!exchange.requestDone) return;
    this.#end(exchange, at, ['unanswered']);
  }

  /** The other message of this exchange will never be known. */
  #apart(exchange: StoredExchange): void {
    if (exchange.state === 'ended') return;
    exchange.loose = true;
    const labels: Completeness[] = ['one-sided'];
    const limbo = this.#limbo;
    if (exchange.response === null) {
      if (!exchange.requestDone) return;
      if (limbo?.responseGap === true) labels.push('response-gap');
    } else {
      if (!exchange.responseDone) return;
      if (limbo?.requestGap === true) labels.push('request-gap');
    }
    this.#end(exchange, (exchange.response ?? exchange.request)?.lastByte ?? 0, labels);
  }

  #end(exchange: StoredExchange, at: number, extra: readonly Completeness[]): void {
    if (exchange.state === 'ended') return;
    exchange.labelEnd(extra);
    remove(this.#running, exchange);
    this.#host.exchangeEnded(exchange, at);
  }

  #create(process: Process | null): StoredExchange {
    const exchange = this.#host.createExchange(process);
    this.#running.push(exchange);
    return exchange;
  }

  #enterLimbo(): Limbo {
    this.#limbo ??= { requests: [], responses: [], requestGap: false, responseGap: false, hiding: false };
    return this.#limbo;
  }

  /** A response begins without a gap before it. Was the connection idle before its request? See above. */
  #proveIdle(message: StoredMessage): void {
    const limbo = this.#limbo;
    const last = limbo?.responses[limbo.responses.length - 1];
    if (limbo === null || last === undefined || this.#outstanding.length > 0) return;
    if (limbo.hiding || this.#pipelined || !isWhole(last)) return;
    const idleFrom = last.response?.lastByte ?? 0;
    const after = limbo.requests.filter((request) => began(request) >= idleFrom);
    const [next] = after;
    if (next === undefined || began(next) > (message.firstByte ?? 0)) return;
    if (after.length > 1) {
      this.#pipelined = true;
      return;
    }
    limbo.requests = limbo.requests.filter((request) => request !== next);
    // Directly after a gap in the requests: lost requests may have been sent together with this one.
    if (limbo.requestGap && limbo.requests.length === 0) {
      limbo.requests.push(next);
      return;
    }
    this.#settle(limbo);
    this.#leaveLimbo();
    this.#outstanding.push(next);
  }

  /** The connection is known to be idle: pairs the messages in limbo, backwards. */
  #settle(limbo: Limbo): void {
    if (limbo.hiding || this.#pipelined) return;
    const count = Math.min(limbo.requests.length, limbo.responses.length);
    const requests = limbo.requests.splice(limbo.requests.length - count);
    const responses = limbo.responses.splice(limbo.responses.length - count);
    // A response that began before its request was sent proves this order wrong.
    const inOrder = requests.every((request, i) => began(request) <= began(responses[i] as StoredExchange));
    for (const [i, request] of requests.entries()) {
      const response = responses[i] as StoredExchange;
      if (inOrder) this.#merge(request, response);
      else {
        this.#apart(request);
        this.#apart(response);
      }
    }
  }

  #leaveLimbo(): void {
    const limbo = this.#limbo;
    if (limbo === null) return;
    for (const exchange of [...limbo.requests, ...limbo.responses]) this.#apart(exchange);
    this.#limbo = null;
  }

  #merge(request: StoredExchange, response: StoredExchange): void {
    request.response = response.response;
    request.interim = response.interim;
    request.responseDone = response.responseDone;
    request.tunnel = response.tunnel;
    if (request.messages === null) request.messages = response.messages;
    else if (response.messages !== null) request.messages.adopt(response.messages);
    remove(this.#running, response);
    this.#host.exchangeMerged(response, request);
    this.#host.exchangeChanged(request);
    if (request.requestDone && request.tunnel === null) {
      this.#end(request, lastByteOf(request), []);
    }
  }

  #boundLimbo(): void {
    const limbo = this.#limbo;
    if (limbo === null) return;
    if (limbo.requests.length + limbo.responses.length <= MAX_LIMBO) return;
    for (const exchange of [...limbo.requests, ...limbo.responses]) this.#apart(exchange);
    limbo.requests = limbo.requests.filter((exchange) => exchange.state === 'running');
    limbo.responses = limbo.responses.filter((exchange) => exchange.state === 'running');
  }
}

function began(exchange: StoredExchange): number {
  return exchange.request?.firstByte ?? exchange.response?.firstByte ?? 0;
}

/** The later last byte of both messages: an early response ends before its request does. */
function lastByteOf({ request, response }: StoredExchange): number {
  return Math.max(request?.lastByte ?? 0, response?.lastByte ?? 0);
}

function isWhole(exchange: StoredExchange): boolean {
  return exchange.responseDone && exchange.response?.cut === false;
}

function remove(list: StoredExchange[], exchange: StoredExchange): boolean {
  const at = list.indexOf(exchange);
  if (at < 0) return false;
  if (at === list.length - 1) list.pop();
  else list.splice(at, 1);
  return true;
}
