/** Leniently parses request and status lines (RFC 9112 sections 3 and 4), noting violations. */

import { isBlank, isToken, isTokenCode, trimBlanks } from '../../http/fieldSyntax.ts';
import type { MessageKind } from '../exchange.ts';
import type { RuleName } from '../violations.ts';
import { isTarget, worstControl } from './characters.ts';
import { isKnownMethod, isMethodPrefix, isMethodStart, LONGEST_METHOD } from './methods.ts';

export interface RequestLine {
  readonly method: string;
  readonly target: string;
  readonly version: string;
  readonly broken: readonly RuleName[];
}

export interface StatusLine {
  readonly version: string;
  readonly status: number;
  readonly statusText: string;
  readonly broken: readonly RuleName[];
}

const VERSION = /^HTTP\/\d\.\d$/;
/** A last word that is meant to be a protocol version, even if it is a wrong one. */
const VERSION_LIKE = /^[A-Za-z]{2,8}\/\d/;

const VERSION_1 = 'HTTP/1.';
const VERSION_AT_END = / HTTP\/\d\.\d$/;

/** The version of a request line that names none (RFC 1945 section 4.1). */
export const NO_VERSION = 'HTTP/0.9';

/**
 * @param line without its line end.
 * @returns null when the line cannot be taken for a request line.
 */
export function readRequestLine(line: string): RequestLine | null {
  return plainRequestLine(line) ?? lenientRequestLine(line);
}

const NONE: readonly RuleName[] = [];

/** The fast path for a request line that breaks no rule, as nearly all do. */
function plainRequestLine(line: string): RequestLine | null {
  const space = line.indexOf(' ');
  const last = line.length - VERSION_1.length - 2;
  if (space >= last || line.charCodeAt(last) !== 32 || !line.startsWith(VERSION_1, last + 1)) return null;
  if (!isDigit(line.charCodeAt(line.length - 1))) return null;
  const method = line.slice(0, space);
  const target = line.slice(space + 1, last);
  if (!isToken(method) || !isTarget(target)) return null;
  return { method, target, version: line.slice(last + 1), broken: oddities(method, target) };
}

/** Rules broken by a well-formed method or target. */
function oddities(method: string, target: string): readonly RuleName[] {
  const form = target.startsWith('/') || isOtherForm(method, target);
  const known = isKnownMethod(method) || !isKnownMethod(method.toUpperCase());
  if (form && known) return NONE;
  return [...(known ? [] : ['method-case' as const]), ...(form ? [] : ['target-form' as const])];
}

/** Asterisk, authority and absolute form (RFC 9112 section 3.2). */
function isOtherForm(method: string, target: string): boolean {
  return target === '*' || method === 'CONNECT' || /^[A-Za-z][A-Za-z0-9+.-]*:/.test(target);
}

function lenientRequestLine(line: string): RequestLine | null {
  const cr = line.indexOf('\r');
  if (cr > 0 && !VERSION_AT_END.test(line)) {
    // A parser that takes a bare CR for a line end sees a request line before it.
    const before = readRequestLine(line.slice(0, cr));
    if (before !== null && before.version !== NO_VERSION) {
      return { ...before, broken: unique([...before.broken, 'bare-cr']) };
    }
  }
  if (isBlank(line.charCodeAt(0))) {
    const behind = line.replace(/^[ \t]+/, '');
    const request = VERSION_AT_END.test(behind) ? readRequestLine(behind) : null;
    return request === null ? null : { ...request, broken: ['leading-space', ...request.broken] };
  }
  const broken: RuleName[] = [];
  let to = line.length;
  while (to > 0 && isBlank(line.charCodeAt(to - 1))) to--;
  let space = 0;
  while (space < to && !isBlank(line.charCodeAt(space))) space++;
  const method = line.slice(0, space);
  if (method === '' || space >= to) return null;
  let from = space;
  while (from < to && isBlank(line.charCodeAt(from))) from++;
  if (from - space !== 1 || line.charCodeAt(space) !== 32) broken.push('request-line-spaces');

  let last = to;
  while (last > from && !isBlank(line.charCodeAt(last - 1))) last--;
  const word = line.slice(last, to);
  if (last > from && VERSION_LIKE.test(word)) {
    if (!isToken(method)) {
      if (!/^[\x21-\x7e]+$/.test(method)) return null;
      broken.push('method-token');
    }
    let end = last;
    while (end > from && isBlank(line.charCodeAt(end - 1))) end--;
    if (last - end !== 1 || line.charCodeAt(end) !== 32 || to !== line.length)
      broken.push('request-line-spaces');
    const target = line.slice(from, end);
    broken.push(...oddities(method, target));
    if (!isTarget(target)) broken.push('request-target');
    if (!VERSION.test(word) || word.charCodeAt(5) !== 49) broken.push('version');
    return { method, target, version: word, broken: unique(broken) };
  }
  // Without a version, only a known method shows that this is a request.
  if (!isKnownMethod(method)) return null;
  const target = line.slice(from, to);
  if (!isTarget(target)) broken.push('request-target');
  broken.push('no-version');
  return { method, target, version: NO_VERSION, broken: unique(broken) };
}

