/**
 * An entry of an HTTP Archive as a call. The format is the client's view of its requests; missing facts are null. The
 * call includes its secrets: see mask.ts.
 */

import { charsetOf, decodeText } from '../engine/charset.ts';
import type { EndingKind, SeenField, Side } from '../engine/exchange.ts';
import type {
  BodyJson,
  ExchangeJson,
  MessageJson,
  StreamMessageJson,
  TlsJson,
} from '../engine/exchangeJson.ts';
import { formatTime } from '../engine/jsonOf.ts';
import { readOperation } from '../engine/operations/operation.ts';
import { isError } from '../engine/row.ts';
import { readContentType } from '../http/contentType.ts';
import { readTraceparent } from '../http/traceContext.ts';
import { hasHeadOfLines } from '../http/version.ts';
import { type OwnFields, ownFields } from './ownFields.ts';
import { amountOf, countOf, type JsonObject, listOf, member, objectOf, oneOf, textOf } from './values.ts';

/** Messages of one call: as many as the engine keeps. */
const MAX_MESSAGES = 2_000;
/** Characters of a protocol's name. */
const MAX_PROTOCOL = 16;

const NOT_HELD = 'The file does not hold the body.';

/** Later dates have more digits. Microseconds since the epoch. */
const YEAR_10000 = Date.UTC(10_000, 0) * 1_000;

/** A call, without its number. @returns null where the entry has no request or no date that can be read. */
export function readHarEntry(value: unknown): ExchangeJson | null {
  const entry = objectOf(value);
  const request = member(entry, 'request');
  const started = microsOf(member(entry, 'startedDateTime'));
  if (typeof request !== 'object' || request === null || started === null) return null;
  const own = ownFields(entry);
  const response = objectOf(member(entry, 'response'));
  const timings = timingsOf(entry);
  const startedAt = started + Math.round(timings.before * 1_000);
  if (startedAt >= YEAR_10000) return null;
  const side = own === null ? 'client' : own.side;
  const stated = textOf(member(objectOf(request), 'url'));
  const isWebSocket =
    own?.messageStream?.format === 'websocket' || Array.isArray(member(entry, '_webSocketMessages'));
  // Browsers write the scheme of the WebSocket API; what is sent is HTTP.
  const url = isWebSocket ? (stated?.replace(/^ws(s?:)/i, 'http$1') ?? null) : stated;
  const protocol = protocolOf(textOf(member(objectOf(request), 'httpVersion')), response);
  const sent = requestOf(objectOf(request), protocol, own);
  const status = statusOf(response);
  const answer = responseOf(response, protocol, own);
  const messages = isWebSocket ? messagesOf(entry, startedAt, side) : [];
  const grpc = own?.grpc ?? null;
  const ending = own === null ? endingOf(status, response) : own.ending;
  const completeness = own === null ? completenessOf(status, sent, answer) : own.completeness;
  return {
    id: 0,
    peer: null,
    causedBy: null,
    caused: [],
    trace: {
      id: readTraceparent(fieldOf(sent.headers, 'traceparent'))?.traceId ?? null,
      first: 0,
    },
    ai: null,
    mcp: null,
    process: own?.process ?? null,
    side,
    protocol,
    method: textOf(member(objectOf(request), 'method')) || null,
    url,
    operation: own === null ? operationOf(url, sent) : own.operation,
    status,
    statusText: status === null ? null : (textOf(member(response, 'statusText')) ?? ''),
    error: isError({ status, grpcStatus: grpc?.status ?? null, completeness, ending }),
    startedAt: formatTime(BigInt(startedAt) * 1_000n),
    durationMs: timings.durationMs,
    timings: timings.phases,
    debug: own?.debug ?? null,
    connection: {
      // Chrome has the server's port in `connection`.
      id: textOf(member(entry, '_connectionId')) ?? textOf(member(entry, 'connection')) ?? '',
      transport: 'tcp',
      ...addressesOf(entry, side),
      joinedLate: false,
      attempts: [],
      through: [],
    },
    ending,
    tls: url !== null && /^https:/i.test(url) ? UNKNOWN_TLS : null,
    encrypted: null,
    failure: null,
    lookup: null,
    http2: null,
    grpc,
    request: sent,
    response: answer,
    interim: [],
    messages,
    messageStream: own === null ? (isWebSocket ? streamOf(messages) : null) : own.messageStream,
    completeness,
    violations: [],
  };
}

/** `2026-11-22T18:00:00.123456+01:00`; a Date drops the microseconds. */
const TIME = /^(\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d)?)(?:[.,](\d{1,12}))?\s*(Z|[+-]\d\d(?::?\d\d)?)?$/i;

