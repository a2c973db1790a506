/** Answers a window's requests about calls in its list: details, messages, bodies, and filter matches. */
import { parseFilter } from '../filter/parser.ts';
import { type DetailTest, detailsFound } from '../filter/subject.ts';
import type { History } from './history.ts';
import type { FromWorker, ToWorker } from './workerProtocol.ts';

const KINDS = ['details', 'message', 'body', 'search'] as const;

export type HistoryRequest = Extract<ToWorker, { readonly type: (typeof KINDS)[number] }>;

export function isHistoryRequest(message: ToWorker): message is HistoryRequest {
  return (KINDS as readonly string[]).includes(message.type);
}

export class HistoryRequests {
  readonly #history: History;
  /** Of the last search. */
  #filter: { readonly query: string; readonly details: readonly DetailTest[] } = { query: '', details: [] };

  constructor(history: History) {
    this.#history = history;
  }

  answer(message: HistoryRequest): FromWorker {
    const { request } = message;
    switch (message.type) {
      case 'details': {
        const { id, reveal, messageBytes } = message;
        return { type: 'details', request, exchange: this.#history.json(id, reveal, messageBytes) };
      }
      case 'message': {
        const { id, number, reveal } = message;
        return { type: 'message', request, message: this.#history.message(id, number, reveal) };
      }
      case 'body': {
        const bytes = this.#history.body(message.id, message.kind);
        // A copy, because posting a view would send its whole buffer.
        return { type: 'body', request, bytes: bytes === null ? null : new Uint8Array(bytes) };
      }
      case 'search':
        return { type: 'found', request, results: this.#search(message.query, message.ids) };
    }
  }

  #search(query: string, ids: readonly number[]): [id: number, found: number][] {
    if (this.#filter.query !== query) this.#filter = { query, details: parseFilter(query).details };
    return ids.flatMap((id) => {
      const exchange = this.#history.json(id, false);
      return exchange === null ? [] : [[id, detailsFound(this.#filter.details, exchange)]];
    });
  }
}
