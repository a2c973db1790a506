/** Content-Type (RFC 9110 section 8.3) as the engine needs it. */
export interface ContentType {
  /** `type/subtype` in lower case; empty when there is none. */
  readonly essence: string;
  readonly charset: string | null;
  readonly boundary: string | null;
}

/** Longest value that is looked at. */
const MAX_LENGTH = 1_024;

const NONE: ContentType = { essence: '', charset: null, boundary: null };

/** The same few values come again and again. Bounded: each multipart body has a boundary of its own. */
const KNOWN = new Map<string, ContentType>();
const MAX_KNOWN = 256;
const MAX_KNOWN_LENGTH = 64;

export function readContentType(value: string | null): ContentType {
  if (value === null) return NONE;
  const known = KNOWN.get(value);
  if (known !== undefined) return known;
  const type = parse(value);
  if (value.length <= MAX_KNOWN_LENGTH) {
    if (KNOWN.size >= MAX_KNOWN) KNOWN.clear();
    // A copy: a slice of a head would keep all of it.
    KNOWN.set(Buffer.from(value, 'latin1').toString('latin1'), type);
  }
  return type;
}

function parse(value: string): ContentType {
  const text = value.slice(0, MAX_LENGTH);
  const semicolon = text.indexOf(';');
  const essence = (semicolon < 0 ? text : text.slice(0, semicolon)).trim().toLowerCase();
  let charset: string | null = null;
  let boundary: string | null = null;
  for (const [name, parameter] of readParameters(semicolon < 0 ? '' : text.slice(semicolon))) {
    if (name === 'charset') charset ??= parameter.trim().toLowerCase();
    else if (name === 'boundary') boundary ??= parameter;
  }
  return { essence, charset, boundary };
}

/** Parameters (RFC 9110 section 5.6.6): names in lower case, quoted values unquoted. */
export function readParameters(text: string): [name: string, value: string][] {
  const parameters: [string, string][] = [];
  let at = 0;
  while (at < text.length) {
    while (at < text.length && (text[at] === ';' || text[at] === ' ' || text[at] === '\t')) at++;
    const nameFrom = at;
    while (at < text.length && text[at] !== '=' && text[at] !== ';') at++;
    const name = text.slice(nameFrom, at).trim().toLowerCase();
    if (text[at] !== '=') continue;
    at++;
    let value = '';
    if (text[at] === '"') {
      for (at++; at < text.length && text[at] !== '"'; at++) {
        if (text[at] === '\\' && at + 1 < text.length) at++;
        value += text[at];
      }
      at++;
      while (at < text.length && text[at] !== ';') at++;
    } else {
      const from = at;
      while (at < text.length && text[at] !== ';') at++;
      value = text.slice(from, at).trim();
    }
    if (name !== '') parameters.push([name, value]);
  }
  return parameters;
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
