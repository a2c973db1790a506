/** Engines that were given records of TLS sessions, as their tests need them. */
import { expect } from 'vitest';
import { Engine } from '../engine.ts';
import type { ExchangeJson } from '../exchangeJson.ts';
import type { ExchangeRow } from '../row.ts';
import type { TlsLibrary } from '../tls/library.ts';
import {
  type ConversationOptions,
  conversation,
  type RecordSpec,
  recordBatch,
  START,
  type Step,
} from './records.ts';
export const MS = 1_000_000n;
export const SECOND = 1_000_000_000n;
export const GET = 'GET /orders HTTP/1.1\r\nHost: api.example\r\n\r\n';
export const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
export const SESSION = 7n;

export function plaintext(
  options: ConversationOptions = {},
  steps: readonly Step[] = [{ out: GET }, { in: OK }],
): RecordSpec[] {
  return conversation(steps, { connection: SESSION, session: {}, start: START + 10n * MS, ...options });
}

/** In the order in which they were made, as the helper sends them. */
export function inOrder(...groups: readonly RecordSpec[][]): RecordSpec[] {
  const time = (spec: RecordSpec): bigint => spec.emitted ?? spec.time ?? START;
  return groups.flat().sort((a, b) => Number(time(a) - time(b)));
}

export function made(specs: readonly RecordSpec[] = []): Engine {
  const engine = new Engine();
  engine.setClock({ offset: 0n, bootTime: START });
  engine.push(recordBatch(specs));
  return engine;
}

export function rows(engine: Engine): ExchangeRow[] {
  const all: ExchangeRow[] = [];
  for (let id = 1; id <= 50; id++) {
    const row = engine.row(id);
    if (row !== undefined) all.push(row);
  }
  return all;
}

export function only(engine: Engine): ExchangeJson {
  const all = rows(engine);
  expect(all.map(({ id }) => id)).toHaveLength(1);
  return engine.json(all[0]!.id)!;
}

export function library(change: Partial<TlsLibrary>): TlsLibrary {
  return {
    kind: 'openssl',
    version: '3.0.19',
    path: '/usr/lib/libssl.so.3',
    inExecutable: false,
    attached: true,
    returns: 'instructions',
    reason: null,
    ...change,
  };
}

/** The recorded clients' request, at the end of what they send. */
export const REQUEST_RECORD = 59;
