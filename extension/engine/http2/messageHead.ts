/**
 * Makes a message's head from a field section: pseudo-header fields and the rules for them (RFC 9113
 * section 8).
 */
import { type SeenField, UNKNOWN_STATUS } from '../exchange.ts';
import type { StoredMessage } from '../storedMessage.ts';
import type { FieldSection } from './hpack.ts';

/** Connection-specific fields, which HTTP/2 forbids (section 8.2.2). */
const CONNECTION_FIELDS = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
]);

export interface Head {
  /** Content-Length, if it is a single number. */
  readonly length: number | null;
  /** `:protocol` (RFC 8441). */
  readonly protocol: string | null;
}

/** What kind of section it is, as far as its fields show. */
export function sectionKind(section: FieldSection): 'head' | 'trailers' | 'unknown' {
  // Pseudo-header fields come first (section 8.3).
  const [first] = section.fields;
  if (first === undefined) return section.cut ? 'unknown' : 'trailers';
  if (first[0] === null) return 'unknown';
  return first[0].startsWith(':') ? 'head' : 'trailers';
}

/** Fills in a request or a response from its header section. */
export function readHead(message: StoredMessage, section: FieldSection): Head {
  const request = message.kind === 'request';
  const fields: SeenField[] = [];
  let method: string | null = null;
  let path: string | null = null;
  let status: string | null = null;
  let protocol: string | null = null;
  let length: number | null = null;
  let regular = false;
  // Bits of the pseudo-header fields that were given, even with an unknown value.
  let given = 0;
  for (const field of section.fields) {
    const [name, value] = field;
    if (name === null || name.charCodeAt(0) !== 0x3a) {
      if (name !== null) {
        regular = true;
        if (name === 'content-length') {
          if (value !== null && /^\d{1,15}$/.test(value)) length = Number(value);
        } else if (CONNECTION_FIELDS.has(name) || (name === 'te' && value !== 'trailers' && value !== null)) {
          message.breaks('h2-connection-field', message.position);
        }
      }
      fields.push(field);
      continue;
    }
    if (regular) message.breaks('h2-pseudo-order', message.position);
    const bit = bitOf(name, request);
    if (bit === 0) {
      message.breaks('h2-pseudo-unknown', message.position);
      fields.push(field);
      continue;
    }
    if ((given & bit) !== 0) {
      message.breaks('h2-pseudo-twice', message.position);
      continue;
    }
    given |= bit;
    switch (name) {
      case ':method':
        method = value;
        break;
      case ':path':
        path = value;
        break;
      case ':scheme':
        message.scheme = value;
        break;
      case ':authority':
        message.authority = value;
        break;
      case ':protocol':
        protocol = value;
        break;
      default:
        status = value;
    }
  }
  if (request) {
    message.method = method ?? '';
    message.target = path ?? (method === 'CONNECT' ? (message.authority ?? '') : '');
  } else {
    message.status = readStatus(status);
    if (status !== null && !/^[1-5]\d\d$/.test(status)) message.breaks('h2-status', message.position);
  }
  if (!section.unknown && !section.cut && lacks(given, method, request)) {
    message.breaks('h2-pseudo-missing', message.position);
  }
  noteSection(message, section);
  message.shareFields(fields, section.fresh);
  return { length, protocol };
}

export function readTrailers(message: StoredMessage, section: FieldSection): void {
  if (section.fields.some(([name]) => name?.startsWith(':'))) {
    message.breaks('h2-pseudo-unknown', message.position);
  }
  noteSection(message, section);
  message.shareTrailers(section.fields, section.fresh);
}

function noteSection(message: StoredMessage, section: FieldSection): void {
  for (const rule of section.broken) message.breaks(rule, message.position);
  if (section.unknown || section.cut) message.headIncomplete = true;
}

const METHOD = 1;
const SCHEME = 2;
const AUTHORITY = 4;
const PATH = 8;
const PROTOCOL = 16;
const STATUS = 32;

/** The bit of a pseudo-header field; 0: not allowed in this kind of message. */
function bitOf(name: string, request: boolean): number {
  if (!request) return name === ':status' ? STATUS : 0;
  switch (name) {
    case ':method':
      return METHOD;
    case ':scheme':
      return SCHEME;
    case ':authority':
      return AUTHORITY;
    case ':path':
      return PATH;
    case ':protocol':
      return PROTOCOL;
    default:
      return 0;
  }
}

/** Sections 8.3.1, 8.3.2 and 8.5; RFC 8441 section 4. */
function lacks(given: number, method: string | null, request: boolean): boolean {
  if (!request) return (given & STATUS) === 0;
  if (method === 'CONNECT' && (given & PROTOCOL) === 0) return (given & AUTHORITY) === 0;
  return (given & (METHOD | SCHEME | PATH)) !== (METHOD | SCHEME | PATH);
}

function readStatus(status: string | null): number {
  return status !== null && /^\d{1,3}$/.test(status) ? Number(status) : UNKNOWN_STATUS;
}
