/**
 * The engine: records in, exchanges out. A pure function of what is pushed into it: no clock, no I/O, no
 * randomness, so that a recorded trace replays to the same exchanges byte for byte.
 */

import { forgetTexts } from '../http/knownText.ts';
import { bodyBytes } from './bodyJson.ts';
import { Callers } from './callers.ts';
import { Connections } from './connections.ts';
import type { Exchange, MessageKind } from './exchange.ts';
import type { ExchangeJson, JsonOptions, StreamMessageJson } from './exchangeJson.ts';
import { Exchanges } from './exchanges.ts';
import { release } from './fourBytes.ts';
import { forgetHeads } from './http1/knownHeads.ts';
import { definitionFor, jsonOf } from './jsonOf.ts';
import {
  DEFAULT_BODY_LIMIT,
  DEFAULT_MAX_BYTES,
  DEFAULT_MAX_EXCHANGES,
  PATIENCE_INTERVAL,
  PEER_PATIENCE,
  RECORD_PATIENCE,
} from './limits.ts';
import { streamMessageJson } from './messages/messagesJson.ts';
import { Lookups } from './names/lookups.ts';
import { mayFindPeer } from './peers/peers.ts';
import { startOf } from './phases.ts';
import { Processes } from './processes.ts';
import { Definitions } from './protobuf/definitions.ts';
import type { ProtoSchema } from './protobuf/schema.ts';
import { RecordType, type TraceRecord } from './record.ts';
import { RecordReader } from './recordReader.ts';
import type { ExchangeRow } from './row.ts';
import { rowOf } from './rowOf.ts';
import { Store, type StoreChanges } from './store.ts';
import { type ProcessTls, TlsLibraries, type TlsLibrary } from './tls/library.ts';
import { TraceClock } from './traceClock.ts';

export interface EngineOptions {
  /** Bytes of each body that are kept; the rest is only counted. null = all. Default 64 KiB. */
  readonly bodyLimit?: number | null;
  /** Exchanges held; the oldest ended ones are evicted beyond it. Default 100,000. */
  readonly maxExchanges?: number;
  /** Bytes of heads and bodies held; the oldest ended exchanges are evicted beyond it. Default 256 MiB. */
  readonly maxBytes?: number;
}

export interface EngineStats {
  readonly records: number;
  readonly connections: number;
  /** HTTP calls and failed lookups, connects and handshakes; merely encrypted connections are not counted. */
  readonly exchanges: number;
  readonly evicted: number;
  readonly running: number;
  readonly errors: number;
  /** Calls seen from both sides, which count twice in `exchanges`; of these, the ones that count twice in `errors`. */
  readonly pairs: number;
  readonly failedPairs: number;
  /**
   * Bytes by outcome, summed from the records; the caller compares them with the kernel's counters.
   */
  readonly copiedBytes: number;
  readonly omittedBytes: number;
  /** Part of `omittedBytes`: read from the file that was sent. */
  readonly fileBytes: number;
  /** Part of `omittedBytes`: left out by the kernel programs or the helper because of overload. */
  readonly shedBytes: number;
  readonly unseenBytes: number;
  /** Holes between records: their records were lost. */
  readonly lostBytes: number;
  /** Boot time (ns) of the newest record; 0n before the first. */
  readonly newest: bigint;
}

