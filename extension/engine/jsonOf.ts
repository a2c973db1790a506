/** The public JSON of an exchange: see exchangeJson.ts. */
import { maskFields } from '../privacy/maskFields.ts';
import { maskText } from '../privacy/maskText.ts';
import { maskTarget } from '../privacy/maskUrl.ts';
import { aiJson } from './ai/aiCall.ts';
import { mcpJson } from './ai/mcp.ts';
import { bodyJson } from './bodyJson.ts';
import type { CallSite } from './callSite.ts';
import { connectFailure } from './connectFailure.ts';
import type { Encrypted, FailedConnect, LookupFacts, MessageKind, SeenField } from './exchange.ts';
import type {
  DebugJson,
  ExchangeJson,
  JsonOptions,
  MessageJson,
  StreamMessageJson,
  TlsJson,
} from './exchangeJson.ts';
import { grpcCall, grpcPath } from './grpc/call.ts';
import { grpcStatusName } from './grpc/status.ts';
import { errorName } from './http2/frameFormat.ts';
import { type DefinitionOf, messageStreamJson, messagesJson } from './messages/messagesJson.ts';
import { chainOf } from './peers/chain.ts';
import { durationOf, handshakeOf, phasesOf, startOf, toNanoseconds } from './phases.ts';
import type { Definitions } from './protobuf/definitions.ts';
import type { Direction } from './record.ts';
import { NOT_DEBUGGED } from './row.ts';
import { protocolOf, statusOf } from './rowOf.ts';
import type { StoredExchange } from './storedExchange.ts';
import { HTTP2, type StoredMessage } from './storedMessage.ts';
import { targetOf } from './target.ts';
import { alertMeaning } from './tls/failure.ts';
import type { TlsLibraries } from './tls/library.ts';
import type { TlsAlert } from './tls/wire.ts';

/**
 * @param wallTime converts milliseconds since the trace's start to nanoseconds since the epoch.
 * @param libraries of all processes.
 * @param definitions of protobuf messages.
 * @param held returns an exchange by id; undefined: no longer held.
 */
export function jsonOf(
  exchange: StoredExchange,
  wallTime: (milliseconds: number) => bigint,
  options: JsonOptions,
  libraries: TlsLibraries,
  definitions: Definitions,
  held: (id: number) => StoredExchange | undefined,
): ExchangeJson {
  const { connection, response } = exchange;
  const reveal = options.reveal ?? false;
  const target = targetOf(exchange);
  const definitionOf = definitionFor(exchange, definitions);
  const withheld = (kind: MessageKind): string | null =>
    reveal ? null : whyWithheld(exchange, kind, definitionOf);
  const phases = phasesOf(exchange);
  const start = startOf(exchange);
  const request =
    exchange.request === null ? null : messageJson(exchange.request, reveal, withheld('request'));
  const answer = response === null ? null : messageJson(response, reveal, withheld('response'));
  const messages = messagesJson(exchange.messages, exchange.side, start, options, definitionOf);
  const wholeMessages = (): StreamMessageJson[] =>
    options.messageBytes == null
      ? messages
      : messagesJson(exchange.messages, exchange.side, start, { reveal }, definitionOf);
  return {
    id: exchange.id,
    peer: exchange.peer,
    causedBy: exchange.cause,
    caused: exchange.caused,
    trace: chainOf(exchange, held),
    process: exchange.process,
    side: exchange.side,
    protocol: protocolOf(exchange),
    method: exchange.request?.method || null,
    url: target.url === null || reveal ? target.url : maskTarget(target.url),
    operation: exchange.operation,
    ai: aiJson(exchange.ai, exchange, { request, response: answer, start, reveal }),
    mcp: exchange.mcp === null ? null : mcpJson(request, answer, wholeMessages()),
    status: statusOf(response),
    statusText: response === null ? null : shown(response.statusText, reveal),
    error: exchange.failed,
    startedAt: formatTime(wallTime(start)),
    durationMs: durationOf(exchange),
    timings: {
      lookupMs: phases.lookupMs,
      connectMs: phases.connectMs,
      tlsMs: phases.tlsMs,
      sendMs: phases.sendMs,
      waitMs: phases.waitMs,
      receiveMs: phases.receiveMs,
      overlapMs: phases.overlapMs,
      pausedMs: null,
    },
    debug: debugJson(exchange.site),
    connection: {
      id: connection.id,
      transport: connection.transport,
      local: connection.local,
      remote: connection.remote,
      joinedLate: connection.joinedLate,
      attempts: connection.attempts.map(attemptJson),
      through: connection.through,
    },
    ending: exchange.ending,
    tls: tlsJson(exchange, libraries),
    encrypted: exchange.encrypted === null ? null : encryptedJson(exchange.encrypted),
    failure: failureJson(exchange),
    lookup: lookupJson(exchange),
    http2: http2Json(exchange, reveal),
    grpc: grpcJson(exchange, reveal),
    request,
    response: answer,
    interim: exchange.interim.map((message) => ({
      status: statusOf(message),
      statusText: shown(message.statusText, reveal),
      headers: fieldsJson(message.fields, reveal),
    })),
    messages,
    messageStream: messageStreamJson(exchange.messages, exchange.side),
    completeness: [...exchange.completeness],
    violations: exchange.violations.map(({ rule, message, in: kind }) => ({ rule, message, in: kind })),
  };
}

