/** The row of an exchange: see row.ts. */

import { shortType } from '../http/contentType.ts';
import { maskText } from '../privacy/maskText.ts';
import { maskTarget } from '../privacy/maskUrl.ts';
import { listOf } from './completeness.ts';
import { type MessageKind, UNKNOWN_STATUS } from './exchange.ts';
import { grpcStatus } from './grpc/call.ts';
import { proxyText } from './layers/proxyText.ts';
import { operationText } from './operations/operation.ts';
import { durationOf, phasesOf, startOf } from './phases.ts';
import { type ExchangeRow, NOT_DEBUGGED } from './row.ts';
import type { StoredExchange } from './storedExchange.ts';
import { HTTP2, type StoredMessage } from './storedMessage.ts';
import { partsOf } from './target.ts';

export function rowOf(exchange: StoredExchange, pinned: boolean): ExchangeRow {
  const { encrypted, request, response } = exchange;
  const target = partsOf(exchange);
  const unanswered = exchange.state === 'ended' && encrypted === null && response === null;
  return {
    id: exchange.id,
    revision: exchange.revision,
    method: request?.method || null,
    status: statusOf(response),
    statusText: response === null ? null : maskText(response.statusText),
    scheme: target.scheme,
    host: target.host === null ? null : maskTarget(target.host),
    path: target.path === null ? null : maskTarget(target.path),
    protocol: protocolOf(exchange),
    type: shortType(response?.field('content-type') ?? null) ?? streamType(exchange),
    requestSize: encrypted === null ? (request?.body.size ?? null) : bytesOf(exchange, 'request'),
    responseSize: encrypted === null ? (response?.body.size ?? null) : bytesOf(exchange, 'response'),
    start: startOf(exchange),
    duration: durationOf(exchange),
    phases: phasesOf(exchange),
    pid: exchange.process?.pid ?? null,
    processName: exchange.process?.name ?? null,
    side: exchange.side,
    state: exchange.state,
    completeness: listOf(exchange.completeness),
    ending: exchange.ending,
    tlsFailure: unanswered ? (exchange.connection.tls?.failure ?? null) : null,
    connectAttempts: exchange.connectFailed?.attempts ?? 0,
    violations: exchange.violationCount,
    connection: exchange.connection.id,
    localPort: portOf(exchange.connection.local),
    stream: exchange.stream,
    messageFormat: exchange.messages?.format ?? null,
    messages: exchange.messages?.count ?? 0,
    encrypted: encrypted?.reason ?? null,
    failure: exchange.failure,
    operation: purposeOf(exchange),
    model: exchange.ai?.model(exchange) ?? null,
    grpcStatus: grpcStatus(exchange),
    proxy: proxyOf(exchange),
    file: null,
    peer: exchange.peer,
    cause: exchange.cause,
    pinned,
    debug: exchange.site === null ? null : { ...NOT_DEBUGGED, source: exchange.site.line },
  };
}

/** A CONNECT is a call to the proxy itself. */
function proxyOf({ connection, request, side }: StoredExchange): string | null {
  const { local, remote, through } = connection;
  const connect = request?.method === 'CONNECT' && !request.target.startsWith('/');
  const asked = connect ? [{ protocol: 'CONNECT' as const, client: null, target: request.target }] : [];
  return proxyText({ side, local, remote, through: [...through, ...asked] });
}

function portOf(address: string | null): number | null {
  const port = Number(address?.slice(address.lastIndexOf(':') + 1));
  return Number.isSafeInteger(port) && port > 0 ? port : null;
}

/** For a call to a language model its model and tokens, else the operation in the request's body. */
function purposeOf(exchange: StoredExchange): string | null {
  const { ai } = exchange;
  if (ai !== null) return ai.text(exchange);
  const { operation } = exchange;
  if (operation === null) return null;
  const subject = operation.protocol === 'json-rpc' && operation.count === 1 ? exchange.mcp?.subject : null;
  return operationText(operation) + (subject == null ? '' : ` ${subject}`);
}

/** Bytes that an encrypted connection carried towards its server, or from it; null where that is not known. */
function bytesOf({ encrypted, side }: StoredExchange, kind: MessageKind): number | null {
  if (encrypted === null || side === null) return null;
  return (kind === 'request') === (side === 'client') ? encrypted.sent : encrypted.received;
}

/** A WebSocket has no Content-Type. */
function streamType(exchange: StoredExchange): string | null {
  return exchange.messages?.format === 'websocket' ? 'websocket' : null;
}

/** null: not known, or there is no response. */
export function statusOf(response: StoredMessage | null): number | null {
  return response === null || response.status === UNKNOWN_STATUS ? null : response.status;
}

/** The version of the request, else of the response, else by TLS; empty when unknown. */
export function protocolOf(exchange: StoredExchange): string {
  if (exchange.failure !== null) return 'DNS';
  if (exchange.encrypted !== null) return exchange.connection.tls?.wire?.version ?? 'TLS';
  // An upgrade's request was HTTP/1, but the exchange is an HTTP/2 stream (RFC 7540 section 3.2).
  if (exchange.stream !== null) return HTTP2;
  return exchange.request?.version || exchange.response?.version || '';
}
