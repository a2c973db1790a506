/** The command line's formats. Options, help and errors are made from the entries of {@link FORMATS}. */
import { HarArchive } from './harArchive.ts';
import { JsonLines } from './jsonLines.ts';
import { OtlpLines } from './otlpLines.ts';
import type { Sink, SinkTarget } from './sink.ts';
import { Table } from './table.ts';

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
