/** Passes each traced call to the exporter once it has ended, with its secrets masked. */
import type { RowChanges, Subscription, Trace } from '../capture/trace.ts';
import { type OtlpCounts, OtlpExporter } from '../otlp/exporter.ts';

/** Calls whose details are yet to be requested; further ones are lost. */
export const MAX_QUEUE = 4_096;

export class OtlpFeed {
  readonly #trace: Trace;
  readonly #exporter: OtlpExporter;
  readonly #subscription: Subscription;
  #list: number;
  /** Ids of listed rows whose span was made or is pending, or that had ended before. */
  readonly #taken = new Set<number>();
  #queue: number[] = [];
  /** Details of a call are requested. */
  #asking = false;
  #pumping: Promise<void> | null = null;

  /** @param changed is called when the counts change. */
  constructor(trace: Trace, endpoint: URL, version: string, changed: () => void) {
    this.#trace = trace;
    this.#exporter = new OtlpExporter(endpoint, version, changed);
    this.#list = trace.status.list;
    // A row that has ended can still change, for example when it is pinned: that must not export an earlier call.
    for (const { id, state } of trace.rows.values()) if (state === 'ended') this.#taken.add(id);
    this.#subscription = trace.onDidChangeRows((changes) => this.#takeRows(changes));
  }

  get counts(): OtlpCounts {
    const counts = this.#exporter.counts;
    return { ...counts, waiting: counts.waiting + this.#queue.length };
  }

  /** Accepts no more calls, and sends pending ones, for a few seconds at most. Idempotent. */
  async close(): Promise<OtlpCounts> {
    this.#subscription.dispose();
    await this.#pumping;
    return this.#exporter.close();
  }

  /** The list was cleared: calls not exported yet are lost, and new ids belong to other calls. */
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

  /** One at a time: the panel's requests come in between. */
  async #pump(): Promise<void> {
    // Yields, so that the field is set before it is cleared below even if nothing waits.
    await null;
    try {
      for (let id = this.#queue.shift(); id !== undefined; id = this.#queue.shift()) await this.#send(id);
    } finally {
      // In the turn that found the queue empty: otherwise a call that arrives later would be left in it.
      this.#pumping = null;
    }
  }

  async #send(id: number): Promise<void> {
    // Without room, no details are requested.
    if (this.#exporter.full || this.#isCleared()) {
      this.#exporter.lose(1);
      return;
    }
    const list = this.#list;
    this.#asking = true;
    const exchange = await this.#trace.details(id, false, 0).catch(() => null);
    this.#asking = false;
    // Already counted as lost; the details may be of another call with this id.
    if (list !== this.#list || this.#isCleared()) return;
    if (exchange === null) this.#exporter.lose(1);
    else this.#exporter.add(exchange);
  }

  /** A feed that is being closed gets no notification. */
  #isCleared(): boolean {
    return this.#trace.status.list !== this.#list;
  }
}
