/** Spans of several processes as one request of OTLP. */
import type { ExchangeJson } from '../engine/exchangeJson.ts';
import type { KeyValue, Span, TraceRequest } from './types.ts';

export interface ProcessSpan {
  readonly process: ExchangeJson['process'];
  readonly span: Span;
}

/** Each process is an OpenTelemetry resource. */
export function traceRequest(spans: readonly ProcessSpan[], version: string): TraceRequest {
  const byProcess = new Map<string, ProcessSpan[]>();
  for (const one of spans) {
    const key = `${one.process?.pid} ${one.process?.name}`;
    const known = byProcess.get(key);
    if (known === undefined) byProcess.set(key, [one]);
    else known.push(one);
  }
  return {
    resourceSpans: [...byProcess.values()].map((list) => ({
      resource: { attributes: resourceOf(list[0]?.process ?? null) },
      scopeSpans: [{ scope: { name: 'http-trace', version }, spans: list.map(({ span }) => span) }],
    })),
  };
}

function resourceOf(process: ExchangeJson['process']): KeyValue[] {
  const list: KeyValue[] = [
    { key: 'service.name', value: { stringValue: process?.name ?? 'unknown_service' } },
  ];
  if (process !== null) list.push({ key: 'process.pid', value: { intValue: String(process.pid) } });
  return list;
}