/** The engine's interface. docs/engine.md describes its parts. */
export interface EngineApi {
  /**
   * Wall time minus boot time in nanoseconds, needed before `json`. May be called again (suspend). The first
   * call fixes millisecond 0 of the trace: the given boot time.
   */
  setClock(clock: { readonly offset: bigint; readonly bootTime: bigint }): void;
  /** Names a process at attach time (fork and exec arrive as records). */
  setProcess(pid: number, name: string | null): void;
  /** Why TLS libraries are not probed in this trace; null (the default): they are. */
  setTlsOff(reason: string | null): void;
  /** All TLS libraries of a process; replaces those of an earlier call. */
  setTls(pid: number, libraries: readonly TlsLibrary[], partial?: boolean, unseen?: boolean): void;
  /** The version of a library file; records refer to it by this number. */
  setTlsFile(file: number, version: string): void;
  /** The messages of .proto files; replaces earlier ones. */
  setProtos(schema: ProtoSchema): void;
  /** Whole records. @throws RecordError for malformed ones; the records before them are kept. */
  push(records: Uint8Array): void;
  /** Everything up to this boot time (ns) has been pushed: holes older than this are gaps. */
  advance(upTo: bigint): void;
  /** The trace has ended: running exchanges are ended and labelled. Idempotent. */
  finish(): void;
  /** What changed since the last call. */
  takeChanges(): StoreChanges;
  get(id: number): Exchange | undefined;
  holds(id: number): boolean;
  /**
   * Whether the peer of this ended call may still appear: a server may answer before the client's send returns, which
   * is when the request is recorded. False {@link PEER_PATIENCE} after the call's end, and when the trace has ended.
   */
  awaitsPeer(id: number): boolean;
  row(id: number): ExchangeRow | undefined;
  json(id: number, options?: JsonOptions): ExchangeJson | undefined;
  /** One message inside an exchange, by its number. */
  message(id: number, number: number, options?: { readonly reveal?: boolean }): StreamMessageJson | undefined;
  /** A body as it was sent, see {@link bodyBytes}; null: there is none. With secrets. */
  body(id: number, kind: MessageKind): Uint8Array | null;
  stats(): EngineStats;
  /** What is known about decryption in a process; null: nothing. */
  tls(pid: number): ProcessTls | null;
  /** Pins an exchange against eviction, or unpins it. @returns false: it is not held, or too many are pinned. */
  pin(id: number, pinned: boolean): boolean;
  /** Forgets all ended exchanges (the user's Clear) and reports them as `removed`; running ones stay. */
  clear(keepPinned?: boolean): void;
}

/** See {@link EngineApi}. */
export class Engine implements EngineApi {
  readonly #store: Store;
  readonly #clock = new TraceClock();
  readonly #processes = new Processes();
  readonly #libraries = new TlsLibraries();
  readonly #definitions = new Definitions();
  readonly #callers = new Callers();
  readonly #exchanges: Exchanges;
  readonly #lookups: Lookups;
  readonly #connections: Connections;
  #newest = 0;
  /** Boot time (ns) of the last {@link advance}. */
  #upTo = 0;
  #finished = false;
  /** Value of {@link #newest} when connections were last advanced. */
  #advanced = 0;
  #records = 0;

