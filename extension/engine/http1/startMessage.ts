/** Creates messages from their start lines. */
import { type MessageKind, UNKNOWN_STATUS } from '../exchange.ts';
import { StoredMessage } from '../storedMessage.ts';
import type { RuleName } from '../violations.ts';
import { isCutMethod, isKnownMethod } from './methods.ts';
import {
  NO_VERSION,
  type RequestLine,
  readRequestLine,
  readStatusLine,
  type StatusLine,
} from './startLine.ts';

const HTTP2_PREFACE = 'PRI * HTTP/2.0';

/**
 * @param position of the line in the stream.
 * @param before rules that were broken between the previous message and this one.
 * @returns `http2` for its connection preface; null when it is not a start line.
 */
export function startMessage(
  kind: MessageKind,
  text: string,
  position: number,
  before: readonly RuleName[],
): StoredMessage | 'http2' | null {
  if (kind === 'request') {
    if (text === HTTP2_PREFACE) return 'http2';
    const line = readRequestLine(text);
    return line === null ? null : requestOf(line, position, before);
  }
  const line = readStatusLine(text);
  return line === null ? null : responseOf(line, position, before);
}

/** As {@link startMessage}, for an unterminated line; null when what it would have become is uncertain. */
export function cutStartMessage(
  kind: MessageKind,
  text: string,
  position: number,
  before: readonly RuleName[],
): StoredMessage | null {
  if (kind === 'request') return cutRequest(text, position, before);
  // The reason phrase must have begun, or the status code might be only its first digits.
  const line = /^HTTP\/\d\.\d [1-5]\d\d /.test(text) ? readStatusLine(text) : null;
  return line === null ? null : responseOf(line, position, before);
}

/** Bytes that answer a request and are not HTTP. */
export function foreignAnswer(position: number, before: readonly RuleName[]): StoredMessage {
  const message = begin('response', { version: '', broken: ['not-http'] }, position, before);
  message.status = UNKNOWN_STATUS;
  return message;
}

/** Bytes that are not HTTP, but were answered in HTTP. */
export function foreignRequest(position: number, before: readonly RuleName[]): StoredMessage {
  return begin('request', { version: '', broken: ['request-not-http'] }, position, before);
}

function cutRequest(text: string, position: number, before: readonly RuleName[]): StoredMessage | null {
  const whole = readRequestLine(text);
  if (whole !== null && whole.version !== NO_VERSION && /^HTTP\/\d\.\d$/.test(whole.version)) {
    return requestOf(whole, position, before);
  }
  const space = text.indexOf(' ');
  const method = space < 0 ? text : text.slice(0, space);
  if (space < 0 ? !isCutMethod(text) : !isKnownMethod(method)) return null;
  const rest = space < 0 ? '' : text.slice(space + 1);
  const ended = rest.includes(' ');
  // A lone slash is not worth showing: nearly every target begins with it.
  const target = ended ? rest.slice(0, rest.indexOf(' ')) : rest === '/' ? '' : rest;
  return requestOf({ method, target, version: '', broken: ['line-cut'] }, position, before);
}

function requestOf(line: RequestLine, position: number, before: readonly RuleName[]): StoredMessage {
  const message = begin('request', line, position, before);
  message.method = line.method;
  message.target = line.target;
  return message;
}

function responseOf(line: StatusLine, position: number, before: readonly RuleName[]): StoredMessage {
  const message = begin('response', line, position, before);
  message.status = line.status;
  message.statusText = line.statusText;
  return message;
}

function begin(
  kind: MessageKind,
  { version, broken }: Pick<RequestLine, 'version' | 'broken'>,
  position: number,
  before: readonly RuleName[],
): StoredMessage {
  const message = new StoredMessage(kind, position, version);
  for (const name of before) message.breaks(name, position);
  for (const name of broken) message.breaks(name, position);
  return message;
}
