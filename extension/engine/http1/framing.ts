/** How a body is delimited: RFC 9112 section 6.3, and a sensible choice where its rules are broken. */

import { listMembers, trimBlanks } from '../../http/fieldSyntax.ts';
import type { Field } from '../exchange.ts';
import type { RuleName } from '../violations.ts';

export type Framing =
  | { readonly kind: 'none' }
  | { readonly kind: 'length'; readonly length: number }
  | { readonly kind: 'chunked' }
  /** Up to the end of the stream. */
  | { readonly kind: 'close' }
  /** No HTTP/1 message follows in either direction. */
  | { readonly kind: 'tunnel'; readonly protocol: string };

export interface FramingResult {
  readonly framing: Framing;
  /** Transfer codings besides chunked, in the order in which they were applied; null = none. */
  readonly codings: readonly string[] | null;
  readonly broken: readonly RuleName[];
}

interface LengthFields {
  readonly length: number | null;
  readonly present: boolean;
  readonly codings: readonly string[];
  readonly coded: boolean;
}

/** IANA's registry of transfer codings, and `identity`, which once was in it. */
const REGISTERED: ReadonlySet<string> = new Set([
  ...['chunked', 'compress', 'deflate', 'gzip', 'x-compress', 'x-gzip', 'identity'],
]);

const NO_CODINGS: readonly string[] = [];

/** Fields that the functions of this file look at, in lower case; no two of the same length. */
export const FRAMING_FIELDS: readonly string[] = [
  ...['content-length', 'transfer-encoding', 'upgrade', 'connection', 'expect', 'host'],
];

export function isFramingField(lowerName: string): boolean {
  return FRAMING_FIELDS.includes(lowerName);
}

const LETTERS_ONLY: ReadonlySet<string> = new Set(['contentlength', 'transferencoding']);

/**
 * Some parsers take `Content_Length` or `Transfer Encoding` for the field it resembles (RFC 9112 section
 * 11.2).
 */
export function isFramingLookalike(name: string): boolean {
  if (name.length < 13 || name.length > 24) return false;
  const lower = name.toLowerCase();
  if (lower === 'content-length' || lower === 'transfer-encoding') return false;
  return LETTERS_ONLY.has(lower.replace(/[^a-z]/g, ''));
}

/** @param target if known: in absolute form it contains an authority, which is compared with Host. */
export function requestFraming(version: string, fields: readonly Field[], target = ''): FramingResult {
  const broken: RuleName[] = [];
  const read = readLengthFields(fields, broken);
  checkHost(version, fields, target, broken);
  if (read.coded) {
    const { chunked, codings } = readCodings(read, version, broken);
    if (chunked) return { framing: { kind: 'chunked' }, codings, broken };
    broken.push('chunked-not-last');
    return { framing: { kind: 'close' }, codings, broken };
  }
  return { framing: lengthOr(read.length, { kind: 'length', length: 0 }), codings: null, broken };
}

/** @param method of the request; null when unknown: a body is then allowed. */
export function responseFraming(
  method: string | null,
  version: string,
  status: number,
  fields: readonly Field[],
): FramingResult {
  const broken: RuleName[] = [];
  const read = readLengthFields(fields, broken);
  if (status === 101) {
    const protocol = fieldValue(fields, 'upgrade') ?? '';
    if (protocol === '') broken.push('upgrade-missing');
    return { framing: { kind: 'tunnel', protocol }, codings: null, broken };
  }
  if (method === 'CONNECT' && status >= 200 && status < 300) {
    if (read.coded) broken.push('coding-in-bodiless');
    if (read.present) broken.push('length-in-bodiless');
    return { framing: { kind: 'tunnel', protocol: 'CONNECT' }, codings: null, broken };
  }
  if ((status >= 100 && status < 200) || status === 204 || status === 304 || method === 'HEAD') {
    // A 304 and a response to HEAD may announce the length that a GET would have got.
    if (status < 205) {
      if (read.coded && method !== 'HEAD') broken.push('coding-in-bodiless');
      if (read.present && method !== 'HEAD') broken.push('length-in-bodiless');
    }
    return { framing: { kind: 'none' }, codings: null, broken };
  }
  if (read.coded) {
    const { chunked, codings } = readCodings(read, version, broken);
    return { framing: { kind: chunked ? 'chunked' : 'close' }, codings, broken };
  }
  return { framing: lengthOr(read.length, { kind: 'close' }), codings: null, broken };
}

/** True when the connection may stop being HTTP/1 after this request's response. */
export function mayBecomeTunnel(method: string, fields: readonly Field[]): boolean {
  return method === 'CONNECT' || fieldValue(fields, 'upgrade') !== null;
}

/**
 * The protocol of a 101 that does not name one, as some servers send it.
 * @param offered the request's Upgrade field
 * @returns empty when it is not certain.
 */