function attemptJson({ remote, ending, started, ended }: FailedConnect): AttemptJson {
  return {
    remote,
    ending,
    durationMs: started === null ? null : toNanoseconds(Math.max(0, ended - started)),
  };
}

function tlsJson(exchange: StoredExchange, libraries: TlsLibraries): TlsJson | null {
  const { connection, process } = exchange;
  const { tls } = connection;
  if (tls === null) return null;
  const { library, wire } = tls;
  const handshakeMs = handshakeOf(tls);
  return {
    library,
    libraryVersion: library === null ? null : libraries.versionOf(process?.pid ?? null, library, tls.file),
    version: wire?.version ?? null,
    cipher: wire?.cipher ?? null,
    serverName: wire?.serverName ?? null,
    alpn: tls.alpn ?? wire?.alpn ?? alpnOf(exchange),
    alpnOffered: wire === null || wire.started === null ? null : wire.alpnOffered,
    resumed: wire?.resumed ?? null,
    handshakeMs,
    alert: wire?.alert == null ? null : alertJson(wire.alert, wire.clientDirection),
    failure: tls.failure,
    closeNotify: tls.closeNotify,
    binding: tls.binding,
    socket: tls.socket,
  };
}

/** HTTP/2 over TLS is negotiated by ALPN only (RFC 9113 section 3.2). */
function alpnOf(exchange: StoredExchange): string | null {
  return exchange.encrypted === null && protocolOf(exchange) === HTTP2 ? 'h2' : null;
}

function alertJson(alert: TlsAlert, clientDirection: Direction | null): NonNullable<TlsJson['alert']> {
  const { name, code, direction } = alert;
  const sentBy = clientDirection === null ? null : direction === clientDirection ? 'client' : 'server';
  return { name, code, sentBy, meaning: code === null ? null : alertMeaning(code) };
}

function encryptedJson({ reason, sent, received }: Encrypted): NonNullable<ExchangeJson['encrypted']> {
  return { reason, sent, received };
}

function failureJson({ failure, connectFailed }: StoredExchange): ExchangeJson['failure'] {
  if (failure !== null) return { phase: failure.phase, reason: failure.reason, attempts: null };
  if (connectFailed === null) return null;
  const { attempts, ending } = connectFailed;
  return { phase: 'connect', reason: connectFailure(ending), attempts };
}

/** Its duration is in `timings.lookupMs`. */
function lookupJson({ lookup }: StoredExchange): LookupFacts | null {
  if (lookup === null) return null;
  const { name, alsoTried, types, server, transport, addresses, alias, queries, error } = lookup;
  return { name, alsoTried, types, server, transport, addresses, alias, queries, error };
}