/** Microseconds since the epoch; null: not a date. */
function microsOf(value: unknown): number | null {
  const [, seconds = '', fraction = '', zone = 'Z'] =
    TIME.exec(textOf(value)?.trim().slice(0, 64) ?? '') ?? [];
  if (seconds === '') return null;
  const offset = /^[+-]\d\d$/.test(zone) ? `${zone}:00` : zone.replace(/^([+-]\d\d)(\d\d)$/, '$1:$2');
  const whole = Date.parse(seconds + offset.toUpperCase());
  return Number.isNaN(whole) ? null : whole * 1_000 + Number(fraction.slice(0, 6).padEnd(6, '0'));
}

interface EntryTimings {
  /** Milliseconds between the start of the entry and the first byte of its request. */
  readonly before: number;
  readonly durationMs: number | null;
  readonly phases: ExchangeJson['timings'];
}

/** An entry starts before blocking, lookup and connecting; a call with the first byte of its request. */
function timingsOf(entry: JsonObject): EntryTimings {
  const timings = objectOf(member(entry, 'timings'));
  const of = (name: string): number | null => amountOf(member(timings, name));
  const [blocked, dns, connect, ssl] = [of('blocked'), of('dns'), of('connect'), of('ssl')];
  const [send, wait, receive] = [of('send'), of('wait'), of('receive')];
  const before = (blocked ?? 0) + (dns ?? 0) + (connect ?? 0);
  const time = amountOf(member(entry, 'time'));
  const rest = time === null ? null : rounded(Math.max(0, time - before));
  const known = send ?? wait ?? receive;
  // `connect` includes the handshake; if both are equal, the time to connect is unknown.
  const plain = connect === null ? null : rounded(connect - (ssl ?? 0));
  return {
    before,
    durationMs: known === null ? rest : rounded((send ?? 0) + (wait ?? 0) + (receive ?? 0)),
    phases: {
      lookupMs: dns,
      connectMs: plain === null || plain < 0 || (plain === 0 && ssl !== null) ? null : plain,
      tlsMs: ssl,
      sendMs: send,
      waitMs: wait,
      receiveMs: receive,
      overlapMs: null,
      pausedMs: of('_pausedMs'),
    },
  };
}

/** To nanoseconds: hides rounding errors. */
function rounded(milliseconds: number): number {
  return Math.round(milliseconds * 1e6) / 1e6;
}

/** As the engine names it; browsers have `h2`, `http/2.0` and `HTTP/2`. */
function protocolOf(requested: string | null, response: JsonObject): string {
  const name = (requested || textOf(member(response, 'httpVersion')) || '').slice(0, MAX_PROTOCOL);
  const version = /^(?:http\/?|h)(\d)(?:\.(\d))?$/i.exec(name);
  if (version === null) return name === 'unknown' ? '' : name;
  const [, major = '', minor] = version;
  return Number(major) >= 2 ? `HTTP/${major}` : `HTTP/${major}.${minor ?? '1'}`;
}

/** In an archive, 0 means that there was no response. */
function statusOf(response: JsonObject): number | null {
  const status = member(response, 'status');
  return Number.isInteger(status) && (status as number) >= 100 && (status as number) <= 999
    ? (status as number)
    : null;
}

/** HTTP/2's pseudo-header fields are in method, URL and status already. */
function fieldsOf(message: JsonObject): SeenField[] {
  return listOf(member(message, 'headers')).flatMap((field): SeenField[] => {
    const name = textOf(member(objectOf(field), 'name'));
    const value = textOf(member(objectOf(field), 'value'));
    return name === null || value === null || name.startsWith(':') ? [] : [[name, value]];
  });
}

function fieldOf(fields: readonly SeenField[], name: string): string | null {
  return fields.find(([other]) => other?.toLowerCase() === name)?.[1] ?? null;
}

function requestOf(request: JsonObject, protocol: string, own: OwnFields | null): MessageJson {
  const headers = fieldsOf(request);
  const data = objectOf(member(request, 'postData'));
  const text = textOf(member(data, 'text'));
  const isBase64 = member(data, 'encoding') === 'base64';
  const stated = amountOf(member(request, 'bodySize'));
  const bytes = own === null && text !== null && !isBase64 ? binaryString(text, headers) : null;
  // Playwright leaves out binary bodies.
  const isLeftOut = own === null && text === '' && (stated ?? 0) > 0;
  const { body, note } =
    bytes !== null
      ? { body: { base64: bytes.toString('base64') }, note: null }
      : isLeftOut
        ? { body: null, note: NOT_HELD }
        : text === null
          ? formOf(data)
          : { body: bodyOf(text, isBase64, headers, own), note: null };
  return messageOf(headers, {
    headersSize: headersSizeOf(request, protocol),
    wireSize: null,
    // Chrome counts the bytes of a binary string as UTF-8.
    bodySize: bytes?.length ?? stated,
    body,
    decodedSize: null,
    note: own === null ? note : own.requestNote,
  });
}

