/**
 * Decides what a connection carries, from the beginnings of both directions. Nothing is shown before that, so
 * nothing has to be withdrawn.
 */
import type { Side } from '../exchange.ts';
import type { Layer, Refusal } from '../layers/layer.ts';
import { readProxyHeader } from '../layers/proxyProtocol.ts';
import { refusalOf, SOCKS, type Socks, unansweredOf } from '../layers/socks.ts';
import { Direction, WireProtocol } from '../record.ts';
import { Beginning, type Found } from './beginning.ts';

/** Can the first bytes of a direction begin with a layer? */
export function mayBeLayer(bytes: Buffer): boolean {
  const first = bytes[0];
  if (SOCKS.has(first)) return true;
  return (first === 0x50 || first === 0x0d) && readProxyHeader(bytes) !== null;
}

export class Recogniser {
  /** The proxies' protocols in front, outermost first. */
  readonly layers: Layer[] = [];
  /** Nothing will follow the layers: the proxy has refused. */
  refusal: Refusal | null = null;
  /** The refusal to report if nothing more comes: a proxy was asked to connect, and has not confirmed that it did. */
  #unanswered: (() => Refusal) | null = null;
  readonly beginnings: readonly [Beginning, Beginning] = [new Beginning(), new Beginning()];
  /** The direction of the first bytes. */
  #first: Direction | null = null;

  add(direction: Direction, bytes: Buffer): void {
    this.#first ??= direction;
    this.beginnings[direction].add(bytes);
  }

  /**
   * @param fromKernel the protocol that the kernel programs recognised.
   * @param side of the process, if known.
   */
  decide(fromKernel: WireProtocol, side: Side | null): WireProtocol {
    const passed = this.#passLayers(side);
    if (fromKernel === WireProtocol.Other || this.refusal !== null) return WireProtocol.Other;
    if (!passed) return WireProtocol.Undecided;
    const [out, back] = this.beginnings.map(({ found }) => found) as [Found, Found];
    const is = (what: string): boolean => out === what || back === what;
    if (is('preface')) return WireProtocol.Http2;
    if (is('request') || is('response')) return WireProtocol.Http1;
    // An HTTP server answers in HTTP even if the client sent something else. So the client's bytes decide only together
    // with the answer; the server's alone prove less.
    const [asks, answers] = side === 'server' ? [back, out] : [out, back];
    if (side !== null && asks === 'foreign')
      return answers === 'nothing' ? WireProtocol.Undecided : WireProtocol.Other;
    if (is('tls')) return WireProtocol.Tls;
    // A server that begins with HTTP/2 frames may still get an HTTP/1 request: wait for the other direction.
    if (is('frames')) return is('nothing') ? WireProtocol.Undecided : WireProtocol.Http2;
    if (fromKernel !== WireProtocol.Undecided) return fromKernel;
    const hopeless = (found: string): boolean => found === 'doubtful' || found === 'foreign';
    return hopeless(out) && hopeless(back) ? WireProtocol.Other : WireProtocol.Undecided;
  }

  /** The connection has ended. @returns why a proxy did not connect; null: no proxy was asked, or it did connect. */
  closed(): Refusal | null {
    return this.refusal === null ? (this.#unanswered?.() ?? null) : null;
  }

  /** No more bytes will come. */
  settle(): WireProtocol {
    const { beginnings } = this;
    if (beginnings.some(({ found }) => found === 'frames')) return WireProtocol.Http2;
    const may = beginnings.some((beginning) => beginning.isUnfinishedRequest || beginning.found === 'lost');
    return may ? WireProtocol.Http1 : WireProtocol.Other;
  }

  /** @returns false while a layer is incomplete. */
  #passLayers(side: Side | null): boolean {
    const asking = side === 'client' ? Direction.Out : side === 'server' ? Direction.In : this.#first;
    if (asking === null) return true;
    const client = this.beginnings[asking];
    const server = this.beginnings[asking === Direction.Out ? Direction.In : Direction.Out];
    const proxy = client.passed === 0 && client.rest.length > 0 ? readProxyHeader(client.rest) : null;
    if (proxy === 'more') return false;
    if (proxy !== null) {
      this.layers.push({ protocol: 'PROXY protocol', client: proxy.client, target: proxy.target });
      client.pass(proxy.end);
    }
    if (server.passed > 0) return true;
    const socks = SOCKS.get(client.rest[0]);
    return socks === undefined || this.#passSocks(socks, client, server, side);
  }

  #passSocks(socks: Socks, client: Beginning, server: Beginning, side: Side | null): boolean {
    this.refusal = refusalOf(socks, client.rest, server.rest);
    if (this.refusal !== null) return false;
    const request = socks.readClient(client.rest);
    const reply = socks.readServer(server.rest);
    // Only the end of the connection shows that the proxy has not connected, and what it sent instead.
    if (side === 'client' && request !== null && this.#unanswered === null && socks.isClient(client.rest))
      this.#unanswered = () => unansweredOf(socks, client.rest, server.rest);
    if (reply === null && this.#unanswered !== null) return false;
    if (request === null || reply === null) return true;
    if (request === 'more' || reply === 'more') return false;
    this.#unanswered = null;
    client.pass(request.end);
    server.pass(reply.end);
    this.layers.push({ protocol: socks.protocol, client: null, target: request.target });
    return true;
  }
}
