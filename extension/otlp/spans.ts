/**
 * Calls as spans, by the stable semantic conventions for HTTP (opentelemetry.io/docs/specs/semconv/http/http-spans).
 *
 * A request with a traceparent belongs to that trace, and both sides' spans are children of the span that it names. That
 * span is the caller's own, made by its instrumentation, which may export it: reusing its id for the client's span, as
 * seen on the wire, would give two spans one id. Without a traceparent, a call joins the trace of its certain cause: a
 * server's span is a child of the client's if both ends were traced, and calls that a process makes while answering are
 * children of that. A call without a certain cause is a trace of its own.
 */
import { createHash } from 'node:crypto';
import type { ExchangeJson, MessageJson } from '../engine/exchangeJson.ts';
import { isError } from '../engine/row.ts';
import { readTraceparent, readTracestate } from '../http/traceContext.ts';
import { type KeyValue, type Span, SpanKind, STATUS_ERROR } from './types.ts';

/** Methods of RFC 9110 and RFC 5789; others are `_OTHER`, so that hostile ones do not become names. */
const METHODS: ReadonlySet<string> = new Set([
  ...['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', 'PATCH'],
]);

const HAS_REMOTE = 0x100;
const IS_REMOTE = 0x200;

/** Characters of one attribute. */
const MAX_VALUE = 4_096;

/** User-Agent of the exporter, which identifies its own calls. */
export const USER_AGENT = 'http-trace-otlp-exporter';

export class SpanMaker {
  /** Seed of all ids: the same for the same trace, different for another. */
  #key: string | null = null;

  /** @returns null: it is not a call, or one of the exporter's own. */
  span(exchange: ExchangeJson): Span | null {
    const { encrypted, completeness, side, request, response, method } = exchange;
    if (encrypted !== null && !completeness.includes('handshake-failed')) return null;
    if (field(request, 'user-agent')?.startsWith(USER_AGENT) === true) return null;
    this.#key ??= [exchange.startedAt, exchange.process?.pid, exchange.connection.id].join(' ');
    const context = readTraceparent(field(request, 'traceparent'));
    const state = context === null ? null : readTracestate(fields(request, 'tracestate'));
    const { causedBy } = exchange;
    const caller = side === 'server' ? exchange.peer : null;
    const before = caller ?? (causedBy === null || causedBy.doubt !== null ? null : causedBy.id);
    const parent = context?.spanId ?? (before === null ? null : this.#id('span', before, 8));
    const remote = side === 'server' ? IS_REMOTE : 0;
    const start = nanoseconds(exchange.startedAt);
    const failed = errorType(exchange);
    return {
      traceId: context?.traceId ?? exchange.trace.id ?? this.#id('trace', exchange.trace.first, 16),
      spanId: this.#id('span', exchange.id, 8),
      ...(parent === null
        ? {}
        : { parentSpanId: parent, flags: (context?.flags ?? 1) | HAS_REMOTE | remote }),
      ...(state === null ? {} : { traceState: state }),
      name: method !== null && METHODS.has(method) ? method : 'HTTP',
      kind: side === null ? SpanKind.unspecified : SpanKind[side],
      startTimeUnixNano: String(start),
      endTimeUnixNano: String(start + BigInt(Math.round((exchange.durationMs ?? 0) * 1e6))),
      attributes: attributesOf(exchange, failed, request, response),
      ...(failed === null ? {} : { status: { code: STATUS_ERROR } }),
    };
  }

  #id(kind: string, exchange: number, bytes: number): string {
    const hash = createHash('sha256').update(`${this.#key} ${kind} ${exchange}`).digest('hex');
    return hash.slice(0, 2 * bytes);
  }
}

/** null: not an error by the conventions, which do not count a server's 4xx. */
function errorType({ status, side, grpc, completeness, ending }: ExchangeJson): string | null {
  if (status !== null && status >= (side === 'server' ? 500 : 400)) return String(status);
  if (status !== null && status >= 400) return null;
  const grpcStatus = grpc?.status ?? null;
  if (!isError({ status, grpcStatus, completeness, ending })) return null;
  if (grpcStatus !== null && grpcStatus !== 0) return grpc?.statusName ?? String(grpcStatus);
  return ending?.error ?? (ending === null || ending.how === 'answered' ? '_OTHER' : ending.how);
}

