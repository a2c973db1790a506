/**
 * The traces of one window, and the files opened in it, as one list. Each source has its own
 * ids and times. Here its ids are offset to follow those of earlier sources; times count from the earliest one.
 */
import type { CallSource } from '../engine/callSource.ts';
import type { EngineApi, EngineStats } from '../engine/engine.ts';
import type { Cause, MessageKind } from '../engine/exchange.ts';
import type { ExchangeJson, StreamMessageJson } from '../engine/exchangeJson.ts';
import type { ProtoSchema } from '../engine/protobuf/schema.ts';
import { type ExchangeRow, isCall, isError } from '../engine/row.ts';

interface Segment {
  readonly source: CallSource;
  /** The file that it was read from; null: it was traced here. */
  readonly file: OpenedFile | null;
  /** Wall time at which its times start: nanoseconds since the epoch. */
  readonly began: bigint;
  /** Offsets added to the source's ids, each from id `from` on; ascending. Not for ids in `moved`. */
  readonly spans: { readonly from: number; readonly base: number }[];
  /** Ids of calls that were still running when the list was cleared, by the source's id. */
  readonly moved: ReadonlyMap<number, number>;
  /** Added to the source's times: milliseconds from the start of the list to `began`. */
  timeBase: number;
  /** Source ids of its calls. */
  readonly held: Set<number>;
  /** Highest source id that was seen. */
  lastId: number;
  /** Counts of calls that are not in the list any more because it was cleared. */
  cleared: Counts;
}

/** A file that was opened, as it is shown. */
export interface OpenedFile {
  /** The name that its rows show as their origin. */
  readonly name: string;
  /** Remarks about it, in sentences; null: none. */
  readonly note: string | null;
  /** It is a trace of this workspace, from before the window was reloaded. */
  readonly kept: boolean;
}

type Counts = Pick<EngineStats, 'exchanges' | 'errors' | 'evicted' | 'pairs' | 'failedPairs'>;

const NOTHING: Counts = { exchanges: 0, errors: 0, evicted: 0, pairs: 0, failedPairs: 0 };

export interface HistoryChanges {
  readonly rows: ExchangeRow[];
  readonly removed: number[];
}

export class History {
  readonly #createEngine: () => EngineApi;
  /** Limit of exchanges over all sources; the oldest sources are dropped first. */
  readonly #maxExchanges: number;
  #segments: Segment[] = [];
  /** The trace that was begun last; null: none, or it was cleared. */
  #traced: Segment | null = null;
  /** Finds the source of an id: the last range whose `above` is below the id. */
  #ranges: { readonly above: number; readonly segment: Segment; readonly base: number }[] = [];
  #nextId = 1;
  #protos: ProtoSchema | null = null;
  #zero: bigint | null = null;
  /** Changes that were already taken from the sources. */
  #pending: HistoryChanges = { rows: [], removed: [] };

  constructor(createEngine: () => EngineApi, maxExchanges: number) {
    this.#createEngine = createEngine;
    this.#maxExchanges = maxExchanges;
  }

  /** A further trace begins at this boot time (ns). @param offset wall time minus boot time (ns) */
  begin(bootTime: bigint, offset = 0n): EngineApi {
    const engine = this.#createEngine();
    this.#pending = this.takeChanges();
    // If the list is empty, its time begins with this trace, not with an earlier one that saw no call.
    if (this.#segments.every(({ held }) => held.size === 0)) this.#zero = null;
    this.#traced = this.#push(engine, bootTime + offset, null);
    return engine;
  }

  /**
   * Adds a file read in full.
   * @param began wall time at which its times start, in nanoseconds since the epoch.
   * @returns whether the times of rows that were held before have changed.
   */
  add(source: CallSource, began: bigint, file: OpenedFile): boolean {
    const before = this.#zero;
    const traced = this.#traced;
    const segment = this.#push(source, began, file);
    this.#pending = this.takeChanges();
    // New ids of the running trace follow those of the file.
    if (traced !== null && segment.held.size > 0) this.#span(traced, traced.lastId + 1, this.#nextId - 1);
    const earlier = before !== null && began < before;
    if (earlier) this.#startAt(began);
    return earlier;
  }

  /** Files in the list. */
  get files(): readonly OpenedFile[] {
    return this.#segments.flatMap(({ file }) => file ?? []);
  }

  #push(source: CallSource, began: bigint, file: OpenedFile | null): Segment {
    this.#zero ??= began;
    // All ids in use must be known first, as the new ones follow them.
    this.#pending = this.takeChanges();
    if (this.#protos !== null) source.setProtos(this.#protos);
    const segment: Segment = {
      source,
      file,
      began,
      spans: [],
      moved: new Map(),
      timeBase: Number(began - this.#zero) / 1e6,
      held: new Set(),
      lastId: 0,
      cleared: NOTHING,
    };
    this.#segments.push(segment);
    this.#span(segment, 1, this.#nextId - 1);
    return segment;
  }

  /** From source id `from` on, calls get ids above `above`. */
  #span(segment: Segment, from: number, above: number): void {
    const base = above - from + 1;
    segment.spans.push({ from, base });
    this.#ranges.push({ above, segment, base });
  }

  /** The list now starts earlier: the times of all rows change. */
  #startAt(zero: bigint): void {
    this.#zero = zero;
    this.#pending = { rows: [], removed: this.#pending.removed };
    for (const segment of this.#segments) {
      segment.timeBase = Number(segment.began - zero) / 1e6;
      for (const id of segment.held) {
        const row = rowIn(segment, id);
        if (row !== undefined) this.#pending.rows.push(row);
      }
    }
  }

