/** What a filter is evaluated on. */
import type { ExchangeJson } from '../engine/exchangeJson.ts';
import { grpcStatusText } from '../engine/grpc/status.ts';
import type { ExchangeRow } from '../engine/row.ts';
import { addressParts } from '../words/address.ts';
import { reasonOf } from '../words/exchange.ts';

/** A row, its searchable text ({@link searchText}), and what is known of its details. */
export interface Subject {
  readonly row: ExchangeRow;
  readonly text: string;
  /** Bit n: the filter's detail test n matches. Without meaning if the filter has none. */
  readonly found?: number;
}

export type Matcher = (subject: Subject) => boolean;

/** The details of a call: its header fields and bodies. */
export type DetailTest = (exchange: ExchangeJson) => boolean;

/** The bits of the tests that hold, for `found` of a {@link Subject}. */
export function detailsFound(tests: readonly DetailTest[], exchange: ExchangeJson): number {
  return tests.reduce((found, holds, index) => (holds(exchange) ? found | (1 << index) : found), 0);
}

export const lower = (text: string | null): string => (text ?? '').toLowerCase();

/**
 * The text that plain words and patterns match, in lower case: method, status with its phrase, URL, operation, gRPC
 * status; host and reason where there are no messages.
 */
export function searchText(row: ExchangeRow): string {
  const reason = reasonOf(row);
  if (reason !== null) return `${row.host ?? ''} ${reason}`.toLowerCase();
  const { method, status, statusText, operation, grpcStatus } = row;
  const { host, path } = addressParts(row);
  const outcome = `${operation ?? ''} ${grpcStatusText(grpcStatus)} ${statusText ?? ''}`;
  return `${method ?? ''} ${status ?? ''} ${host}${path} ${outcome}`.toLowerCase();
}