function grpcJson(exchange: StoredExchange, reveal: boolean): ExchangeJson['grpc'] {
  const call = grpcCall(exchange);
  if (call === null) return null;
  const { service, method, status, message, timeoutMs } = call;
  return {
    service,
    method,
    status,
    statusName: status === null ? null : grpcStatusName(status),
    message: message === null ? null : shown(message, reveal),
    timeoutMs,
  };
}

/** The definitions of the exchange's messages, if they are protobuf. */
export function definitionFor({ request }: StoredExchange, definitions: Definitions): DefinitionOf {
  const { service, method } = grpcPath(request?.target ?? '');
  return (kind) => definitions.of(service, method, kind);
}

/** Why the body is not shown: it may contain secrets that masking would miss. null: it is shown. */
function whyWithheld(
  { messages, request, response }: StoredExchange,
  kind: MessageKind,
  definitionOf: DefinitionOf,
): string | null {
  if (kind === 'response' && messages?.watcher?.spreadsSecret === true) return SPREAD;
  const message = kind === 'request' ? request : response;
  if (messages?.format !== 'grpc' || message?.body.captured === 0) return null;
  const named = definitionOf(kind) !== null || (kind === 'response' && messages.trailers !== null);
  return named ? NAMED : null;
}

const NAMED = 'Its messages are shown one by one; the raw bytes may contain secrets.';
/** Why an answer is shown only as assembled from its messages. */
export const SPREAD = 'It is shown assembled, because a secret spans several of its events.';

type AttemptJson = ExchangeJson['connection']['attempts'][number];

function http2Json({ http2 }: StoredExchange, reveal: boolean): ExchangeJson['http2'] {
  if (http2 === null) return null;
  const { stream, pushed, reset, goAway, blocked } = http2;
  return {
    stream,
    pushed,
    reset: reset === null ? null : { ...reset, name: errorName(reset.code) },
    goAway:
      goAway === null
        ? null
        : {
            ...goAway,
            name: errorName(goAway.code),
            text: goAway.text === '' ? null : shown(goAway.text, reveal),
          },
    blockedMs: blocked === null ? null : toNanoseconds(blocked),
  };
}

/** Text from the sender, without a media type. */
function shown(text: string, reveal: boolean): string {
  return reveal ? text : maskText(text);
}

function fieldsJson(fields: readonly SeenField[], reveal: boolean): SeenField[] {
  return reveal ? [...fields] : maskFields(fields);
}

/**
 * Objects are built field by field: a spread costs several microseconds on Node 20, and this runs for each call.
 */
function messageJson(message: StoredMessage, reveal: boolean, withheld: string | null): MessageJson {
  const { body, decodedSize, bodyNote } =
    withheld === null ? bodyJson(message, reveal) : { body: null, decodedSize: null, bodyNote: withheld };
  return {
    headers: fieldsJson(message.fields, reveal),
    trailers: fieldsJson(message.trailers, reveal),
    headersSize: message.headSize,
    wireSize: message.body.size === null || message.headSize === null ? null : message.wireSize,
    bodySize: message.body.size,
    bodyCaptured: message.body.captured,
    body,
    decodedSize,
    bodyNote,
    bodyFromFile: message.body.file === 'read' && message.body.captured > 0,
  };
}

/** What is known without a debugger. */
function debugJson(site: CallSite | null): DebugJson | null {
  if (site === null) return null;
  const { pausedMs: _, ...facts } = NOT_DEBUGGED;
  return { ...facts, source: { ...site.line, stack: site.stack } };
}

/** The last second that was formatted, and its text: calls arrive in order of time. */
let lastSecond = Number.NaN;
let lastText = '';

/** RFC 3339 in UTC with microseconds, truncated. @param time nanoseconds since the epoch. */
export function formatTime(time: bigint): string {
  // Microseconds are exact in a double up to the year 2255.
  const micros = Number(time / 1000n) - (time < 0n && time % 1000n !== 0n ? 1 : 0);
  const second = Math.floor(micros / 1e6);
  if (second !== lastSecond) {
    lastSecond = second;
    lastText = new Date(second * 1000).toISOString().slice(0, 19);
  }
  return `${lastText}.${String(micros - second * 1e6).padStart(6, '0')}Z`;
}
