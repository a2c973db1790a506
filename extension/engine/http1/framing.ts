/** Decides how a body is delimited: by RFC 9112 section 6.3, or sensibly where its rules are broken. */

import { listMembers } from '../../http/fieldSyntax.ts';
import type { RuleName } from '../violations.ts';
import type { FramingFields } from './framingFields.ts';

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

/** IANA's registry of transfer codings, and `identity`, which once was in it. */
const REGISTERED: ReadonlySet<string> = new Set([
  ...['chunked', 'compress', 'deflate', 'gzip', 'x-compress', 'x-gzip', 'identity'],
]);

const NO_RULES: readonly RuleName[] = [];
const EMPTY: Framing = { kind: 'length', length: 0 };
const NONE: Framing = { kind: 'none' };
const CHUNKED: Framing = { kind: 'chunked' };
const CLOSE: Framing = { kind: 'close' };

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
export function requestFraming(version: string, fields: FramingFields, target = ''): FramingResult {
  const before = joined(fields.lengthBroken, hostBroken(version, fields, target));
  if (!fields.hasCodings) return delimitedBy(fields.length, EMPTY, before);
  const { chunked, codings, broken } = readCodings(fields.codings, version);
  const all = joined(before, broken);
  if (chunked) return { framing: CHUNKED, codings, broken: all };
  return { framing: CLOSE, codings, broken: [...all, 'chunked-not-last'] };
}

/** @param method of the request; null when unknown: a body is then allowed. */
export function responseFraming(
  method: string | null,
  version: string,
  status: number,
  fields: FramingFields,
): FramingResult {
  const before = fields.lengthBroken;
  if (status === 101) {
    const protocol = fields.upgrade ?? '';
    const broken: readonly RuleName[] = protocol === '' ? [...before, 'upgrade-missing'] : before;
    return { framing: { kind: 'tunnel', protocol }, codings: null, broken };
  }
  if (method === 'CONNECT' && status >= 200 && status < 300) {
    const broken = joined(before, bodilessBroken(fields));
    return { framing: { kind: 'tunnel', protocol: 'CONNECT' }, codings: null, broken };
  }
  if ((status >= 100 && status < 200) || status === 204 || status === 304 || method === 'HEAD') {
    // A 304 and a response to HEAD may declare the length of the response to a GET.
    const announces = status >= 205 || method === 'HEAD';
    const broken = announces ? before : joined(before, bodilessBroken(fields));
    return { framing: NONE, codings: null, broken };
  }
  if (!fields.hasCodings) return delimitedBy(fields.length, CLOSE, before);
  const { chunked, codings, broken } = readCodings(fields.codings, version);
  return { framing: chunked ? CHUNKED : CLOSE, codings, broken: joined(before, broken) };
}

/** True when the connection may stop being HTTP/1 after this request's response. */
export function mayBecomeTunnel(method: string, fields: FramingFields): boolean {
  return method === 'CONNECT' || fields.upgrade !== null;
}

/**
 * The protocol of a 101 that does not name one, as sent by some servers.
 * @param offered the request's Upgrade field
 * @param accept the response's Sec-WebSocket-Accept
 * @returns empty when it is not certain.
 */
export function unnamedProtocol(offered: string | null, accept: string | null): string {
  if (accept !== null) return 'websocket';
  const [only = '', ...others] = listMembers(offered ?? '');
  return others.length === 0 ? only : '';
}

/** Expect: 100-continue: the body may never be sent (RFC 9110 section 10.1.1). */
export function expectsContinue({ expect }: FramingFields): boolean {
  return expect?.toLowerCase() === '100-continue';
}

/** Does the connection persist after this message, as far as its sender says (RFC 9112 section 9.3)? */
export function persists(version: string, { close, keepAlive }: FramingFields): boolean {
  if (close) return false;
  return version === 'HTTP/1.0' || version === 'HTTP/0.9' ? keepAlive : true;
}

function joined(some: readonly RuleName[], more: readonly RuleName[]): readonly RuleName[] {
  if (more.length === 0) return some;
  return some.length === 0 ? more : [...some, ...more];
}

function delimitedBy(length: number | null, otherwise: Framing, broken: readonly RuleName[]): FramingResult {
  return { framing: length === null ? otherwise : { kind: 'length', length }, codings: null, broken };
}

/** Rules that these fields break in a message that has no body. */
function bodilessBroken({ hasCodings, hasLength }: FramingFields): readonly RuleName[] {
  if (!hasCodings && !hasLength) return NO_RULES;
  return [
    ...(hasCodings ? ['coding-in-bodiless' as const] : []),
    ...(hasLength ? ['length-in-bodiless' as const] : []),
  ];
}

function readCodings(
  members: readonly string[],
  version: string,
): { chunked: boolean; codings: readonly string[] | null; broken: readonly RuleName[] } {
  const broken: RuleName[] = [];
  if (version === 'HTTP/1.0') broken.push('coding-in-1.0');
  const chunks = members.filter((coding) => coding === 'chunked').length;
  if (chunks > 1) broken.push('chunked-twice');
  if (members.some((coding) => !REGISTERED.has(coding))) broken.push('coding-unknown');
  const rest = members.filter((coding) => coding !== 'chunked' && coding !== 'identity');
  const last = members[members.length - 1];
  return { chunked: last === 'chunked', codings: rest.length === 0 ? null : rest, broken };
}

function hostBroken(version: string, fields: FramingFields, target: string): readonly RuleName[] {
  const { hosts, host } = fields;
  const missing = hosts === 0 && version === 'HTTP/1.1';
  const differs = hosts > 0 && !target.startsWith('/') && differsFromHost(target, host ?? '');
  if (!fields.hostBroken && hosts < 2 && !missing && !differs) return NO_RULES;
  return [
    ...(fields.hostBroken ? ['host-invalid' as const] : []),
    ...(hosts > 1 ? ['host-twice' as const] : []),
    ...(missing ? ['host-missing' as const] : []),
    ...(differs ? ['host-differs' as const] : []),
  ];
}

/** True when the target is in absolute form and its authority differs from the Host field. */
function differsFromHost(target: string, host: string): boolean {
  const [, scheme = '', authority = ''] = /^(https?):\/\/(?:[^/?#]*@)?([^/?#]*)/i.exec(target) ?? [];
  return scheme !== '' && withoutPort(authority, scheme) !== withoutPort(host, scheme);
}

/** The authority in lower case, without the scheme's default port. */
function withoutPort(authority: string, scheme: string): string {
  return authority.toLowerCase().replace(scheme.toLowerCase() === 'https' ? /:(?:443)?$/ : /:(?:80)?$/, '');
}
