/**
 * The parts of a multipart body (RFC 2046 section 5.1, RFC 7578), from text with one character per byte, or from
 * decoded text. Linear; a truncated body is read as far as it goes.
 */
import { readParameters } from './mediaType.ts';

export interface Part {
  /** Field names and values, in order, trimmed. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** Parameters of Content-Disposition; null where not given. */
  readonly name: string | null;
  readonly filename: string | null;
  /** Content-Type as sent; null where not given. */
  readonly type: string | null;
  /** Offsets of its content in the text. */
  readonly from: number;
  readonly to: number;
  /** The delimiter after it was seen. */
  readonly whole: boolean;
}

/** Characters of one part's head that are examined. */
const MAX_HEAD = 16 * 1024;

/** @param boundary of the Content-Type; null: the first line of the body is taken as the delimiter. */
export function readParts(text: string, boundary: string | null, limit: number): Part[] {
  const delimiter = boundary === null || boundary === '' ? sniffDelimiter(text) : `--${boundary}`;
  const parts: Part[] = [];
  if (delimiter === null) return parts;
  let at = nextDelimiter(text, delimiter, 0);
  while (at >= 0 && parts.length < limit) {
    let from = at + delimiter.length;
    // The last delimiter; what follows it is ignored.
    if (text.startsWith('--', from)) break;
    const lineEnd = text.indexOf('\n', from);
    if (lineEnd < 0) break;
    from = lineEnd + 1;
    at = nextDelimiter(text, delimiter, from);
    const end = at < 0 ? text.length : at;
    parts.push(readPart(text, from, at < 0 ? end : beforeLineEnd(text, from, end), at >= 0));
  }
  return parts;
}

/** The content of a part; if each character is a byte, valid UTF-8 is decoded. */
export function partText(text: string, part: Part): string {
  const content = text.slice(part.from, part.to);
  if (!/^[\0-\xff]*$/.test(content) || !/[\x80-\xff]/.test(content)) return content;
  try {
    const bytes = Uint8Array.from(content, (character) => character.charCodeAt(0));
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return content;
  }
}

/** Delimiters are whole lines. */
function nextDelimiter(text: string, delimiter: string, from: number): number {
  for (let at = text.indexOf(delimiter, from); at >= 0; at = text.indexOf(delimiter, at + 1)) {
    if ((at === 0 || text[at - 1] === '\n') && endsLine(text, at + delimiter.length)) return at;
  }
  return -1;
}

/** @param at after a delimiter. */
function endsLine(text: string, at: number): boolean {
  let to = text.startsWith('--', at) ? at + 2 : at;
  while (text[to] === ' ' || text[to] === '\t' || text[to] === '\r') to++;
  return to >= text.length || text[to] === '\n';
}

function sniffDelimiter(text: string): string | null {
  return /^(?:\r?\n)?(--[^\r\n]{1,200}?)[ \t]*\r?\n/.exec(text)?.[1] ?? null;
}

/** The line end before a delimiter belongs to it. */
function beforeLineEnd(text: string, from: number, end: number): number {
  let to = end;
  if (to > from && text[to - 1] === '\n') to--;
  if (to > from && text[to - 1] === '\r') to--;
  return to;
}

function readPart(text: string, from: number, to: number, whole: boolean): Part {
  const headers: (readonly [string, string])[] = [];
  let name: string | null = null;
  let filename: string | null = null;
  let type: string | null = null;
  let at = from;
  const bound = Math.min(to, from + MAX_HEAD);
  while (at < bound) {
    const lineFeed = text.indexOf('\n', at);
    const next = lineFeed < 0 || lineFeed >= to ? to : lineFeed + 1;
    const line = text.slice(at, next).trim();
    at = next;
    if (line === '') break;
    const colon = line.indexOf(':');
    if (colon < 1) continue;
    const field = line.slice(0, colon).trim();
    const value = line.slice(colon + 1).trim();
    headers.push([field, value]);
    const lower = field.toLowerCase();
    if (lower === 'content-type') type ??= value;
    else if (lower === 'content-disposition') {
      for (const [key, parameter] of readParameters(value.slice(Math.max(0, value.indexOf(';'))))) {
        if (key === 'name') name ??= utf8(parameter);
        else if (key === 'filename') filename ??= utf8(parameter);
        else if (key === 'filename*') filename = extended(parameter) ?? filename;
      }
    }
  }
  return { headers, name, filename, type, from: Math.min(at, to), to, whole };
}

/** Browsers send names as UTF-8 (RFC 7578 section 5.1). */
function utf8(text: string): string {
  return partText(text, {
    headers: [],
    name: null,
    filename: null,
    type: null,
    from: 0,
    to: text.length,
    whole: true,
  });
}

/** `UTF-8''na%C3%AFve.txt` (RFC 8187). */
function extended(value: string): string | null {
  const encoded = /^utf-8'[^']*'(.*)$/i.exec(value)?.[1];
  if (encoded === undefined) return null;
  try {
    return decodeURIComponent(encoded);
  } catch {
    return null;
  }
}
