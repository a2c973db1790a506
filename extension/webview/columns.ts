/** The columns of the list, in one table: width, order of disappearance, sorting and content. */

import { activeMs, type ExchangeRow, isError, isRunning, type SourceLine } from '../engine/row.ts';
import { addressParts } from '../words/address.ts';
import { insteadOfCall, reasonOf, rowDurationText, rowProcessName, sourceText } from '../words/exchange.ts';
import { localized } from '../words/localized.ts';
import { durationText, sizeText, UNKNOWN } from '../words/numbers.ts';
import { t } from '../words/translate.ts';
import { shorten, visibleLine } from '../words/visible.ts';
import { AS_USUAL, type ColumnChoice, type ColumnId, ordered } from './columnChoice.ts';
import { tickText } from './ticks.ts';

export interface Sort {
  readonly column: ColumnId;
  readonly ascending: boolean;
}

export const NATURAL: Sort = { column: 'id', ascending: true };

export interface Column {
  readonly id: ColumnId;
  readonly label: string;
  /** For a screen reader, where the label is not a word. */
  readonly spoken?: string;
  /** CSS pixels. A flexible column is at least this wide. */
  readonly width: number;
  /** In a list that is narrower than {@link NARROW}. */
  readonly narrowWidth?: number;
  readonly minWidth: number;
  readonly flexible?: boolean;
  readonly align?: 'end';
  /** When there is no room, the column with the highest number is left out first. 0: never. */
  readonly dropRank: number;
  /** Shown only if the user has chosen it. */
  readonly optional?: boolean;
  /** Sort key. Unknown (null) comes last in either direction. */
  readonly key: (row: ExchangeRow) => number | string | null;
  /** Plain content; the columns `call` and `waterfall` are drawn by the list. */
  readonly text: (row: ExchangeRow) => string;
  /** For a screen reader, where the text is a symbol. */
  readonly speak?: (row: ExchangeRow) => string;
}

/** Characters in a cell: more cannot be seen, and cost layout. */
const MAX_CELL = 512;

const SIDES = { client: t('client'), server: t('server') } as const;

const line = (text: string): string => visibleLine(shorten(text, MAX_CELL));

