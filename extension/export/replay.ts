/**
 * A captured request, prepared for sending it again: one model for every format of a copy. Secrets are as in the call's
 * JSON: masked, unless the user chose to see them.
 */
import type { SeenField } from '../engine/exchange.ts';
import type { BodyJson, ExchangeJson } from '../engine/exchangeJson.ts';
import { isToken, isValueCode } from '../http/fieldSyntax.ts';
import { MASK } from '../privacy/secrets.ts';

/** The same request twice, and its body as it was sent. */
export interface CapturedRequest {
  /** As the user is shown it. */
  readonly shown: ExchangeJson;
  /** With secrets. */
  readonly revealed: ExchangeJson;
  /** With its content coding, without transfer coding; null: there is none. */
  readonly body: Uint8Array | null;
}

/** Connection-specific fields (RFC 9110 section 7.6.1) and Expect; a resent request has its own. */
export const CONNECTION_FIELDS: readonly string[] = [
  'connection',
  'expect',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
];

export type FieldLine = readonly [name: string, value: string];

/** A request to be sent. */
export interface HttpRequest {
  readonly method: string;
  readonly scheme: 'http' | 'https';
  /** Host and port of the URL. */
  readonly authority: string;
  /** The request's target as it was sent; Latin-1. */
  readonly target: string;
  readonly version: '1.0' | '1.1' | '2';
  /** In their order; values are Latin-1. */
  readonly fields: readonly FieldLine[];
  /** With its content coding, without transfer coding. */
  readonly body: Uint8Array | null;
}

export interface Replay extends HttpRequest {
  /** Its masked parts: names of header fields, `URL`, `body`. */
  readonly masked: readonly string[];
  /** How it differs from the original request, in sentences. */
  readonly notes: readonly string[];
}

/** Replaces secrets in copies: ASCII, so that it can be part of a URL, a field or a program. */
export const MASKED = 'MASKED';

/** Host (name, IPv4, IPv6 in brackets) and port; no characters that would make a URL name another server. */
export const AUTHORITY = /^(?:[A-Za-z0-9._~-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?$/;
const ABSOLUTE = /^(https?):\/\/([^/?#]*)(.*)$/is;

/** @returns a sentence when it cannot be replayed. */
export function replayOf({ shown, revealed, body }: CapturedRequest): Replay | string {
  const request = shown.request;
  const secret = revealed.request;
  if (request === null || secret === null || shown.url === null || revealed.url === null) {
    return 'The request of this call was not seen.';
  }
  const { method } = shown;
  if (method === null || !isToken(method)) return 'The method of this call is not known.';
  if (method === 'CONNECT') return 'CONNECT opens a tunnel: it cannot be replayed by itself.';
  const [, scheme = '', authority = '', target = ''] =
    ABSOLUTE.exec(shown.url.replaceAll(MASK, MASKED)) ?? [];
  if (scheme === '') return 'The URL of this call is not complete.';
  if (!AUTHORITY.test(authority)) return 'The URL of this call names no server.';
  const notes: string[] = [];
  const masked: string[] = shown.url === revealed.url ? [] : ['URL'];
  const fields = fieldsOf(request.headers, secret.headers, masked, notes);
  if (request.trailers.length > 0) notes.push('Its trailers are not sent.');
  if (shown.completeness.includes('headers-incomplete'))
    notes.push('Not all of its header fields are known.');
  const content = contentOf(request.body, secret.body, body, masked, notes);
  if (secret.bodySize !== secret.bodyCaptured && (secret.bodySize ?? 1) > 0) {
    const size = secret.bodySize === null ? '' : ` of ${secret.bodySize}`;
    notes.push(`Only the first ${secret.bodyCaptured}${size} bytes of its body were captured.`);
  }
  return {
    method,
    scheme: scheme.toLowerCase() === 'https' ? 'https' : 'http',
    authority,
    target: target === '' && method === 'OPTIONS' ? '*' : target.startsWith('/') ? target : `/${target}`,
    version: versionOf(shown.protocol),
    fields: content.same ? fields : withoutCoding(fields, content.bytes?.length ?? 0),
    body: content.bytes,
    masked,
    notes,
  };
}

function versionOf(protocol: string): Replay['version'] {
  return protocol === 'HTTP/2' ? '2' : protocol === 'HTTP/1.0' ? '1.0' : '1.1';
}

function fieldsOf(
  shown: readonly SeenField[],
  revealed: readonly SeenField[],
  masked: string[],
  notes: string[],
): FieldLine[] {
  const fields: FieldLine[] = [];
  let dropped = 0;
  for (const [i, [name, value]] of shown.entries()) {
    // Programs that send the copy would misread an invalid field.
    if (name === null || value === null || !isToken(name) || !isValue(value.replaceAll(MASK, MASKED))) {
      dropped++;
      continue;
    }
    const isMasked = value !== revealed[i]?.[1];
    if (isMasked && !masked.includes(name)) masked.push(name);
    fields.push([name, isMasked ? value.replaceAll(MASK, MASKED) : value]);
  }
  if (dropped > 0)
    notes.push(`${dropped} of its header fields are left out: they are malformed or not known.`);
  return fields;
}

/** Latin-1 field values (RFC 9110 section 5.5). */
export function isValue(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > 0xff || !isValueCode(code)) return false;
  }
  return true;
}

/** The bytes to send; `same`: exactly as they were captured. */
function contentOf(
  shown: BodyJson | null,
  revealed: BodyJson | null,
  sent: Uint8Array | null,
  masked: string[],
  notes: string[],
): { readonly bytes: Uint8Array | null; readonly same: boolean } {
  if (revealed === null) return { bytes: null, same: true };
  if (shown === null) {
    masked.push('body');
    notes.push('Its body is left out: as bytes it may hold secrets.');
    return { bytes: null, same: false };
  }
  if (textOf(shown) === textOf(revealed)) {
    return sent === null ? { bytes: bytesOf(shown), same: false } : { bytes: sent, same: true };
  }
  masked.push('body');
  return { bytes: bytesOf(shown), same: false };
}

function textOf(body: BodyJson): string {
  return 'text' in body ? `t${body.text}` : `b${body.base64}`;
}

const MASK_BYTES = Buffer.from(MASK).toString('latin1');

function bytesOf(body: BodyJson): Uint8Array {
  if ('text' in body) return Buffer.from(body.text.replaceAll(MASK, MASKED));
  const latin1 = Buffer.from(body.base64, 'base64').toString('latin1');
  return Buffer.from(latin1.replaceAll(MASK_BYTES, MASKED), 'latin1');
}

/** For a decoded body of this length. */
function withoutCoding(fields: readonly FieldLine[], length: number): FieldLine[] {
  return fields
    .filter(([name]) => name.toLowerCase() !== 'content-encoding')
    .map(([name, value]) => [name, name.toLowerCase() === 'content-length' ? String(length) : value]);
}

/** The first value of a field, by its lower-case name. */
export function fieldOf(fields: readonly FieldLine[], name: string): string | undefined {
  return fields.find(([other]) => other.toLowerCase() === name)?.[1];
}

/** What users must know before they send it; empty: it is identical to the original. */
export function warningsOf({ masked, notes }: Replay): string[] {
  if (masked.length === 0) return [...notes];
  return [
    `HTTP Trace masked secrets (${masked.join(', ')}): fill them in where it says ${MASKED}.`,
    ...notes,
  ];
}
