/** The properties of the filter, in one table: matching, errors, completion and help come from it. */
import { grpcStatusName, grpcStatusText } from '../engine/grpc/status.ts';
import { activeMs, type ExchangeRow, isError, isRunning } from '../engine/row.ts';
import { rowProcessName } from '../words/exchange.ts';
import { nearestName } from '../words/nearestName.ts';
import { parseDuration, parseSize } from '../words/numbers.ts';
import { bodyTest, cookieTest, headerTest, holdsPair, mediaTypeTest, pairOf } from './details.ts';
import { comparison, wildcard } from './patterns.ts';
import { type DetailTest, lower, type Matcher } from './subject.ts';
import { urlMatcher } from './url.ts';

/** A value that was understood. */
export type Parsed =
  | { readonly row: Matcher }
  /** `bodies`: it reads what was in bodies and messages. */
  | { readonly details: DetailTest; readonly bodies?: true };

export interface Property {
  readonly name: string;
  /** Text after “expects” in an error. */
  readonly help: string;
  /** What it is for, in a few words. */
  readonly about: string;
  /** For the help: one that works. */
  readonly example: string;
  /** Commas in an unquoted value are part of it: it is not a list. */
  readonly whole?: boolean;
  /** A `/pattern/` is a regular expression, given here without its slashes. */
  readonly pattern?: (matches: (text: string) => boolean) => Parsed;
  /** Parses a value in lower case; a string is an error. */
  readonly parse: (value: string) => Parsed | string;
  /** All values there are, for completion. */
  readonly values?: readonly string[];
  /** The value of a row, for completion from what was seen. */
  readonly seen?: (row: ExchangeRow) => string | null;
}

const STATUS_HELP = 'a status such as 404, 5xx, >=400, 400-499 or none';

/** `5xx` alone is a status, too. */
export function statusClass(value: string): Matcher | null {
  const [, first] = /^([1-9])xx$/.exec(value) ?? [];
  if (first === undefined) return null;
  const low = Number(first) * 100;
  return ({ row }) => row.status !== null && row.status >= low && row.status < low + 100;
}

function parseStatus(value: string): Parsed | string {
  if (value === 'none') return { row: ({ row }) => row.status === null };
  const ofClass = statusClass(value);
  if (ofClass !== null) return { row: ofClass };
  const compare = comparison(value, (text) => (/^\d{1,3}$/.test(text) ? Number(text) : null));
  if (compare === null) return `“status:” expects ${STATUS_HELP}.`;
  return { row: ({ row }) => row.status !== null && compare(row.status) };
}

/** Aliases of protocol names, as in ALPN (RFC 7301). */
const PROTOCOL_NAMES: Readonly<Record<string, string>> = {
  h2: 'http/2',
  h2c: 'http/2',
  http2: 'http/2',
  h1: 'http/1',
  http1: 'http/1',
};

const GRPC_HELP = 'a gRPC status such as not_found, 5, un* or none';
const GRPC_NAMES = Array.from({ length: 17 }, (_, code) => lower(grpcStatusName(code)));

/** By number, or by name as in `wildcard`. */
function parseGrpc(value: string): Parsed | string {
  if (value === 'none') return { row: ({ row }) => row.messageFormat === 'grpc' && row.grpcStatus === null };
  if (/^\d+$/.test(value)) return { row: ({ row }) => row.grpcStatus === Number(value) };
  if (!/^[a-z_*]+$/.test(value)) return `“grpc:” expects ${GRPC_HELP}.`;
  const named = wildcard(value);
  return { row: ({ row }) => row.grpcStatus !== null && named(lower(grpcStatusText(row.grpcStatus))) };
}

const has = (label: ExchangeRow['completeness'][number]): Matcher => {
  return ({ row }) => row.completeness.includes(label);
};

const IS: Readonly<Record<string, Matcher>> = {
  error: ({ row }) => isError(row),
  running: ({ row }) => isRunning(row),
  complete: has('complete'),
  truncated: ({ row }) => row.completeness.some((label) => label.endsWith('-truncated')),
  gap: ({ row }) => row.completeness.some((label) => label.endsWith('-gap')),
  encrypted: has('encrypted'),
  aborted: has('aborted'),
  unanswered: has('unanswered'),
  failed: ({ row }) => row.completeness.some((label) => label.endsWith('-failed')),
  malformed: ({ row }) => row.violations > 0,
  paused: ({ row }) => (row.debug?.pausedMs ?? 0) > 0 || (row.debug?.pausedPeer ?? null) !== null,
  'joined-late': has('joined-late'),
  websocket: ({ row }) => row.messageFormat === 'websocket',
  sse: ({ row }) => row.messageFormat === 'server-sent-events',
  grpc: ({ row }) => row.messageFormat === 'grpc',
  pinned: ({ row }) => row.pinned,
};
const IS_NAMES = Object.keys(IS);

