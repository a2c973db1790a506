/**
 * Reconstructs name lookups from what processes exchange with name servers. A query and its answer have the same process,
 * socket, id and question. Only address queries matter (A and AAAA): in parallel or one after the other, they are one
 * lookup. A lookup becomes a phase of the call that connected to one of its addresses, or a row if it failed. Otherwise
 * it is not shown.
 */
import { formatAddress } from '../address.ts';
import {
  LOOKUP_AGE_MS,
  LOOKUP_CHECK_MS,
  LOOKUP_PATIENCE_MS,
  LOOKUP_RETRY_MS,
  LOOKUP_SETTLE_MS,
  MAX_NAME_SOCKETS,
  MAX_REPEATED_QUERIES,
  MAX_SUPERSEDED_LOOKUPS,
  SEARCH_WINDOW_MS,
} from '../limits.ts';
import { Direction, type NameRecord, NameTransport } from '../record.ts';
import { type ClaimHost, LookupClaim } from './claim.ts';
import { type AddressType, Lookup, type Outcome, type Query, Question, SearchEndings } from './lookup.ts';
import { LookupTable } from './lookupTable.ts';
import { type DnsMessage, plainAddress, readDnsMessage, TYPE_A, TYPE_AAAA } from './message.ts';
import { LengthPrefixed, type MessageStream, NulTerminated } from './messageStream.ts';
import { readResolvedMessage } from './resolvedMessage.ts';

/** The kernel programs know a name server by it, too (bpf/lookups.h). */
const NAME_SERVER_PORT = 53;

export interface LookupHost {
  milliseconds(bootTime: bigint): number;
  /** A lookup found no address, and no further attempt is expected. */
  lookupFailed(lookup: Lookup): void;
}

interface Socket {
  /** Unanswered queries by id and question, in the order of sending. */
  readonly queries: Map<string, Query[]>;
  readonly streams: readonly [MessageStream, MessageStream] | null;
}

export class Lookups implements ClaimHost {
  readonly #host: LookupHost;
  readonly #endings = new SearchEndings();
  /** By inode. */
  readonly #sockets = new Map<bigint, Socket>();
  readonly #table = new LookupTable();
  /** When timeouts were last checked; milliseconds since the trace's start. */
  #advanced = 0;

  constructor(host: LookupHost) {
    this.#host = host;
  }