export const COLUMNS: readonly Column[] = [
  {
    id: 'id',
    label: '#',
    spoken: t('Number'),
    width: 46,
    minWidth: 32,
    align: 'end',
    dropRank: 7,
    key: (row) => row.id,
    text: (row) => String(row.id),
  },
  {
    id: 'method',
    label: t('Method'),
    width: 64,
    narrowWidth: 48,
    minWidth: 40,
    dropRank: 1,
    key: (row) => row.method,
    text: (row) => {
      const instead = insteadOfCall(row);
      if (instead !== null) return instead;
      return row.method === null ? UNKNOWN : line(row.method);
    },
    speak: (row) => {
      if (row.failure !== null) return t('name lookup');
      if (row.encrypted !== null) return t('TLS connection');
      return row.method === null ? t('method unknown') : line(row.method);
    },
  },
  {
    id: 'status',
    label: t('Status'),
    width: 50,
    narrowWidth: 42,
    minWidth: 36,
    dropRank: 0,
    key: (row) => row.status,
    text: statusText,
    speak: (row) =>
      row.status === null ? (isRunning(row) ? t('no status yet') : t('no status')) : String(row.status),
  },
  {
    id: 'call',
    label: t('Call'),
    width: 140,
    narrowWidth: 130,
    minWidth: 80,
    flexible: true,
    dropRank: 0,
    key: (row) => addressLine(row) || null,
    text: (row) => {
      const reason = reasonOf(row);
      return line(reason === null ? addressLine(row) : `${row.host ?? ''} ${localized(reason)}`.trim());
    },
  },
  {
    id: 'protocol',
    label: t('Protocol'),
    width: 60,
    minWidth: 36,
    dropRank: 10,
    key: (row) => row.protocol,
    text: (row) => protocolName(row.protocol),
  },
  {
    id: 'type',
    label: t('Type'),
    width: 72,
    minWidth: 36,
    dropRank: 9,
    key: (row) => row.type,
    text: (row) => (row.type === null ? '' : line(row.type)),
  },
  {
    id: 'size',
    label: t('Size'),
    width: 64,
    minWidth: 44,
    align: 'end',
    dropRank: 5,
    key: (row) => row.responseSize,
    text: (row) => (row.responseSize === null && row.state === 'running' ? '' : sizeText(row.responseSize)),
    speak: (row) => (row.responseSize === null ? t('size unknown') : sizeText(row.responseSize)),
  },
  {
    id: 'time',
    label: t('Time'),
    width: 66,
    minWidth: 48,
    align: 'end',
    dropRank: 2,
    // Time at a breakpoint does not count.
    key: activeMs,
    // While the call runs, the list writes its elapsed time.
    text: (row) => (row.state === 'running' ? '' : durationText(activeMs(row))),
    speak: (row) =>
      // Screen readers read the text: the column Status says that the call runs.
      row.state === 'running' ? '' : row.duration === null ? t('time unknown') : rowDurationText(row),
  },
  {
    id: 'process',
    label: t('Process'),
    width: 88,
    minWidth: 48,
    dropRank: 6,
    key: (row) => rowProcessName(row) ?? row.file,
    text: (row) => `${sideSign(row)} ${processName(row)}`,
    speak: (row) => `${row.side === null ? '' : `${SIDES[row.side]} `}${processName(row)}`,
  },
  {
    id: 'source',
    label: t('Source'),
    width: 96,
    minWidth: 56,
    // Only some calls have one. In a narrow list the tooltip shows it.
    dropRank: 8,
    key: (row) => (row.debug?.source == null ? null : sourceKey(row.debug.source)),
    text: (row) => (row.debug?.source == null ? '' : sourceText(row.debug.source)),
    speak: (row) => (row.debug?.source == null ? '' : t('at {0}', sourceText(row.debug.source))),
  },
  {
    id: 'requestSize',
    label: t('Request Size'),
    width: 84,
    minWidth: 44,
    align: 'end',
    dropRank: 11,
    optional: true,
    key: (row) => row.requestSize,
    text: (row) => (row.requestSize === null && row.state === 'running' ? '' : sizeText(row.requestSize)),
    speak: (row) => (row.requestSize === null ? t('size unknown') : sizeText(row.requestSize)),
  },
  {
    id: 'start',
    label: t('Start'),
    width: 72,
    minWidth: 48,
    align: 'end',
    dropRank: 12,
    optional: true,
    key: (row) => row.start,
    // To the millisecond: calls that come close together differ.
    text: (row) => tickText(row.start, 1),
  },
  {
    id: 'waterfall',
    label: t('Waterfall'),
    width: 150,
    minWidth: 80,
    flexible: true,
    dropRank: 3,
    key: (row) => row.start,
    text: () => '',
  },
];

/** The URL without its scheme. */
function addressLine(row: ExchangeRow): string {
  const { host, path } = addressParts(row);
  return host + path;
}

/** Sorts by path, then line. */
function sourceKey({ path, line }: SourceLine): string {
  return `${path}:${String(line).padStart(9, '0')}`;
}

const BY_ID = new Map(COLUMNS.map((column) => [column.id, column]));

/** HTTP by its ALPN identifier (RFC 7301), which is shorter: h2, http/1.1. */
function protocolName(protocol: string): string {
  if (protocol === 'HTTP/2') return 'h2';
  return line(protocol.startsWith('HTTP/') ? protocol.toLowerCase() : protocol);
}

function statusText(row: ExchangeRow): string {
  if (row.status !== null) return String(row.status);
  return isRunning(row) ? '…' : UNKNOWN;
}

/** ↗ the program called, ↘ the program was called. */
function sideSign(row: ExchangeRow): string {
  return row.side === 'client' ? '↗' : row.side === 'server' ? '↘' : '·';
}

/** For a row with both sides of a call: caller and callee. */
export function bothNames(client: ExchangeRow, server: ExchangeRow): string {
  return `${processName(client)} → ${processName(server)}`;
}

function processName(row: ExchangeRow): string {
  const name = rowProcessName(row) ?? row.pid;
  const shown = name === null ? null : line(String(name));
  if (row.file === null) return shown ?? UNKNOWN;
  return shown === null ? line(localized(row.file)) : `${shown} · ${line(localized(row.file))}`;
}

