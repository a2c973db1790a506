/** Messages as text for an editor: start line, fields, body; laid out where that helps reading. */
import type { BodyJson, ExchangeJson, MessageJson } from '../engine/exchangeJson.ts';
import { parseContentType } from '../http/mediaType.ts';
import { formattedText } from '../words/formattedText.ts';
import { visibleLine } from '../words/visible.ts';
import { hexDump } from './hexDump.ts';

type Fields = readonly (readonly [name: string | null, value: string | null])[];

export interface MessageParts {
  readonly start: string;
  readonly fields: Fields;
  readonly trailers: Fields;
  /** Decoded; null: none. */
  readonly body: BodyJson | null;
  /** Why the body is incomplete; null: complete. */
  readonly note: string | null;
}

export function messageText({ start, fields, trailers, body, note }: MessageParts): string {
  const parts = [`${visibleLine(start)}\n${fieldLines(fields)}`];
  if (body !== null) parts.push(contentText(body, fields));
  if (note !== null) parts.push(`# ${note}\n`);
  if (trailers.length > 0) parts.push(`# Trailers\n${fieldLines(trailers)}`);
  return parts.join('\n');
}

function fieldLines(fields: Fields): string {
  return fields.map(([name, value]) => `${visibleLine(`${name ?? '?'}: ${value ?? '?'}`)}\n`).join('');
}

function contentText(body: BodyJson, fields: Fields): string {
  if ('base64' in body) return hexDump(Buffer.from(body.base64, 'base64'));
  const type = fields.find(([name]) => name?.toLowerCase() === 'content-type')?.[1] ?? '';
  const text = formattedText(body.text, parseContentType(type).essence);
  return text === '' || text.endsWith('\n') ? text : `${text}\n`;
}

/** A call to compare with another: both messages, fields sorted by name. */
export function exchangeText(exchange: ExchangeJson): string {
  const { method, url, protocol, status, statusText, request, response } = exchange;
  const start = `${method ?? '?'} ${url ?? '?'} ${protocol}`;
  const first = request === null ? `${start}\n` : messageText(partsOf(start, request));
  const answer = `${protocol} ${status ?? '?'} ${statusText ?? ''}`.trimEnd();
  if (response === null) return `${first}\n\n# No response was seen.\n`;
  return `${first}\n\n${messageText(partsOf(answer, response))}`;
}

function partsOf(start: string, message: MessageJson): MessageParts {
  const { headers, trailers, body, bodyNote } = message;
  return { start, fields: byName(headers), trailers: byName(trailers), body, note: bodyNote };
}

/** Values of one name stay in their order. */
function byName(fields: Fields): Fields {
  const key = ([name]: Fields[number]): string => (name ?? '').toLowerCase();
  return [...fields].sort((a, b) => (key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0));
}
