/**
 * What is sent to the panel's webview, and when. Independent of VS Code, so that it can be tested without it.
 *
 * Architecture Invariant: the webview holds nothing that this cannot send again. While the view is hidden
 * nothing is sent; on `ready` everything is.
 */

import type { RowChanges, Subscription, Trace } from '../capture/trace.ts';
import type { ExchangeJson, MessageJson, StreamMessageJson } from '../engine/exchangeJson.ts';
import type { ExchangeRow } from '../engine/row.ts';
import type { TraceStatus } from '../engine/traceStatus.ts';
import { t } from '../words/translate.ts';
import { MAX_ROWS_PER_MESSAGE, type ToWebview } from './webviewProtocol.ts';

/**
 * Row changes are sent at most this often; the first after a pause is sent at once. Each makes the window redraw for
 * some frames of 7 ms and more: ten times a second was more than an eye reads.
 */
export const ROWS_INTERVAL_MS = 250;
/** Details of a call that is still running are read again at most this often. */
export const DETAILS_INTERVAL_MS = 250;
/** Characters of a body sent to the webview, which renders fewer still. The editor shows the rest. */
export const MAX_BODY_CHARACTERS = 1024 * 1024;

/** Bytes of each message sent with the details: as much as a line shows. */
const MESSAGE_PREVIEW_BYTES = 256;

/** Posts to the webview; false or a rejection when it is not there. */
export type Post = (message: ToWebview) => PromiseLike<boolean>;

/** Calls searched per request to the trace, which continues in between. */
export const CALLS_PER_SEARCH = 100;

interface Search {
  readonly search: number;
  readonly query: string;
  readonly ids: number[];
  done: number;
}

interface Shown {
  readonly id: number;
  readonly reveal: boolean;
}

/** More rows than a busy program makes between two messages: the panel is informed how many will follow. */
const MANY_ROWS = 2 * MAX_ROWS_PER_MESSAGE;

export class PanelFeed {
  readonly #trace: Trace;
  readonly #post: Post;
  /** Number of the webview load; work for an earlier load stops. 0: no webview. */
  #load = 0;
  #loads = 0;
  #sending = false;
  readonly #changed = new Set<number>();
  readonly #removed = new Set<number>();
  #statusChanged = false;
  #list: string;
  #rowsTimer: ReturnType<typeof setTimeout> | null = null;
  /** When the timer ends, when anything was sent last, and when rows were: milliseconds since the epoch. */
  #rowsDue = 0;
  #lastSent = 0;
  #lastRows = 0;
  #shown: Shown | null = null;
  /** The running search in details. */
  #search: Search | null = null;
  #detailsTimer: ReturnType<typeof setTimeout> | null = null;
  /** Posted after everything before it. Only the newest of each type matters. */
  readonly #waiting = new Map<ToWebview['type'], { message: ToWebview; done: () => void }>();
  readonly #subscriptions: Subscription[];

