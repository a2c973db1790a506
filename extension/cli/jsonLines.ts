/** `--format json`: one JSON text per line (see exchange.schema.json). */
import type { SummaryJson } from '../engine/exchangeJson.ts';
import { jsonLine } from '../escape/jsonLine.ts';
import type { EndedExchange, Sink, SinkTarget } from './sink.ts';

export class JsonLines implements Sink {
  readonly #write: (text: string) => void;

  constructor({ write }: SinkTarget) {
    this.#write = write;
  }

  exchange(exchange: EndedExchange): void {
    const json = exchange.json();
    if (json !== null) this.#write(jsonLine(json));
  }

  end(summary: SummaryJson): void {
    this.#write(jsonLine(summary));
  }
}
