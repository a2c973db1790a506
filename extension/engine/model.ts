/**
 * The objects behind the interfaces of exchange.ts. They are built to be many: 100,000 exchanges are held in
 * a few hundred MiB, so fields are kept as one string per message and split when they are asked for.
 */

import { trimBlanks } from '../http/fieldSyntax.ts';
import { BodyBuffer } from './bodyBuffer.ts';
import type { GapReason, Outcome } from './byteStream.ts';
import { ConnectionEnds } from './connectionEnds.ts';
import type {
  CallEnding,
  Completeness,
  ConnectFailed,
  Connection,
  Encrypted,
  Exchange,
  ExchangeState,
  FailedConnect,
  Failure,
  Field,
  GoAway,
  MessageKind,
  NameLookup,
  Operation,
  Process,
  Request,
  Response,
  SeenField,
  Side,
  StreamInfo,
  Tls,
  Violation,
} from './exchange.ts';
import { quoteAnswer } from './http1/quote.ts';
import type { Layer } from './layers/layer.ts';
import { MAX_VIOLATIONS } from './limits.ts';
import type { MessageList } from './messages/messageList.ts';
import type { LookupClaim } from './names/claim.ts';
import { factsOf } from './names/facts.ts';
import type { Lookup } from './names/lookup.ts';
import { readOperation } from './operations/operation.ts';
import type { TlsBinding, TlsLibraryName } from './record.ts';
import type { WireFacts } from './tls/wire.ts';
import { type RuleName, ruleText } from './violations.ts';

/** Estimated bytes of an exchange and of a message without their strings and bodies; measured on Node 24. */
const EXCHANGE_COST = 600;
const MESSAGE_COST = 400;
/** Bytes of a field that is kept by itself: an array of two strings. */
const FIELD_COST = 100;
/** Of a reference to a field. */
const POINTER = 8;

/** `name:value` and CRLF for each field, with or without blanks around the value; Latin-1. */
type FieldLinesText = string;

const COLON = 58;

interface BrokenRule {
  readonly name: RuleName;
  readonly position: number;
}

export class StoredMessage implements Request, Response {
  readonly kind: MessageKind;
  /** Position of the first byte in its direction's stream. */
  readonly position: number;
  version: string;
  method = '';
  target = '';
  scheme: string | null = null;
  authority: string | null = null;
  status = 0;
  statusText = '';
  readonly body = new BodyBuffer();
  firstByte: number | null = null;
  lastByte: number | null = null;
  wireSize = 0;
  /** Transfer codings other than chunked, outermost last; null = none. */
  transferCodings: readonly string[] | null = null;
  /** Bytes were lost, unseen or unreadable. */
  gap = false;
  /** Bytes were left out by a limit. */
  truncated = false;
  /** Some of them because there was too much at once. */
  shed = false;
  /** Not all fields are known. */
  headIncomplete = false;
  /** The stream ended before the message did. */
  cut = false;
  /** How its end was reached; null while it runs. */
  outcome: Outcome | null = null;

  /** The beginning of an answer that is not HTTP; null: it is a message of HTTP. */
  quoted: string | null = null;

  #fields: FieldLinesText | readonly SeenField[] = '';
  /** Where the fields begin in their text. */
  #fieldsAt = 0;
  #trailers: FieldLinesText | readonly SeenField[] = '';
  /** Of fields in a list: bytes that no other message keeps. */
  #listCost = 0;
  #broken: BrokenRule[] | null = null;

  constructor(kind: MessageKind, position: number, version: string) {
    this.kind = kind;
    this.position = position;
    this.version = version;
  }

