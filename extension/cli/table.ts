/** One line an exchange, for people. Pure. */
import { grpcFailureText } from '../engine/grpc/status.ts';
import type { ExchangeRow } from '../engine/row.ts';
import { visible } from '../escape/terminal.ts';
import { formatDuration, formatSize } from './units.ts';

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
    width: 7,
    right: true,
    from: 0,
    text: (row) => (row.duration === null ? UNKNOWN : formatDuration(row.duration)),
  },
  { title: 'SENT', width: 5, right: true, from: 110, text: (row) => size(row.requestSize) },
  { title: 'SIZE', width: 5, right: true, from: 60, text: (row) => size(row.responseSize) },
  { title: 'SIDE', width: 6, from: 80, text: (row) => row.side ?? UNKNOWN },
  { title: 'PROCESS', width: 15, from: 100, text: process },
];

/** Narrowest URL column: below it, the line is longer than the terminal. */
const MIN_URL = 16;

function size(bytes: number | null): string {
  return bytes === null ? UNKNOWN : formatSize(bytes);
}

function process(row: ExchangeRow): string {
  if (row.pid === null) return UNKNOWN;
  const pid = String(row.pid);
  const name = row.processName ?? '?';
  return `${cut(visible(name), 14 - pid.length)}:${pid}`;
}

/** Scheme, authority and path as far as known. */
function url(row: ExchangeRow): string {
  if (row.encrypted !== null) return `${row.host ?? UNKNOWN} (${row.encrypted})`;
  const origin = row.host === null ? '' : `${row.scheme ?? 'http'}://${row.host}`;
  const words = [row.operation, grpcFailureText(row.grpcStatus)].filter(
    (word) => word !== null && word !== '',
  );
  const asked = words.length === 0 ? '' : ` (${words.join(', ')})`;
  return (origin + (row.path ?? '') || UNKNOWN) + asked;
}

function notes(row: ExchangeRow): string {
  const marks: string[] = row.completeness.filter((mark) => mark !== 'complete');
  if (row.violations > 0) marks.push('malformed');
  if (row.messageFormat !== null) marks.unshift(`${row.messages} message${row.messages === 1 ? '' : 's'}`);
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

export class Table {
  readonly #columns: readonly Column[];

  constructor(
    /** Characters a line of the terminal has; null = as long as needed (a file, a pipe). */
    private readonly width: number | null,
  ) {
    this.#columns = COLUMNS.filter((column) => width === null || width >= column.from);
  }

  header(): string {
    return `${[...this.#columns.map((column) => cell(column.title, column)), 'URL'].join(' ')}\n`;
  }

  line(row: ExchangeRow): string {
    const before = this.#columns.map((column) => cell(column.text(row), column)).join(' ');
    const after = notes(row);
    let target = visible(url(row));
    if (this.width !== null) {
      target = cut(target, Math.max(MIN_URL, this.width - before.length - 1 - after.length));
    }
    return `${before} ${target}${after}\n`;
  }
}
