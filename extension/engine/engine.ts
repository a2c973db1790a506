/**
 * The engine: records in, exchanges out. A pure function of what is pushed into it: no clock, no I/O, no
 * randomness, so that a recorded trace replays to the same exchanges byte for byte.
 */

import { Connections } from './connections.ts';
import type { ConnectionHost } from './dissector.ts';
import type { Exchange, Process } from './exchange.ts';
import type { ExchangeJson, JsonOptions, StreamMessageJson } from './exchangeJson.ts';
import { definitionFor, jsonOf } from './jsonOf.ts';
import {
  DEFAULT_BODY_LIMIT,
  DEFAULT_MAX_BYTES,
  DEFAULT_MAX_EXCHANGES,
  MAX_UNBOUND_EXCHANGES,
  PATIENCE_INTERVAL,
  RECORD_PATIENCE,
} from './limits.ts';
import { streamMessageJson } from './messages/messagesJson.ts';
import { type StoredConnection, type StoredEncrypted, StoredExchange } from './model.ts';
import { startOf } from './phases.ts';
import { Processes } from './processes.ts';
import { Definitions } from './protobuf/definitions.ts';
import type { ProtoSchema } from './protobuf/schema.ts';
import type { ByteCounters } from './reassembly.ts';
import { RecordType, readRecords, type TraceRecord } from './record.ts';
import type { ExchangeRow } from './row.ts';
import { rowOf } from './rowOf.ts';
import { Store } from './store.ts';
import { type ProcessTls, TlsLibraries, type TlsLibrary } from './tls/library.ts';

export interface EngineOptions {
  /** Bytes of each body that are kept; the rest only counts. null = all. Default 64 KiB. */
  readonly bodyLimit?: number | null;
  /** Exchanges held; the oldest ended ones are evicted beyond it. Default 100,000. */
  readonly maxExchanges?: number;
  /** Bytes of heads and bodies held; the oldest ended exchanges are evicted beyond it. Default 256 MiB. */
  readonly maxBytes?: number;
}

export interface EngineStats {
  readonly records: number;
  readonly connections: number;
  /** HTTP calls, and handshakes that failed; not connections that are merely encrypted. */
  readonly exchanges: number;
  readonly evicted: number;
  readonly running: number;
  readonly errors: number;
  /** Bytes by fate, as the records tell them; the caller compares them with the kernel's counters. */
  readonly copiedBytes: number;
  readonly omittedBytes: number;
  readonly unseenBytes: number;
  /** Holes between records: their records were lost. */
  readonly lostBytes: number;
  /** Boot time (ns) of the newest record; 0n before the first. */
  readonly newest: bigint;
}

export interface EngineChanges {
  /** Ids of new and changed exchanges, ascending, each once. */
  readonly changed: readonly number[];
  /** Ids that were evicted. */
  readonly removed: readonly number[];
}

/** What the engine offers; how it is built: docs/engine.md. */
export interface EngineApi {
  /**
   * Wall time minus boot time in nanoseconds, needed before `json`. May be called again (suspend). The first
   * call fixes millisecond 0 of the trace: the given boot time.
   */
  setClock(clock: { readonly offset: bigint; readonly bootTime: bigint }): void;
  /** A process's name is known (attach; fork and exec come as records). */
  setProcess(pid: number, name: string | null): void;
  /** Why no TLS library is looked into; null, as before the first call: they are. */
  setTlsOff(reason: string | null): void;
  /** The TLS libraries of a process, all of them; the last call counts. */
  setTls(pid: number, libraries: readonly TlsLibrary[]): void;
  /** The version of a library's file, which records name by this number. */
  setTlsFile(file: number, version: string): void;
  /** The messages of .proto files; takes the place of those before. */
  setProtos(schema: ProtoSchema): void;
  /** Whole records. @throws RecordError for bytes that are none; what came before them is kept. */
  push(records: Uint8Array): void;
  /** Everything up to this boot time (ns) has been pushed: holes older than this are gaps. */
  advance(upTo: bigint): void;
  /** The trace is over: what runs is ended and says so. Idempotent. */
  finish(): void;
  /** What changed since the last call. */
  takeChanges(): EngineChanges;
  get(id: number): Exchange | undefined;
  row(id: number): ExchangeRow | undefined;
  json(id: number, options?: JsonOptions): ExchangeJson | undefined;
  /** One message inside an exchange, by its number. */
  message(id: number, number: number, options?: { readonly reveal?: boolean }): StreamMessageJson | undefined;
  stats(): EngineStats;
  /** What is known of decryption in a process; null: nothing. */
  tls(pid: number): ProcessTls | null;
  /** Forget all ended exchanges (the user's Clear); running ones stay. They come as `removed`. */
  clear(): void;
}

