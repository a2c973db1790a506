/**
 * The formats of the command line. A format is a sink for exchanges and one entry of {@link FORMATS}, from which options,
 * help and errors are made.
 */
import type { ExchangeJson, SummaryJson } from '../engine/exchangeJson.ts';
import type { ExchangeRow } from '../engine/row.ts';
import { HarArchive } from './harArchive.ts';
import { JsonLines } from './jsonLines.ts';
import { OtlpLines } from './otlpLines.ts';
import { Table } from './table.ts';

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
  /** Characters that a line of the terminal has; null: not a terminal. */
  readonly columns: number | null;
  /** The exchanges come with their secrets. */
  readonly secrets: boolean;
}

interface Format {
  readonly help: string;
  readonly open: (target: SinkTarget) => Sink;
}

/** The first is the default. */
export const FORMATS = {
  table: { help: 'one line per exchange', open: (target) => new Table(target) },
  json: {
    help: 'one exchange per line, the summary last (see http-trace schema)',
    open: (target) => new JsonLines(target),
  },
  har: {
    help: 'an HTTP Archive 1.2, for the developer tools of browsers',
    open: (target) => new HarArchive(target),
  },
  otlp: {
    help: 'OpenTelemetry spans (OTLP/JSON), up to 512 a line',
    open: (target) => new OtlpLines(target),
  },
} as const satisfies Readonly<Record<string, Format>>;

export type FormatName = keyof typeof FORMATS;
export const FORMAT_NAMES = Object.keys(FORMATS) as readonly FormatName[];
export const DEFAULT_FORMAT: FormatName = 'table';
/** Of `http-trace export`. */
export const EXPORT_FORMAT: FormatName = 'har';