/** One of a few words. */
function choice(property: string, values: Readonly<Record<string, Matcher>>) {
  const names = Object.keys(values);
  return (value: string): Parsed | string => {
    const matcher = Object.hasOwn(values, value) ? values[value] : undefined;
    if (matcher !== undefined) return { row: matcher };
    const nearest = nearestName(value, names);
    const meant = nearest === null ? '' : ` Did you mean “${property}:${nearest}”?`;
    return `“${property}:” expects ${listOf(names)}.${meant}`;
  };
}

function listOf(names: readonly string[]): string {
  return `${names.slice(0, -1).join(', ')} or ${names.at(-1)}`;
}

/** A part of a text, a pattern, or after `=` all of it. */
function text(get: (row: ExchangeRow) => string | null) {
  return {
    parse: (value: string): Parsed => {
      const matches = wholeOrPart(value);
      return { row: ({ row }) => matches(lower(get(row))) };
    },
    seen: get,
  };
}

function wholeOrPart(value: string): (text: string) => boolean {
  if (!value.startsWith('=')) return wildcard(value);
  const whole = value.slice(1);
  return (text) => text === whole;
}

/** Like other texts, but an exact path matches with any query, unless it has one. */
function parsePath(value: string): Parsed {
  const whole = value.slice(1);
  if (!value.startsWith('=') || /[?#]/.test(whole)) {
    const matches = wholeOrPart(value);
    return { row: ({ row }) => matches(lower(row.path)) };
  }
  return { row: ({ row }) => lower(row.path).split(/[?#]/, 1)[0] === whole };
}

function parseProxy(value: string): Parsed {
  if (value === 'none') return { row: ({ row }) => row.proxy === null };
  const matches = wholeOrPart(value);
  return { row: ({ row }) => row.proxy !== null && matches(lower(row.proxy)) };
}

const SIDES: Readonly<Record<string, Matcher>> = {
  client: ({ row }) => row.side === 'client',
  server: ({ row }) => row.side === 'server',
};
const SCHEMES: Readonly<Record<string, Matcher>> = {
  http: ({ row }) => row.scheme === 'http',
  https: ({ row }) => row.scheme === 'https',
};

function parseLength(value: string, name: string, help: string, get: (row: ExchangeRow) => number | null) {
  const compare = comparison(value, name === 'duration' ? parseDuration : parseSize);
  if (compare === null) return `“${name}:” expects ${help}.`;
  return {
    row: ({ row }: { readonly row: ExchangeRow }) => {
      const length = get(row);
      return length !== null && compare(length);
    },
  };
}

const DURATION_HELP = 'a duration with its unit such as >100ms, <=1.5s or 10ms-2s';
const SIZE_HELP = 'a size such as >1MB, <64KiB, 0 or 1kB-10kB';
/** A bare duration means `>=`: an exact one is never meant. */
const duration = (value: string): Parsed | string => {
  const exact = /^=?[\d.]+[a-zµ]+$/.test(value);
  return parseLength(exact ? `>=${value.replace('=', '')}` : value, 'duration', DURATION_HELP, activeMs);
};

/** `/shop/pay.ts:12`. */
function sourceOf({ debug }: ExchangeRow): string | null {
  return debug?.source == null ? null : `${debug.source.path}:${debug.source.line}`;
}

/** Exactly one line, or all lines of a file; leading folders of its path may be omitted. */
function endsWith(place: string): (text: string) => boolean {
  const whole = (text: string) => text === place || text.endsWith(`/${place}`);
  return (text) => whole(text) || whole(text.replace(/:\d+$/, ''));
}

function parseQuery(value: string): Parsed {
  const pair = pairOf(value);
  return {
    row: ({ row }) => {
      const path = row.path ?? '';
      const mark = path.indexOf('?');
      if (mark < 0) return false;
      for (const part of path
        .slice(mark + 1)
        .split('#', 1)[0]
        ?.split('&') ?? []) {
        const equals = part.indexOf('=');
        const name = equals < 0 ? part : part.slice(0, equals);
        if (holdsPair(pair, decoded(name), equals < 0 ? '' : decoded(part.slice(equals + 1)))) return true;
      }
      return false;
    },
  };
}

function decoded(part: string): string {
  const spaced = part.replaceAll('+', ' ');
  try {
    return decodeURIComponent(spaced);
  } catch {
    return spaced;
  }
}

export const PROPERTIES: readonly Property[] = [
  {
    name: 'method',
    help: 'a method such as GET, or P*',
    about: 'the method',
    example: 'method:GET,POST',
    parse: (value) => {
      const matches = value.includes('*') ? wildcard(value) : (method: string) => method === value;
      return { row: ({ row }) => matches(lower(row.method)) };
    },
    seen: (row) => row.method,
  },
  {
    name: 'status',
    help: STATUS_HELP,
    about: 'the status; 5xx also without its name',
    example: 'status:>=400',
    parse: parseStatus,
    seen: (row) => (row.status === null ? null : String(row.status)),
  },
  {
    name: 'host',
    help: 'part of a host, a pattern such as api.*, or with = the whole',
    about: 'the host, with its port',
    example: 'host:api.*',
    ...text((row) => row.host),
  },
  {
    name: 'path',
    help: 'part of a path, a pattern such as /users/*, or with = the whole',
    about: 'path and query',
    example: 'path:/users/*',
    parse: parsePath,
    seen: (row) => row.path?.split('?', 1)[0] ?? null,
  },
  {
    name: 'query',
    help: 'the name of a parameter, or a name with a value such as page=2',
    about: 'a parameter in the URL',
    example: 'query:page=2',
    whole: true,
    parse: parseQuery,
  },
  {
    name: 'url',
    help: 'the beginning of a URL, with its scheme',
    about: 'a URL from its beginning; its name can be left out',
    example: 'http://localhost/',
    whole: true,
    parse: (value) => {
      const matches = urlMatcher(value);
      return matches === null ? '“url:” expects the beginning of a URL, with its scheme.' : { row: matches };
    },
  },
  {
    name: 'scheme',
    help: 'http or https',
    about: 'http or https',
    example: 'scheme:https',
    values: Object.keys(SCHEMES),
    parse: choice('scheme', SCHEMES),
  },
  {
    name: 'header',
    help: 'the name of a header field, or a name with a value such as x-id=7',
    about: 'a header field of request or response',
    example: 'header:x-id=7',
    whole: true,
    parse: (value) => ({ details: headerTest(value) }),
  },
  {
    name: 'cookie',
    help: 'the name of a cookie, or a name with a value',
    about: 'a cookie that was sent or set',
    example: 'cookie:session',
    whole: true,
    parse: (value) => ({ details: cookieTest(value) }),
  },
  {
    name: 'body',
    help: 'text that occurs in a body, or a /pattern/',
    about: 'text in a body or in a message',
    example: 'body:"out of stock"',
    whole: true,
    parse: (value) => ({ details: bodyTest((content) => content.includes(value)), bodies: true }),
    pattern: (matches) => ({ details: bodyTest(matches), bodies: true }),
  },
  {
    name: 'mime-type',
    help: 'a media type such as application/json or image/*',
    about: 'the Content-Type of request or response',
    example: 'mime-type:application/json',
    parse: (value) => ({ details: mediaTypeTest(wildcard(value)) }),
  },
  {
    name: 'type',
    help: 'a type as the column shows it, such as json',
    about: 'the type, as the column shows it',
    example: 'type:json',
    ...text((row) => row.type),
  },
  {
    name: 'duration',
    help: DURATION_HELP,
    about: 'how long it took, without pauses of the debugger',
    example: 'duration:>100ms',
    parse: duration,
  },
  {
    name: 'size',
    help: SIZE_HELP,
    about: 'size of the response body',
    example: 'size:>1MB',
    parse: (value) => parseLength(value, 'size', SIZE_HELP, (row) => row.responseSize),
  },
  {
    name: 'request-size',
    help: SIZE_HELP,
    about: 'size of the request body',
    example: 'request-size:>1kB',
    parse: (value) => parseLength(value, 'request-size', SIZE_HELP, (row) => row.requestSize),
  },
  {
    name: 'protocol',
    help: 'a protocol such as h2, h1 or HTTP/1.0',
    about: 'the protocol',
    example: 'protocol:h2',
    parse: (value) => {
      const matches = wildcard(PROTOCOL_NAMES[value] ?? value);
      return { row: ({ row }) => matches(lower(row.protocol)) };
    },
    seen: (row) => row.protocol,
  },
  {
    name: 'grpc',
    help: GRPC_HELP,
    about: 'the gRPC status',
    example: 'grpc:not_found',
    values: GRPC_NAMES,
    parse: parseGrpc,
  },
  {
    name: 'operation',
    help: 'part of the operation of GraphQL, JSON-RPC or MCP, such as AddItem, mutation or eth_*',
    about: 'the operation of GraphQL, JSON-RPC or MCP',
    example: 'operation:AddItem',
    ...text((row) => row.operation),
  },
  {
    name: 'model',
    help: "part of a language model's name, or a pattern such as gpt-*",
    about: 'the language model that was asked or answered',
    example: 'model:gpt-*',
    ...text((row) => row.model),
  },
  {
    name: 'process',
    help: "part of the name of a process or of the file that was opened, or the process's id; with = the whole",
    about: "the process's name, script or id, or the file that was opened",
    example: 'process:worker',
    parse: (value) => {
      const named = wholeOrPart(value);
      const id = value.replace(/^=/, '');
      return {
        row: ({ row }) =>
          String(row.pid) === id ||
          named(lower(row.processName)) ||
          named(lower(row.debug?.script ?? null)) ||
          (row.file !== null && named(lower(row.file))),
      };
    },
    seen: (row) => rowProcessName(row) ?? row.file,
  },
  {
    name: 'proxy',
    help: "part of a proxy's protocol or address, such as socks5 or 127.0.0.1:1080, * for any, or none",
    about: 'the proxy on the way: SOCKS, CONNECT, PROXY protocol',
    example: 'proxy:socks5',
    parse: parseProxy,
    seen: (row) => row.proxy,
  },
  {
    name: 'session',
    help: 'part of the name of a debug session',
    about: 'the debug session',
    example: 'session:shop',
    ...text((row) => row.debug?.session ?? null),
  },
  {
    name: 'source',
    help: 'part of the path of a source file, with its line such as pay.ts:12, or a pattern',
    about: 'the line of the program that made the call',
    example: 'source:pay.ts',
    parse: (value) => {
      const matches = value.startsWith('=') ? endsWith(value.slice(1)) : wildcard(value);
      return { row: ({ row }) => matches(lower(sourceOf(row))) };
    },
    seen: (row) => row.debug?.source?.path.split('/').at(-1) ?? null,
  },
  {
    name: 'side',
    help: 'client or server',
    about: 'whether the process made the call or answered it',
    example: 'side:server',
    values: Object.keys(SIDES),
    parse: choice('side', SIDES),
  },
  {
    name: 'is',
    help: listOf(IS_NAMES),
    about: 'a kind or state of calls',
    example: 'is:error',
    values: IS_NAMES,
    parse: choice('is', IS),
  },
];

export const PROPERTY_NAMES = PROPERTIES.map(({ name }) => name);
const BY_NAME = new Map(PROPERTIES.map((property) => [property.name, property]));

export function propertyOf(name: string): Property | undefined {
  return BY_NAME.get(name.toLowerCase());
}

/** Names in other tools. */
const ALSO_CALLED: Readonly<Record<string, string>> = {
  domain: 'host',
  'status-code': 'status',
  code: 'status',
  'has-response-header': 'header',
  'response-header': 'header',
  'request-header': 'header',
  'set-cookie-name': 'cookie',
  'larger-than': 'size',
  'response-size': 'size',
  time: 'duration',
  latency: 'duration',
  content: 'body',
  text: 'body',
  'content-type': 'mime-type',
  via: 'proxy',
  pid: 'process',
  uri: 'url',
};

/** Another tool's name of a property. */
export function isOtherName(name: string): boolean {
  return Object.hasOwn(ALSO_CALLED, name.toLowerCase());
}

/** The property that was most likely meant by an unknown name; else null. */
export function meantBy(name: string): string | null {
  const typed = name.toLowerCase();
  return isOtherName(typed) ? (ALSO_CALLED[typed] ?? null) : nearestName(typed, PROPERTY_NAMES);
}
