/** The engine's services for connections: creates exchanges, counts them and passes them to the store. */
import type { Callers } from './callers.ts';
import { isOrdinary, NO_LABELS } from './completeness.ts';
import type { ConnectionHost } from './dissector.ts';
import { endingOf } from './ending.ts';
import type { ConnectFailed, Process } from './exchange.ts';
import { grpcStatus } from './grpc/call.ts';
import { MAX_UNBOUND_EXCHANGES } from './limits.ts';
import { lookupFailure } from './names/failure.ts';
import type { Lookup } from './names/lookup.ts';
import type { LookupHost } from './names/lookups.ts';
import { Causes, type CausesHost } from './peers/causes.ts';
import { Peers, type PeersHost } from './peers/peers.ts';
import type { SocketEnd } from './peers/socketEnd.ts';
import type { Processes } from './processes.ts';
import type { Definitions } from './protobuf/definitions.ts';
import type { ByteCounters } from './reassembly.ts';
import { isError } from './row.ts';
import { statusOf } from './rowOf.ts';
import type { Store } from './store.ts';
import { StoredConnection, type StoredEncrypted, StoredExchange } from './storedExchange.ts';
import { partsOf } from './target.ts';
import type { TlsLibraries, Unread } from './tls/library.ts';
import type { TraceClock } from './traceClock.ts';

/** The parts of the engine that connections reach through {@link Exchanges}. */
export interface EngineParts {
  readonly store: Store;
  readonly clock: TraceClock;
  readonly processes: Processes;
  readonly libraries: TlsLibraries;
  readonly definitions: Definitions;
  readonly callers: Callers;
}

/** Connection id of an exchange without a connection, such as a failed lookup. */
const NO_CONNECTION = '0';

export class Exchanges implements ConnectionHost, LookupHost, PeersHost, CausesHost {
  readonly bodyLimit: number;
  readonly counters: ByteCounters = { copied: 0, omitted: 0, fromFiles: 0, shed: 0, unseen: 0, lost: 0 };

  /** HTTP calls and failed lookups, connects and handshakes; merely encrypted connections are not counted. */
  count = 0;
  errors = 0;
  /** Calls that were counted on both sides; of these, the ones that count as an error on both. */
  pairs = 0;
  failedPairs = 0;

  readonly #peers = new Peers(this);
  readonly #causes = new Causes(this);
  readonly #store: Store;
  readonly #clock: TraceClock;
  readonly #processes: Processes;
  readonly #libraries: TlsLibraries;
  readonly #definitions: Definitions;
  readonly #callers: Callers;
  #lastId = 0;

  constructor({ store, clock, processes, libraries, definitions, callers }: EngineParts, bodyLimit: number) {
    this.#store = store;
    this.#clock = clock;
    this.#processes = processes;
    this.#libraries = libraries;
    this.#definitions = definitions;
    this.#callers = callers;
    this.bodyLimit = bodyLimit;
  }

  milliseconds(bootTime: bigint): number {
    return this.#clock.milliseconds(bootTime);
  }

  millisecondsOf(high: number, low: number): number {
    return this.#clock.millisecondsOf(high, low);
  }

  process(pid: number): Process | null {
    return this.#processes.get(pid);
  }

  create(process: Process | null, connection: StoredConnection, first: boolean): StoredExchange {
    this.count++;
    const exchange = this.#add(process, connection, first);
    if (connection.tls !== null && process !== null) this.#libraries.count(process.pid, 'calls', 1);
    const { unbound } = connection;
    if (unbound !== null) {
      unbound.push(exchange);
      if (unbound.length > MAX_UNBOUND_EXCHANGES) unbound.shift();
    }
    return exchange;
  }

  createEncrypted(
    process: Process | null,
    connection: StoredConnection,
    encrypted: StoredEncrypted,
  ): StoredExchange {
    const exchange = this.#add(process, connection, true, encrypted);
    this.#causes.encrypted(exchange);
    if (process !== null) this.#libraries.count(process.pid, 'encrypted', 1);
    return exchange;
  }

  createFailed(process: Process | null, connection: StoredConnection, failed: ConnectFailed): StoredExchange {
    this.count++;
    const exchange = this.#add(process, connection, true);
    exchange.connectFailed = failed;
    exchange.label(['connect-failed']);
    return exchange;
  }

  exitStatus(pid: number): number | null {
    return this.#processes.exitStatus(pid);
  }

  lookupFailed(lookup: Lookup): void {
    const connection = new StoredConnection(NO_CONNECTION);
    connection.side = 'client';
    this.count++;
    const exchange = this.#add(this.process(lookup.pid), connection, true);
    exchange.failure = { phase: 'lookup', reason: lookupFailure(lookup) };
    exchange.failedLookup = lookup;
    exchange.label([lookup.cut === 'trace' ? 'unanswered' : 'lookup-failed']);
    exchange.endedAt = lookup.last;
    exchange.state = 'ended';
    this.ended(exchange);
  }

