/** Content-Type (RFC 9110 section 8.3) as the engine needs it: cached, and as a short word. */
import { type ContentType, parseContentType } from './mediaType.ts';

const NONE: ContentType = { essence: '', charset: null, boundary: null };

/** The same few values come again and again. Bounded: each multipart body has a boundary of its own. */
const KNOWN = new Map<string, ContentType>();
const MAX_KNOWN = 256;
const MAX_KNOWN_LENGTH = 64;

export function readContentType(value: string | null): ContentType {
  if (value === null) return NONE;
  const known = KNOWN.get(value);
  if (known !== undefined) return known;
  if (value.length > MAX_KNOWN_LENGTH) return parseContentType(value);
  // A copy: a slice would retain the whole head.
  const copy = Buffer.from(value, 'latin1').toString('latin1');
  const type = parseContentType(copy);
  if (KNOWN.size >= MAX_KNOWN) KNOWN.clear();
  KNOWN.set(copy, type);
  return type;
}

const SHORT_TYPES: Readonly<Record<string, string>> = {
  'text/html': 'html',
  'application/xhtml+xml': 'html',
  'text/plain': 'text',
  'text/css': 'css',
  'text/csv': 'csv',
  'text/event-stream': 'events',
  'text/javascript': 'script',
  'application/javascript': 'script',
  'application/x-javascript': 'script',
  'application/ecmascript': 'script',
  'text/xml': 'xml',
  'application/xml': 'xml',
  'application/json': 'json',
  'application/ndjson': 'json',
  'application/x-ndjson': 'json',
  'application/x-www-form-urlencoded': 'form',
  'application/octet-stream': 'binary',
  'application/pdf': 'pdf',
  'application/wasm': 'wasm',
  'application/grpc': 'grpc',
  'application/protobuf': 'protobuf',
  'application/x-protobuf': 'protobuf',
};

const FAMILIES: ReadonlySet<string> = new Set(['image', 'audio', 'video', 'font', 'multipart']);

/** A word for a narrow column; null without a type. */
export function shortType(value: string | null): string | null {
  const { essence } = readContentType(value);
  const known = SHORT_TYPES[essence];
  if (known !== undefined && Object.hasOwn(SHORT_TYPES, essence)) return known;
  const slash = essence.indexOf('/');
  if (slash < 1) return null;
  const family = essence.slice(0, slash);
  const subtype = essence.slice(slash + 1);
  if (subtype.endsWith('+json')) return 'json';
  if (subtype.endsWith('+xml') && family !== 'image') return 'xml';
  if (subtype.startsWith('grpc')) return 'grpc';
  if (FAMILIES.has(family)) return family;
  if (family === 'text') return 'text';
  return /^[a-z0-9.+-]{1,24}$/.test(subtype) ? subtype : null;
}
