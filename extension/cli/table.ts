/** One line per exchange, for people. */

import type { SummaryJson } from '../engine/exchangeJson.ts';
import { grpcFailureText } from '../engine/grpc/status.ts';
import type { ExchangeRow } from '../engine/row.ts';
import { visible } from '../escape/terminal.ts';
import { addressText } from '../words/address.ts';
import { connectText, endingWord, isForeign } from '../words/ending.ts';
import { messagesText, proxyText, reasonOf } from '../words/exchange.ts';
import { durationText, sizeText } from '../words/numbers.ts';
import type { EndedExchange, Sink, SinkTarget } from './sink.ts';
import { summaryText } from './summary.ts';

interface Column {
  readonly title: string;
  readonly width: number;
  readonly right?: boolean;
  readonly text: (row: ExchangeRow) => string;
  /** Terminals narrower than this do not show it. */
  readonly from: number;
}

const UNKNOWN = '-';

/** Widths: the longest registered method in common use is OPTIONS, a comm has 15 bytes. */
const COLUMNS: readonly Column[] = [
  { title: 'START', width: 8, right: true, from: 90, text: (row) => `${(row.start / 1000).toFixed(3)}` },
  { title: 'METHOD', width: 7, from: 0, text: (row) => row.method ?? UNKNOWN },
  { title: 'STATUS', width: 6, from: 0, text: (row) => row.status?.toString() ?? UNKNOWN },
  {
    title: 'TIME',
    width: 8,
    right: true,
    from: 0,
    text: duration,
  },
  { title: 'SENT', width: 8, right: true, from: 110, text: (row) => size(row.requestSize) },
  { title: 'SIZE', width: 8, right: true, from: 60, text: (row) => size(row.responseSize) },
  { title: 'SIDE', width: 6, from: 80, text: (row) => row.side ?? UNKNOWN },
  { title: 'PROCESS', width: 15, from: 100, text: process },
];

/** Narrowest URL column: below it, the line is longer than the terminal. */
const MIN_URL = 16;

/** In ASCII, so that it works in terminals of any charset and as the value of an option: `850 us`. */
function duration({ duration }: ExchangeRow): string {
  return duration === null ? UNKNOWN : durationText(duration).replace('µ', 'u');
}

function size(bytes: number | null): string {
  return bytes === null ? UNKNOWN : sizeText(bytes);
}

function process(row: ExchangeRow): string {
  if (row.pid === null) return UNKNOWN;
  const pid = String(row.pid);
  const name = row.processName ?? '?';
  return `${cut(visible(name), 14 - pid.length)}:${pid}`;
}

/** The URL as far as it is known, with remarks that the status does not show. */
function url(row: ExchangeRow): string {
  const address = addressText(row) ?? UNKNOWN;
  const reason = reasonOf(row);
  const proxy = proxyText(row);
  if (reason !== null) return `${address} (${[reason, proxy].filter((remark) => remark !== '').join(', ')})`;
  const remarks = [
    connectReason(row),
    row.tlsFailure,
    row.operation,
    grpcFailureText(row.grpcStatus),
    proxy,
  ].filter((remark) => remark !== null && remark !== '');
  return remarks.length === 0 ? address : `${address} (${remarks.join(', ')})`;
}

/** How connecting failed; null: this is not a failed connection. */
function connectReason({ ending, connectAttempts }: ExchangeRow): string | null {
  if (ending === null || connectAttempts === 0) return null;
  const text = connectText(ending);
  const error = ending.error === null ? '' : ` (${ending.error})`;
  return `${text.slice(0, 1).toLowerCase()}${text.slice(1)}${error}`;
}

function notes(row: ExchangeRow): string {
  const marks: string[] = row.completeness.filter((mark) => mark !== 'complete' && mark !== 'connect-failed');
  const ended = row.ending?.how === 'answered' && !isForeign(row) ? null : endingWord(row);
  if (ended !== null) marks.push(row.connectAttempts > 1 ? `${ended} ${row.connectAttempts} times` : ended);
  if (row.violations > (isForeign(row) ? 1 : 0)) marks.push('malformed');
  if (row.messageFormat !== null) marks.unshift(messagesText(row));
  return marks.length === 0 ? '' : ` [${marks.join(', ')}]`;
}

function cut(text: string, width: number): string {
  if (text.length <= width) return text;
  return width < 1 ? '' : `${text.slice(0, width - 1)}~`;
}

function cell(text: string, column: Column): string {
  const safe = cut(visible(text), column.width);
  return column.right === true ? safe.padStart(column.width) : safe.padEnd(column.width);
}

/** `--format table`: a header, a line per exchange, and the summary. */
export class Table implements Sink {
  readonly #target: SinkTarget;
  readonly #columns: readonly Column[];
  #hasHeader = false;

  constructor(target: SinkTarget) {
    this.#target = target;
    const { columns } = target;
    this.#columns = COLUMNS.filter((column) => columns === null || columns >= column.from);
  }

  exchange(exchange: EndedExchange): void {
    const row = exchange.row();
    if (row === null) return;
    if (!this.#hasHeader) this.#target.write(this.#header());
    this.#hasHeader = true;
    this.#target.write(this.#line(row));
  }

  end(summary: SummaryJson): void {
    this.#target.write(`${this.#hasHeader ? '\n' : ''}${summaryText(summary)}`);
  }

  #header(): string {
    return `${[...this.#columns.map((column) => cell(column.title, column)), 'URL'].join(' ')}\n`;
  }

  #line(row: ExchangeRow): string {
    const { columns } = this.#target;
    const before = this.#columns.map((column) => cell(column.text(row), column)).join(' ');
    const after = notes(row);
    let target = visible(url(row));
    if (columns !== null) target = cut(target, Math.max(MIN_URL, columns - before.length - 1 - after.length));
    return `${before} ${target}${after}\n`;
  }
}
