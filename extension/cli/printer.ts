/** Passes each exchange to the format once, when it has ended; then the summary. */
import type { EngineApi } from '../engine/engine.ts';
import type { ExchangeJson, SummaryJson } from '../engine/exchangeJson.ts';
import { type ExchangeRow, isCall } from '../engine/row.ts';
import type { Filter } from '../filter/parser.ts';
import { detailsFound, searchText } from '../filter/subject.ts';
import type { ShowOptions } from './arguments.ts';
import { FORMATS } from './formats.ts';
import type { Output } from './output.ts';
import type { EndedExchange, Sink } from './sink.ts';

/** Number of exchanges after which the engine drops those that were shown, so that memory stays bounded. */
const FORGET_AFTER = 2000;

/** Characters that are written at once: a system call for each line would take longer than making the line. */
const WRITE_AT = 256 * 1024;

/** Called for each shown exchange, which it can get with secrets masked. */
export type AlsoTo = (masked: () => ExchangeJson | null) => void;

export class Printer {
  readonly #engine: EngineApi;
  readonly #options: ShowOptions;
  readonly #output: Output;
  readonly #sink: Sink;
  readonly #also: AlsoTo | null;
  readonly #done = new Set<number>();
  /** Ended, not shown yet: their other side is about to be reported. */
  readonly #held = new Set<number>();
  #calls = 0;
  #encrypted = 0;
  #sinceForgotten = 0;
  #texts: string[] = [];
  /** Characters in `#texts`. */
  #waiting = 0;

  constructor(engine: EngineApi, options: ShowOptions, output: Output, also: AlsoTo | null = null) {
    this.#also = also;
    this.#engine = engine;
    this.#options = options;
    this.#output = output;
    this.#sink = FORMATS[options.format].open({
      columns: output.columns,
      secrets: options.showSecrets,
      write: (text) => {
        this.#texts.push(text);
        this.#waiting += text.length;
        if (this.#waiting >= WRITE_AT) this.#write();
      },
    });
  }

  /** Calls that have ended, shown or not. */
  get count(): number {
    return this.#calls;
  }

  /** Encrypted connections that have ended, shown or not. */
  get encrypted(): number {
    return this.#encrypted;
  }

  /** Shows what has ended since the last call. What it writes depends on the records alone, not on the clock. */
  flush(): void {
    const { changed, removed } = this.#engine.takeChanges();
    for (const id of removed) this.#done.delete(id);
    for (const id of this.#held) {
      if (!this.#engine.awaitsPeer(id)) this.#release(id);
    }
    for (const id of changed) {
      if (this.#done.has(id) || this.#engine.get(id)?.state !== 'ended') continue;
      this.#done.add(id);
      this.#count(id);
      this.#sinceForgotten++;
      if (this.#engine.awaitsPeer(id)) this.#held.add(id);
      else this.#show(id);
    }
    if (this.#sinceForgotten >= FORGET_AFTER) {
      this.#sinceForgotten = 0;
      for (const id of this.#held) this.#release(id);
      this.#engine.clear();
    }
    this.#write();
  }

  #release(id: number): void {
    this.#held.delete(id);
    this.#show(id);
  }

  end(summary: SummaryJson): void {
    this.#sink.end(summary);
    this.#write();
  }

  #count(id: number): void {
    const exchange = this.#engine.get(id);
    if (exchange === undefined) return;
    // Nearly all exchanges are calls, so a row is created only for the others.
    const row = exchange.encrypted === null ? null : this.#engine.row(id);
    if (row === null || (row !== undefined && isCall(row))) this.#calls++;
    else this.#encrypted++;
  }

  #show(id: number): void {
    const { filter, minLatency, showSecrets } = this.#options;
    const exchange: EndedExchange = {
      row: () => this.#engine.row(id) ?? null,
      json: () => {
        const json = this.#engine.json(id, { reveal: showSecrets });
        return json === undefined ? null : this.#selected(json);
      },
    };
    if (minLatency > 0) {
      const row = exchange.row();
      if (row === null || (latency(row) ?? Number.POSITIVE_INFINITY) < minLatency) return;
    }
    if (filter !== null && !this.#isWanted(id, filter)) return;
    this.#sink.exchange(exchange);
    this.#also?.(() => this.#engine.json(id) ?? null);
  }

  /** Tests the exchange as shown: secrets are masked unless the options reveal them. */
  #isWanted(id: number, { matches, possible, details }: Filter): boolean {
    const row = this.#engine.row(id);
    if (row === undefined) return false;
    if (matches === null) return true;
    const subject = { row, text: searchText(row) };
    if (details.length === 0) return matches(subject);
    if (!possible(subject)) return false;
    const json = this.#engine.json(id, { reveal: this.#options.showSecrets });
    return json !== undefined && matches({ ...subject, found: detailsFound(details, json) });
  }

  #write(): void {
    if (this.#texts.length === 0) return;
    this.#output.write(this.#texts.join(''));
    this.#texts = [];
    this.#waiting = 0;
  }

  /** Without the requests or responses that `--capture` leaves out. */
  #selected(exchange: ExchangeJson): ExchangeJson {
    const { requests, responses } = this.#options;
    if (requests && responses) return exchange;
    return {
      ...exchange,
      request: requests ? exchange.request : null,
      response: responses ? exchange.response : null,
      interim: responses ? exchange.interim : [],
      messages: exchange.messages.filter(({ direction }) =>
        (direction === 'out') === (exchange.side === 'client') ? requests : responses,
      ),
    };
  }
}

/** From the request's first byte to the response's, as the kernel's filter measures it; null when unknown. */
function latency(row: ExchangeRow): number | null {
  const { sendMs, waitMs, overlapMs } = row.phases;
  return sendMs !== null && waitMs !== null ? sendMs + waitMs - (overlapMs ?? 0) : row.duration;
}