/**
 * HAR defines base64 for responses only: Chrome writes a binary request body with one character per byte.
 */
function binaryString(text: string, headers: readonly SeenField[]): Buffer | null {
  if (fieldOf(headers, 'content-length') !== String(text.length)) return null;
  const bytes = Buffer.from(text, 'latin1');
  const isBytes = bytes.toString('latin1') === text && Buffer.byteLength(text) !== text.length;
  return isBytes ? bytes : null;
}

/** Instead of a text there may be only the pairs of a form (HAR 1.2, "postData"). */
function formOf(data: JsonObject): { readonly body: BodyJson | null; readonly note: string | null } {
  const type = readContentType(textOf(member(data, 'mimeType'))).essence;
  const pairs = listOf(member(data, 'params'));
  if (type !== 'application/x-www-form-urlencoded' || pairs.length === 0) return { body: null, note: null };
  const form = new URLSearchParams();
  for (const pair of pairs) {
    form.append(textOf(member(objectOf(pair), 'name')) ?? '', textOf(member(objectOf(pair), 'value')) ?? '');
  }
  return {
    body: { text: String(form) },
    note: 'Put together from the pairs of the form: the file does not hold the body.',
  };
}

function responseOf(response: JsonObject, protocol: string, own: OwnFields | null): MessageJson | null {
  const headers = fieldsOf(response);
  const content = objectOf(member(response, 'content'));
  const text = textOf(member(content, 'text'));
  const size = amountOf(member(content, 'size'));
  const stated = amountOf(member(response, 'bodySize'));
  const none = headers.length === 0 && text === null && stated === null && (size ?? 0) === 0;
  const unspoken = errorOf(response) !== null || !textOf(member(response, 'httpVersion'));
  if (none && statusOf(response) === null && unspoken) return null;
  // Without content coding, both sizes are equal; browsers often give only `size`.
  const coding = fieldOf(headers, 'content-encoding');
  const bodySize = stated ?? (own === null && coding === null ? size : null);
  const body = text === null ? null : bodyOf(text, member(content, 'encoding') === 'base64', headers, own);
  // HTTP Trace writes size -1 if the whole length is unknown.
  const isDecoded =
    own === null
      ? coding !== null && body !== null
      : size === null || typeof member(content, 'compression') === 'number';
  const missing = body === null && (size ?? bodySize ?? 0) > 0;
  return messageOf(headers, {
    headersSize: headersSizeOf(response, protocol),
    // Chrome writes 0 for a cached response.
    wireSize: countOf(member(response, '_transferSize')) || null,
    bodySize,
    body,
    decodedSize: isDecoded && body !== null ? (size ?? bytesOf(body)) : null,
    note: own === null ? (missing ? NOT_HELD : null) : textOf(member(content, 'comment')),
    ...(own !== null && bodySize === null && size !== null ? { captured: size } : {}),
  });
}

/** Without header lines (HTTP/2), programs count bytes that were never sent. */
function headersSizeOf(message: JsonObject, protocol: string): number | null {
  return hasHeadOfLines(protocol) ? countOf(member(message, 'headersSize')) : null;
}

interface Content {
  readonly headersSize: number | null;
  readonly wireSize: number | null;
  readonly bodySize: number | null;
  readonly body: BodyJson | null;
  readonly decodedSize: number | null;
  readonly note: string | null;
  /** If stated; else computed from the others. */
  readonly captured?: number;
}

function messageOf(headers: readonly SeenField[], content: Content): MessageJson {
  const { headersSize, wireSize, bodySize, body, decodedSize, note, captured } = content;
  return {
    headers,
    trailers: [],
    headersSize,
    wireSize,
    bodySize,
    bodyCaptured:
      captured ?? (body === null ? 0 : note === null ? (bodySize ?? bytesOf(body)) : bytesOf(body)),
    body,
    decodedSize,
    bodyNote: note,
    bodyFromFile: false,
  };
}

function bytesOf(body: BodyJson): number {
  return 'text' in body ? Buffer.byteLength(body.text) : Buffer.from(body.base64, 'base64').length;
}

