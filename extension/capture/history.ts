/**
 * The traces of one window, one after the other, as one list: each trace has an engine of its own, whose ids
 * and times start again; here they are moved behind those of the traces before it.
 */
import type { EngineApi, EngineStats } from '../engine/engine.ts';
import type { MessageKind } from '../engine/exchange.ts';
import type { ExchangeJson, StreamMessageJson } from '../engine/exchangeJson.ts';
import type { ProtoSchema } from '../engine/protobuf/schema.ts';
import { type ExchangeRow, isCall, isError } from '../engine/row.ts';

interface Segment {
  readonly engine: EngineApi;
  /** When its trace began: boot time in ns. */
  readonly bootTime: bigint;
  /** Added to the engine's ids, but for those in `moved`. Negative where calls before them were cleared. */
  readonly idBase: number;
  /** Ids of calls that went on when the list was cleared, by the engine's id. */
  readonly moved: ReadonlyMap<number, number>;
  /** Added to the engine's times: milliseconds from the start of the list to this trace's. */
  readonly timeBase: number;
  /** By the engine's ids. */
  readonly held: Set<number>;
  /** What was counted before the list was cleared, and is not in it. */
  readonly cleared: Counts;
}

type Counts = Pick<EngineStats, 'exchanges' | 'errors' | 'evicted' | 'pairs' | 'failedPairs'>;

const NOTHING: Counts = { exchanges: 0, errors: 0, evicted: 0, pairs: 0, failedPairs: 0 };

export interface HistoryChanges {
  readonly rows: ExchangeRow[];
  readonly removed: number[];
}

export class History {
  readonly #createEngine: () => EngineApi;
  /** Exchanges over all traces; the oldest traces go first. */
  readonly #maxExchanges: number;
  #segments: Segment[] = [];
  #nextId = 1;
  #protos: ProtoSchema | null = null;
  #zero: bigint | null = null;
  /** Changes that were taken before anybody asked for them. */
  #pending: HistoryChanges = { rows: [], removed: [] };

  constructor(createEngine: () => EngineApi, maxExchanges: number) {
    this.#createEngine = createEngine;
    this.#maxExchanges = maxExchanges;
  }

  /** A further trace begins at this boot time (ns). */
  begin(bootTime: bigint): EngineApi {
    this.#zero ??= bootTime;
    // The ids of the traces before have to be known to begin behind them.
    this.#pending = this.takeChanges();
    const engine = this.#createEngine();
    if (this.#protos !== null) engine.setProtos(this.#protos);
    this.#segments.push({
      engine,
      bootTime,
      idBase: this.#nextId - 1,
      moved: new Map(),
      timeBase: Number(bootTime - this.#zero) / 1e6,
      held: new Set(),
      cleared: NOTHING,
    });
    return engine;
  }

  /** Boot time (ns) of millisecond 0 of the list; null: nothing is in it. */
  get zero(): bigint | null {
    return this.#zero;
  }

  /** Boot time (ns) as milliseconds since the start of the list. */
  sinceStart(bootTime: bigint): number {
    return this.#zero === null ? 0 : Math.max(0, Number(bootTime - this.#zero) / 1e6);
  }

  takeChanges(): HistoryChanges {
    const { rows, removed } = this.#pending;
    this.#pending = { rows: [], removed: [] };
    for (const segment of this.#segments) {
      const { engine, held } = segment;
      const changes = engine.takeChanges();
      for (const id of changes.changed) {
        const row = rowIn(segment, id);
        if (row === undefined) continue;
        held.add(id);
        this.#nextId = Math.max(this.#nextId, row.id + 1);
        rows.push(row);
      }
      for (const id of changes.removed) {
        held.delete(id);
        removed.push(idIn(segment, id));
      }
    }
    this.#dropOldTraces(removed);
    return { rows, removed };
  }

  /** @param messageBytes of each message inside; null: all that is held. */
  json(id: number, reveal: boolean, messageBytes: number | null = null): ExchangeJson | null {
    const segment = this.#segmentOf(id);
    const json = segment?.engine.json(engineId(segment, id), { reveal, messageBytes });
    if (segment === undefined || json === undefined) return null;
    return { ...json, id, peer: peerIn(segment, json.peer) };
  }

  message(id: number, number: number, reveal: boolean): StreamMessageJson | null {
    const segment = this.#segmentOf(id);
    return segment?.engine.message(engineId(segment, id), number, { reveal }) ?? null;
  }

