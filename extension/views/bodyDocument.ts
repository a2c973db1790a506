/** A body as the text of a read-only document: what it is called, and what it holds. */
import type { ExchangeJson, MessageJson } from '../engine/exchangeJson.ts';

import { countText } from '../words/numbers.ts';

export type BodyPart = 'request' | 'response';

/** Bytes of a binary body that are shown as a hex dump: its text is five times as long. */
const MAX_DUMP = 1024 * 1024;

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

/** `response-body.json`, `request-body (beginning).txt`, `response-body.hex.txt`. */
export function bodyName(exchange: ExchangeJson, part: BodyPart): string {
  const message = exchange[part];
  const whole = message === null || message.bodyNote === null ? '' : ' (beginning)';
  return `${part}-body${whole}.${extension(message)}`;
}

function extension(message: MessageJson | null): string {
  if (message?.body != null && 'base64' in message.body) return 'hex.txt';
  const type = mediaType(message);
  return EXTENSIONS.find(([pattern]) => pattern.test(type))?.[1] ?? 'txt';
}

function mediaType(message: MessageJson | null): string {
  const field = message?.headers.find(([name]) => name?.toLowerCase() === 'content-type');
  return (field?.[1] ?? '').replace(/;.*/s, '').trim().toLowerCase();
}

/** The body's text, or a hex dump of its bytes; null when nothing of it was captured. */
export function bodyText(exchange: ExchangeJson, part: BodyPart): string | null {
  const body = exchange[part]?.body ?? null;
  if (body === null) return null;
  return 'text' in body ? body.text : hexDump(Buffer.from(body.base64, 'base64'));
}

/** Offset, sixteen bytes, the same as ASCII: as `hexdump -C` shows them. */
export function hexDump(bytes: Uint8Array): string {
  const lines: string[] = [];
  const shown = Math.min(bytes.length, MAX_DUMP);
  for (let at = 0; at < shown; at += 16) {
    const row = [...bytes.subarray(at, Math.min(at + 16, shown))];
    const hex = row.map((byte) => byte.toString(16).padStart(2, '0'));
    const ascii = row.map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.'));
    const halves = `${hex.slice(0, 8).join(' ')}  ${hex.slice(8).join(' ')}`;
    lines.push(`${at.toString(16).padStart(8, '0')}  ${halves.padEnd(48)}  |${ascii.join('')}|`);
  }
  if (bytes.length > shown) lines.push(`… ${countText(bytes.length - shown, 'more byte')}`);
  return `${lines.join('\n')}\n`;
}
