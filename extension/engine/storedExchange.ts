/**
 * The engine's implementation of the exchange and connection of exchange.ts. Rarely needed values (violations, the
 * operation) are computed on demand.
 */

import { AiCall } from './ai/aiCall.ts';
import { apiOfPath } from './ai/api.ts';
import { McpFacts } from './ai/mcpFacts.ts';
import type { CallSite } from './callSite.ts';
import { NO_LABELS, WHOLE, withLabels } from './completeness.ts';
import { ConnectionEnds } from './connectionEnds.ts';
import type {
  CallEnding,
  Cause,
  Completeness,
  ConnectFailed,
  Connection,
  Encrypted,
  Exchange,
  ExchangeState,
  FailedConnect,
  Failure,
  GoAway,
  MessageKind,
  NameLookup,
  Operation,
  Process,
  Side,
  StreamInfo,
  Violation,
} from './exchange.ts';
import type { Layer } from './layers/layer.ts';
import type { Place } from './linkedList.ts';
import type { MessageList } from './messages/messageList.ts';
import type { LookupClaim } from './names/claim.ts';
import { factsOf } from './names/facts.ts';
import type { Lookup } from './names/lookup.ts';
import { readOperation } from './operations/operation.ts';
import type { SocketEnd } from './peers/socketEnd.ts';
import type { StoredMessage } from './storedMessage.ts';
import type { StoredTls } from './storedTls.ts';
import type { WireFacts } from './tls/wire.ts';

/** Estimated bytes of an exchange without its messages; measured on Node 24. */
const EXCHANGE_COST = 600;

const NO_LAYERS: readonly Layer[] = [];

export class StoredConnection implements Connection {
  readonly id: string;
  /** Its `opened` record has arrived. */
  known = false;
  transport: 'tcp' | 'unix' = 'tcp';
  local: string | null = null;
  remote: string | null = null;
  side: Side | null = null;
  joinedLate = false;
  connectStarted: number | null = null;
  established: number | null = null;
  /** The name lookup that may have found its address. */
  lookup: LookupClaim | null = null;
  tls: StoredTls | null;
  /** Proxy protocols in front of its messages or TLS, outermost first. */
  through: readonly Layer[] = NO_LAYERS;
  /** The same, for a tunnel's content. */
  tunnelled: readonly Layer[] | null = null;
  /** The unencrypted part of TLS on this socket, or in a tunnel through it. */
  wire: WireFacts | null = null;
  /** Shared with the TLS session on it. */
  attempts: FailedConnect[] = [];
  /** The exchange that ended last, while an event may still show more about its end. */
  lastEnded: StoredExchange | null = null;
  /** HTTP/1: the messages that ended last. Bytes that follow may show that one of them breaks a rule. */
  readonly lastMessages: Record<MessageKind, StoredMessage | null> = { request: null, response: null };
  /** The socket as one of two ends; null: not known. TLS sessions and tunnelled streams share their socket's. */
  end: SocketEnd | null = null;
  /** Distinguishes the streams on one socket: its own bytes, tunnels in them, TLS sessions. */
  layer = 0;
  /** What ended it; a TLS session shares those of its socket. */
  ends = new ConnectionEnds();
  /** Exchanges that lack facts known only from the socket; null when it is known. */
  unbound: StoredExchange[] | null = null;

  constructor(id: string, tls: StoredTls | null = null) {
    this.id = id;
    this.tls = tls;
  }

  /** Drops references to an evicted exchange, which a long-lived connection would keep in memory. */
  forget(exchange: StoredExchange): void {
    const { lastMessages } = this;
    if (this.lastEnded === exchange) this.lastEnded = null;
    if (lastMessages.request === exchange.request) lastMessages.request = null;
    if (lastMessages.response === exchange.response) lastMessages.response = null;
  }

  /** For a stream inside another one: copies facts known only from the outer one. */
  take(outer: StoredConnection): void {
    this.known = outer.known;
    this.transport = outer.transport;
    this.local = outer.local;
    this.remote = outer.remote;
    this.side = outer.side;
    this.end = outer.end;
    this.ends = outer.ends;
    this.layer = outer.layer + 1;
  }
}

