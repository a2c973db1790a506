/** The row of an exchange: see row.ts. */
import { maskUrl } from '../privacy/maskUrl.ts';
import { shortType } from './contentType.ts';
import type { StoredExchange } from './model.ts';
import { durationOf, phasesOf, startOf } from './phases.ts';
import type { ExchangeRow } from './row.ts';
import { targetOf } from './target.ts';

export function rowOf(exchange: StoredExchange): ExchangeRow {
  const { request, response } = exchange;
  const target = targetOf(exchange);
  return {
    id: exchange.id,
    revision: exchange.revision,
    method: request?.method ?? null,
    status: response?.status ?? null,
    statusText: response?.statusText ?? null,
    scheme: target.scheme,
    host: target.host,
    path: target.path === null ? null : maskUrl(target.path),
    protocol: protocolOf(exchange),
    type: shortType(response?.field('content-type') ?? null),
    requestSize: request?.body.size ?? null,
    responseSize: response?.body.size ?? null,
    start: startOf(exchange),
    duration: durationOf(exchange),
    phases: phasesOf(exchange),
    pid: exchange.process?.pid ?? null,
    processName: exchange.process?.name ?? null,
    side: exchange.side,
    state: exchange.state,
    completeness: [...exchange.completeness],
    violations: exchange.violationCount,
    connection: exchange.connection.id,
    messageFormat: exchange.messages?.format ?? null,
    messages: exchange.messages?.count ?? 0,
  };
}

/** As the request names it, else the response; empty when neither is known. */
export function protocolOf(exchange: StoredExchange): string {
  return exchange.request?.version || exchange.response?.version || '';
}
