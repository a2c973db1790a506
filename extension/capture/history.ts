/**
 * The traces of one window, one after the other, as one list: each trace has an engine of its own, whose ids
 * and times start again; here they are moved behind those of the traces before it.
 */
import type { EngineApi, EngineStats } from '../engine/engine.ts';
import type { MessageKind } from '../engine/exchange.ts';
import type { ExchangeJson, StreamMessageJson } from '../engine/exchangeJson.ts';
import type { ProtoSchema } from '../engine/protobuf/schema.ts';
import type { ExchangeRow } from '../engine/row.ts';

interface Segment {
  readonly engine: EngineApi;
  /** Added to the engine's ids. */
  readonly idBase: number;
  /** Added to the engine's times: milliseconds from the first trace's start to this one's. */
  readonly timeBase: number;
  readonly held: Set<number>;
}

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
      idBase: this.#nextId - 1,
      timeBase: Number(bootTime - this.#zero) / 1e6,
      held: new Set(),
    });
    return engine;
  }

  /** Boot time (ns) as milliseconds since the start of the first trace. */
  sinceStart(bootTime: bigint): number {
    return this.#zero === null ? 0 : Math.max(0, Number(bootTime - this.#zero) / 1e6);
  }

  takeChanges(): HistoryChanges {
    const { rows, removed } = this.#pending;
    this.#pending = { rows: [], removed: [] };
    for (const { engine, idBase, timeBase, held } of this.#segments) {
      const changes = engine.takeChanges();
      for (const id of changes.changed) {
        const row = engine.row(id);
        if (row === undefined) continue;
        held.add(id);
        this.#nextId = Math.max(this.#nextId, idBase + id + 1);
        const isFirst = idBase === 0 && timeBase === 0;
        rows.push(isFirst ? row : { ...row, id: idBase + id, start: timeBase + row.start });
      }
      for (const id of changes.removed) {
        held.delete(id);
        removed.push(idBase + id);
      }
    }
    this.#dropOldTraces(removed);
    return { rows, removed };
  }

  /** @param messageBytes of each message inside; null: all that is held. */
  json(id: number, reveal: boolean, messageBytes: number | null = null): ExchangeJson | null {
    const segment = this.#segments.findLast((candidate) => id > candidate.idBase);
    const json = segment?.engine.json(id - segment.idBase, { reveal, messageBytes });
    return json === undefined ? null : { ...json, id };
  }

  message(id: number, number: number, reveal: boolean): StreamMessageJson | null {
    const segment = this.#segments.findLast((candidate) => id > candidate.idBase);
    return segment?.engine.message(id - segment.idBase, number, { reveal }) ?? null;
  }

  body(id: number, kind: MessageKind): Uint8Array | null {
    const segment = this.#segments.findLast((candidate) => id > candidate.idBase);
    return segment?.engine.body(id - segment.idBase, kind) ?? null;
  }

  /** For the calls of all traces, also of those to come. */
  setProtos(schema: ProtoSchema): void {
    this.#protos = schema;
    for (const { engine } of this.#segments) engine.setProtos(schema);
  }

  clear(): void {
    for (const { engine } of this.#segments) engine.clear();
  }

  stats(): Pick<EngineStats, 'exchanges' | 'errors' | 'running' | 'evicted'> {
    const sum = { exchanges: 0, errors: 0, running: 0, evicted: 0 };
    for (const { engine } of this.#segments) {
      const stats = engine.stats();
      sum.exchanges += stats.exchanges;
      sum.errors += stats.errors;
      sum.running += stats.running;
      sum.evicted += stats.evicted;
    }
    return sum;
  }

  #dropOldTraces(removed: number[]): void {
    let total = this.#segments.reduce((sum, { held }) => sum + held.size, 0);
    while (this.#segments.length > 1 && (total > this.#maxExchanges || this.#segments[0]?.held.size === 0)) {
      const oldest = this.#segments.shift();
      if (oldest === undefined) return;
      total -= oldest.held.size;
      for (const id of oldest.held) removed.push(oldest.idBase + id);
    }
  }
}
