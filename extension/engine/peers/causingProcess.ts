/** What a process is answering, and what it has called: which of it may have caused which. */
import { MAX_RECENT_CALLS } from '../limits.ts';
import type { StoredExchange } from '../storedExchange.ts';

export class CausingProcess {
  /** It has made a call. */
  isCaller = false;
  /** It has made one while it answered nothing. */
  hasOwnCalls = false;
  /** Ids of connections that others opened to it and whose calls are not seen. */
  readonly opaque = new Set<number>();
  /** Ids of the calls that it made last, and of those that it began to answer last. */
  readonly recent: number[] = [];
  readonly answered: number[] = [];
  /** In the order in which they began. */
  readonly #answering = new Set<StoredExchange>();
  readonly #streams = new Set<StoredExchange>();

  /** It answers nothing. */
  get isIdle(): boolean {
    return this.#answering.size === 0 && this.#streams.size === 0;
  }

  get hasStreams(): boolean {
    return this.#streams.size > 0;
  }

  /** Calls that it is answering, in the order in which they began; those that have become long streams are set aside. */
  *answering(): Generator<StoredExchange, void, undefined> {
    for (const exchange of this.#answering) {
      if (!isStream(exchange)) {
        yield exchange;
        continue;
      }
      this.#answering.delete(exchange);
      this.#streams.add(exchange);
    }
  }

  begun(exchange: StoredExchange): void {
    if (exchange.state === 'running') this.#answering.add(exchange);
    this.answered.push(exchange.id);
    if (this.answered.length > MAX_RECENT_CALLS) this.answered.shift();
  }

  called(id: number): void {
    this.recent.push(id);
    if (this.recent.length > MAX_RECENT_CALLS) this.recent.shift();
  }

  ended(exchange: StoredExchange): void {
    this.#answering.delete(exchange);
    this.#streams.delete(exchange);
    this.opaque.delete(exchange.id);
  }
}

/** It lasts as long as somebody listens: what happens meanwhile need not have to do with it. */
function isStream({ messages, tunnel }: StoredExchange): boolean {
  const format = messages?.format;
  return tunnel !== null || format === 'websocket' || format === 'server-sent-events';
}
