/** The calls that a process is answering, and the calls that it has made: the former may have caused the latter. */
import { MAX_RECENT_CALLS } from '../limits.ts';
import { LinkedList } from '../linkedList.ts';
import type { StoredExchange } from '../storedExchange.ts';

export class CausingProcess {
  /** It has made a call. */
  isCaller = false;
  /** It has made one while answering none. */
  hasOwnCalls = false;
  /** Ids of incoming connections whose calls are not seen. */
  readonly opaque = new Set<number>();
  /** Ids of the newest outgoing calls, and of the newest incoming ones. */
  readonly recent: number[] = [];
  readonly answered: number[] = [];
  /** In the order in which they began. */
  readonly #answering = new LinkedList<StoredExchange>();
  readonly #streams = new Set<StoredExchange>();

  /** Answers no call. */
  get isIdle(): boolean {
    return this.#answering.isEmpty && this.#streams.size === 0;
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
      this.#leave(exchange);
      this.#streams.add(exchange);
    }
  }

  begun(exchange: StoredExchange): void {
    if (exchange.state === 'running') exchange.answeringPlace ??= this.#answering.add(exchange);
    this.answered.push(exchange.id);
    if (this.answered.length > MAX_RECENT_CALLS) this.answered.shift();
  }

  called(id: number): void {
    this.recent.push(id);
    if (this.recent.length > MAX_RECENT_CALLS) this.recent.shift();
  }

  ended(exchange: StoredExchange): void {
    this.#leave(exchange);
    if (this.#streams.size > 0) this.#streams.delete(exchange);
    if (this.opaque.size > 0) this.opaque.delete(exchange.id);
  }

  #leave(exchange: StoredExchange): void {
    if (exchange.answeringPlace !== null) this.#answering.remove(exchange.answeringPlace);
    exchange.answeringPlace = null;
  }
}

/** A stream lasts as long as its client listens, so it did not necessarily cause calls made during it. */
function isStream({ messages, tunnel }: StoredExchange): boolean {
  const format = messages?.format;
  return tunnel !== null || format === 'websocket' || format === 'server-sent-events';
}