  /** Wall time of millisecond 0 of the list, in nanoseconds since the epoch; null: nothing is in it. */
  get zero(): bigint | null {
    return this.#zero;
  }

  /** Wall time (ns) as milliseconds since the start of the list. */
  sinceStart(time: bigint): number {
    return this.#zero === null ? 0 : Math.max(0, Number(time - this.#zero) / 1e6);
  }

  takeChanges(): HistoryChanges {
    const { rows, removed } = this.#pending;
    this.#pending = { rows: [], removed: [] };
    for (const segment of this.#segments) {
      const { source, held } = segment;
      const changes = source.takeChanges();
      for (const id of changes.changed) {
        const row = rowIn(segment, id);
        if (row === undefined) continue;
        held.add(id);
        segment.lastId = Math.max(segment.lastId, id);
        this.#nextId = Math.max(this.#nextId, row.id + 1);
        rows.push(row);
      }
      for (const id of changes.removed) {
        held.delete(id);
        removed.push(idIn(segment, id));
      }
    }
    this.#dropOldSources(removed);
    return { rows, removed };
  }

  /** @param messageBytes of each message inside; null: all that is held. */
  json(id: number, reveal: boolean, messageBytes: number | null = null): ExchangeJson | null {
    const [segment, own] = this.#find(id);
    const json = segment?.source.json(own, { reveal, messageBytes });
    if (segment === undefined || json === undefined) return null;
    return {
      ...json,
      id,
      peer: peerIn(segment, json.peer),
      causedBy: causeIn(segment, json.causedBy),
      caused: json.caused.flatMap((one) => peerIn(segment, one) ?? []),
      trace: { ...json.trace, first: peerIn(segment, json.trace.first) ?? id },
    };
  }

  message(id: number, number: number, reveal: boolean): StreamMessageJson | null {
    const [segment, own] = this.#find(id);
    return segment?.source.message(own, number, { reveal }) ?? null;
  }

  body(id: number, kind: MessageKind): Uint8Array | null {
    const [segment, own] = this.#find(id);
    return segment?.source.body(own, kind) ?? null;
  }

