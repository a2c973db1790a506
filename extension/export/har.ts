/**
 * HTTP Archive 1.2 (http://www.softwareishard.com/blog/har-12-spec/), with the fields that browsers add to it. What is
 * not known is -1 or empty, as the format requires. Secrets are as in the call's JSON.
 */
import type { ExchangeJson, MessageJson } from '../engine/exchangeJson.ts';
import { hasHeadOfLines } from '../http/version.ts';
import { requestCookies, responseCookies } from './harCookies.ts';
import type { HarContent, HarEntry, HarField, HarMessage, HarPostData, HarTimings } from './harTypes.ts';

/** null: the call has no request with a URL, and so no place in an archive. */
export function harEntry(exchange: ExchangeJson): HarEntry | null {
  const { request, response, url, method, connection } = exchange;
  if (request === null || method === null || url === null || !ABSOLUTE.test(url)) return null;
  const timings = timingsOf(exchange);
  const before = known(timings.dns) + known(timings.connect);
  const ip = connection.transport === 'tcp' ? ipOf(serverOf(exchange)) : null;
  const isWebSocket = exchange.messageStream?.format === 'websocket';
  const notes = [
    noteOf('request', request),
    noteOf('response', response),
    ...(isWebSocket ? messageNotes(exchange) : []),
  ].filter((note) => note !== '');
  return {
    startedDateTime: earlier(exchange.startedAt, before),
    time: rounded(before + timings.send + timings.wait + timings.receive),
    request: {
      method,
      // As Chrome and Firefox name it.
      url: isWebSocket ? url.replace(/^http/i, 'ws') : url,
      httpVersion: exchange.protocol,
      cookies: requestCookies(request.headers),
      headers: fieldsOf(request),
      queryString: pairsOf(/\?([^#]*)/.exec(url)?.[1] ?? ''),
      ...(request.body === null ? {} : { postData: postDataOf(request) }),
      headersSize: headersSizeOf(request, exchange.protocol),
      bodySize: request.bodySize ?? -1,
    },
    response: {
      status: exchange.status ?? 0,
      statusText: exchange.statusText ?? '',
      httpVersion: response === null ? '' : exchange.protocol,
      cookies: response === null ? [] : responseCookies(response.headers),
      headers: response === null ? [] : fieldsOf(response),
      content: response === null ? { size: 0, mimeType: UNKNOWN_TYPE } : contentOf(response),
      redirectURL: (response === null ? undefined : fieldOf(response, 'location')) ?? '',
      headersSize: response === null ? -1 : headersSizeOf(response, exchange.protocol),
      bodySize: response?.bodySize ?? -1,
      ...(response === null || response.wireSize === null ? {} : { _transferSize: response.wireSize }),
      ...(exchange.status === null ? { _error: errorOf(exchange) } : {}),
    },
    cache: {},
    timings,
    ...(ip === null ? {} : { serverIPAddress: ip }),
    connection: connection.id,
    ...(notes.length === 0 ? {} : { comment: notes.join(' ') }),
    _resourceType: isWebSocket ? 'websocket' : resourceType(response),
    ...(isWebSocket ? { _webSocketMessages: messagesOf(exchange) } : {}),
    _httpTrace: {
      id: exchange.id,
      peer: exchange.peer,
      causedBy: exchange.causedBy,
      side: exchange.side,
      process: exchange.process,
      debug: exchange.debug,
      completeness: exchange.completeness,
      requestNote: request.bodyNote,
      messageStream: exchange.messageStream,
      operation: exchange.operation,
      grpc: exchange.grpc,
      ending: exchange.ending,
    },
  };
}

const ABSOLUTE = /^https?:\/\/[^/?#]/i;
/** As browsers write it. */
const UNKNOWN_TYPE = 'x-unknown';

/** The format defines it up to the empty line after the fields, which HTTP/2 does not have. */
function headersSizeOf({ headersSize }: MessageJson, protocol: string): number {
  return hasHeadOfLines(protocol) ? (headersSize ?? -1) : -1;
}

/** The server's address, for either side. */
function serverOf({ side, connection }: ExchangeJson): string | null {
  return side === null ? null : side === 'client' ? connection.remote : connection.local;
}

/** `127.0.0.1:80`, `[::1]:80`. */
function ipOf(address: string | null): string | null {
  return address === null ? null : address.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1');
}

function noteOf(kind: string, message: MessageJson | null): string {
  return message === null || message.bodyNote === null ? '' : `Body of the ${kind}: ${message.bodyNote}`;
}

/** A name or value that was not seen cannot be listed. */
function fieldsOf({ headers }: MessageJson): HarField[] {
  const fields: HarField[] = [];
  for (const [name, value] of headers) if (name !== null && value !== null) fields.push({ name, value });
  return fields;
}

function fieldOf({ headers }: MessageJson, name: string): string | undefined {
  return headers.find(([other]) => other?.toLowerCase() === name)?.[1] ?? undefined;
}

/** `a=b&c`, decoded as forms are. */
function pairsOf(text: string): HarField[] {
  if (text === '') return [];
  return text
    .split('&')
    .filter((pair) => pair !== '')
    .map((pair) => {
      const sign = pair.indexOf('=');
      const name = sign < 0 ? pair : pair.slice(0, sign);
      return { name: decoded(name), value: sign < 0 ? '' : decoded(pair.slice(sign + 1)) };
    });
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return text;
  }
}

const FORM = /^application\/x-www-form-urlencoded\b/i;

function postDataOf(message: MessageJson): HarPostData {
  const mimeType = fieldOf(message, 'content-type') ?? '';
  const body = message.body ?? { text: '' };
  // HAR has no encoding here; this is the one for responses, which readers know.
  if (!('text' in body))
    return { mimeType, text: body.base64, encoding: 'base64', comment: 'text is in base64.' };
  return { mimeType, text: body.text, ...(FORM.test(mimeType) ? { params: pairsOf(body.text) } : {}) };
}

function contentOf(message: MessageJson): HarContent {
  const { body, bodySize, decodedSize } = message;
  // For an incomplete body with a coding, the decoded length is unknown.
  const isPart = message.bodyNote !== null;
  const size = decodedSize === null ? (bodySize ?? message.bodyCaptured) : isPart ? -1 : decodedSize;
  return {
    size,
    ...(decodedSize === null || bodySize === null || isPart ? {} : { compression: decodedSize - bodySize }),
    mimeType: fieldOf(message, 'content-type') ?? UNKNOWN_TYPE,
    ...(body === null
      ? {}
      : 'text' in body
        ? { text: body.text }
        : { text: body.base64, encoding: 'base64' }),
    ...(message.bodyNote === null ? {} : { comment: message.bodyNote }),
  };
}

/** Why there is no status. */
function errorOf({ ending }: ExchangeJson): string {
  return ending?.error ?? ending?.how ?? 'no response';
}

/**
 * Phases in sequence, as the format requires: time outside all phases counts as waiting, and overlapping time counts
 * once. Name lookup, connect and TLS handshake come before the first byte of the request.
 */
function timingsOf({ timings, durationMs }: ExchangeJson): HarTimings {
  const { lookupMs, connectMs, tlsMs } = timings;
  // For a running call, as far as known.
  const duration = durationMs ?? known(timings.sendMs) + known(timings.waitMs) + known(timings.receiveMs);
  const send = Math.min(Math.max(0, (timings.sendMs ?? 0) - (timings.overlapMs ?? 0)), duration);
  const receive = Math.min(timings.receiveMs ?? 0, duration - send);
  return {
    blocked: -1,
    dns: lookupMs ?? -1,
    connect: connectMs === null && tlsMs === null ? -1 : rounded((connectMs ?? 0) + (tlsMs ?? 0)),
    ssl: tlsMs ?? -1,
    send: rounded(send),
    wait: rounded(duration - send - receive),
    receive: rounded(receive),
    ...(timings.pausedMs === null ? {} : { _pausedMs: timings.pausedMs }),
  };
}

function known(milliseconds: number | null): number {
  return Math.max(0, milliseconds ?? 0);
}

/** To nanoseconds: hides rounding errors. */
function rounded(milliseconds: number): number {
  return Math.round(milliseconds * 1e6) / 1e6;
}

/** @param time RFC 3339 in UTC with microseconds, which a Date does not hold. */
function earlier(time: string, milliseconds: number): string {
  const micros = microsOf(time) - Math.round(milliseconds * 1_000);
  const seconds = Math.floor(micros / 1e6);
  const second = new Date(seconds * 1_000).toISOString().slice(0, 19);
  return `${second}.${String(micros - seconds * 1e6).padStart(6, '0')}Z`;
}

/** Since the epoch; exact in a double up to the year 2255. */
function microsOf(time: string): number {
  return Date.parse(`${time.slice(0, 19)}Z`) * 1_000 + Number(time.slice(20, 26));
}

/** Derived from the response's Content-Type, in browsers' terms; nothing else is known. */
function resourceType(response: MessageJson | null): string {
  const type = (response === null ? undefined : fieldOf(response, 'content-type'))?.toLowerCase() ?? '';
  if (/^text\/html\b/.test(type)) return 'document';
  if (/^text\/css\b/.test(type)) return 'stylesheet';
  if (/^image\//.test(type)) return 'image';
  if (/^font\//.test(type)) return 'font';
  if (/^(?:audio|video)\//.test(type)) return 'media';
  if (/^(?:text|application)\/(?:x-)?(?:java|ecma)script\b/.test(type)) return 'script';
  if (/^text\/event-stream\b/.test(type)) return 'eventsource';
  if (/[/+]json\b/.test(type)) return 'fetch';
  return 'other';
}

/**
 * Text and binary messages, as in Chrome: from the client's side, times in seconds, binary data in base64. Text
 * that is not valid UTF-8 is binary data.
 */
function messagesOf({ messages, startedAt, side }: ExchangeJson): HarMessage[] {
  const start = microsOf(startedAt);
  const sent = side === 'server' ? 'in' : 'out';
  const found: HarMessage[] = [];
  for (const message of messages) {
    if ((message.kind !== 'text' && message.kind !== 'binary') || message.direction === null) continue;
    const isText = message.kind === 'text' && 'text' in message;
    found.push({
      type: message.direction === sent ? 'send' : 'receive',
      time: (start + Math.round(message.atMs * 1_000)) / 1e6,
      opcode: isText ? 1 : 2,
      data: 'text' in message ? (message.text ?? '') : message.base64,
    });
  }
  return found;
}

function messageNotes({ messageStream, side }: ExchangeJson): string[] {
  if (messageStream === null) return [];
  const { omitted } = messageStream;
  const count = messageStream.out + messageStream.in;
  // Without a side, the sender of a message is unknown.
  if (side === null && count > 0) return ['Its messages are left out: their direction is not known.'];
  if (omitted === null) return [];
  return [`After message ${omitted.after}, ${omitted.count} messages are left out: they were not kept.`];
}