  constructor(trace: Trace, post: Post) {
    this.#trace = trace;
    this.#post = post;
    this.#list = listOf(trace.status);
    this.#subscriptions = [
      trace.onDidChangeRows((changes) => this.#rowsChanged(changes)),
      trace.onDidChangeStatus((status) => this.#statusHasChanged(status)),
    ];
  }

  /** The webview has loaded: it gets everything. */
  ready(): void {
    this.#loads++;
    this.#load = this.#loads;
    this.#sending = false;
    this.#shown = null;
    void this.#sendEverything(this.#load);
  }

  /** The webview is hidden or gone: nothing is sent until it is ready again. */
  hidden(): void {
    this.#load = 0;
    this.#shown = null;
    this.#search = null;
    this.#changed.clear();
    this.#removed.clear();
    this.#cancelTimers();
  }

  /** The details of this exchange are on screen, and are updated until others are shown. */
  show(id: number | null, reveal: boolean): void {
    this.#shown = id === null ? null : { id, reveal };
    if (this.#detailsTimer !== null) clearTimeout(this.#detailsTimer);
    this.#detailsTimer = null;
    if (this.#shown !== null) void this.#sendDetails(this.#shown);
  }

  /** The details of this exchange are on screen with its secrets. */
  isRevealed(id: number): boolean {
    return this.#shown?.id === id && this.#shown.reveal;
  }

  /** Searches the details of these calls for a filter line, and reports matches a few at a time. */
  search(search: number, query: string, ids: readonly number[]): void {
    const running = this.#search;
    if (running?.search === search) {
      running.ids.push(...ids);
      return;
    }
    const begun = { search, query, ids: [...ids], done: 0 };
    this.#search = begun;
    void this.#find(begun, this.#load);
  }

  async #find(search: Search, load: number): Promise<void> {
    while (search.done < search.ids.length) {
      const ids = search.ids.slice(search.done, search.done + CALLS_PER_SEARCH);
      const results = await this.#trace.search(search.query, ids).catch(() => []);
      if (search !== this.#search || load !== this.#load || load === 0) return;
      search.done += ids.length;
      await this.#send({
        type: 'found',
        search: search.search,
        results,
        done: search.done,
        total: search.ids.length,
      });
    }
    if (search === this.#search) this.#search = null;
  }

  /** Sends one message of the shown exchange, as far as it is held. */
  showMessage(id: number, number: number): void {
    if (this.#shown?.id === id) void this.#sendMessage(this.#shown, number);
  }

  /** Resolves when the message is on its way: at once, or after the webview has been shown and filled. */
  whenReady(message: ToWebview): Promise<void> {
    return new Promise((done) => {
      this.#waiting.get(message.type)?.done();
      this.#waiting.set(message.type, { message, done });
      if (this.#load !== 0 && !this.#sending) this.#sendWaiting();
    });
  }

  dispose(): void {
    this.hidden();
    for (const subscription of this.#subscriptions) subscription.dispose();
    for (const { done } of this.#waiting.values()) done();
    this.#waiting.clear();
  }

  #rowsChanged(changes: RowChanges): void {
    if (this.#load === 0) return;
    for (const id of changes.removed) {
      this.#changed.delete(id);
      this.#removed.add(id);
    }
    for (const row of changes.rows) {
      this.#removed.delete(row.id);
      this.#changed.add(row.id);
      if (row.id === this.#shown?.id) this.#refreshDetails();
    }
    if (this.#shown !== null && this.#removed.has(this.#shown.id)) this.#refreshDetails();
    this.#schedule();
  }

  #statusHasChanged(status: TraceStatus): void {
    const list = listOf(status);
    const another = list !== this.#list;
    this.#list = list;
    if (this.#load === 0) return;
    if (another) {
      this.#shown = null;
      this.#search = null;
      // Ids start again with another list: an old row must not be taken for a new one.
      void this.#sendEverything(this.#load);
      return;
    }
    this.#statusChanged = true;
    this.#schedule();
  }

  /** A status alone, which is frequent, does not delay rows. */
  #schedule(): void {
    const last = this.#hasRows ? this.#lastRows : this.#lastSent;
    const due = Math.max(Date.now(), last + ROWS_INTERVAL_MS);
    if (this.#rowsTimer !== null) {
      if (this.#rowsDue <= due) return;
      clearTimeout(this.#rowsTimer);
    }
    this.#rowsDue = due;
    this.#rowsTimer = setTimeout(() => {
      this.#rowsTimer = null;
      this.#lastSent = Date.now();
      if (this.#sending) return;
      if (this.#hasRows) this.#lastRows = this.#lastSent;
      void this.#sendChanges(this.#load);
    }, due - Date.now());
  }

  get #hasRows(): boolean {
    return this.#changed.size > 0 || this.#removed.size > 0;
  }

  async #sendEverything(load: number): Promise<void> {
    this.#sending = true;
    this.#changed.clear();
    this.#removed.clear();
    this.#statusChanged = false;
    const ids = [...this.#trace.rows.keys()];
    await this.#send({ type: 'reset' });
    await this.#send({ type: 'status', status: this.#trace.status });
    await this.#sendRows(load, ids, []);
    if (load !== this.#load) return;
    this.#sending = false;
    this.#sendWaiting();
    if (this.#hasRows || this.#statusChanged) this.#schedule();
  }

  async #sendChanges(load: number): Promise<void> {
    if (load === 0 || load !== this.#load) return;
    this.#sending = true;
    const ids = [...this.#changed];
    const removed = [...this.#removed];
    this.#changed.clear();
    this.#removed.clear();
    // With the rows, so that both are drawn at once.
    const status = this.#statusChanged ? this.#send({ type: 'status', status: this.#trace.status }) : null;
    this.#statusChanged = false;
    await this.#sendRows(load, ids, removed);
    await status;
    if (load !== this.#load) return;
    this.#sending = false;
    this.#sendWaiting();
    if (this.#hasRows || this.#statusChanged) this.#schedule();
  }

  /** Waits for each message to arrive before the next, so that a slow window is not buried. */
  async #sendRows(load: number, ids: readonly number[], removed: readonly number[]): Promise<void> {
    let gone = removed;
    for (let at = 0; at < ids.length || gone.length > 0; at += MAX_ROWS_PER_MESSAGE) {
      if (load !== this.#load) return;
      const rows: ExchangeRow[] = [];
      for (const id of ids.slice(at, at + MAX_ROWS_PER_MESSAGE)) {
        const row = this.#trace.rows.get(id);
        if (row !== undefined) rows.push(row);
      }
      const left = ids.length > MANY_ROWS ? Math.max(0, ids.length - at - MAX_ROWS_PER_MESSAGE) : 0;
      await this.#send({ type: 'rows', rows, removed: gone, ...(left === 0 ? {} : { left }) });
      gone = [];
    }
  }

  #sendWaiting(): void {
    for (const [type, { message, done }] of this.#waiting) {
      this.#waiting.delete(type);
      void this.#send(message).then(done);
    }
  }

  #refreshDetails(): void {
    this.#detailsTimer ??= setTimeout(() => {
      this.#detailsTimer = null;
      if (this.#shown !== null) void this.#sendDetails(this.#shown);
    }, DETAILS_INTERVAL_MS);
  }

  async #sendDetails(shown: Shown): Promise<void> {
    const load = this.#load;
    const exchange = await this.#trace
      .details(shown.id, shown.reveal, MESSAGE_PREVIEW_BYTES)
      .catch(() => null);
    const peerId = exchange?.peer ?? null;
    // A candidate call is not shown, and has no row.
    const hasPeer = peerId !== null && this.#trace.rows.has(peerId);
    const peer = hasPeer ? await this.#trace.details(peerId, shown.reveal, 0).catch(() => null) : null;
    // Another call may have been chosen while this one was read.
    if (shown !== this.#shown || load !== this.#load || load === 0) return;
    await this.#send({
      type: 'details',
      id: shown.id,
      exchange: exchange === null ? null : boundBodies(exchange),
      ...(peer === null ? {} : { peer: boundBodies(peer) }),
    });
  }

  async #sendMessage(shown: Shown, number: number): Promise<void> {
    const load = this.#load;
    const message = await this.#trace.message(shown.id, number, shown.reveal).catch(() => null);
    if (shown.id !== this.#shown?.id || load !== this.#load || load === 0) return;
    const bounded = message === null ? null : boundMessage(message);
    await this.#send({ type: 'message', id: shown.id, number, message: bounded });
  }

  /** Ignores a webview that closes meanwhile: it asks for everything when it is shown again. */
  async #send(message: ToWebview): Promise<void> {
    try {
      await this.#post(message);
    } catch {}
  }

  #cancelTimers(): void {
    if (this.#rowsTimer !== null) clearTimeout(this.#rowsTimer);
    if (this.#detailsTimer !== null) clearTimeout(this.#detailsTimer);
    this.#rowsTimer = null;
    this.#detailsTimer = null;
  }
}

/** Differs for lists with unrelated ids. */
function listOf({ startedAt, list }: TraceStatus): string {
  return `${startedAt} ${list}`;
}

/** The same exchange with bodies of at most {@link MAX_BODY_CHARACTERS}, and a note where one was cut. */
export function boundBodies(exchange: ExchangeJson): ExchangeJson {
  return { ...exchange, request: boundBody(exchange.request), response: boundBody(exchange.response) };
}

function boundMessage(message: StreamMessageJson): StreamMessageJson {
  const content = 'text' in message ? (message.text ?? '') : message.base64;
  if (content.length <= MAX_BODY_CHARACTERS) return message;
  const cut = content.slice(0, MAX_BODY_CHARACTERS);
  const sentence = t('Truncated in this view.');
  const note = message.note === null ? sentence : `${message.note} ${sentence}`;
  return 'text' in message ? { ...message, text: cut, note } : { ...message, base64: cut, note };
}

function boundBody(message: MessageJson | null): MessageJson | null {
  if (message === null || message.body === null) return message;
  const content = 'text' in message.body ? message.body.text : message.body.base64;
  if (content.length <= MAX_BODY_CHARACTERS) return message;
  // A multiple of four, so that what is left of base64 is still base64.
  const cut = content.slice(0, MAX_BODY_CHARACTERS);
  const note = t('Truncated in this view. Open in Editor shows the whole body.');
  return {
    ...message,
    body: 'text' in message.body ? { text: cut } : { base64: cut },
    bodyNote: message.bodyNote === null ? note : `${message.bodyNote} ${note}`,
  };
}