  /** A call's source, and its id there. */
  #find(id: number): readonly [segment: Segment | undefined, own: number] {
    const range = this.#ranges.findLast(({ above }) => id > above);
    if (range === undefined) return [undefined, 0];
    const { segment, base } = range;
    for (const [own, shown] of segment.moved) if (shown === id) return [segment, own];
    // Its source may have been dropped.
    return idIn(segment, id - base) === id ? [segment, id - base] : [undefined, 0];
  }

  /** See {@link EngineApi.pin}. */
  pin(id: number, pinned: boolean): boolean {
    const [segment, own] = this.#find(id);
    return segment?.source.pin(own, pinned) ?? false;
  }

  /** For the calls of all traces, also future ones. */
  setProtos(schema: ProtoSchema): void {
    this.#protos = schema;
    for (const { source } of this.#segments) source.setProtos(schema);
  }

  /**
   * Removes every call that has ended, and starts the list over: numbers, times and counts. Running calls of the current
   * trace are kept: they get the first numbers, and time begins with the earliest of them.
   *
   * @param now wall time (ns) up to which the running trace was read; null: none.
   * @returns all ids that were in the list. The caller must forget them before {@link takeChanges}, because running calls
   * get some of these ids again.
   */
  clear(now: bigint | null): number[] {
    const { removed } = this.takeChanges();
    for (const segment of this.#segments) for (const id of segment.held) removed.push(idIn(segment, id));
    const live = now === null ? null : this.#traced;
    this.#segments = [];
    this.#ranges = [];
    this.#traced = null;
    this.#nextId = 1;
    this.#zero = null;
    if (live === null || now === null) return removed;

    const { source, lastId } = live;
    source.clear();
    for (const id of source.takeChanges().removed) live.held.delete(id);
    const kept = [...live.held].flatMap((id) => source.row(id) ?? []).sort((a, b) => a.id - b.id);
    const earliest = kept.reduce((least, { start }) => Math.min(least, start), Number.POSITIVE_INFINITY);
    this.#zero = kept.length === 0 ? now : live.began + BigInt(Math.round(earliest * 1e6));
    const segment: Segment = {
      ...live,
      spans: [],
      moved: new Map(kept.map(({ id }, index) => [id, index + 1])),
      timeBase: Number(live.began - this.#zero) / 1e6,
      cleared: allBut(kept, source),
    };
    this.#segments.push(segment);
    this.#traced = segment;
    this.#ranges.push({ above: 0, segment, base: kept.length - lastId });
    segment.spans.push({ from: 1, base: kept.length - lastId });
    this.#nextId = kept.length + 1;
    for (const { id } of kept) {
      const row = rowIn(segment, id);
      if (row !== undefined) this.#pending.rows.push(row);
    }
    return removed;
  }

  stats(): Counts & Pick<EngineStats, 'running'> {
    const sum = { ...NOTHING, running: 0 };
    for (const { source, cleared } of this.#segments) {
      const stats = source.stats();
      sum.running += stats.running;
      for (const name of ['exchanges', 'errors', 'evicted', 'pairs', 'failedPairs'] as const) {
        sum[name] += stats[name] - cleared[name];
      }
    }
    return sum;
  }

  /** Calls of the newest trace, as far as they were not cleared. */
  get newestCalls(): number {
    const newest = this.#traced;
    return newest === null ? 0 : newest.source.stats().exchanges - newest.cleared.exchanges;
  }

  /**
   * Drops sources without calls, and the oldest ones while more than `#maxExchanges` exchanges are held; never the newest
   * source, the trace that was begun last, or pinned calls.
   */
  #dropOldSources(removed: number[]): void {
    let total = this.#segments.reduce((sum, { held }) => sum + held.size, 0);
    for (const segment of this.#segments.slice(0, -1)) {
      if (segment === this.#traced || (total <= this.#maxExchanges && segment.held.size > 0)) continue;
      const { source, held } = segment;
      source.clear(true);
      const kept = [...held].flatMap((id) => source.row(id) ?? []).filter(({ pinned }) => pinned);
      const stays = new Set(kept.map(({ id }) => id));
      for (const id of held) {
        if (stays.has(id)) continue;
        held.delete(id);
        total--;
        removed.push(idIn(segment, id));
      }
      // Their removal has been reported already.
      source.takeChanges();
      segment.cleared = allBut(kept, source);
      if (kept.length > 0) continue;
      this.#segments = this.#segments.filter((other) => other !== segment);
      this.#ranges = this.#ranges.filter((range) => range.segment !== segment);
    }
  }
}

/** A source's counts, less those of the rows in `kept`. */
function allBut(kept: readonly ExchangeRow[], source: CallSource): Counts {
  const stats = source.stats();
  const byId = new Map(kept.map((row) => [row.id, row]));
  const pairs = kept.filter(({ id, peer }) => peer !== null && id < peer && byId.has(peer));
  const failedPairs = pairs.filter((row) => isError(row) && isError(byId.get(row.peer ?? 0) ?? row));
  return {
    exchanges: stats.exchanges - kept.filter(isCall).length,
    errors: stats.errors - kept.filter(isError).length,
    evicted: stats.evicted,
    pairs: stats.pairs - pairs.length,
    failedPairs: stats.failedPairs - failedPairs.length,
  };
}

function idIn({ moved, spans }: Segment, id: number): number {
  return moved.get(id) ?? id + (spans.findLast(({ from }) => id >= from)?.base ?? 0);
}

/** The id of a related call, if it is still in the list: a cleared call's id may have been reused. */
function peerIn(segment: Segment, peer: number | null): number | null {
  return peer === null || !segment.source.holds(peer) ? null : idIn(segment, peer);
}

function causeIn(segment: Segment, cause: Cause | null): Cause | null {
  const id = cause === null ? null : peerIn(segment, cause.id);
  return cause === null || id === null ? null : { ...cause, id };
}

function rowIn(segment: Segment, id: number): ExchangeRow | undefined {
  const row = segment.source.row(id);
  if (row === undefined) return undefined;
  const shown = idIn(segment, id);
  const { timeBase, file } = segment;
  const peer = peerIn(segment, row.peer);
  const cause = causeIn(segment, row.cause);
  const same = shown === id && peer === row.peer && cause?.id === row.cause?.id;
  if (same && timeBase === 0 && file === null) return row;
  return { ...row, id: shown, peer, cause, start: timeBase + row.start, file: file?.name ?? null };
}
