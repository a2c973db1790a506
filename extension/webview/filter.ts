/**
 * The filter line: words and properties, all of which must match. Each property is one entry of one table;
 * matching, errors and help come from it.
 */
import { grpcStatusText } from '../engine/grpc/status.ts';
import { type ExchangeRow, isError, isRunning } from '../engine/row.ts';
import { addressParts } from '../words/address.ts';
import { reasonOf } from '../words/exchange.ts';
import { nearestName } from '../words/nearestName.ts';

/** A row and its searchable text (lower case; see {@link searchText}). */
export interface Subject {
  readonly row: ExchangeRow;
  readonly text: string;
}

export type Matcher = (subject: Subject) => boolean;

/** A part of the line that was not understood. Offsets are in UTF-16 code units. */
export interface FilterError {
  readonly start: number;
  readonly end: number;
  readonly message: string;
}

/** A coloured part of the line. What lies between two parts is blank. */
export interface FilterPart {
  readonly start: number;
  readonly end: number;
  readonly kind: 'negation' | 'property' | 'value' | 'word' | 'error';
}

export interface Filter {
  /** null: nothing to filter by. Parts that were not understood are left out. */
  readonly matches: Matcher | null;
  readonly parts: readonly FilterPart[];
  readonly errors: readonly FilterError[];
}

interface Property {
  readonly name: string;
  readonly help: string;
  /** The matcher of a value in lower case, or in words which values there are. */
  readonly parse: (value: string) => Matcher | string;
}

const lower = (text: string | null): string => (text ?? '').toLowerCase();

/** What plain words are matched on: method, status, URL, operation, gRPC status; host and reason where there are no messages. */
export function searchText(row: ExchangeRow): string {
  const reason = reasonOf(row);
  if (reason !== null) return `${row.host ?? ''} ${reason}`.toLowerCase();
  const { method, status, operation, grpcStatus } = row;
  const { host, path } = addressParts(row);
  const outcome = `${operation ?? ''} ${grpcStatusText(grpcStatus)}`;
  return `${method ?? ''} ${status ?? ''} ${host}${path} ${outcome}`.toLowerCase();
}

/** `*` matches anything; a value without one may be anywhere in the text. */
function wildcard(value: string, get: (row: ExchangeRow) => string): Matcher {
  if (!value.includes('*')) return ({ row }) => get(row).includes(value);
  const pieces = value.split('*');
  return ({ row }) => matchesPieces(get(row), pieces);
}

/** The pieces in their order, the first at the beginning and the last at the end. Linear, for hostile paths. */
function matchesPieces(text: string, pieces: readonly string[]): boolean {
  const first = pieces[0] ?? '';
  const last = pieces.at(-1) ?? '';
  if (!text.startsWith(first) || !text.endsWith(last) || text.length < first.length + last.length)
    return false;
  let at = first.length;
  const end = text.length - last.length;
  for (const piece of pieces.slice(1, -1)) {
    const found = text.indexOf(piece, at);
    if (found < 0 || found + piece.length > end) return false;
    at = found + piece.length;
  }
  return true;
}

const STATUS_HELP = 'a status such as 404, 5xx, >=400, 400-499 or none';

function parseStatus(value: string): Matcher | string {
  if (value === 'none') return ({ row }) => row.status === null;
  const between = (low: number, high: number): Matcher => {
    return ({ row }) => row.status !== null && row.status >= low && row.status <= high;
  };
  const family = /^([1-9])xx$/.exec(value);
  if (family !== null) return between(Number(family[1]) * 100, Number(family[1]) * 100 + 99);
  const range = /^(\d{1,3})-(\d{1,3})$/.exec(value);
  if (range !== null) return between(Number(range[1]), Number(range[2]));
  const compared = /^(>=|<=|>|<|=)?(\d{1,3})$/.exec(value);
  if (compared === null) return STATUS_HELP;
  const number = Number(compared[2]);
  switch (compared[1]) {
    case '>=':
      return between(number, 999);
    case '<=':
      return between(0, number);
    case '>':
      return between(number + 1, 999);
    case '<':
      return between(0, number - 1);
    default:
      return between(number, number);
  }
}

/** What a protocol is called besides its name, as in ALPN (RFC 7301). */
const PROTOCOL_NAMES: Readonly<Record<string, string>> = {
  h2: 'http/2',
  h2c: 'http/2',
  http2: 'http/2',
  h1: 'http/1',
  http1: 'http/1',
};

const GRPC_HELP = 'a gRPC status such as not_found, 5, un* or none';

/** By number, or by name as `wildcard` does. */
function parseGrpc(value: string): Matcher | string {
  if (value === 'none') return ({ row }) => row.messageFormat === 'grpc' && row.grpcStatus === null;
  if (/^\d+$/.test(value)) return ({ row }) => row.grpcStatus === Number(value);
  if (!/^[a-z_*]+$/.test(value)) return GRPC_HELP;
  const named = wildcard(value, (row) => lower(grpcStatusText(row.grpcStatus)));
  return (subject) => subject.row.grpcStatus !== null && named(subject);
}

const IS: Readonly<Record<string, Matcher>> = {
  error: ({ row }) => isError(row),
  running: ({ row }) => isRunning(row),
  complete: ({ row }) => row.completeness.includes('complete'),
  encrypted: ({ row }) => row.completeness.includes('encrypted'),
  websocket: ({ row }) => row.messageFormat === 'websocket',
  sse: ({ row }) => row.messageFormat === 'server-sent-events',
  grpc: ({ row }) => row.messageFormat === 'grpc',
};

