/** `--format otlp`: spans as lines of JSON, each a request for a collector. */
import manifest from '../../package.json';
import { jsonLine } from '../escape/jsonLine.ts';
import { type ProcessSpan, traceRequest } from '../otlp/request.ts';
import { SpanMaker } from '../otlp/spans.ts';
import type { EndedExchange, Sink, SinkTarget } from './sink.ts';

/** Spans per line. */
const MAX_BATCH = 512;

export class OtlpLines implements Sink {
  readonly #write: (text: string) => void;
  readonly #maker = new SpanMaker();
  #spans: ProcessSpan[] = [];

  constructor({ write }: SinkTarget) {
    this.#write = write;
  }

  exchange(exchange: EndedExchange): void {
    const json = exchange.json();
    const span = json === null ? null : this.#maker.span(json);
    if (json === null || span === null) return;
    this.#spans.push({ process: json.process, span });
    if (this.#spans.length >= MAX_BATCH) this.#flush();
  }

  end(): void {
    this.#flush();
  }

  #flush(): void {
    if (this.#spans.length === 0) return;
    this.#write(jsonLine(traceRequest(this.#spans, manifest.version)));
    this.#spans = [];
  }
}
