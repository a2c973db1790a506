/** The public JSON of an exchange: see exchangeJson.ts. */
import { maskFields } from '../privacy/maskFields.ts';
import { maskUrl } from '../privacy/maskUrl.ts';
import { bodyJson } from './bodyJson.ts';
import type { Field } from './exchange.ts';
import type { ExchangeJson, MessageJson } from './exchangeJson.ts';
import { messageStreamJson, messagesJson } from './messages/messagesJson.ts';
import type { StoredExchange, StoredMessage } from './model.ts';
import { durationOf, phasesOf, startOf } from './phases.ts';
import { protocolOf } from './rowOf.ts';
import { targetOf } from './target.ts';

/**
 * @param wallTime of a time in milliseconds since the trace's start, in nanoseconds since the epoch.
 * @param reveal with secrets unmasked.
 */
export function jsonOf(
  exchange: StoredExchange,
  wallTime: (milliseconds: number) => bigint,
  reveal: boolean,
): ExchangeJson {
  const { connection, response } = exchange;
  const target = targetOf(exchange);
  const phases = phasesOf(exchange);
  return {
    id: exchange.id,
    process: exchange.process,
    side: exchange.side,
    protocol: protocolOf(exchange),
    method: exchange.request?.method ?? null,
    url: target.url === null || reveal ? target.url : maskUrl(target.url),
    status: response?.status ?? null,
    statusText: response?.statusText ?? null,
    startedAt: formatTime(wallTime(startOf(exchange))),
    durationMs: durationOf(exchange),
    timings: { ...phases, pausedMs: null },
    connection: {
      id: connection.id,
      transport: connection.transport,
      local: connection.local,
      remote: connection.remote,
      joinedLate: connection.joinedLate,
    },
    tls: connection.tls ? { library: null, version: null, serverName: null, alpn: null } : null,
    request: exchange.request === null ? null : messageJson(exchange.request, reveal),
    response: response === null ? null : messageJson(response, reveal),
    interim: exchange.interim.map((message) => ({
      status: message.status,
      statusText: message.statusText,
      headers: fieldsJson(message.fields, reveal),
    })),
    messages: messagesJson(exchange.messages, exchange.side, startOf(exchange), reveal),
    messageStream: messageStreamJson(exchange.messages, exchange.side),
    completeness: [...exchange.completeness],
    violations: exchange.violations.map(({ rule, message, in: kind }) => ({ rule, message, in: kind })),
  };
}

function fieldsJson(fields: readonly Field[], reveal: boolean): Field[] {
  return reveal ? [...fields] : maskFields(fields);
}

function messageJson(message: StoredMessage, reveal: boolean): MessageJson {
  return {
    headers: fieldsJson(message.fields, reveal),
    trailers: fieldsJson(message.trailers, reveal),
    bodySize: message.body.size,
    bodyCaptured: message.body.captured,
    ...bodyJson(message, reveal),
  };
}

/** RFC 3339 in UTC with microseconds, cut, not rounded. @param time nanoseconds since the epoch. */
export function formatTime(time: bigint): string {
  const second = 1_000_000_000n;
  let seconds = time / second;
  let rest = time % second;
  if (rest < 0n) {
    rest += second;
    seconds -= 1n;
  }
  const date = new Date(Number(seconds) * 1000).toISOString();
  return `${date.slice(0, 19)}.${String(rest / 1000n).padStart(6, '0')}Z`;
}
