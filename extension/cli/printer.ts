/** Exchanges, each once, when it is over; then the summary. */

import type { EngineApi } from '../engine/engine.ts';
import type { ExchangeJson, SummaryJson } from '../engine/exchangeJson.ts';
import { type ExchangeRow, isCall } from '../engine/row.ts';
import { jsonLine } from '../escape/jsonLine.ts';
import type { ShowOptions } from './arguments.ts';
import type { Output } from './output.ts';
import { summaryText } from './summary.ts';
import { Table } from './table.ts';

/** Exchanges after which the engine forgets what was shown, so that a long trace needs no more memory. */
const FORGET_AFTER = 2000;

/** Characters that are written at once; what is left at the end of a flush is written then. */
const WRITE_AT = 256 * 1024;

export class Printer {
  readonly #table: Table;
  readonly #done = new Set<number>();
  #calls = 0;
  #encrypted = 0;
  #sinceForgotten = 0;
  #headed = false;
  #lines: string[] = [];
  /** Characters in `#lines`. */
  #waiting = 0;

  constructor(
    private readonly engine: EngineApi,
    private readonly options: ShowOptions,
    private readonly output: Output,
  ) {
    this.#table = new Table(output.columns);
  }

  /** Calls that were over, shown or not. */
  get count(): number {
    return this.#calls;
  }

  /** Connections without plaintext that were over, shown or not. */
  get encrypted(): number {
    return this.#encrypted;
  }

  /** Shows what is over since the last call. What it writes depends on the records alone, not on the clock. */
  flush(): void {
    const { changed, removed } = this.engine.takeChanges();
    for (const id of removed) this.#done.delete(id);
    for (const id of changed) {
      if (this.#done.has(id) || this.engine.get(id)?.state !== 'ended') continue;
      this.#done.add(id);
      this.#count(id);
      this.#sinceForgotten++;
      this.#show(id);
    }
    this.#write();
    if (this.#sinceForgotten >= FORGET_AFTER) {
      this.#sinceForgotten = 0;
      this.engine.clear();
    }
  }

  summary(summary: SummaryJson): void {
    if (this.options.format === 'json') {
      this.output.write(jsonLine(summary));
      return;
    }
    this.output.write(`${this.#headed ? '\n' : ''}${summaryText(summary)}`);
  }

  #count(id: number): void {
    const exchange = this.engine.get(id);
    if (exchange === undefined) return;
    // Nearly all are calls; a row is made only to find out about the others.
    const row = exchange.encrypted === null ? null : this.engine.row(id);
    if (row === null || (row !== undefined && isCall(row))) this.#calls++;
    else this.#encrypted++;
  }

  #show(id: number): void {
    const { format, minLatency, showSecrets } = this.options;
    if (format === 'table' || minLatency > 0) {
      const row = this.engine.row(id);
      if (row === undefined) return;
      if ((latency(row) ?? Number.POSITIVE_INFINITY) < minLatency) return;
      if (format === 'table') {
        if (!this.#headed) this.#line(this.#table.header());
        this.#headed = true;
        this.#line(this.#table.line(row));
        return;
      }
    }
    const exchange = this.engine.json(id, { reveal: showSecrets });
    if (exchange !== undefined) this.#line(jsonLine(this.#chosen(exchange)));
  }

  /** Lines are written together: a system call for each would take longer than making it. */
  #line(text: string): void {
    this.#lines.push(text);
    this.#waiting += text.length;
    if (this.#waiting >= WRITE_AT) this.#write();
  }

  #write(): void {
    if (this.#lines.length === 0) return;
    this.output.write(this.#lines.join(''));
    this.#lines = [];
    this.#waiting = 0;
  }

  #chosen(exchange: ExchangeJson): ExchangeJson {
    const { requests, responses } = this.options;
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
  const { sendMs, waitMs } = row.phases;
  return sendMs !== null && waitMs !== null ? sendMs + waitMs : row.duration;
}