  get fields(): SeenField[] {
    return split(this.#fields, this.#fieldsAt);
  }

  get trailers(): SeenField[] {
    return split(this.#trailers, 0);
  }

  /** @param text of the head, as sent, with nothing but plain field lines from `fieldsAt` on. */
  setHead(text: FieldLinesText, fieldsAt: number): void {
    this.#fields = text;
    this.#fieldsAt = fieldsAt;
  }

  /**
   * Fields that other messages share (HTTP/2): kept as they are.
   * @param cost in bytes, of what this message alone keeps.
   */
  shareFields(fields: readonly SeenField[], cost: number): void {
    this.#fields = fields;
    this.#listCost += cost + POINTER * fields.length;
  }

  shareTrailers(trailers: readonly SeenField[], cost: number): void {
    this.#trailers = trailers;
    this.#listCost += cost + POINTER * trailers.length;
  }

  setFields(fields: readonly Field[]): void {
    this.#fields = this.#join(fields);
    this.#fieldsAt = 0;
  }

  setTrailers(trailers: readonly Field[]): void {
    this.#trailers = this.#join(trailers);
  }

  get violations(): Violation[] {
    const { kind, quoted } = this;
    return (this.#broken ?? []).map(({ name, position }) => {
      const { rule, message } = ruleText(name);
      if (name !== 'not-http' || quoted === null) return { rule, message, in: kind, position };
      return { rule, message: `The answer is not HTTP (${quoteAnswer(quoted)}).`, in: kind, position };
    });
  }

  get violationCount(): number {
    return this.#broken?.length ?? 0;
  }

  /** Bytes of the body were left out. */
  leaveOut(reason: Exclude<GapReason, 'lost'>): void {
    this.truncated = true;
    if (reason === 'shed') this.shed = true;
  }

  /** Notes a broken rule, once per rule. */
  breaks(name: RuleName, position: number): void {
    this.#broken ??= [];
    if (this.#broken.length < MAX_VIOLATIONS && !this.#broken.some((b) => b.name === name)) {
      this.#broken.push({ name, position });
    }
  }

  /** First value of a field, by its lower-case name; null when absent or unknown. */
  field(name: string): string | null {
    return firstValue(this.#fields, this.#fieldsAt, name);
  }

  /** First value of a trailer field, by its lower-case name; null when absent or unknown. */
  trailer(name: string): string | null {
    return firstValue(this.#trailers, 0, name);
  }

  #join(fields: readonly Field[]): FieldLinesText | readonly Field[] {
    let text = '';
    for (const [name, value] of fields) {
      // Malformed fields may contain characters that end a name or a line.
      if (name.includes(':') || name.includes('\n') || value.includes('\n')) {
        this.#listCost += fields.reduce((sum, [n, v]) => sum + FIELD_COST + n.length + v.length, 0);
        return fields;
      }
      text += `${name}:${value}\r\n`;
    }
    // A rope keeps all its parts alive; this makes it one flat string.
    return text.length === 0 ? '' : Buffer.from(text, 'latin1').toString('latin1');
  }

  get cost(): number {
    return (
      MESSAGE_COST +
      this.target.length +
      this.statusText.length +
      lengthOf(this.#fields) +
      lengthOf(this.#trailers) +
      this.#listCost +
      this.body.captured
    );
  }
}

function split(text: FieldLinesText | readonly SeenField[], at: number): SeenField[] {
  if (typeof text !== 'string') return [...text];
  const fields: SeenField[] = [];
  for (let from = at; from < text.length; ) {
    const colon = text.indexOf(':', from);
    const end = text.indexOf('\n', colon);
    fields.push([text.slice(from, colon), trimBlanks(text.slice(colon + 1, end - 1))]);
    from = end + 1;
  }
  return fields;
}

function firstValue(text: FieldLinesText | readonly SeenField[], at: number, name: string): string | null {
  if (typeof text !== 'string') {
    for (const [other, value] of text) {
      if (other !== null && other.length === name.length && other.toLowerCase() === name) return value;
    }
    return null;
  }
  for (let from = at; from < text.length; ) {
    const colon = from + name.length;
    const end = text.indexOf('\n', from);
    if (text.charCodeAt(colon) === COLON && text.slice(from, colon).toLowerCase() === name) {
      return trimBlanks(text.slice(colon + 1, end - 1));
    }
    from = end + 1;
  }
  return null;
}

function lengthOf(text: FieldLinesText | readonly SeenField[]): number {
  return typeof text === 'string' ? text.length : 0;
}

const NO_LAYERS: readonly Layer[] = [];

export class StoredConnection implements Connection {
  readonly id: string;
  /** Its opened record has come. */
  known = false;
  transport: 'tcp' | 'unix' = 'tcp';
  local: string | null = null;
  remote: string | null = null;
  side: Side | null = null;
  joinedLate = false;
  connectStarted: number | null = null;
  established: number | null = null;
  /** By which its address may have been found. */
  lookup: LookupClaim | null = null;
  tls: StoredTls | null;
  /** What precedes its messages, or its TLS: the protocols of proxies, outermost first. */
  through: readonly Layer[] = NO_LAYERS;
  /** The same, for what a tunnel on it carries. */
  tunnelled: readonly Layer[] | null = null;
  /** The unencrypted part of TLS on this socket, or in a tunnel through it. */
  wire: WireFacts | null = null;
  /** Shared with the TLS session on it. */
  attempts: FailedConnect[] = [];
  /** The exchange that ended last, while an event may still show more about its end. */
  lastEnded: StoredExchange | null = null;
  /** What ended it; a TLS session shares those of its socket. */
  ends = new ConnectionEnds();
  /** Exchanges that lack what only the socket shows; null when the socket is known. */
  unbound: StoredExchange[] | null = null;

  constructor(id: string, tls: StoredTls | null = null) {
    this.id = id;
    this.tls = tls;
  }

  /** Of a stream inside another one: what only the outer one shows. */
  take(outer: StoredConnection): void {
    this.known = outer.known;
    this.transport = outer.transport;
    this.local = outer.local;
    this.remote = outer.remote;
    this.side = outer.side;
  }
}

export class StoredTls implements Tls {
  library: TlsLibraryName | null = null;
  /** Number of the library's file; 0 = not known. */
  file = 0;
  binding: TlsBinding | null = null;
  socket: string | null = null;
  alpn: string | null = null;
  handshakeStarted: number | null = null;
  handshakeEnded: number | null = null;
  wire: WireFacts | null = null;
  /** What the library says went wrong in the session; null = nothing. */
  failure: string | null = null;
  /** The library has read the peer's close_notify; null: not known, or not yet. */
  closeNotify: boolean | null = null;
}

export interface StoredEncrypted extends Encrypted {
  reason: string;
  sent: number;
  received: number;
  /** `reason` explains why there is no plaintext, and may change as more is known about the process. */
  explained: boolean;
}

/** The version of every message on a stream. */
export const HTTP2 = 'HTTP/2';

const NONE: ReadonlySet<Completeness> = new Set();
const SETS = new Map<string, Set<Completeness>>();

/** One shared set for each combination: nearly all exchanges are `complete`. */
function sharedSet(values: Iterable<Completeness>): Set<Completeness> {
  const key = [...values].join();
  let set = SETS.get(key);
  if (set === undefined) {
    set = new Set(values);
    SETS.set(key, set);
  }
  return set;
}

const WHOLE: readonly Completeness[] = ['complete'];
const COMPLETE = sharedSet(WHOLE);

/** The order in which labels are listed. */
const ORDER: readonly Completeness[] = [
  'complete',
  'request-truncated',
  'response-truncated',
  'request-gap',
  'response-gap',
  'joined-late',
  'headers-incomplete',
  'socket-unknown',
  'unanswered',
  'aborted',
  'one-sided',
  'encrypted',
  'handshake-failed',
  'connect-failed',
  'lookup-failed',
];

const NO_INTERIM: StoredMessage[] = [];

export class StoredExchange implements Exchange {
  readonly id: number;
  process: Process | null;
  connection: StoredConnection;
  request: StoredMessage | null = null;
  response: StoredMessage | null = null;
  interim: StoredMessage[] = NO_INTERIM;
  state: ExchangeState = 'running';
  completeness: Set<Completeness> = NONE as Set<Completeness>;
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
  reset: { readonly code: number; readonly by: Side } | null = null;
  goAway: GoAway | null = null;
  blocked: number | null = null;

  /** undefined until it was searched for, which happens once. */
  #operation: Operation | null | undefined;

  /** Grows with each change that was reported. */
  revision = 0;
  /** The last cost that the store has counted. */
  counted = 0;
  /** The store has it. */
  held = false;
  /** It is counted among the errors. */
  failed = false;
  /** It is among those that changed since they were last taken. */
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
    const labels: Completeness[] = [...extra];
    const { request, response } = this;
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
    if (this.completeness === NONE && values.length === 1 && values[0] === 'complete') {
      this.completeness = COMPLETE;
      return;
    }
    const all = new Set(this.completeness);
    for (const value of values) all.add(value);
    if (all.size > 1) all.delete('complete');
    this.completeness = sharedSet(ORDER.filter((value) => all.has(value)));
  }

  /** Replaces all labels. */
  relabel(values: readonly Completeness[]): void {
    this.completeness = NONE as Set<Completeness>;
    this.label(values);
  }

  get cost(): number {
    let cost = EXCHANGE_COST + (this.request?.cost ?? 0) + (this.response?.cost ?? 0);
    for (const interim of this.interim) cost += interim.cost;
    if (this.messages !== null) cost += this.messages.cost;
    return cost;
  }
}
