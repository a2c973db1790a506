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

/**
 * How deep text is read as a document in another one (JSON in a string of JSON in a parameter, …). Each level costs
 * time that is linear in the text. Text that lies deeper is searched for names and values, in which escapes are
 * allowed for.
 */
export const MAX_NESTING = 4;

/** Without any of these, text has neither a name with a value nor a URL with a secret. A JSON Web Token begins with eyJ. */
const SIGNS = /[=:@{[<]|eyJ/;

export function maskText(text: string, depth = 0): string {
  if (!SIGNS.test(text)) return text;
  if (depth < MAX_NESTING) {
    if (looksLikeJson(text)) return maskJwt(maskJson(text, depth + 1));
    const markup = markupOf(text);
    if (markup !== null) return maskJwt(maskXml(text, markup === 'html'));
    if (looksLikeGraphql(text)) return maskJwt(maskGraphql(text));
    if (looksLikeForm(text)) return maskJwt(maskForm(text, depth + 1));
  }
  return maskLoosely(maskUrl(text));
}

/** Many send JSON as text or with no type at all. */
export function looksLikeJson(text: string): boolean {
  return /^\s{0,64}(?:\{|\[\s{0,64}(?:["'{[\]\d]|-\d|true|false|null))/.test(text);
}

/** Pairs of names and values all along, with more than one of them or with an encoded one. */
function looksLikeForm(text: string): boolean {
  const sign = text.indexOf('=');
  if (sign < 1 || sign > 256 || text.length >= MAX_FORM) return false;
  return /^[^\s=&<>{}"?/]{1,256}=[^\s<>{}"]*$/.test(text.slice(0, 4_096));
}

const MAX_FORM = 1_048_576;