const IS_HELP = 'error, running, complete, encrypted, websocket, sse or grpc';

export const PROPERTIES: readonly Property[] = [
  {
    name: 'method',
    help: 'a method such as GET or P*',
    parse: (value) => {
      if (value.includes('*')) return wildcard(value, (row) => lower(row.method));
      return ({ row }) => lower(row.method) === value;
    },
  },
  { name: 'status', help: STATUS_HELP, parse: parseStatus },
  {
    name: 'host',
    help: 'part of a host, or a pattern such as api.*',
    parse: (value) => wildcard(value, (row) => lower(row.host)),
  },
  {
    name: 'path',
    help: 'part of a path, or a pattern such as /users/*',
    parse: (value) => wildcard(value, (row) => lower(row.path)),
  },
  {
    name: 'operation',
    help: 'part of what GraphQL or JSON-RPC asks for, such as AddItem, mutation or eth_*',
    parse: (value) => wildcard(value, (row) => lower(row.operation)),
  },
  {
    name: 'protocol',
    help: 'a protocol such as h2, h1 or HTTP/1.0',
    parse: (value) => wildcard(PROTOCOL_NAMES[value] ?? value, (row) => lower(row.protocol)),
  },
  {
    name: 'grpc',
    help: GRPC_HELP,
    parse: parseGrpc,
  },
  {
    name: 'type',
    help: 'a type as the column shows it, such as json',
    parse: (value) => wildcard(value, (row) => lower(row.type)),
  },
  {
    name: 'process',
    help: "part of a process's name, or its id",
    parse: (value) => {
      const named = wildcard(value, (row) => lower(row.processName));
      return (subject) => String(subject.row.pid) === value || named(subject);
    },
  },
  {
    name: 'side',
    help: 'client or server',
    parse: (value) => {
      if (value !== 'client' && value !== 'server') return 'client or server';
      return ({ row }) => row.side === value;
    },
  },
  {
    name: 'is',
    help: IS_HELP,
    parse: (value) => (Object.hasOwn(IS, value) ? (IS[value] as Matcher) : IS_HELP),
  },
];

const BY_NAME = new Map(PROPERTIES.map((property) => [property.name, property]));

/** `-`, a property's name with its colon, then a quoted or a plain value. An open quote runs to the end. */
const TERM = /(-?)(?:([A-Za-z]+):(?=\S))?(?:"([^"]*)("?)|(\S+))/g;

/** Never throws; what is not understood is reported in `errors` and does not filter. */
export function parseFilter(line: string): Filter {
  const parts: FilterPart[] = [];
  const errors: FilterError[] = [];
  const matchers: Matcher[] = [];
  const fail = (start: number, end: number, message: string): void => {
    parts.push({ start, end, kind: 'error' });
    errors.push({ start, end, message });
  };

  for (const match of line.matchAll(TERM)) {
    const [whole, minus = '', name, quoted, closing, plain = ''] = match;
    const start = match.index;
    const end = start + whole.length;
    const value = (quoted ?? plain).toLowerCase();
    if (minus !== '') parts.push({ start, end: start + 1, kind: 'negation' });
    const body = start + minus.length;

    if (quoted !== undefined && closing === '') {
      fail(body, end, 'The quotation mark is not closed.');
      continue;
    }
    let matcher: Matcher;
    const property = name === undefined ? undefined : BY_NAME.get(name.toLowerCase());
    if (property !== undefined) {
      const parsed = property.parse(value);
      if (typeof parsed === 'string') {
        fail(body, end, `“${property.name}:” expects ${parsed}.`);
        continue;
      }
      const colon = body + property.name.length + 1;
      parts.push({ start: body, end: colon, kind: 'property' }, { start: colon, end, kind: 'value' });
      matcher = parsed;
    } else if (name !== undefined && looksLikeProperty(value, quoted !== undefined)) {
      fail(body, end, `Unknown filter “${name}:”.${suggestion(name)} Put text with a colon in quotes.`);
      continue;
    } else {
      const after = name === undefined ? '' : `${name.toLowerCase()}:`;
      const bare = BY_NAME.get(plain.toLowerCase().replace(/:$/, ''));
      if (bare !== undefined && plain.endsWith(':')) {
        fail(body, end, `“${bare.name}:” expects ${bare.help}.`);
        continue;
      }
      const word = after + value;
      if (word === '' || whole === '-') {
        // A lone minus or empty quotes: someone is still typing.
        parts.push({ start: body, end, kind: 'word' });
        continue;
      }
      parts.push({ start: body, end, kind: 'word' });
      matcher = ({ text }) => text.includes(word);
    }
    matchers.push(minus === '' ? matcher : (subject) => !matcher(subject));
  }
  if (matchers.length === 0) return { matches: null, parts, errors };
  return { matches: (subject) => matchers.every((matcher) => matcher(subject)), parts, errors };
}

/** The most similar property, or all of them. */
function suggestion(name: string): string {
  const names = PROPERTIES.map((property) => property.name);
  const nearest = nearestName(name.toLowerCase(), names);
  return nearest === null ? ` There are ${names.join(', ')}.` : ` Did you mean “${nearest}:”?`;
}

/** `localhost:8080` and `http://…` are words, though they have a colon. */
function looksLikeProperty(value: string, quoted: boolean): boolean {
  return quoted || !/^(\d|\/)/.test(value);
}
