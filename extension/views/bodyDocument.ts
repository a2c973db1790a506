/** A body as a document: its name and its content. */

import type { ExchangeJson, MessageJson } from '../engine/exchangeJson.ts';
import { parseContentType } from '../http/mediaType.ts';
import { callName } from '../words/callName.ts';
import { formattedText } from '../words/formattedText.ts';
import { t } from '../words/translate.ts';
import { hexDump } from './hexDump.ts';

export type BodyPart = 'request' | 'response';

/** Media type (RFC 9110 section 8.3.1) to file name extension, by which VS Code finds the language. */
const EXTENSIONS: readonly (readonly [RegExp, string])[] = [
  [/^application\/(?:json|manifest\+json|.+\+json)$|^text\/json$/, 'json'],
  [/^application\/(?:x-)?(?:ndjson|jsonlines|jsonl)$/, 'jsonl'],
  [/^text\/html$|^application\/xhtml\+xml$/, 'html'],
  [/^image\/svg\+xml$/, 'svg'],
  [/^(?:application|text)\/xml$|\+xml$/, 'xml'],
  [/^text\/css$/, 'css'],
  [/^(?:application|text)\/(?:x-)?(?:java|ecma)script$/, 'js'],
  [/^text\/csv$/, 'csv'],
  [/^text\/markdown$/, 'md'],
  [/^(?:application|text)\/(?:x-)?yaml$/, 'yaml'],
  [/^application\/graphql$/, 'graphql'],
];

/** Images that VS Code's preview draws. */
const IMAGES: ReadonlyMap<string, string> = new Map([
  ['image/png', 'png'],
  ['image/jpeg', 'jpg'],
  ['image/gif', 'gif'],
  ['image/webp', 'webp'],
  ['image/bmp', 'bmp'],
  ['image/x-icon', 'ico'],
  ['image/vnd.microsoft.icon', 'ico'],
  ['image/avif', 'avif'],
]);

export function noBody(part: BodyPart): string {
  return part === 'request' ? t('No request body was captured.') : t('No response body was captured.');
}

/** `GET orders 404.json`, `POST orders 201 request (beginning).txt`, `GET logo 200.bin`. */
export function bodyName(exchange: ExchangeJson, part: BodyPart): string {
  const message = exchange[part];
  const call = callName(exchange);
  const name = part === 'request' ? `${call} request` : call === '' ? 'response' : call;
  const whole = message === null || message.bodyNote === null ? '' : ' (beginning)';
  return `${name.trim()}${whole}.${extension(message)}`;
}

function extension(message: MessageJson | null): string {
  const type = mediaType(message);
  if (message?.body != null && 'base64' in message.body) return IMAGES.get(type) ?? 'bin';
  return EXTENSIONS.find(([pattern]) => pattern.test(type))?.[1] ?? 'txt';
}

function mediaType(message: MessageJson | null): string {
  const field = message?.headers.find(([name]) => name?.toLowerCase() === 'content-type');
  return parseContentType(field?.[1] ?? '').essence;
}

/** The body as bytes; null: it is text, or nothing of it was captured. */
export function binaryBody(exchange: ExchangeJson, part: BodyPart): Uint8Array | null {
  const body = exchange[part]?.body ?? null;
  return body === null || 'text' in body ? null : Buffer.from(body.base64, 'base64');
}

/** Whether VS Code's image preview can draw it: all of it was captured. */
export function isImage(exchange: ExchangeJson, part: BodyPart): boolean {
  const message = exchange[part];
  return message?.bodyNote === null && IMAGES.has(mediaType(message));
}

/** The body's text, laid out where that helps, or a hex dump of its bytes; null when nothing of it was captured. */
export function bodyText(exchange: ExchangeJson, part: BodyPart): string | null {
  const message = exchange[part];
  const body = message?.body ?? null;
  if (body === null) return null;
  if ('text' in body) return formattedText(body.text, mediaType(message));
  return hexDump(Buffer.from(body.base64, 'base64'));
}