  take(record: NameRecord): void {
    const at = this.#host.milliseconds(record.time);
    const server = serverOf(record);
    if (record.closed) this.#closed(record.socket, at, server);
    else if (record.transport === NameTransport.Resolved) {
      for (const message of this.#messages(record)) this.#resolved(record, message, at);
    } else {
      const datagram = record.transport === NameTransport.Udp;
      if (record.error !== 0 && record.direction === Direction.In) this.#unreachable(record, at, server);
      for (const bytes of datagram ? [Buffer.from(record.bytes)] : this.#messages(record)) {
        const message = readDnsMessage(bytes);
        if (message !== null) this.#message(record, message, at, server);
      }
    }
  }

  /** Claims the lookup that found the address to which the process began to connect; null: none is known. */
  claim(pid: number, address: Uint8Array, port: number, connectStarted: number): LookupClaim | null {
    const candidates = this.whichFound(pid, address, port, connectStarted);
    return candidates.length === 0 ? null : new LookupClaim(candidates, connectStarted, this);
  }

  /**
   * The unclaimed lookups that may have given the process this address. A connection to a name server is part of a lookup,
   * even where the server's own address is the one that was found.
   */
  whichFound(pid: number, address: Uint8Array, port: number, before: number): readonly Lookup[] {
    if (port === NAME_SERVER_PORT) return [];
    const text = plainAddress(address);
    return this.#table.of(pid).filter(({ addresses, supersededAt }) => {
      const at = addresses.get(text);
      return at !== undefined && at <= before && (supersededAt === null || before < supersededAt);
    });
  }

  isFree(lookup: Lookup): boolean {
    return this.#table.has(lookup);
  }

  claimed(lookup: Lookup): void {
    this.#forget(lookup);
    let superseded = 0;
    for (const other of [...this.#table.named(lookup.pid, lookup.name)].reverse()) {
      if (!other.succeeded || other.last > lookup.started) continue;
      // Later connections did not wait for it. One that began before may still be on its way.
      other.supersededAt = Math.min(other.supersededAt ?? lookup.started, lookup.started);
      if (++superseded > MAX_SUPERSEDED_LOOKUPS) this.#forget(other);
    }
  }

  endingSeen(lookup: Lookup, name: string): void {
    this.#endings.learn(lookup.name.slice(name.length + 1));
    for (const other of this.#table.of(lookup.pid)) {
      const close = other.last <= lookup.started && lookup.started - other.last <= SEARCH_WINDOW_MS;
      if (!close || !other.failed || !other.name.startsWith(`${name}.`)) continue;
      if (lookup.absorb(other)) this.#forget(other);
    }
  }

  /**
   * All records up to this boot time (ns) have been taken. Timeouts are evaluated at fixed moments, independent of when
   * this is called, so that a replay gives the same exchanges in the same order.
   */
  advance(upTo: number): void {
    if (this.#table.size === 0) return;
    const now = Math.floor(this.#host.milliseconds(BigInt(upTo)) / LOOKUP_CHECK_MS) * LOOKUP_CHECK_MS;
    if (now <= this.#advanced) return;
    this.#advanced = now;
    const endOf = (lookup: Lookup): number => lookup.last + this.#patienceFor(lookup);
    const due = [...this.#table].filter((lookup) => endOf(lookup) < now);
    for (const lookup of due.sort((a, b) => endOf(a) - endOf(b))) {
      if (lookup.succeeded) this.#forget(lookup);
      else this.#fail(lookup);
    }
  }

  processEnded(pid: number, time: bigint): void {
    for (const lookup of this.#table.of(pid)) {
      if (lookup.succeeded) this.#forget(lookup);
      else this.#cut(lookup, 'process', this.#host.milliseconds(time));
    }
  }

  /** The trace ends at this time (milliseconds). */
  finish(at: number): void {
    for (const lookup of this.#table) {
      if (!lookup.succeeded) this.#cut(lookup, 'trace', at);
    }
    this.#sockets.clear();
  }

  // ── messages ───────────────────────────────────────────────────────────────────────────────────────────

  #messages(record: NameRecord): readonly Buffer[] {
    const { streams } = this.#socket(record);
    return streams?.[record.direction].push(Buffer.from(record.bytes), record.size) ?? [];
  }

  #message(record: NameRecord, message: DnsMessage, at: number, server: string | null): void {
    const type = addressType(message.type);
    if (type === null || message.name === '') return;
    const key = `${message.id} ${type} ${message.name}`;
    if (record.direction === Direction.Out) {
      if (message.response) return;
      const transport = record.transport === NameTransport.Tcp ? 'tcp' : 'udp';
      const query = this.#ask(record, message.name, type, message.id, key, at, transport, server);
      if (record.error === 0) return;
      this.#end(query, { kind: 'error', errno: record.error, at, server });
    } else if (message.response) {
      const [query] = this.#sockets.get(record.socket)?.queries.get(key) ?? [];
      if (query !== undefined) this.#answer(query, message, at, server);
    }
  }

  #answer(query: Query, message: DnsMessage, at: number, server: string | null): void {
    const { lookup } = query;
    lookup.learn(message.addresses, at);
    lookup.alias = message.alias ?? lookup.alias;
    lookup.server = server ?? lookup.server;
    const { code, truncated, whole, addresses } = message;
    if (code !== 0) this.#end(query, { kind: 'code', code, at, server });
    else if (truncated) this.#end(query, { kind: 'truncated', at, server });
    else if (addresses.length > 0) this.#end(query, { kind: 'addresses', at, server });
    else if (whole) this.#end(query, { kind: 'no-data', at, server });
    else this.#unread(query);
  }

  /** The answer was seen, but its addresses were not copied. */
  #unread(query: Query): void {
    this.#drop(query);
    if (!query.lookup.succeeded) this.#forget(query.lookup);
  }

  #resolved(record: NameRecord, bytes: Buffer, at: number): void {
    const message = readResolvedMessage(bytes);
    const { socket } = record;
    if (message?.kind === 'call') {
      for (const type of message.types) this.#ask(record, message.name, type, 0, type, at, 'resolved', null);
      return;
    }
    if (record.direction === Direction.Out) return;
    // Varlink answers calls in order, and one answer covers both types.
    for (const type of ['A', 'AAAA']) {
      const [query] = this.#sockets.get(socket)?.queries.get(type) ?? [];
      if (query === undefined) continue;
      if (message === null) {
        this.#unread(query);
      } else if (message.kind === 'error') {
        const { error, code } = message;
        this.#end(
          query,
          code === null
            ? { kind: 'resolved', error, at, server: null }
            : { kind: 'code', code, at, server: 'systemd-resolved' },
        );
      } else {
        query.lookup.learn(message.addresses, at);
        if (message.name !== null && message.name !== query.lookup.name) query.lookup.alias = message.name;
        this.#end(query, { kind: message.addresses.length > 0 ? 'addresses' : 'no-data', at, server: null });
      }
    }
  }

  #ask(
    record: NameRecord,
    name: string,
    type: AddressType,
    id: number,
    key: string,
    at: number,
    transport: Lookup['transport'],
    server: string | null,
  ): Query {
    const lookup = this.#joined(record, name, type, id, at) ?? this.#begin(record, name, at, transport);
    let question = lookup.questions.get(type);
    if (question === undefined) {
      question = new Question();
      lookup.questions.set(type, question);
    }
    const query: Query = { lookup, question, socket: record.socket, key };
    const { queries } = this.#socket(record);
    const pending = queries.get(key);
    // Sent again: one answer is enough for both.
    const again = pending?.find((one) => one.question === question);
    if (again === undefined) {
      if (pending === undefined) queries.set(key, [query]);
      else pending.push(query);
      question.pending.add(query);
    }
    question.sent++;
    question.lastId = id;
    question.lastSocket = record.socket;
    question.lastServer = server;
    lookup.last = Math.max(lookup.last, at);
    lookup.server = server ?? lookup.server;
    lookup.transport = transport;
    return again ?? query;
  }

  /** The lookup in progress that this query belongs to; null: it begins a new one. */
  #joined(
    { pid, tid, socket, transport }: NameRecord,
    name: string,
    type: AddressType,
    id: number,
    at: number,
  ): Lookup | null {
    const same = this.#table.named(pid, name);
    // Sent again, possibly to another server or over TCP.
    const repeated = same.find((one) => {
      const question = one.questions.get(type);
      if (question === undefined || question.sent > MAX_REPEATED_QUERIES) return false;
      if (question.outcome === null) return question.lastId === id && id !== 0;
      return (
        isPassing(question.outcome) &&
        question.pending.size === 0 &&
        (question.lastId === id || at - question.outcome.at <= windowAfter(question.outcome, transport))
      );
    });
    if (repeated !== undefined) return repeated;
    const lacking = same.filter(
      (one) => !one.questions.has(type) && (one.waiting || at - one.last <= SEARCH_WINDOW_MS),
    );
    const near = (one: Lookup): boolean =>
      [...one.questions.values()].some(({ lastSocket }) => lastSocket === socket);
    return lacking.find(near) ?? lacking.find((one) => one.tid === tid) ?? lacking[0] ?? null;
  }

  #begin(record: NameRecord, name: string, at: number, transport: Lookup['transport']): Lookup {
    const { pid, tid } = record;
    const lookup = new Lookup(pid, tid, name, at, transport);
    for (const earlier of this.#table.recent(pid)) {
      if (!earlier.failed || at - earlier.last > SEARCH_WINDOW_MS) continue;
      if (this.#endings.relate(earlier.name, name) && lookup.absorb(earlier)) this.#forget(earlier);
    }
    for (const oldest of this.#table.add(lookup)) this.#abandon(oldest);
    return lookup;
  }

  // ── ends ───────────────────────────────────────────────────────────────────────────────────────────────

  #end(query: Query, outcome: Outcome): void {
    this.#drop(query);
    const { lookup, question } = query;
    question.outcome = outcome;
    lookup.last = Math.max(lookup.last, outcome.at);
    if (isPassing(outcome)) return;
    // Answered: queries to other servers do not matter any more.
    for (const other of question.pending) this.#drop(other);
  }

  #drop(query: Query): void {
    const { socket, key, question } = query;
    question.pending.delete(query);
    const queries = this.#sockets.get(socket)?.queries;
    const pending = queries?.get(key);
    const index = pending?.indexOf(query) ?? -1;
    if (pending === undefined || index < 0) return;
    pending.splice(index, 1);
    if (pending.length === 0) queries?.delete(key);
  }

  /** Milliseconds without an event after which a lookup has ended. */
  #patienceFor(lookup: Lookup): number {
    if (lookup.succeeded) return LOOKUP_AGE_MS;
    if (lookup.waiting) return LOOKUP_PATIENCE_MS;
    const goesOn = [...lookup.questions.values()].some(
      ({ outcome, lastSocket }) =>
        outcome?.kind === 'code' && isPassing(outcome) && this.#sockets.has(lastSocket),
    );
    return goesOn ? LOOKUP_RETRY_MS : LOOKUP_SETTLE_MS;
  }

  /** The server does not listen or cannot be reached. The error is the socket's, so it applies to all its queries. */
  #unreachable({ socket, error }: NameRecord, at: number, server: string | null): void {
    for (const query of this.#pending(socket)) this.#end(query, { kind: 'error', errno: error, at, server });
  }

  /** The socket was closed: the resolver no longer waits for answers. An outcome from another server is kept. */
  #closed(socket: bigint, at: number, server: string | null): void {
    for (const query of this.#pending(socket)) {
      const { outcome, lastServer } = query.question;
      const silent: Outcome = { kind: 'silent', at, server: server ?? lastServer };
      this.#end(query, outcome === null || outcome.kind === 'silent' ? silent : { ...outcome, at });
    }
    this.#sockets.delete(socket);
  }

  #pending(socket: bigint): readonly Query[] {
    return [...(this.#sockets.get(socket)?.queries.values() ?? [])].flat();
  }

  #cut(lookup: Lookup, by: 'process' | 'trace', at: number): void {
    if (lookup.waiting) {
      lookup.cut = by;
      lookup.last = Math.max(lookup.last, at);
    }
    this.#fail(lookup);
  }

  #fail(lookup: Lookup): void {
    this.#forget(lookup);
    this.#host.lookupFailed(lookup);
  }

  #forget(lookup: Lookup): void {
    this.#table.remove(lookup);
    this.#abandon(lookup);
  }

  /** Its answers do not matter any more. */
  #abandon(lookup: Lookup): void {
    for (const { pending } of lookup.questions.values()) for (const query of pending) this.#drop(query);
  }

  #socket({ socket: inode, transport }: NameRecord): Socket {
    let socket = this.#sockets.get(inode);
    if (socket !== undefined) return socket;
    socket = { queries: new Map(), streams: streamsOf(transport) };
    this.#sockets.set(inode, socket);
    if (this.#sockets.size > MAX_NAME_SOCKETS) {
      for (const oldest of this.#sockets.keys()) {
        this.#sockets.delete(oldest);
        break;
      }
    }
    return socket;
  }
}