function attributesOf(
  exchange: ExchangeJson,
  failed: string | null,
  request: MessageJson | null,
  response: MessageJson | null,
): KeyValue[] {
  const { method, url, side, status, protocol, connection } = exchange;
  const list: KeyValue[] = [];
  const add = (key: string, value: string | number | null): void => {
    if (value === null || value === '') return;
    if (typeof value === 'number') list.push({ key, value: { intValue: String(value) } });
    else list.push({ key, value: { stringValue: beginningOf(value) } });
  };
  if (method !== null) {
    const known = METHODS.has(method);
    add('http.request.method', known ? method : '_OTHER');
    if (!known) add('http.request.method_original', method);
  }
  const parts = parseUrl(url);
  if (side !== 'server') add('url.full', parts === null ? null : url);
  add('url.scheme', parts?.scheme ?? null);
  if (side === 'server') {
    add('url.path', parts?.path ?? null);
    add('url.query', parts?.query ?? null);
  }
  const local = addressOf(connection.local);
  const remote = addressOf(connection.remote);
  const server = parts ?? (side === 'server' ? local : remote);
  add('server.address', server?.host ?? null);
  add('server.port', server?.port ?? null);
  add('network.peer.address', remote?.host ?? null);
  add('network.peer.port', remote?.port ?? null);
  if (side === 'server') add('client.address', remote?.host ?? null);
  add('network.transport', connection.transport);
  const version = /^HTTP\/(\d(?:\.\d)?)$/.exec(protocol)?.[1] ?? null;
  if (version !== null) add('network.protocol.name', 'http');
  add('network.protocol.version', version);
  add('http.response.status_code', status);
  add('error.type', failed);
  add('user_agent.original', field(request, 'user-agent'));
  add('http.request.body.size', request?.bodySize ?? null);
  add('http.response.body.size', response?.bodySize ?? null);
  if (!exchange.completeness.includes('complete')) {
    const values = exchange.completeness.map((label) => ({ stringValue: label }));
    list.push({ key: 'http_trace.completeness', value: { arrayValue: { values } } });
  }
  return list;
}

/** Half of a surrogate pair is not valid text: a collector may reject the whole request for it. */
function beginningOf(value: string): string {
  return value.length <= MAX_VALUE ? value : value.slice(0, MAX_VALUE).replace(/[\ud800-\udbff]$/, '');
}

interface Parts {
  readonly host: string;
  readonly port: number | null;
  readonly scheme: string;
  readonly path: string;
  readonly query: string | null;
}

/** Unchanged, as the peer has sent it. */
function parseUrl(url: string | null): Parts | null {
  const found = /^(https?):\/\/(?:[^/?#]*@)?([^/?#]*)([^?#]*)(?:\?([^#]*))?/i.exec(url ?? '');
  if (found === null) return null;
  const [, scheme = '', authority = '', path = '', query] = found;
  const address = addressOf(authority);
  const lower = scheme.toLowerCase();
  return {
    scheme: lower,
    host: address?.host ?? authority,
    port: address?.port ?? (lower === 'https' ? 443 : 80),
    path: path === '' ? '/' : path,
    query: query ?? null,
  };
}

/** `127.0.0.1:80`, `[::1]:80`, or a name without a port. */
function addressOf(text: string | null): { readonly host: string; readonly port: number | null } | null {
  if (text === null || text === '' || text.startsWith('/') || text.startsWith('@')) return null;
  const [, bracketed, plain, port] = /^(?:\[([^\]]*)\]|([^:]*))(?::(\d{1,5}))?$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  return host === undefined || host === '' ? null : { host, port: port === undefined ? null : Number(port) };
}

/** RFC 3339 with microseconds, as nanoseconds since the epoch. */
function nanoseconds(startedAt: string): bigint {
  const micros = /\.(\d{6})Z$/.exec(startedAt)?.[1] ?? '0';
  const seconds = Date.parse(`${startedAt.slice(0, 19)}Z`) / 1_000;
  return BigInt(seconds) * 1_000_000_000n + BigInt(micros) * 1_000n;
}

function field(message: MessageJson | null, name: string): string | null {
  return fields(message, name)[0] ?? null;
}

function fields(message: MessageJson | null, name: string): string[] {
  return (message?.headers ?? []).flatMap(([other, value]) =>
    other?.toLowerCase() === name && value !== null ? [value] : [],
  );
}