  #segmentOf(id: number): Segment | undefined {
    return this.#segments.findLast((candidate) => id > candidate.idBase);
  }

  body(id: number, kind: MessageKind): Uint8Array | null {
    const segment = this.#segmentOf(id);
    return segment?.engine.body(engineId(segment, id), kind) ?? null;
  }

  /** For the calls of all traces, also of those to come. */
  setProtos(schema: ProtoSchema): void {
    this.#protos = schema;
    for (const { engine } of this.#segments) engine.setProtos(schema);
  }

  /**
   * Forgets all that is over, and starts the list again: numbers, times and counts. What is under way in the trace
   * that runs is kept: it gets the first numbers, and the earliest of it is where time begins.
   *
   * @param now boot time (ns) up to which the running trace was seen; null: none runs.
   * @returns all ids that were held. They must be forgotten before {@link takeChanges}, which gives them again.
   */
  clear(now: bigint | null): number[] {
    const { removed } = this.takeChanges();
    for (const segment of this.#segments) for (const id of segment.held) removed.push(idIn(segment, id));
    const live = now === null ? undefined : this.#segments.at(-1);
    const last = live === undefined ? 0 : this.#nextId - 1 - live.idBase;
    this.#segments = [];
    this.#nextId = 1;
    this.#zero = null;
    if (live === undefined || now === null) return removed;

    live.engine.clear();
    for (const id of live.engine.takeChanges().removed) live.held.delete(id);
    const kept = [...live.held].flatMap((id) => live.engine.row(id) ?? []).sort((a, b) => a.id - b.id);
    const earliest = kept.reduce((least, { start }) => Math.min(least, start), Number.POSITIVE_INFINITY);
    this.#zero = kept.length === 0 ? now : live.bootTime + BigInt(Math.round(earliest * 1e6));
    const stats = live.engine.stats();
    const byId = new Map(kept.map((row) => [row.id, row]));
    const pairs = kept.filter(({ id, peer }) => peer !== null && id < peer && byId.has(peer));
    const failedPairs = pairs.filter((row) => isError(row) && isError(byId.get(row.peer ?? 0) ?? row));
    const segment: Segment = {
      ...live,
      idBase: kept.length - last,
      moved: new Map(kept.map(({ id }, index) => [id, index + 1])),
      timeBase: Number(live.bootTime - this.#zero) / 1e6,
      cleared: {
        exchanges: stats.exchanges - kept.filter(isCall).length,
        errors: stats.errors - kept.filter(isError).length,
        evicted: stats.evicted,
        pairs: stats.pairs - pairs.length,
        failedPairs: stats.failedPairs - failedPairs.length,
      },
    };
    this.#segments.push(segment);
    this.#nextId = kept.length + 1;
    for (const { id } of kept) {
      const row = rowIn(segment, id);
      if (row !== undefined) this.#pending.rows.push(row);
    }
    return removed;
  }

  stats(): Counts & Pick<EngineStats, 'running'> {
    const sum = { ...NOTHING, running: 0 };
    for (const { engine, cleared } of this.#segments) {
      const stats = engine.stats();
      sum.running += stats.running;
      for (const name of ['exchanges', 'errors', 'evicted', 'pairs', 'failedPairs'] as const) {
        sum[name] += stats[name] - cleared[name];
      }
    }
    return sum;
  }

  /** Calls of the newest trace, as far as they were not cleared. */
  get newestCalls(): number {
    const newest = this.#segments.at(-1);
    return newest === undefined ? 0 : newest.engine.stats().exchanges - newest.cleared.exchanges;
  }

  #dropOldTraces(removed: number[]): void {
    let total = this.#segments.reduce((sum, { held }) => sum + held.size, 0);
    while (this.#segments.length > 1 && (total > this.#maxExchanges || this.#segments[0]?.held.size === 0)) {
      const oldest = this.#segments.shift();
      if (oldest === undefined) return;
      total -= oldest.held.size;
      for (const id of oldest.held) removed.push(idIn(oldest, id));
    }
  }
}

function idIn({ moved, idBase }: Segment, id: number): number {
  return moved.get(id) ?? idBase + id;
}

function engineId({ moved, idBase }: Segment, id: number): number {
  for (const [own, shown] of moved) if (shown === id) return own;
  return id - idBase;
}

/** The other side's row, as long as it is in the list: of one that was cleared the number may be another's. */
function peerIn(segment: Segment, peer: number | null): number | null {
  return peer === null || segment.engine.get(peer) === undefined ? null : idIn(segment, peer);
}

function rowIn(segment: Segment, id: number): ExchangeRow | undefined {
  const row = segment.engine.row(id);
  if (row === undefined) return undefined;
  const shown = idIn(segment, id);
  const peer = peerIn(segment, row.peer);
  if (shown === id && peer === row.peer && segment.timeBase === 0) return row;
  return { ...row, id: shown, peer, start: segment.timeBase + row.start };
}
