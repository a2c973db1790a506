/** The tools' source of calls: a live trace, the editor's, or a recording. */
import type { ExchangeJson } from '../engine/exchangeJson.ts';
import type { ExchangeRow } from '../engine/row.ts';

export interface CallSource {
  /** All rows held, in the order of ids. */
  rows(): Iterable<ExchangeRow>;
  /** With secrets masked. null: it is no longer held. */
  details(id: number): Promise<ExchangeJson | null>;
  /** Which of a filter's detail tests hold, as bits (see Filter), for each of these calls that is held. */
  search(query: string, ids: readonly number[]): Promise<readonly (readonly [id: number, found: number])[]>;
  /** One sentence about the trace, for an answer without calls. */
  state(): string;
}

/** The request cannot be answered; the message says what to do. */
export class ToolError extends Error {
  override readonly name = 'ToolError';
}