  withdraw(exchange: StoredExchange): void {
    if (exchange.process !== null) this.#libraries.count(exchange.process.pid, 'encrypted', -1);
    this.#causes.ended(exchange);
    this.#store.remove(exchange);
  }

  librariesKnown(pid: number): boolean {
    return this.#libraries.areKnown(pid);
  }

  whyEncrypted(pid: number, connection: Unread): string {
    return this.#libraries.reason(pid, connection, (time) => this.milliseconds(time));
  }

  unboundSession(pid: number, change: 1 | -1): void {
    this.#libraries.count(pid, 'unbound', change);
  }

  learnDefinitions(response: Buffer): void {
    this.#definitions.learn(response);
  }

  changed(exchange: StoredExchange): void {
    const { lookup } = exchange.connection;
    if (lookup?.undecided === true) lookup.requested(serverName(exchange));
    if (exchange.place < 0) this.#peers.offer(exchange);
    if (!exchange.causeSought && (exchange.headRead || exchange.stream !== null)) this.#seekCause(exchange);
    // Without a response, only its ending makes an exchange an error.
    if (exchange.response !== null) {
      if (exchange.response.quoted !== null) exchange.ending = endingOf(exchange);
      this.#judge(exchange);
    }
    this.#store.changed(exchange);
  }

  ended(exchange: StoredExchange): void {
    const failed = exchange.completeness.has('handshake-failed');
    if (failed) {
      this.count++;
      if (exchange.process !== null) this.#libraries.count(exchange.process.pid, 'encrypted', -1);
    }
    exchange.ending = endingOf(exchange);
    exchange.connection.lastEnded = exchange;
    this.#judge(exchange);
    if (!exchange.causeSought) this.#seekCause(exchange);
    this.#causes.ended(exchange);
    this.#store.ended(exchange);
    if (exchange.peer !== null) return;
    if (exchange.place < 0) this.#peers.offer(exchange);
    this.#peers.ended(exchange);
  }

  requestRead(exchange: StoredExchange): void {
    exchange.headRead = true;
    if (!exchange.causeSought) this.#seekCause(exchange);
  }

  /** Searches for the call's cause once its request and the traced side are known. */
  #seekCause(exchange: StoredExchange): void {
    if (exchange.request === null || exchange.side === null) return;
    exchange.causeSought = true;
    exchange.site = this.#callers.of(exchange);
    this.#causes.begun(exchange);
  }

  get(id: number): StoredExchange | undefined {
    return this.#store.get(id);
  }

  connected(one: SocketEnd, other: SocketEnd): void {
    this.#peers.connected(one, other);
  }

  endForgotten(end: SocketEnd): void {
    this.#peers.forget(end);
  }

  paired(one: StoredExchange, other: StoredExchange): void {
    this.pairs++;
    if (one.failed && other.failed) this.failedPairs++;
    this.#causes.paired(one);
    this.#causes.paired(other);
    this.#store.changed(one);
    this.#store.changed(other);
  }

  connectionFailed(connection: StoredConnection): void {
    const exchange = connection.lastEnded;
    if (exchange?.ending?.how !== 'answered') return;
    const ending = endingOf(exchange);
    if (ending === null || ending.how === 'answered') return;
    exchange.ending = ending;
    this.changed(exchange);
  }

  merged(exchange: StoredExchange): void {
    this.count--;
    if (exchange.failed) this.errors--;
    if (exchange.connection.tls !== null && exchange.process !== null) {
      this.#libraries.count(exchange.process.pid, 'calls', -1);
    }
    this.#causes.ended(exchange);
    this.#store.remove(exchange);
  }

  mayKeep(bytes: number): boolean {
    return this.#store.mayKeep(bytes);
  }

  /** Counts an exchange that turns out to be an error, once. */
  #judge(exchange: StoredExchange): void {
    if (exchange.failed) return;
    const { response, completeness, ending } = exchange;
    exchange.failed = isError({
      status: statusOf(response),
      grpcStatus: grpcStatus(exchange),
      // Saves looking through the labels, which almost never matter.
      completeness: isOrdinary(completeness) ? NO_LABELS : completeness,
      ending,
    });
    if (!exchange.failed) return;
    this.errors++;
    if (exchange.peer !== null && this.#store.get(exchange.peer)?.failed === true) this.failedPairs++;
  }

  #add(
    process: Process | null,
    connection: StoredConnection,
    first: boolean,
    encrypted: StoredEncrypted | null = null,
  ): StoredExchange {
    this.#lastId++;
    const exchange = new StoredExchange(this.#lastId, process, connection, first);
    exchange.encrypted = encrypted;
    this.#store.add(exchange);
    return exchange;
  }
}

/** The host that the request is for, else the one that the TLS handshake is for; null: not known (yet). */
function serverName(exchange: StoredExchange): string | null {
  const { request, connection } = exchange;
  const authority = request === null ? null : partsOf(exchange).host;
  if (request !== null && authority !== null && authority !== connection.remote) return hostName(authority);
  return connection.tls?.wire?.serverName ?? null;
}

/** Without the port. */
function hostName(authority: string): string {
  return authority.replace(/:\d*$/, '');
}