export interface StoredEncrypted extends Encrypted {
  reason: string;
  sent: number;
  received: number;
  /** `reason` explains why there is no plaintext, and may change as more is known about the process. */
  explained: boolean;
}

const NONE_CAUSED: readonly number[] = [];
const NO_INTERIM: StoredMessage[] = [];

export class StoredExchange implements Exchange {
  readonly id: number;
  process: Process | null;
  connection: StoredConnection;
  request: StoredMessage | null = null;
  response: StoredMessage | null = null;
  interim: StoredMessage[] = NO_INTERIM;
  state: ExchangeState = 'running';
  completeness: Set<Completeness> = NO_LABELS;
  endedAt: number | null = null;
  firstOnConnection: boolean;
  tunnel: { protocol: string; sent: number; received: number } | null = null;
  /** Messages inside the exchange; null when it can have none. */
  messages: MessageList | null = null;
  encrypted: StoredEncrypted | null = null;
  connectFailed: ConnectFailed | null = null;
  ending: CallEnding | null = null;
  /** It ended because the trace did. */
  openAtEnd = false;
  failure: Failure | null = null;
  /** The lookup that failed. */
  failedLookup: Lookup | null = null;
  /** HTTP/2: its stream's identifier. */
  stream: number | null = null;
  pushed = false;
  /** Id of the same call as the other side saw it. null: not traced, or not known (yet). */
  peer: number | null = null;
  /** The request's position on its connection, used to find its peer; -1: not known. See peers.ts. */
  place = -1;
  /** Where in its program it was made; null: not known. */
  site: CallSite | null = null;
  /** See causes.ts. null: none, or not certain at all. */
  cause: Cause | null = null;
  /** Ids of calls that it caused; the first {@link MAX_CAUSED}. */
  caused: readonly number[] = NONE_CAUSED;
  /** All fields of its request were read. HTTP/2 has them from the start. */
  headRead = false;
  /** Its cause was looked for when it began. */
  causeSought = false;
  /** Its process was answering at most one call when it began. */
  wasAlone = true;
  reset: { readonly code: number; readonly by: Side } | null = null;
  goAway: GoAway | null = null;
  blocked: number | null = null;

  /** undefined until it has been searched for, which happens once. */
  #operation: Operation | null | undefined;
  #ai: AiCall | null | undefined;
  #mcp: McpFacts | null | undefined;

  /** Grows with each change that was reported. */
  revision = 0;
  /** The cost that the store has included in its total. */
  counted = 0;
  /** It is in the store. */
  held = false;
  /** Its places in two lists: the store's running exchanges, and the calls its process is answering (causingProcess.ts). */
  openPlace: Place<StoredExchange> | null = null;
  answeringPlace: Place<StoredExchange> | null = null;
  /** It is counted among the errors. */
  failed = false;
  /** It is already in the store's list of changes. */
  reported = false;
  requestDone = false;
  responseDone = false;
  interimDropped = false;
  /** After its response the connection may stop being HTTP/1. */
  mayBecomeTunnel = false;
  /** Its other message will never be known. */
  loose = false;

  constructor(id: number, process: Process | null, connection: StoredConnection, first: boolean) {
    this.id = id;
    this.process = process;
    this.connection = connection;
    this.firstOnConnection = first;
  }

  get side(): Side | null {
    return this.connection.side;
  }

  get lookup(): NameLookup | null {
    if (this.failedLookup !== null) {
      const { started, last } = this.failedLookup;
      return factsOf(this.failedLookup, { from: started, to: last });
    }
    if (!this.firstOnConnection || this.side !== 'client') return null;
    const claim = this.connection.lookup;
    return claim === null || claim.lookup === null ? null : factsOf(claim.lookup, claim.span);
  }

  get http2(): StreamInfo | null {
    const { stream, pushed, reset, goAway, blocked } = this;
    return stream === null ? null : { stream, pushed, reset, goAway, blocked };
  }