/** Some programs write all bodies in base64. */
function bodyOf(
  text: string,
  isBase64: boolean,
  headers: readonly SeenField[],
  own: OwnFields | null,
): BodyJson {
  if (!isBase64) return { text };
  if (own !== null) return { base64: text };
  const bytes = Buffer.from(text, 'base64');
  const type = readContentType(fieldOf(headers, 'content-type'));
  const decoded = decodeText(bytes, charsetOf(type, bytes), true);
  return decoded === null ? { base64: bytes.toString('base64') } : { text: decoded };
}

function operationOf(url: string | null, request: MessageJson): ExchangeJson['operation'] {
  const body = request.body !== null && 'text' in request.body ? Buffer.from(request.body.text) : null;
  return readOperation(
    {
      target: url ?? '',
      body: { captured: body?.length ?? 0, chunks: body === null ? [] : [body] },
      transferCodings: null,
      // What an archive holds is decoded.
      field: (name) => (name === 'content-encoding' ? null : fieldOf(request.headers, name)),
    },
    true,
  );
}

/** Browsers' own archives do not contain the port (behind a proxy it is not the URL's); Playwright's do. */
function addressesOf(entry: JsonObject, side: Side | null): { local: string | null; remote: string | null } {
  const ip = textOf(member(entry, 'serverIPAddress')) || null;
  const port = amountOf(member(entry, '_serverPort'));
  const isBare = ip?.includes(':') === true && ip[0] !== '[';
  const host = isBare ? `[${ip}]` : ip;
  const server = host !== null && port !== null ? `${host}:${port}` : host;
  return side === 'server' ? { local: server, remote: null } : { local: null, remote: server };
}

/** Under Chrome's name, or Playwright's. */
function errorOf(response: JsonObject): string | null {
  return textOf(member(response, '_error')) || textOf(member(response, '_failureText')) || null;
}

function endingOf(status: number | null, response: JsonObject): ExchangeJson['ending'] {
  const error = errorOf(response);
  const how: EndingKind = error !== null ? 'failed' : status === null ? 'unknown' : 'answered';
  return { how, by: null, error, detail: null, signal: null, exitCode: null };
}

function completenessOf(
  status: number | null,
  request: MessageJson,
  response: MessageJson | null,
): ExchangeJson['completeness'] {
  const labels: ExchangeJson['completeness'][number][] = [];
  if (request.body === null && (request.bodySize ?? 0) > 0) labels.push('request-truncated');
  if (response !== null && response.bodyNote !== null) labels.push('response-truncated');
  if (status === null) labels.push('unanswered');
  return labels.length === 0 ? ['complete'] : labels;
}

function messagesOf(entry: JsonObject, startedAt: number, side: Side | null): StreamMessageJson[] {
  const sent = side === 'server' ? 'in' : 'out';
  const received = side === 'server' ? 'out' : 'in';
  return listOf(member(entry, '_webSocketMessages'))
    .slice(0, MAX_MESSAGES)
    .flatMap((value, index): StreamMessageJson[] => {
      const message = objectOf(value);
      const data = textOf(member(message, 'data'));
      const opcode = oneOf([1, 2] as const, member(message, 'opcode'));
      const type = oneOf(['send', 'receive'] as const, member(message, 'type'));
      if (data === null || opcode === null || type === null) return [];
      const seconds = secondsOf(member(message, 'time'));
      return [
        {
          number: index + 1,
          direction: type === 'send' ? sent : received,
          atMs: seconds === null ? 0 : (Math.round(seconds * 1e6) - startedAt) / 1_000,
          kind: opcode === 1 ? 'text' : 'binary',
          size: opcode === 1 ? Buffer.byteLength(data) : Buffer.from(data, 'base64').length,
          compressedSize: null,
          fields: [],
          protobuf: null,
          note: null,
          violations: [],
          ...(opcode === 1 ? { text: data } : { base64: data }),
        },
      ];
    });
}

/** Chrome writes seconds since the epoch; Playwright milliseconds, which as seconds would be after the year 5000. */
function secondsOf(time: unknown): number | null {
  const amount = amountOf(time);
  return amount !== null && amount > 1e11 ? amount / 1_000 : amount;
}

function streamOf(messages: readonly StreamMessageJson[]): ExchangeJson['messageStream'] {
  const out = messages.filter(({ direction }) => direction === 'out').length;
  return { format: 'websocket', out, in: messages.length - out, note: null, omitted: null };
}

/** It was TLS; nothing else is known of it. */
const UNKNOWN_TLS: TlsJson = {
  library: null,
  libraryVersion: null,
  version: null,
  cipher: null,
  serverName: null,
  alpn: null,
  alpnOffered: null,
  resumed: null,
  handshakeMs: null,
  alert: null,
  failure: null,
  closeNotify: null,
  binding: null,
  socket: null,
};