/** How a status is coloured; `none` has no status (yet), `grpc` is a gRPC failure with status 200. */
export function statusClass(row: ExchangeRow): 'ok' | 'redirect' | 'error' | 'info' | 'none' | 'grpc' {
  // The HTTP exchange succeeded: the call shows what failed, and a red 200 would be wrong.
  if (row.grpcStatus !== null && row.grpcStatus !== 0 && row.status === 200) return 'grpc';
  if (isError(row)) return 'error';
  if (row.status === null) return 'none';
  if (row.status >= 300) return 'redirect';
  return row.status >= 200 ? 'ok' : 'info';
}

/** A total order: equal rows are ordered by their number, so that a row can be found by binary search. */
export function comparator(sort: Sort): (a: ExchangeRow, b: ExchangeRow) => number {
  const direction = sort.ascending ? 1 : -1;
  if (sort.column === 'id') return (a, b) => direction * (a.id - b.id);
  const key = BY_ID.get(sort.column)?.key ?? ((row: ExchangeRow) => row.id);
  return (a, b) => {
    const x = key(a);
    const y = key(b);
    if (x === y) return a.id - b.id;
    if (x === null) return 1;
    if (y === null) return -1;
    return x < y ? -direction : direction;
  };
}

export interface Layout {
  readonly visible: readonly Column[];
  /** CSS grid-template-columns. */
  readonly template: string;
}

/** Space between two columns and at both ends, in CSS pixels. */
export const COLUMN_GAP = 8;
export const ROW_PADDING = 8;

/** Less important columns are shown only where the URL has this much room, in CSS pixels. */
const COMFORTABLE_CALL = 230;
const SPARE_RANK = 5;

/** A panel in the side bar, in CSS pixels: VS Code opens it 290 wide. There the URL needs the room most. */
const NARROW = 360;

/**
 * The columns that fit into `width` pixels. The least important ones are left out first, those chosen by the user
 * last.
 * @param sources there are calls whose source line is known: without them its column would be empty
 */
export function layout(
  width: number,
  widths: Partial<Record<ColumnId, number>>,
  sources: boolean,
  choice: ColumnChoice = AS_USUAL,
): Layout {
  const usual = ({ width: wide, narrowWidth = wide }: Column): number =>
    width < NARROW ? narrowWidth : wide;
  const widthOf = (column: Column): number => Math.max(column.minWidth, widths[column.id] ?? usual(column));
  const visible = ordered(choice, COLUMNS).filter(({ id, optional = false }) => {
    if (choice.hidden.includes(id)) return false;
    return choice.shown.includes(id) || (!optional && (sources || id !== 'source'));
  });
  /** The column with the highest rank is left out first. The user's own choice ranks below all others. */
  const rank = ({ id, dropRank }: Column): number => (choice.shown.includes(id) ? dropRank / 100 : dropRank);
  const needed = (): number => {
    const hasSpare = visible.some((column) => rank(column) >= SPARE_RANK);
    return visible.reduce(
      (sum, column) =>
        sum +
        (column.id === 'call' && hasSpare ? Math.max(widthOf(column), COMFORTABLE_CALL) : widthOf(column)),
      2 * ROW_PADDING + COLUMN_GAP * (visible.length - 1),
    );
  };
  while (needed() > width) {
    const expendable = visible.reduce((a, b) => (rank(b) > rank(a) ? b : a));
    if (rank(expendable) === 0) break;
    visible.splice(visible.indexOf(expendable), 1);
  }
  // The flexible column Call may have a width set by the user; the waterfall takes the rest, wherever it is.
  const rest = visible.some(({ id }) => id === 'waterfall') ? 'waterfall' : 'call';
  const template = visible.map((column) => {
    if (column.flexible !== true) return `${widthOf(column)}px`;
    const chosen = widths[column.id];
    if (chosen !== undefined && column.id !== rest) return `${widthOf(column)}px`;
    return `minmax(${column.minWidth}px, ${column.id === 'call' ? 5 : 4}fr)`;
  });
  return { visible, template: template.join(' ') };
}
