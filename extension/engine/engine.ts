/**
 * The engine: records in, exchanges out. A pure function of what is pushed into it: no clock, no I/O, no
 * randomness, so that a recorded trace replays to the same exchanges byte for byte.
 */
import type { Exchange } from './exchange.ts';
import type { ExchangeJson } from './exchangeJson.ts';
import type { ExchangeRow } from './row.ts';

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

/** What H1 implements: see extension/engine/README in ARCHITECTURE.md. */
export interface EngineApi {
  /**
   * Wall time minus boot time in nanoseconds, needed before `json`. May be called again (suspend). The first
   * call fixes millisecond 0 of the trace: the given boot time.
   */
  setClock(clock: { readonly offset: bigint; readonly bootTime: bigint }): void;
  /** A process's name is known (attach; fork and exec come as records). */
  setProcess(pid: number, name: string | null): void;
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
  json(id: number, options?: { readonly reveal?: boolean }): ExchangeJson | undefined;
  stats(): EngineStats;
  /** Forget all ended exchanges (the user's Clear); running ones stay. They come as `removed`. */
  clear(): void;
}
