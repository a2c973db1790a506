/** Which reader finds the messages of a direction: one entry for each format. */
import { readContentType } from '../contentType.ts';
import type { MessageKind } from '../exchange.ts';
import { listMembers } from '../http1/characters.ts';
import type { StoredExchange, StoredMessage } from '../model.ts';
import { LineReader } from './lines.ts';
import { type MessageFormat, MessageList } from './messageList.ts';
import type { MessageHost, MessageReader } from './messageReader.ts';

type Open = (
  kind: MessageKind,
  list: MessageList,
  host: MessageHost,
  exchange: StoredExchange,
) => MessageReader;

/**
 * Chooses the reader for one direction of an exchange, by its heads and its tunnel. Called for the request's
 * body when its head is complete, for the response's when that is (an exchange need not have its request), and
 * for both when the exchange has become a tunnel.
 * @returns null when there are no messages in it that are known.
 */
export function openMessageReader(
  exchange: StoredExchange,
  kind: MessageKind,
  host: MessageHost,
): MessageReader | null {
  const found = exchange.tunnel === null ? bodyFormat(exchange, kind) : null;
  if (found === null) return null;
  exchange.messages ??= new MessageList(found.format, host);
  return found.open(kind, exchange.messages, host, exchange);
}

/** Media types of one JSON value a line; those who stream them agree on no name. */
const LINES: ReadonlySet<string> = new Set([
  'application/x-ndjson',
  'application/ndjson',
  'application/jsonl',
  'application/x-jsonl',
  'application/jsonlines',
  'application/x-jsonlines',
  'application/json-lines',
  'application/stream+json',
  'application/x-json-stream',
]);

interface Found {
  readonly format: MessageFormat;
  readonly open: Open;
}

function bodyFormat(exchange: StoredExchange, kind: MessageKind): Found | null {
  const message: StoredMessage | null = kind === 'request' ? exchange.request : exchange.response;
  if (message === null) return null;
  const type = message.field('content-type');
  if (type === null || listMembers(message.field('content-encoding') ?? '').some((c) => c !== 'identity')) {
    return null;
  }
  const { essence } = readContentType(type);
  if (LINES.has(essence)) {
    return { format: 'json-lines', open: (...[k, list, host]) => new LineReader(k, list, host, false) };
  }
  if (essence === 'application/json-seq') {
    return { format: 'json-lines', open: (...[k, list, host]) => new LineReader(k, list, host, true) };
  }
  return null;
}
