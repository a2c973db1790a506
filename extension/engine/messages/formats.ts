/** Chooses the reader that finds the messages of a direction: one entry for each format. */
import { readContentType } from '../../http/contentType.ts';
import { listMembers } from '../../http/fieldSyntax.ts';
import type { ContentType } from '../../http/mediaType.ts';
import { AnswerStream } from '../ai/answerStream.ts';
import { apiOfPath } from '../ai/api.ts';
import type { MessageKind } from '../exchange.ts';
import { grpcPath, grpcType } from '../grpc/call.ts';
import type { StoredExchange } from '../storedExchange.ts';
import type { StoredMessage } from '../storedMessage.ts';
import { Base64Reader } from './base64Reader.ts';
import { DecodingReader } from './decodingReader.ts';
import { EventStreamReader } from './eventStream.ts';
import { type GrpcOptions, GrpcReader } from './grpc.ts';
import { LineReader } from './jsonLines.ts';
import { type MessageFormat, MessageList } from './messageList.ts';
import type { MessageHost, MessageReader } from './messageReader.ts';
import { PartReader } from './multipartStream.ts';
import { readHandshake } from './webSocket/handshake.ts';
import { WebSocketReader } from './webSocket/reader.ts';

interface Found {
  readonly format: MessageFormat;
  open(list: MessageList): MessageReader;
}

/**
 * Chooses the reader for one direction of an exchange, by its heads and its tunnel. Called for the body of a
 * request (if it has one) or response when its head is complete (an exchange may lack its request), and for both
 * directions when the exchange has become a tunnel.
 * @returns null if it contains no known kind of messages.
 */
export function openMessageReader(
  exchange: StoredExchange,
  kind: MessageKind,
  host: MessageHost,
): MessageReader | null {
  const found = exchange.tunnel === null ? inBody(exchange, kind, host) : inTunnel(exchange, kind, host);
  if (found === null) return null;
  exchange.messages ??= new MessageList(found.format, host);
  if (found.format === 'server-sent-events' && kind === 'response') watchAnswer(exchange, exchange.messages);
  return found.open(exchange.messages);
}

/** A language model's answer is assembled while it arrives. */
function watchAnswer({ request }: StoredExchange, list: MessageList): void {
  const api = request === null ? null : apiOfPath(request.method, request.target);
  if (api !== null) list.watcher = new AnswerStream(api.answer);
}

function inTunnel(exchange: StoredExchange, kind: MessageKind, host: MessageHost): Found | null {
  // HTTP/1: the response's Upgrade field. HTTP/2: the request's :protocol (RFC 8441).
  if (exchange.tunnel?.protocol.trim().toLowerCase() !== 'websocket') return null;
  return {
    format: 'websocket',
    open: (list) => new WebSocketReader(kind, list, host, readHandshake(exchange, kind)),
  };
}

function inBody(exchange: StoredExchange, kind: MessageKind, host: MessageHost): Found | null {
  const message = kind === 'request' ? exchange.request : exchange.response;
  const value = message?.field('content-type') ?? null;
  if (message === null || value === null) return null;
  const found = grpcIn(exchange, message, value, kind, host) ?? ofType(readContentType(value), kind, host);
  if (found === null) return null;
  const codings = codingsOf(message);
  if (codings.length === 0) return found;
  return { ...found, open: (list) => new DecodingReader(codings, list, found.open(list)) };
}

function grpcIn(
  exchange: StoredExchange,
  message: StoredMessage,
  contentType: string,
  kind: MessageKind,
  host: MessageHost,
): Found | null {
  const type = grpcType(contentType);
  if (type === null) return null;
  const { service } = grpcPath(exchange.request?.target ?? '');
  const describes = kind === 'response' && service !== null && REFLECTION.has(service);
  const options: GrpcOptions = {
    ...type,
    encoding: message.field('grpc-encoding'),
    sink: describes ? (content) => host.learnDefinitions(content) : null,
  };
  return {
    format: 'grpc',
    open: (list) => {
      const reader = new GrpcReader(kind, list, host, options);
      return type.text ? new Base64Reader(list, reader) : reader;
    },
  };
}

/** grpc/grpc, doc/server-reflection.md. */
const REFLECTION: ReadonlySet<string> = new Set([
  'grpc.reflection.v1.ServerReflection',
  'grpc.reflection.v1alpha.ServerReflection',
]);

/** Media types for one JSON value per line; there is no common name. */
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

function ofType({ essence, boundary }: ContentType, kind: MessageKind, host: MessageHost): Found | null {
  if (essence === 'text/event-stream') {
    return { format: 'server-sent-events', open: (list) => new EventStreamReader(kind, list, host) };
  }
  if (LINES.has(essence) || essence === 'application/json-seq') {
    const sequence = essence === 'application/json-seq';
    return { format: 'json-lines', open: (list) => new LineReader(kind, list, host, sequence) };
  }
  if (essence === 'multipart/x-mixed-replace' && boundary !== null && boundary !== '') {
    return { format: 'multipart', open: (list) => new PartReader(kind, list, host, boundary) };
  }
  return null;
}

/** Content codings, then transfer codings, in the order in which they were applied. */
function codingsOf(message: StoredMessage): string[] {
  const all = [...listMembers(message.field('content-encoding') ?? ''), ...(message.transferCodings ?? [])];
  return all.filter((coding) => coding !== 'identity');
}