/** @returns null when the line cannot be taken for a status line. */
export function readStatusLine(line: string): StatusLine | null {
  // Shoutcast sends `ICY` in place of a version.
  if (!line.startsWith('HTTP/') && !/^ICY \d{3}/.test(line)) return null;
  const broken: RuleName[] = [];
  let end = 3;
  while (end < line.length && !isBlank(line.charCodeAt(end))) end++;
  const version = line.slice(0, end);
  if (!VERSION.test(version) || version.charCodeAt(5) !== 49) broken.push('version');
  let from = end;
  while (from < line.length && isBlank(line.charCodeAt(from))) from++;
  if (from - end !== 1 || line.charCodeAt(end) !== 32) broken.push('status-line-spaces');
  let digits = from;
  while (digits < line.length && isDigit(line.charCodeAt(digits))) digits++;
  if (digits === from || digits - from > 9) return null;
  const status = Number(line.slice(from, digits));
  if (digits - from !== 3 || status < 100 || status > 599) broken.push('status-code');
  // The space after the status code is often left out with the reason phrase; nothing depends on it.
  if (digits < line.length && line.charCodeAt(digits) !== 32) broken.push('status-line-spaces');
  const statusText = trimBlanks(line.slice(digits));
  const control = worstControl(statusText);
  if (control === 'cr') broken.push('bare-cr');
  else if (control !== 'none') broken.push('reason-phrase');
  return { version, status, statusText, broken: unique(broken) };
}

const RECOGNISED_REQUEST = /^[!-~]{1,64} [!-\xff]+ HTTP\/1\.\d$/;
const RECOGNISED_STATUS = /^HTTP\/1\.\d [1-5]\d\d(?: |$)/;

/** Is this certainly a start line, so that reading can resume after unreadable bytes? */
export function isRecognised(kind: MessageKind, line: string): boolean {
  if (kind === 'response') return RECOGNISED_STATUS.test(line);
  return RECOGNISED_REQUEST.test(line) && isKnownMethod(line.slice(0, line.indexOf(' ')));
}

const STATUS_START = 'HTTP/1.';

const FIRST_OF_STATUS: ReadonlySet<number> = new Set(Buffer.from('HI'));

/** Can a request line begin with this byte, leniently read (leading white space included)? */
export function mayBeRequest(byte: number): boolean {
  return isBlank(byte) || isTokenCode(byte);
}

/** Can a status line begin with this byte, leniently read? */
export function mayBeStatus(byte: number): boolean {
  return FIRST_OF_STATUS.has(byte);
}

/** Do the bytes at `at`, as far as they go, begin a status line of HTTP? */
export function mayBecomeStatus(bytes: Buffer, at: number): boolean {
  const end = Math.min(bytes.length, at + STATUS_START.length);
  for (let i = at; i < end; i++) if (bytes[i] !== STATUS_START.charCodeAt(i - at)) return false;
  return true;
}

/** Bytes after which it is certain whether they begin a message. */
export const LONGEST_START = Math.max(STATUS_START.length, LONGEST_METHOD + 1);

/** Do the bytes at `at` look like the start of a message of this kind? */
export function beginsMessage(kind: MessageKind, bytes: Buffer, at: number): boolean {
  if (kind === 'response') return bytes.toString('latin1', at, at + STATUS_START.length) === STATUS_START;
  const text = bytes.toString('latin1', at, at + LONGEST_METHOD + 1);
  return isMethodStart(text.slice(0, text.indexOf(' ') + 1));
}

/** Is this the start of a message, may it become one, or neither? */
export function classifyStart(kind: MessageKind, text: string): 'start' | 'prefix' | 'other' {
  if (kind === 'response') {
    if (text === STATUS_START) return 'start';
    return STATUS_START.startsWith(text) ? 'prefix' : 'other';
  }
  if (isMethodStart(text)) return 'start';
  return isMethodPrefix(text) ? 'prefix' : 'other';
}

function unique(names: readonly RuleName[]): readonly RuleName[] {
  return names.length < 2 ? names : [...new Set(names)];
}

function isDigit(code: number): boolean {
  return code >= 48 && code <= 57;
}
