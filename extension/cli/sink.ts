/** What a format of the command line is: a sink for exchanges. `formats.ts` lists them. */
import type { ExchangeJson, SummaryJson } from '../engine/exchangeJson.ts';
import type { ExchangeRow } from '../engine/row.ts';

/** An exchange that has ended. Its forms are created only if a format uses them. */
export interface EndedExchange {
  /** null: it is no longer held. */
  row(): ExchangeRow | null;
  /** The exchange as the options ask for it: secrets masked, requests or responses left out. null: no longer held. */
  json(): ExchangeJson | null;
}

/** Writes a trace in one format. Text is passed to `write` in output order. */
export interface Sink {
  /** Once for each exchange, in the order in which they end. */
  exchange(exchange: EndedExchange): void;
  /** The trace has ended: writes what is left, and the summary. */
  end(summary: SummaryJson): void;
}

export interface SinkTarget {
  readonly write: (text: string) => void;
  /** Width of the terminal in characters; null: not a terminal. */
  readonly columns: number | null;
  /** Secrets in exchanges are not masked. */
  readonly secrets: boolean;
}
