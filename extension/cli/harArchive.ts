/** `--format har`: all exchanges as one HTTP Archive. */
import manifest from '../../package.json';
import type { SummaryJson } from '../engine/exchangeJson.ts';
import { HarWriter } from '../export/harWriter.ts';
import type { EndedExchange, Sink, SinkTarget } from './sink.ts';

export class HarArchive implements Sink {
  readonly #writer: HarWriter;

  constructor({ secrets, write }: SinkTarget) {
    this.#writer = new HarWriter(manifest.version, secrets, write);
  }

  exchange(exchange: EndedExchange): void {
    const json = exchange.json();
    if (json !== null) this.#writer.add(json);
  }

  end({ summary }: SummaryJson): void {
    this.#writer.end(summary.note === null ? [] : [summary.note]);
  }
}
