/**
 * Reads `.http` files: requests as HTTP messages in text, separated by lines that begin with `###`. Variables, included
 * files and scripts are not supported: sending a document with them is an error.
 */
import { isToken, trimBlanks } from '../http/fieldSyntax.ts';
import { BASE64_BODY, BODY_ENDS_LINE, BRACES, CAPTURED_BODY, CRLF_BODY, LATIN1_FIELDS } from './http.ts';
import { AUTHORITY, type FieldLine, fieldOf, type HttpRequest, isValue } from './replay.ts';

export interface RequestText {
  /** Of the request line, from 0. */
  readonly line: number;
  /** Its first and last line, including comments before it. */
  readonly from: number;
  readonly to: number;
}

/** A request that can be sent. */
export interface ReadRequest {
  readonly request: HttpRequest;
  /** The call whose captured body to send; null: `request` has the body. */
  readonly bodyOf: number | null;
}

/** A problem in the document, with its line (from 0). */
export class HttpDocumentError extends Error {
  override readonly name = 'HttpDocumentError';
  constructor(
    message: string,
    readonly line: number,
  ) {
    super(message);
  }
}

const SEPARATOR = /^###/;
const COMMENT = /^\s*(?:#|\/\/)/;
/** `@name = value`, which other programs read as a variable. */
const VARIABLE = /^\s*@[\w-]+\s*=/;
const REQUEST_LINE = /^\s*(?:(\S+)[ \t]+)?(\S+?)(?:[ \t]+HTTP\/(\S+))?\s*$/;
const VERSIONS: Readonly<Record<string, HttpRequest['version']>> = {
  '1.0': '1.0',
  '1.1': '1.1',
  '2': '2',
  '2.0': '2',
};

/** Where the requests of a document are. */
export function requestsIn(text: string): RequestText[] {
  const lines = text.split(/\r?\n/);
  const found: RequestText[] = [];
  for (let from = 0; from < lines.length; ) {
    let to = from;
    while (to + 1 < lines.length && !SEPARATOR.test(lines[to + 1] as string)) to++;
    for (let line = from; line <= to; line++) {
      const content = lines[line] as string;
      if (content.trim() === '' || COMMENT.test(content) || VARIABLE.test(content)) continue;
      found.push({ line, from, to });
      break;
    }
    from = to + 1;
  }
  return found;
}

/** @throws HttpDocumentError */
export function readRequest(text: string, { line, from, to }: RequestText): ReadRequest {
  const lines = text.split(/\r?\n/);
  const directives = lines.slice(from, line);
  const braces = directives.includes(BRACES);
  const plain = (content: string, at: number): string => {
    const opening = content.indexOf('{{');
    if (opening >= 0 && content.includes('}}', opening + 2)) {
      throw new HttpDocumentError('Variables such as {{name}} are not filled in: write the value.', at);
    }
    return braces ? content.replaceAll('{%7B', '{{') : content;
  };
  let at = line + 1;
  let start = (lines[line] as string).trimEnd();
  // A query on lines of its own.
  const query: string[] = [];
  for (; at <= to && /^(?:\s+[?&]|\?)/.test(lines[at] as string); at++)
    query.push((lines[at] as string).trim());
  if (query.length > 0) {
    const blank = Math.max(start.lastIndexOf(' '), start.lastIndexOf('\t'));
    const end = start.startsWith('HTTP/', blank + 1) && blank >= 0 ? blank : start.length;
    start = `${start.slice(0, end).trimEnd()}${query.join('')}${start.slice(end)}`;
  }
  const encoding = directives.includes(LATIN1_FIELDS) ? 'latin1' : 'utf8';
  const fields: FieldLine[] = [];
  for (; at <= to && (lines[at] as string).trim() !== ''; at++) {
    const content = lines[at] as string;
    if (!COMMENT.test(content)) fields.push(fieldIn(plain(content, at), at, encoding));
  }
  const first = requestLine(plain(start, line), fields, line);
  const call = directives.map((one) => CAPTURED_BODY.exec(one)?.[1]).find((id) => id !== undefined);
  const body = bodyIn(lines.slice(at + 1, to + 1), directives, at + 1);
  return { request: { ...first, fields, body }, bodyOf: call === undefined ? null : Number(call) };
}

function fieldIn(content: string, line: number, encoding: 'latin1' | 'utf8'): FieldLine {
  const colon = content.indexOf(':');
  const name = content.slice(0, Math.max(0, colon));
  if (!isToken(name)) {
    throw new HttpDocumentError('This is not a header field. Put a blank line before the body.', line);
  }
  const value = Buffer.from(trimBlanks(content.slice(colon + 1)), encoding).toString('latin1');
  if (!isValue(value)) throw new HttpDocumentError('A header field cannot contain these characters.', line);
  return [name, value];
}

type Start = Pick<HttpRequest, 'method' | 'scheme' | 'authority' | 'target' | 'version'>;

function requestLine(content: string, fields: readonly FieldLine[], line: number): Start {
  const [, method = 'GET', url = '', written = '1.1'] = REQUEST_LINE.exec(content) ?? [];
  if (!isToken(method))
    throw new HttpDocumentError('This method contains characters that are not allowed in a method.', line);
  if (method === 'CONNECT')
    throw new HttpDocumentError('CONNECT opens a tunnel: it cannot be sent here.', line);
  const version = Object.hasOwn(VERSIONS, written) ? VERSIONS[written] : undefined;
  if (version === undefined) {
    throw new HttpDocumentError(`HTTP/${written} cannot be sent; HTTP/1.1 and HTTP/2 can.`, line);
  }
  const host = fieldOf(fields, 'host');
  const whole = url.startsWith('/') && host !== undefined ? `http://${host}${url}` : url;
  const [, scheme = '', authority = '', rest = ''] = /^(https?):\/\/([^/?#]*)([^#]*)/i.exec(whole) ?? [];
  if (scheme === '')
    throw new HttpDocumentError('Write a URL that begins with http:// or https:// here.', line);
  if (!AUTHORITY.test(authority)) throw new HttpDocumentError('This URL names no server.', line);
  const target = rest.replace(/[^\x21-\x7e]/gu, (c) => [...Buffer.from(c)].map(percent).join(''));
  return {
    method,
    scheme: scheme.toLowerCase() === 'https' ? 'https' : 'http',
    authority,
    // A URL without a path: RFC 9112 section 3.2.4.
    target: target === '' && method === 'OPTIONS' ? '*' : target.startsWith('/') ? target : `/${target}`,
    version,
  };
}

function percent(byte: number): string {
  return `%${byte.toString(16).padStart(2, '0').toUpperCase()}`;
}

/** Blank lines at its end only separate it from the next request. */
function bodyIn(lines: readonly string[], directives: readonly string[], line: number): Uint8Array | null {
  const end = lines.findLastIndex((content) => content !== '') + 1;
  const text = lines.slice(0, end).join(directives.includes(CRLF_BODY) ? '\r\n' : '\n');
  if (directives.includes(BASE64_BODY)) {
    const base64 = text.replace(/\s/g, '');
    if (!/^[A-Za-z0-9+/]*={0,2}$/.test(base64)) throw new HttpDocumentError('This is not base64.', line);
    return Buffer.from(base64, 'base64');
  }
  if (end === 0) return null;
  const ending = directives.includes(BODY_ENDS_LINE) ? (directives.includes(CRLF_BODY) ? '\r\n' : '\n') : '';
  return Buffer.from(text + ending);
}