function streamsOf(transport: NameTransport): Socket['streams'] {
  switch (transport) {
    case NameTransport.Tcp:
      return [new LengthPrefixed(), new LengthPrefixed()];
    case NameTransport.Resolved:
      return [new NulTerminated(), new NulTerminated()];
    default:
      return null;
  }
}

function addressType(type: number): AddressType | null {
  return type === TYPE_A ? 'A' : type === TYPE_AAAA ? 'AAAA' : null;
}

/** True when the outcome is not final: another server, or TCP, may still give an answer. */
function isPassing(outcome: Outcome): boolean {
  switch (outcome.kind) {
    case 'code':
      return outcome.code !== 3;
    case 'truncated':
    case 'silent':
    case 'error':
      return true;
    default:
      return false;
  }
}

/**
 * Milliseconds within which a query continues a lookup. After a truncated answer the resolver always retries over TCP
 * (RFC 7766), but not immediately on a busy machine, and Go uses a new id.
 */
function windowAfter(outcome: Outcome, transport: NameTransport): number {
  return outcome.kind === 'truncated' && transport === NameTransport.Tcp
    ? LOOKUP_SETTLE_MS
    : SEARCH_WINDOW_MS;
}

function serverOf({ family, remoteAddress, remotePort, transport }: NameRecord): string | null {
  if (transport === NameTransport.Resolved) return null;
  if (family === null || remotePort === 0) return null;
  const plain = plainAddress(family === 'ipv4' ? remoteAddress.subarray(0, 4) : remoteAddress);
  return plain.includes(':') ? formatAddress('ipv6', remoteAddress, remotePort) : `${plain}:${remotePort}`;
}
