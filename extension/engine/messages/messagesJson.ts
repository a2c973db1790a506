/** The messages of an exchange for people and programs: text where they are text, with secrets masked. */

import { parseContentType } from '../../http/mediaType.ts';
import { maskFields } from '../../privacy/maskFields.ts';
import { maskMessage } from '../../privacy/maskMessage.ts';
import { maskBytes } from '../bodyJson.ts';
import { decodeText } from '../charset.ts';
import type { Field, MessageKind, Side } from '../exchange.ts';
import type { JsonOptions, MessageStreamJson, StreamMessageJson } from '../exchangeJson.ts';
import { toNanoseconds } from '../phases.ts';
import type { Definition } from '../protobuf/definitions.ts';
import { labelText } from './labels.ts';
import type { MessageList, MessageType, StreamMessage } from './messageList.ts';
import { type DecodedProtobuf, protobufJson } from './protobufJson.ts';

/** Not shown as text even if the bytes happen to be valid UTF-8. */
const BINARY: ReadonlySet<MessageType> = new Set(['binary', 'message', 'unknown']);

/** The definition of the protobuf messages in one direction; null: not known. */
export type DefinitionOf = (kind: MessageKind) => Definition | null;

/** @param start of the exchange, in milliseconds since the trace's start. */
export function messagesJson(
  list: MessageList | null,
  side: Side | null,
  start: number,
  options: JsonOptions,
  definitionOf: DefinitionOf,
): StreamMessageJson[] {
  const withheld = options.reveal !== true && list?.watcher?.spreadsSecret === true;
  return (list?.messages() ?? []).map((message) =>
    streamMessageJson(message, side, start, { ...options, withheld }, definitionOf),
  );
}

export function messageStreamJson(list: MessageList | null, side: Side | null): MessageStreamJson | null {
  if (list === null) return null;
  const out = side === 'server' ? list.responses : list.requests;
  return {
    format: list.format,
    out,
    in: list.count - out,
    note: list.notes.size === 0 ? null : [...list.notes].map((name) => labelText(name).message).join(' '),
    omitted: list.evicted === 0 ? null : { after: list.keptFirst, count: list.evicted },
  };
}

export interface MessageOptions extends JsonOptions {
  /** Its content is not shown, because a secret is spread over several messages. */
  readonly withheld?: boolean;
}

export function streamMessageJson(
  message: StreamMessage,
  side: Side | null,
  start: number,
  { reveal = false, messageBytes = null, withheld = false }: MessageOptions,
  definitionOf: DefinitionOf,
): StreamMessageJson {
  const notes: string[] = [];
  const violations: { rule: string; message: string }[] = [];
  for (const name of message.labels) {
    const { rule, message: text } = labelText(name);
    if (rule === null) notes.push(text);
    else violations.push({ rule, message: text });
  }
  const { content, size } = message;
  const whole = content.length === size || message.type === 'trailers';
  const limit = messageBytes ?? Number.POSITIVE_INFINITY;
  const protobuf = protobufOf(message, limit, reveal, definitionOf);
  if (!whole && size !== null && content.length > 0) {
    notes.unshift(`Only the first ${content.length} of ${size} bytes are kept.`);
  } else if (!whole && size !== null && notes.length === 0) notes.push('The content is not kept.');
  const hidden = withheld && message.type === 'event';
  if (hidden) notes.push('It is not shown separately, because a secret is spread over several events.');
  if (protobuf?.masked === true) notes.push('Its bytes are not shown, because they contain a secret.');
  return {
    number: message.number,
    direction: side === null ? null : (message.in === 'request') === (side === 'client') ? 'out' : 'in',
    atMs: toNanoseconds(Math.max(0, message.time - start)),
    kind: message.type,
    size,
    compressedSize: message.compressedSize,
    fields: fieldsJson(message, reveal),
    protobuf: protobuf?.json ?? null,
    ...(protobuf?.masked === true || hidden ? WITHHELD : contentJson(message, limit, reveal)),
    note: notes.length === 0 ? null : notes.join(' '),
    violations,
  };
}

function protobufOf(
  { type, content, size, in: kind }: StreamMessage,
  limit: number,
  reveal: boolean,
  definitionOf: DefinitionOf,
): DecodedProtobuf | null {
  if (type !== 'message' || (content === '' && size !== 0)) return null;
  const bytes = Buffer.from(content.slice(0, limit), 'latin1');
  return protobufJson(bytes, bytes.length === size, definitionOf(kind), reveal);
}

const UNTYPED = { essence: '', boundary: null } as const;

const WITHHELD = { text: null } as const;

/**
 * Parts and trailers have HTTP fields, events have free text; the fields of other types are not from the
 * sender.
 */
function fieldsJson({ type, fields }: StreamMessage, reveal: boolean): StreamMessageJson['fields'] {
  if (reveal) return fields;
  if (type === 'trailers' || type === 'part') return maskFields(fields) as readonly Field[];
  return type === 'event' ? fields.map(([name, value]) => [name, maskMessage(value, '')]) : fields;
}

function contentJson(
  message: StreamMessage,
  limit: number,
  reveal: boolean,
): { text: string | null } | { base64: string } {
  const { size, type } = message;
  if (message.content === '' && size !== 0) return { text: null };
  const content = message.content.slice(0, limit);
  const bytes = Buffer.from(content, 'latin1');
  const text = BINARY.has(type) ? null : decodeText(bytes, 'utf-8', content.length === size);
  if (text === null) {
    // Protobuf is shown by its fields, and as bytes only if no field is a secret.
    const asIs = reveal || type === 'message';
    return { base64: (asIs ? bytes : maskBytes(bytes, UNTYPED)).toString('base64') };
  }
  return { text: reveal ? text : maskMessage(text, essenceOf(message)) };
}

/** The media type of a part; empty where there is none. */
function essenceOf({ fields }: StreamMessage): string {
  const type = fields.find(([name]) => name.toLowerCase() === 'content-type')?.[1] ?? '';
  return parseContentType(type).essence;
}
