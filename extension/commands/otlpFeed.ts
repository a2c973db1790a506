/** Gives each call that a trace sees to the exporter, once it has ended, with its secrets masked. */
import type { RowChanges, Subscription, Trace } from '../capture/trace.ts';
import { type OtlpCounts, OtlpExporter } from '../otlp/exporter.ts';

/** Calls whose details are yet to be requested; further ones are lost. */
export const MAX_QUEUE = 4_096;

export class OtlpFeed {
  readonly #trace: Trace;
  readonly #exporter: OtlpExporter;
  readonly #subscription: Subscription;
  #list: number;
  /** Ids of rows in the list whose span was made or is to be, or that had ended before. */
  readonly #taken = new Set<number>();
  #queue: number[] = [];
  /** The details of one are asked for. */
  #asking = false;
  #pumping: Promise<void> | null = null;

  /** @param changed is called when the counts are others. */
  constructor(trace: Trace, endpoint: URL, version: string, changed: () => void) {
    this.#trace = trace;
    this.#exporter = new OtlpExporter(endpoint, version, changed);
    this.#list = trace.status.list;
    // A row that has ended can still change, for example when it is pinned: that does not make a span of an earlier
    // call.
    for (const { id, state } of trace.rows.values()) if (state === 'ended') this.#taken.add(id);
    this.#subscription = trace.onDidChangeRows((changes) => this.#takeRows(changes));
  }

  get counts(): OtlpCounts {
    const counts = this.#exporter.counts;
    return { ...counts, waiting: counts.waiting + this.#queue.length };
  }

  /** Accepts no more calls, and sends the waiting ones, for a few seconds at most. Idempotent. */
  async close(): Promise<OtlpCounts> {
    this.#subscription.dispose();
    await this.#pumping;
    return this.#exporter.close();
  }

  /** The list was cleared: what has not been asked for is lost, and the ids that follow are of other calls. */
  restart(): void {
    this.#list = this.#trace.status.list;
    const unsent = this.#queue.length + (this.#asking ? 1 : 0);
    this.#taken.clear();
    this.#queue = [];
    this.#exporter.restart();
    if (unsent > 0) this.#exporter.lose(unsent);
  }

  #takeRows({ rows, removed }: RowChanges): void {
    for (const id of removed) this.#taken.delete(id);
    for (const { id, state, file } of rows) {
      if (state !== 'ended' || file !== null || this.#taken.has(id)) continue;
      this.#taken.add(id);
      if (this.#queue.length < MAX_QUEUE) this.#queue.push(id);
      else this.#exporter.lose(1);
    }
    this.#pumping ??= this.#pump();
  }

  /** One after the other: the panel's questions come in between. */
  async #pump(): Promise<void> {
    // The field is set before it is cleared below, also where there is nothing to wait for.
    await null;
    try {
      for (let id = this.#queue.shift(); id !== undefined; id = this.#queue.shift()) await this.#send(id);
    } finally {
      // In the same turn in which the queue was found empty: a call that arrives later would be left in it.
      this.#pumping = null;
    }
  }

  async #send(id: number): Promise<void> {
    // Where there is no room, a call is not even asked for.
    if (this.#exporter.full || this.#isCleared()) {
      this.#exporter.lose(1);
      return;
    }
    const list = this.#list;
    this.#asking = true;
    const exchange = await this.#trace.details(id, false, 0).catch(() => null);
    this.#asking = false;
    // Counted already; the details may belong to another call with this id.
    if (list !== this.#list || this.#isCleared()) return;
    if (exchange === null) this.#exporter.lose(1);
    else this.#exporter.add(exchange);
  }

  /** A feed that is being closed gets no notification. */
  #isCleared(): boolean {
    return this.#trace.status.list !== this.#list;
  }
}