/** See {@link EngineApi}. */
export class Engine implements EngineApi, ConnectionHost {
  readonly bodyLimit: number;
  readonly counters: ByteCounters = { copied: 0, omitted: 0, unseen: 0, lost: 0 };

  readonly #store: Store;
  readonly #processes = new Processes();
  readonly #libraries = new TlsLibraries();
  readonly #definitions = new Definitions();
  readonly #connections: Connections;
  #clockOffset = 0n;
  /** Boot time of millisecond 0; null before the first clock or record. */
  #origin: bigint | null = null;
  #newest = 0n;
  /** When what waits was last looked at. */
  #looked = 0n;
  #records = 0;
  #exchanges = 0;
  #lastId = 0;
  #errors = 0;

  constructor(options: EngineOptions = {}) {
    const { bodyLimit = DEFAULT_BODY_LIMIT } = options;
    this.bodyLimit = bodyLimit ?? Number.POSITIVE_INFINITY;
    this.#store = new Store(
      options.maxExchanges ?? DEFAULT_MAX_EXCHANGES,
      options.maxBytes ?? DEFAULT_MAX_BYTES,
    );
    this.#connections = new Connections(this);
  }

  setClock(clock: { readonly offset: bigint; readonly bootTime: bigint }): void {
    this.#clockOffset = clock.offset;
    this.#origin ??= clock.bootTime;
  }

  setProcess(pid: number, name: string | null): void {
    this.#processes.set(pid, name);
  }

  setTlsOff(reason: string | null): void {
    this.#libraries.off = reason;
  }

  setTls(pid: number, libraries: readonly TlsLibrary[]): void {
    this.#libraries.set(pid, libraries);
    this.#connections.explain(pid);
  }

  setTlsFile(file: number, version: string): void {
    this.#libraries.setFile(file, version);
  }

  setProtos(schema: ProtoSchema): void {
    this.#definitions.setFiles(schema);
  }

  described(response: Buffer): void {
    this.#definitions.described(response);
  }

  tls(pid: number): ProcessTls | null {
    return this.#libraries.get(pid);
  }

  push(records: Uint8Array): void {
    const batch = Buffer.from(records.buffer, records.byteOffset, records.byteLength);
    for (const record of readRecords(batch)) {
      this.#records++;
      this.#origin ??= record.time;
      if (record.emitted > this.#newest) this.#newest = record.emitted;
      this.#take(record);
      if (this.#newest - this.#looked >= PATIENCE_INTERVAL) {
        // Records of one moment come from several processors; seconds apart, an older one is not to come.
        this.#looked = this.#newest;
        this.#connections.advance(this.#newest - RECORD_PATIENCE);
      }
    }
  }

  advance(upTo: bigint): void {
    this.#connections.advance(upTo);
  }

  finish(): void {
    this.#connections.finish(this.milliseconds(this.#newest));
  }

  takeChanges(): EngineChanges {
    return this.#store.takeChanges();
  }

  get(id: number): Exchange | undefined {
    return this.#store.get(id);
  }

  row(id: number): ExchangeRow | undefined {
    const exchange = this.#store.get(id);
    return exchange === undefined ? undefined : rowOf(exchange);
  }

  message(
    id: number,
    number: number,
    options: { readonly reveal?: boolean } = {},
  ): StreamMessageJson | undefined {
    const exchange = this.#store.get(id);
    const message = exchange?.messages?.get(number);
    if (exchange === undefined || message === undefined) return undefined;
    const definitionOf = definitionFor(exchange, this.#definitions);
    return streamMessageJson(message, exchange.side, startOf(exchange), options, definitionOf);
  }

  json(id: number, options: JsonOptions = {}): ExchangeJson | undefined {
    const exchange = this.#store.get(id);
    if (exchange === undefined) return undefined;
    return jsonOf(exchange, (ms) => this.#wallTime(ms), options, this.#libraries, this.#definitions);
  }

  stats(): EngineStats {
    return {
      records: this.#records,
      connections: this.#connections.seen,
      exchanges: this.#exchanges,
      evicted: this.#store.evicted,
      running: this.#store.running,
      errors: this.#errors,
      copiedBytes: this.counters.copied,
      omittedBytes: this.counters.omitted,
      unseenBytes: this.counters.unseen,
      lostBytes: this.counters.lost,
      newest: this.#newest,
    };
  }

  clear(): void {
    this.#store.clear();
  }

  // ── ConnectionHost ─────────────────────────────────────────────────────────────────────────────────────

  /** @internal */
  milliseconds(bootTime: bigint): number {
    return Number(bootTime - (this.#origin ?? bootTime)) / 1e6;
  }

  /** @internal */
  process(pid: number): Process | null {
    return this.#processes.get(pid);
  }

  /** @internal */
  create(process: Process | null, connection: StoredConnection, first: boolean): StoredExchange {
    this.#exchanges++;
    const exchange = this.#add(process, connection, first);
    if (connection.tls !== null && process !== null) this.#libraries.count(process.pid, 'calls', 1);
    const { unbound } = connection;
    if (unbound !== null) {
      unbound.push(exchange);
      if (unbound.length > MAX_UNBOUND_EXCHANGES) unbound.shift();
    }
    return exchange;
  }

  /** @internal */
  createEncrypted(
    process: Process | null,
    connection: StoredConnection,
    encrypted: StoredEncrypted,
  ): StoredExchange {
    const exchange = this.#add(process, connection, true, encrypted);
    if (process !== null) this.#libraries.count(process.pid, 'encrypted', 1);
    return exchange;
  }

  /** @internal */
  withdraw(exchange: StoredExchange): void {
    if (exchange.process !== null) this.#libraries.count(exchange.process.pid, 'encrypted', -1);
    this.#store.remove(exchange);
  }

  /** @internal */
  whyEncrypted(pid: number, late: boolean): string {
    return this.#libraries.reason(pid, late);
  }

  /** @internal */
  unboundSession(pid: number, change: 1 | -1): void {
    this.#libraries.count(pid, 'unbound', change);
  }

  /** @internal */
  changed(exchange: StoredExchange): void {
    this.#store.changed(exchange);
  }

  /** @internal */
  ended(exchange: StoredExchange): void {
    const failed = exchange.completeness.has('handshake-failed');
    if (failed) {
      this.#exchanges++;
      if (exchange.process !== null) this.#libraries.count(exchange.process.pid, 'encrypted', -1);
    }
    if (failed || (exchange.response?.status ?? 0) >= 400 || exchange.completeness.has('aborted'))
      this.#errors++;
    this.#store.ended(exchange);
  }

  /** @internal */
  merged(exchange: StoredExchange): void {
    this.#exchanges--;
    if (exchange.connection.tls !== null && exchange.process !== null) {
      this.#libraries.count(exchange.process.pid, 'calls', -1);
    }
    this.#store.remove(exchange);
  }

  /** @internal */
  mayKeep(bytes: number): boolean {
    return this.#store.mayKeep(bytes);
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

  #wallTime(milliseconds: number): bigint {
    return (this.#origin ?? 0n) + this.#clockOffset + BigInt(Math.round(milliseconds * 1e6));
  }

  #take(record: TraceRecord): void {
    switch (record.type) {
      case RecordType.ProcessStarted:
      case RecordType.ProcessReplaced:
        this.#processes.set(record.pid, record.name === '' ? null : record.name);
        return;
      case RecordType.ProcessEnded:
        return;
      default:
        this.#connections.take(record);
    }
  }
}