  get operation(): Operation | null {
    if (this.#operation !== undefined) return this.#operation;
    const { request } = this;
    if (request === null) return null;
    const complete = this.requestDone || this.state === 'ended';
    const found = readOperation(request, complete);
    if (found !== null || complete) this.#operation = found;
    return found;
  }

  /** A call to a language model; null: not such a call, or not known yet. */
  get ai(): AiCall | null {
    if (this.#ai !== undefined) return this.#ai;
    const { request } = this;
    if (request === null) return null;
    if (apiOfPath(request.method, request.target) === null) this.#ai = null;
    else if (this.requestDone || this.state === 'ended') this.#ai = AiCall.of(request);
    return this.#ai ?? null;
  }

  /** A call to an MCP server; null: not such a call, or not known yet. */
  get mcp(): McpFacts | null {
    if (this.#mcp !== undefined) return this.#mcp;
    const { request, operation } = this;
    if (request === null) return null;
    const found = McpFacts.of(operation, request, this.messages);
    // The event stream of a GET may still show that it is an MCP call.
    if (found !== null || this.state === 'ended') this.#mcp = found;
    return found;
  }

  get violations(): Violation[] {
    const all = this.request?.violations ?? [];
    for (const interim of this.interim) all.push(...interim.violations);
    if (this.response !== null) all.push(...this.response.violations);
    for (const broken of this.messages?.broken ?? []) all.push({ ...broken, position: null });
    return all;
  }

  get violationCount(): number {
    let count = (this.request?.violationCount ?? 0) + (this.response?.violationCount ?? 0);
    for (const interim of this.interim) count += interim.violationCount;
    return count + (this.messages?.broken.length ?? 0);
  }

  addInterim(message: StoredMessage, limit: number): void {
    if (this.interim === NO_INTERIM) this.interim = [];
    if (this.interim.length < limit) this.interim.push(message);
    else this.interimDropped = true;
  }

  /** Labels the ended exchange with `extra` and with what is incomplete in its messages. */
  labelEnd(extra: readonly Completeness[]): void {
    const { request, response } = this;
    if (
      extra.length === 0 &&
      this.connection.known &&
      this.interim.length === 0 &&
      isWhole(request) &&
      isWhole(response)
    ) {
      this.label(WHOLE);
      return;
    }
    const labels: Completeness[] = [...extra];
    if (request !== null) {
      if (request.truncated) labels.push('request-truncated');
      if (request.gap) labels.push('request-gap');
      if (request.cut) labels.push('aborted');
    }
    if (response !== null) {
      if (response.truncated) labels.push('response-truncated');
      if (response.gap) labels.push('response-gap');
      if (response.cut) labels.push('aborted');
    }
    if (
      request?.headIncomplete === true ||
      response?.headIncomplete === true ||
      this.interim.some((message) => message.headIncomplete)
    ) {
      labels.push('headers-incomplete');
    }
    if (!this.connection.known) labels.push('socket-unknown');
    this.label(labels.length === 0 ? WHOLE : labels);
  }

  label(values: readonly Completeness[]): void {
    this.completeness = withLabels(this.completeness, values);
  }

  /** Replaces all labels. */
  relabel(values: readonly Completeness[]): void {
    this.completeness = withLabels(NO_LABELS, values);
  }

  /** See {@link StoredMessage.detach}. */
  detach(): void {
    this.request?.detach();
    this.response?.detach();
    for (const interim of this.interim) interim.detach();
  }

  get cost(): number {
    let cost = EXCHANGE_COST + (this.request?.cost ?? 0) + (this.response?.cost ?? 0);
    for (const interim of this.interim) cost += interim.cost;
    if (this.messages !== null) cost += this.messages.cost;
    return cost;
  }
}

/** True when there is no message, or nothing of it is missing. */
function isWhole(message: StoredMessage | null): boolean {
  return message === null || !(message.truncated || message.gap || message.cut || message.headIncomplete);
}
