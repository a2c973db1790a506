/** Secrets in bodies, by their type, or by what they look like where the type says nothing. */
import { maskForm } from './maskForm.ts';
import { maskJson } from './maskJson.ts';
import { maskJwt } from './maskJwt.ts';
import { maskMultipart } from './maskMultipart.ts';
import { maskXml } from './maskXml.ts';

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
  const markup = isMarkup(essence, text);
  if (markup !== null) return maskJwt(maskXml(text, markup === 'html'));
  if (isJson(essence) || looksLikeJson(text)) return maskJwt(maskJson(text));
  if ((essence === '' || essence === 'text/plain') && looksLikeForm(text)) return maskJwt(maskForm(text));
  return maskJwt(text);
}

function isJson(essence: string): boolean {
  return /[/+](?:x-)?(?:nd|geo|hal)?json(?:-seq|l|lines)?$/.test(essence) || essence === 'text/event-stream';
}

function isMarkup(essence: string, text: string): 'xml' | 'html' | null {
  if (essence === 'text/html' || essence === 'application/xhtml+xml') return 'html';
  if (/[/+]xml$/.test(essence)) return 'xml';
  if (essence !== '' && essence !== 'text/plain') return null;
  const beginning = /^\ufeff?\s{0,64}<(\?xml\s|!doctype html|html|\w+:Envelope)/i.exec(
    text.slice(0, 512),
  )?.[1];
  return beginning === undefined ? null : /html$/i.test(beginning) ? 'html' : 'xml';
}

/** Many send JSON as text or with no type at all. */
function looksLikeJson(text: string): boolean {
  return /^\s{0,64}[{[]/.test(text);
}

function looksLikeForm(text: string): boolean {
  const sign = text.indexOf('=');
  if (sign < 1 || sign > 256) return false;
  return /^[^\s=&<>{}"]{1,256}=[^\s<>{}"]*$/.test(text.slice(0, 4_096)) && text.length < 1_048_576;
}