  constructor(options: EngineOptions = {}) {
    const { bodyLimit = DEFAULT_BODY_LIMIT } = options;
    this.#store = new Store(
      options.maxExchanges ?? DEFAULT_MAX_EXCHANGES,
      options.maxBytes ?? DEFAULT_MAX_BYTES,
    );
    this.#exchanges = new Exchanges(
      {
        store: this.#store,
        clock: this.#clock,
        processes: this.#processes,
        libraries: this.#libraries,
        definitions: this.#definitions,
        callers: this.#callers,
      },
      bodyLimit ?? Number.POSITIVE_INFINITY,
    );
    this.#lookups = new Lookups(this.#exchanges);
    this.#connections = new Connections(this.#exchanges, this.#lookups);
  }

  setClock(clock: { readonly offset: bigint; readonly bootTime: bigint }): void {
    this.#clock.set(clock.offset, clock.bootTime);
  }

  setProcess(pid: number, name: string | null): void {
    this.#processes.set(pid, name);
  }

  setTlsOff(reason: string | null): void {
    this.#libraries.off = reason;
  }

  /** @param partial more may follow soon */
  setTls(pid: number, libraries: readonly TlsLibrary[], partial = false, unseen = false): void {
    this.#libraries.set(pid, libraries, partial, unseen);
    this.#connections.explain(pid);
  }

  setTlsFile(file: number, version: string): void {
    this.#libraries.setFile(file, version);
  }

  setProtos(schema: ProtoSchema): void {
    this.#definitions.setFiles(schema);
  }

  tls(pid: number): ProcessTls | null {
    return this.#libraries.get(pid);
  }

  push(records: Uint8Array): void {
    const batch = Buffer.from(records.buffer, records.byteOffset, records.byteLength);
    const reader = new RecordReader(batch);
    for (let record = reader.next(); record !== null; record = reader.next()) {
      this.#records++;
      if (!this.#clock.started) this.#clock.start(record.time);
      if (record.emitted > this.#newest) this.#newest = record.emitted;
      this.#lookups.advance(record.emitted);
      this.#take(record);
      if (this.#newest - this.#advanced >= PATIENCE_INTERVAL) {
        // Records from several processors may be out of order by milliseconds, but not by seconds.
        this.#advanced = this.#newest;
        this.#connections.advance(this.#newest - RECORD_PATIENCE);
      }
    }
    release();
  }

  advance(upTo: bigint): void {
    this.#upTo = Number(upTo);
    this.#connections.advance(Number(upTo));
    this.#lookups.advance(Number(upTo));
  }

  finish(): void {
    this.#finished = true;
    const at = this.#clock.milliseconds(BigInt(this.#newest));
    this.#connections.finish(at);
    this.#lookups.finish(at);
  }

  takeChanges(): StoreChanges {
    return this.#store.takeChanges();
  }

  get(id: number): Exchange | undefined {
    return this.#store.get(id);
  }

  holds(id: number): boolean {
    return this.#store.get(id) !== undefined;
  }

  awaitsPeer(id: number): boolean {
    const exchange = this.#store.get(id);
    if (this.#finished || exchange === undefined || exchange.endedAt === null || !mayFindPeer(exchange))
      return false;
    const now = this.#clock.milliseconds(BigInt(Math.max(this.#newest, this.#upTo)));
    return now - exchange.endedAt < PEER_PATIENCE;
  }

  row(id: number): ExchangeRow | undefined {
    const exchange = this.#store.get(id);
    return exchange === undefined ? undefined : rowOf(exchange, this.#store.isPinned(id));
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
    const withheld = options.reveal !== true && exchange.messages?.watcher?.spreadsSecret === true;
    const all = { ...options, withheld };
    return streamMessageJson(message, exchange.side, startOf(exchange), all, definitionOf);
  }

  json(id: number, options: JsonOptions = {}): ExchangeJson | undefined {
    const exchange = this.#store.get(id);
    if (exchange === undefined) return undefined;
    return jsonOf(
      exchange,
      (ms) => this.#clock.wallTime(ms),
      options,
      this.#libraries,
      this.#definitions,
      (other) => this.#store.get(other),
    );
  }

  body(id: number, kind: MessageKind): Uint8Array | null {
    const message = this.#store.get(id)?.[kind] ?? null;
    return message === null ? null : bodyBytes(message);
  }

  stats(): EngineStats {
    const { counters } = this.#exchanges;
    return {
      records: this.#records,
      connections: this.#connections.seen,
      exchanges: this.#exchanges.count,
      evicted: this.#store.evicted,
      running: this.#store.running,
      errors: this.#exchanges.errors,
      pairs: this.#exchanges.pairs,
      failedPairs: this.#exchanges.failedPairs,
      copiedBytes: counters.copied,
      omittedBytes: counters.omitted,
      fileBytes: counters.fromFiles,
      shedBytes: counters.shed,
      unseenBytes: counters.unseen,
      lostBytes: counters.lost,
      newest: BigInt(this.#newest),
    };
  }

  pin(id: number, pinned: boolean): boolean {
    return this.#store.pin(id, pinned);
  }

  clear(keepPinned = false): void {
    this.#store.clear(keepPinned);
    // These caches hold captured text too, which Clear must remove.
    forgetHeads();
    forgetTexts();
  }

  #take(record: TraceRecord): void {
    switch (record.type) {
      case RecordType.ProcessStarted:
        this.#processes.begin(record.pid);
        this.#processes.set(record.pid, record.name === '' ? null : record.name);
        return;
      case RecordType.ProcessReplaced:
        this.#processes.set(record.pid, record.name === '' ? null : record.name);
        return;
      case RecordType.ProcessEnded:
        this.#processes.end(record.pid, record.status);
        this.#lookups.processEnded(record.pid, record.time);
        return;
      case RecordType.Name:
        this.#lookups.take(record);
        return;
      case RecordType.Caller:
        this.#callers.take(record, this.#clock.milliseconds(record.time));
        return;
      default:
        this.#connections.take(record);
    }
  }
}
