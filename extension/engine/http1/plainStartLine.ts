/**
 * The fast path for start lines that break no rule: it reads bytes, and accepts a known method with a target in origin
 * form, or a status code with its standard reason phrase. Others are read as text (startLine.ts), with the same result.
 */
import { textAt } from '../../http/knownText.ts';
import type { MessageKind } from '../exchange.ts';
import { StoredMessage } from '../storedMessage.ts';
import { isTargetCode } from './characters.ts';

const SPACE = 32;
const SLASH = 47;
const DIGIT_0 = 48;

/** With a trailing space. */
const METHODS: readonly string[] = ['GET ', 'POST ', 'PUT ', 'DELETE ', 'HEAD ', 'PATCH ', 'OPTIONS '];
const NAMES: readonly string[] = METHODS.map((method) => method.slice(0, -1));

const VERSION = 'HTTP/1.';
const VERSIONS: readonly string[] = ['HTTP/1.0', 'HTTP/1.1'];

/** RFC 9110 section 15: the common ones. */
const PHRASES: ReadonlyMap<number, string> = new Map([
  ...([
    [200, 'OK'],
    [201, 'Created'],
    [202, 'Accepted'],
    [204, 'No Content'],
    [206, 'Partial Content'],
  ] as const),
  ...([
    [301, 'Moved Permanently'],
    [302, 'Found'],
    [303, 'See Other'],
    [304, 'Not Modified'],
  ] as const),
  ...([
    [400, 'Bad Request'],
    [401, 'Unauthorized'],
    [403, 'Forbidden'],
    [404, 'Not Found'],
  ] as const),
  ...([
    [500, 'Internal Server Error'],
    [502, 'Bad Gateway'],
    [503, 'Service Unavailable'],
  ] as const),
]);

/**
 * @param at where the line begins. @param end where its line end begins. @param position of the line in the stream.
 * @returns null when it is not such a line.
 */
export function plainStart(
  kind: MessageKind,
  bytes: Buffer,
  at: number,
  end: number,
  position: number,
): StoredMessage | null {
  return kind === 'request' ? requestAt(bytes, at, end, position) : responseAt(bytes, at, end, position);
}

function requestAt(bytes: Buffer, at: number, end: number, position: number): StoredMessage | null {
  let method = 0;
  while (method < METHODS.length && !isAt(bytes, at, METHODS[method] as string)) method++;
  if (method === METHODS.length) return null;
  const from = at + (METHODS[method] as string).length;
  const to = end - VERSION.length - 2;
  if (bytes[from] !== SLASH || from >= to || bytes[to] !== SPACE) return null;
  const version = versionAt(bytes, to + 1);
  if (version === null) return null;
  for (let i = from; i < to; i++) if (!isTargetCode(bytes[i] as number)) return null;
  const message = new StoredMessage('request', position, version);
  message.method = NAMES[method] as string;
  message.target = textAt(bytes, from, to);
  return message;
}

function responseAt(bytes: Buffer, at: number, end: number, position: number): StoredMessage | null {
  const version = versionAt(bytes, at);
  const digits = at + VERSION.length + 2;
  const phrase = digits + 4;
  if (version === null || bytes[digits - 1] !== SPACE || bytes[digits + 3] !== SPACE) return null;
  let status = 0;
  for (let i = digits; i < digits + 3; i++) {
    const digit = (bytes[i] as number) - DIGIT_0;
    if (digit < 0 || digit > 9) return null;
    status = status * 10 + digit;
  }
  const text = PHRASES.get(status);
  if (text === undefined || end - phrase !== text.length || !isAt(bytes, phrase, text)) return null;
  const message = new StoredMessage('response', position, version);
  message.status = status;
  message.statusText = text;
  return message;
}

function versionAt(bytes: Buffer, at: number): string | null {
  if (!isAt(bytes, at, VERSION)) return null;
  return VERSIONS[(bytes[at + VERSION.length] as number) - DIGIT_0] ?? null;
}

function isAt(bytes: Buffer, at: number, text: string): boolean {
  for (let i = 0; i < text.length; i++) if (bytes[at + i] !== text.charCodeAt(i)) return false;
  return true;
}
