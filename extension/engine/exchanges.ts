/** What the engine offers its connections: makes their exchanges, counts them and hands them to the store. */
import type { ConnectionHost } from './dissector.ts';
import type { Process } from './exchange.ts';
import { grpcStatus } from './grpc/call.ts';
import { MAX_UNBOUND_EXCHANGES } from './limits.ts';
import { type StoredConnection, type StoredEncrypted, StoredExchange } from './model.ts';
import type { Processes } from './processes.ts';
import type { Definitions } from './protobuf/definitions.ts';
import type { ByteCounters } from './reassembly.ts';
import { isError } from './row.ts';
import { statusOf } from './rowOf.ts';
import type { Store } from './store.ts';
import type { TlsLibraries } from './tls/library.ts';
import type { TraceClock } from './traceClock.ts';

/** The parts of the engine that connections reach through {@link Exchanges}. */
export interface EngineParts {
  readonly store: Store;
  readonly clock: TraceClock;
  readonly processes: Processes;
  readonly libraries: TlsLibraries;
  readonly definitions: Definitions;
}

export class Exchanges implements ConnectionHost {
  readonly bodyLimit: number;
  readonly counters: ByteCounters = { copied: 0, omitted: 0, fromFiles: 0, unseen: 0, lost: 0 };

  /** HTTP calls and failed handshakes so far; connections that are merely encrypted are not counted. */
  count = 0;
  errors = 0;

  readonly #store: Store;
  readonly #clock: TraceClock;
  readonly #processes: Processes;
  readonly #libraries: TlsLibraries;
  readonly #definitions: Definitions;
  #lastId = 0;

  constructor({ store, clock, processes, libraries, definitions }: EngineParts, bodyLimit: number) {
    this.#store = store;
    this.#clock = clock;
    this.#processes = processes;
    this.#libraries = libraries;
    this.#definitions = definitions;
    this.bodyLimit = bodyLimit;
  }

  milliseconds(bootTime: bigint): number {
    return this.#clock.milliseconds(bootTime);
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
    if (process !== null) this.#libraries.count(process.pid, 'encrypted', 1);
    return exchange;
  }

  withdraw(exchange: StoredExchange): void {
    if (exchange.process !== null) this.#libraries.count(exchange.process.pid, 'encrypted', -1);
    this.#store.remove(exchange);
  }

  whyEncrypted(pid: number, late: boolean): string {
    return this.#libraries.reason(pid, late);
  }

  unboundSession(pid: number, change: 1 | -1): void {
    this.#libraries.count(pid, 'unbound', change);
  }

  learnDefinitions(response: Buffer): void {
    this.#definitions.learn(response);
  }

  changed(exchange: StoredExchange): void {
    // Before there is a response, only its end makes an exchange an error.
    if (exchange.response !== null) this.#judge(exchange);
    this.#store.changed(exchange);
  }

  ended(exchange: StoredExchange): void {
    const failed = exchange.completeness.has('handshake-failed');
    if (failed) {
      this.count++;
      if (exchange.process !== null) this.#libraries.count(exchange.process.pid, 'encrypted', -1);
    }
    this.#judge(exchange);
    this.#store.ended(exchange);
  }

  merged(exchange: StoredExchange): void {
    this.count--;
    if (exchange.failed) this.errors--;
    if (exchange.connection.tls !== null && exchange.process !== null) {
      this.#libraries.count(exchange.process.pid, 'calls', -1);
    }
    this.#store.remove(exchange);
  }

  mayKeep(bytes: number): boolean {
    return this.#store.mayKeep(bytes);
  }

  /** Counts an exchange that turns out to be an error, once. */
  #judge(exchange: StoredExchange): void {
    if (exchange.failed) return;
    const { response, completeness } = exchange;
    exchange.failed = isError({ status: statusOf(response), grpcStatus: grpcStatus(exchange), completeness });
    if (exchange.failed) this.errors++;
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
