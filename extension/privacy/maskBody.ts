/** Secrets in bodies, by their type, or by what they look like where the type says nothing. */
import { maskCsv } from './maskCsv.ts';
import { maskForm } from './maskForm.ts';
import { maskGraphql } from './maskGraphql.ts';
import { maskJson } from './maskJson.ts';
import { maskJwt } from './maskJwt.ts';
import { maskLoosely } from './maskLoosely.ts';
import { maskMultipart } from './maskMultipart.ts';
import { looksLikeJson, maskText } from './maskText.ts';
import { type markupOf, maskXml } from './maskXml.ts';

export interface BodyType {
  /** `type/subtype` in lower case; empty when unknown. */
  readonly essence: string;
  readonly boundary: string | null;
}

/** @param text may be the beginning of a body only. */
export function maskBody(text: string, type: BodyType): string {
  const { essence } = type;
  if (essence.startsWith('multipart/')) return maskJwt(maskMultipart(text, type.boundary));
  if (essence === 'application/x-www-form-urlencoded') return maskJwt(maskForm(text));
  if (essence === 'application/graphql') return maskJwt(maskGraphql(text));
  const markup = markupOfType(essence);
  if (markup !== null) return maskJwt(maskXml(text, markup === 'html'));
  // JSON has no control characters but white space: 1 in 256 random texts begins with `{`.
  if (isJson(essence) || (looksLikeJson(text) && !isBinary(text))) return maskJwt(maskJson(text));
  if (essence === 'text/csv') return maskJwt(maskCsv(text, ','));
  if (essence === 'text/tab-separated-values') return maskJwt(maskCsv(text, '\t'));
  if (isCode(essence)) return maskJwt(maskLoosely(text, { quotedOnly: true }));
  if (isOther(essence)) return maskJwt(text);
  return isBinary(text) ? text.replace(READABLE, (run) => maskText(run)) : maskText(text);
}

/**
 * Readable runs in a binary file, long enough that random bytes hardly ever form one. Secrets are searched only in
 * these, because 3 MB of random bytes contain `pw=` by chance, and masking that would damage the file.
 */
const READABLE = /[\t\n\r\x20-\x7e]{16,}/g;

/** It has control characters that no text has. */
function isBinary(text: string): boolean {
  return /[\0-\x08\x0e-\x1a\x1c-\x1f]/.test(text);
}

function isJson(essence: string): boolean {
  return /[/+](?:x-)?(?:nd|geo|hal)?json(?:-seq|l|lines)?$/.test(essence) || essence === 'text/event-stream';
}

function markupOfType(essence: string): ReturnType<typeof markupOf> {
  if (essence === 'text/html' || essence === 'application/xhtml+xml') return 'html';
  return /[/+]xml$/.test(essence) ? 'xml' : null;
}

/** In program code, a name with a colon or an equals sign is followed by more than values. JSONP, too. */
function isCode(essence: string): boolean {
  return /[/](?:x-)?(?:javascript|ecmascript|typescript)$/.test(essence);
}

/** Text only by chance, or without names and values. */
function isOther(essence: string): boolean {
  return /^(?:image|audio|video|font)\//.test(essence) || essence === 'text/css';
}