export function unnamedProtocol(offered: string | null, fields: readonly Field[]): string {
  if (fieldValue(fields, 'sec-websocket-accept') !== null) return 'websocket';
  const [only = '', ...others] = listMembers(offered ?? '');
  return others.length === 0 ? only : '';
}

/** Expect: 100-continue: the body may never be sent (RFC 9110 section 10.1.1). */
export function expectsContinue(fields: readonly Field[]): boolean {
  return fieldValue(fields, 'expect')?.toLowerCase() === '100-continue';
}

/** Does the connection persist after this message, as far as its sender says (RFC 9112 section 9.3)? */
export function persists(version: string, fields: readonly Field[]): boolean {
  let close = false;
  let keepAlive = false;
  for (const [name, value] of fields) {
    if (name.length !== 10 || name.toLowerCase() !== 'connection') continue;
    for (const member of listMembers(value)) {
      if (member === 'close') close = true;
      else if (member === 'keep-alive') keepAlive = true;
    }
  }
  if (close) return false;
  return version === 'HTTP/1.0' || version === 'HTTP/0.9' ? keepAlive : true;
}

function lengthOr(length: number | null, otherwise: Framing): Framing {
  return length === null ? otherwise : { kind: 'length', length };
}

function readLengthFields(fields: readonly Field[], broken: RuleName[]): LengthFields {
  let length: number | null = null;
  let present = false;
  let values = 0;
  let codings = NO_CODINGS;
  let coded = false;
  for (const [name, value] of fields) {
    // Compare lengths first: lower-casing every field name of every message is slow.
    if (name.length === 14 && name.toLowerCase() === 'content-length') {
      present = true;
      for (const member of value.includes(',') ? value.split(',') : [value]) {
        values++;
        const number = readLength(trimBlanks(member));
        if (number === null) broken.push('length-invalid');
        else if (length === null) length = number;
        else if (length !== number) broken.push('length-differs');
      }
    } else if (name.length === 17 && name.toLowerCase() === 'transfer-encoding') {
      coded = true;
      codings = [...codings, ...listMembers(value)];
    }
  }
  if (values > 1 && !broken.includes('length-differs') && !broken.includes('length-invalid')) {
    broken.push('length-repeated');
  }
  if (coded && present) broken.push('length-and-coding');
  return { length, present, codings, coded };
}

/** @returns null when it is not a number, or has more than 15 digits. */
function readLength(text: string): number | null {
  if (text.length === 0 || text.length > 15) return null;
  let length = 0;
  for (let i = 0; i < text.length; i++) {
    const digit = text.charCodeAt(i) - 48;
    if (digit < 0 || digit > 9) return null;
    length = length * 10 + digit;
  }
  return length;
}

function readCodings(
  read: LengthFields,
  version: string,
  broken: RuleName[],
): { chunked: boolean; codings: readonly string[] | null } {
  if (version === 'HTTP/1.0') broken.push('coding-in-1.0');
  const chunks = read.codings.filter((coding) => coding === 'chunked').length;
  if (chunks > 1) broken.push('chunked-twice');
  if (read.codings.some((coding) => !REGISTERED.has(coding))) broken.push('coding-unknown');
  const rest = read.codings.filter((coding) => coding !== 'chunked' && coding !== 'identity');
  const last = read.codings[read.codings.length - 1];
  return { chunked: last === 'chunked', codings: rest.length === 0 ? null : rest };
}

/** uri-host and port (RFC 3986 section 3.2.2). */
const HOST = /^(?:\[[0-9a-z:.%\-_~]+\]|[0-9a-z\-._~%!$&'()*+,;=]*)(?::\d*)?$/i;

function checkHost(version: string, fields: readonly Field[], target: string, broken: RuleName[]): void {
  let hosts = 0;
  let host = '';
  for (const [name, value] of fields) {
    if (name.length !== 4 || name.toLowerCase() !== 'host') continue;
    if (hosts++ === 0) host = value;
    if (!HOST.test(value)) broken.push('host-invalid');
  }
  if (hosts > 1) broken.push('host-twice');
  else if (hosts === 0 && version === 'HTTP/1.1') broken.push('host-missing');
  if (hosts === 0 || target.startsWith('/')) return;
  const [, scheme = '', authority = ''] = /^(https?):\/\/(?:[^/?#]*@)?([^/?#]*)/i.exec(target) ?? [];
  if (scheme !== '' && withoutPort(authority, scheme) !== withoutPort(host, scheme))
    broken.push('host-differs');
}

/** In lower case, without the scheme's own port. */
function withoutPort(authority: string, scheme: string): string {
  return authority.toLowerCase().replace(scheme.toLowerCase() === 'https' ? /:(?:443)?$/ : /:(?:80)?$/, '');
}

function fieldValue(fields: readonly Field[], lowerName: string): string | null {
  for (const [name, value] of fields) {
    if (name.length === lowerName.length && name.toLowerCase() === lowerName) return value;
  }
  return null;
}
