/**
 * Secrets in text whose type is not known: a value of JSON or of a parameter, a plain-text body, a header field. What
 * it looks like decides; URLs, tokens, and names with values are looked for in all of it.
 */

import { maskForm } from './maskForm.ts';
import { looksLikeGraphql, maskGraphql } from './maskGraphql.ts';
import { maskJson } from './maskJson.ts';
import { maskJwt } from './maskJwt.ts';
import { maskLoosely } from './maskLoosely.ts';
import { maskUrl } from './maskUrl.ts';
import { markupOf, maskXml } from './maskXml.ts';
import { isOpaque, MASK } from './secrets.ts';

/**
 * How deep text is read as a document in another one (JSON in a string of JSON in a parameter, …). Each level costs
 * time linear in the text. Deeper text is only searched for names and values, allowing for escapes.
 */
export const MAX_NESTING = 4;

/**
 * Without any of these, text has no secret: no name with a value, no URL with one, no option of a command, and neither
 * a JSON Web Token nor a private key in PEM.
 */
const SIGNS = /[=:@{[<]|--|eyJ|(?:basic|bearer) /i;

export function maskText(text: string, depth = 0): string {
  if (!SIGNS.test(text)) return text;
  if (depth < MAX_NESTING) {
    const document = maskDocument(text, depth);
    if (document !== null) return maskJwt(document);
  }
  return maskLoosely(maskCredentials(maskUrl(text, depth)));
}

/** Credentials with the name of their scheme (RFC 7617, RFC 6750), anywhere: `curl -H "…: Bearer x"`. */
function maskCredentials(text: string): string {
  if (!/(?:basic|bearer) /i.test(text)) return text;
  return text.replace(
    /\b(basic|bearer)( {1,4})([\w.~+/-]{8,4096}={0,2})/gi,
    (all, scheme: string, blanks: string, value: string) => {
      const secret = scheme.toLowerCase() === 'bearer' ? isOpaque(value) : isBasic(value);
      return secret ? scheme + blanks + MASK : all;
    },
  );
}

/** `user:password` in base64. */
function isBasic(value: string): boolean {
  return /^[^\0-\x1f]*:[^\0-\x1f]*$/.test(Buffer.from(value, 'base64').toString('latin1'));
}

/** @returns null when it does not look like a document; its first character mostly decides. */
function maskDocument(text: string, depth: number): string | null {
  const first = /^[\s\ufeff]{0,64}([^\s\ufeff])/.exec(text)?.[1] ?? '';
  if ((first === '{' || first === '[') && looksLikeJson(text) && !isSelection(text))
    return maskJson(text, depth + 1);
  if (first === '<') {
    const markup = markupOf(text);
    return markup === null ? null : maskXml(text, markup === 'html');
  }
  if (GRAPHQL_BEGINS.includes(first) && text.includes('{') && looksLikeGraphql(text))
    return maskGraphql(text);
  return text.includes('=') && looksLikeForm(text) ? maskForm(text, depth + 1) : null;
}

/** GraphQL's shorthand for a query: `{ user(id: 1) { name } }`. */
function isSelection(text: string): boolean {
  return /^\s{0,64}\{\s{0,64}[_A-Za-z]\w{0,64}\s{0,64}[({]/.test(text);
}

/** Comment, comma, brace; query, mutation, subscription, fragment. */
const GRAPHQL_BEGINS = '#,{qmsf';

/** Many send JSON as text or with no type at all. */
export function looksLikeJson(text: string): boolean {
  return /^\s{0,64}(?:\{|\[\s{0,64}(?:["'{[\]\d]|-\d|true|false|null))/.test(text);
}

/** Begins as `name=value` of a form, without white space, quotes or brackets. */
function looksLikeForm(text: string): boolean {
  const sign = text.indexOf('=');
  if (sign < 1 || sign > 256 || text.length >= MAX_FORM) return false;
  return /^[^\s=&<>{}"?/]{1,256}=[^\s<>{}"]*$/.test(text.slice(0, 4_096));
}

const MAX_FORM = 1_048_576;
