import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  call,
  calls,
  exchangeOf,
  message,
  statusOf,
  streamMessage,
} from '../../test/webview/harness/calls.ts';
import type { RowChanges, Trace } from '../capture/trace.ts';
import type { ExchangeJson, StreamMessageJson } from '../engine/exchangeJson.ts';
import type { ExchangeRow } from '../engine/row.ts';
import type { TraceStatus } from '../engine/traceStatus.ts';
import {
  boundBodies,
  CALLS_PER_SEARCH,
  DETAILS_INTERVAL_MS,
  MAX_BODY_CHARACTERS,
  PanelFeed,
  ROWS_INTERVAL_MS,
} from './panelFeed.ts';
import { MAX_ROWS_PER_MESSAGE, type ToWebview } from './webviewProtocol.ts';

/** A trace of which the test decides what happens. */
class FakeTrace implements Trace {
  status: TraceStatus;
  readonly rows = new Map<number, ExchangeRow>();
  readonly asked: { id: number; reveal: boolean }[] = [];
  readonly askedMessages: { id: number; number: number; reveal: boolean }[] = [];
  readonly #rowListeners = new Set<(changes: RowChanges) => unknown>();
  readonly #statusListeners = new Set<(status: TraceStatus) => unknown>();

  constructor(rows: readonly ExchangeRow[]) {
    for (const row of rows) this.rows.set(row.id, row);
    this.status = statusOf(rows);
  }

  onDidChangeRows = (listener: (changes: RowChanges) => unknown) => {
    this.#rowListeners.add(listener);
    return { dispose: () => this.#rowListeners.delete(listener) };
  };
  onDidChangeStatus = (listener: (status: TraceStatus) => unknown) => {
    this.#statusListeners.add(listener);
    return { dispose: () => this.#statusListeners.delete(listener) };
  };
  get listeners(): number {
    return this.#rowListeners.size + this.#statusListeners.size;
  }
  change(rows: readonly ExchangeRow[], removed: readonly number[] = []): void {
    for (const row of rows) this.rows.set(row.id, row);
    for (const id of removed) this.rows.delete(id);
    for (const listener of this.#rowListeners) listener({ rows, removed });
  }
  changeStatus(change: Partial<TraceStatus>): void {
    this.status = { ...this.status, ...change };
    for (const listener of this.#statusListeners) listener(this.status);
  }
  open(): never {
    throw new Error('It opens no file.');
  }
  pin(): void {}
  async recordings(): Promise<[]> {
    return [];
  }
  setProtos(): void {}
  cutShort(): void {}
  readonly searched: (readonly number[])[] = [];
  async search(_query: string, ids: readonly number[]) {
    this.searched.push(ids);
    return ids.map((id) => [id, id % 2] as const);
  }
  async details(id: number, reveal: boolean): Promise<ExchangeJson | null> {
    this.asked.push({ id, reveal });
    const row = this.rows.get(id);
    return row === undefined ? null : exchangeOf(row);
  }
  async body(): Promise<null> {
    return null;
  }

  async message(id: number, number: number, reveal: boolean): Promise<StreamMessageJson | null> {
    this.askedMessages.push({ id, number, reveal });
    return number > 2 ? null : streamMessage({ number, text: 'x'.repeat(2 * MAX_BODY_CHARACTERS) });
  }
  async start(): Promise<void> {}
  async arm(): Promise<void> {}
  confirm(): void {}
  leaveOutUnnamed(): void {}
  async stop(): Promise<void> {}
  clear(): void {}
  dispose(): void {}
}

let sent: ToWebview[];
const rowsOf = <T extends 'rows' | 'found'>(type: T): Extract<ToWebview, { type: T }>[] =>
  sent.filter((m): m is Extract<ToWebview, { type: T }> => m.type === type);
const feed = (trace: Trace): PanelFeed =>
  new PanelFeed(trace, async (m) => {
    sent.push(m);
    return true;
  });
const soon = (): Promise<void> => vi.advanceTimersByTimeAsync(0).then(() => {});

beforeEach(() => {
  vi.useFakeTimers();
  sent = [];
});

afterEach(() => {
  vi.useRealTimers();
});

describe('PanelFeed', () => {
  it('sends everything when ready, in bounded messages, and nothing before', async () => {
    const trace = new FakeTrace(calls(MAX_ROWS_PER_MESSAGE * 2 + 5));
    const panel = feed(trace);
    trace.change([call({ id: 1, revision: 2 })]);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(sent).toEqual([]);
    panel.ready();
    await soon();
    expect(sent.map(({ type }) => type)).toEqual(['reset', 'status', 'rows', 'rows', 'rows']);
    expect(rowsOf('rows').map(({ rows }) => rows.length)).toEqual([
      MAX_ROWS_PER_MESSAGE,
      MAX_ROWS_PER_MESSAGE,
      5,
    ]);
  });

  it('says of very many rows how many are to come, and of few nothing', async () => {
    const trace = new FakeTrace(calls(MAX_ROWS_PER_MESSAGE * 2 + 5));
    feed(trace).ready();
    await soon();
    const left = () => rowsOf('rows').map((message) => message.left);
    expect(left()).toEqual([MAX_ROWS_PER_MESSAGE + 5, 5, undefined]);
    trace.change([...trace.rows.values()].slice(0, MAX_ROWS_PER_MESSAGE + 1));
    await vi.advanceTimersByTimeAsync(1_000);
    expect(left().slice(3)).toEqual([undefined, undefined]);
  });

  it('gathers changes into four messages a second, the newest state of each row once', async () => {
    const trace = new FakeTrace(calls(3));
    const panel = feed(trace);
    panel.ready();
    await soon();
    sent = [];
    for (let revision = 2; revision <= 50; revision++) {
      trace.change([call({ id: 1, revision }), call({ id: 2, revision })], revision === 50 ? [3] : []);
      await vi.advanceTimersByTimeAsync(10);
    }
    await vi.advanceTimersByTimeAsync(ROWS_INTERVAL_MS);
    expect(rowsOf('rows').length).toBeLessThanOrEqual(7);
    for (const { rows } of rowsOf('rows')) expect(rows.length).toBeLessThanOrEqual(2);
    expect(
      rowsOf('rows')
        .at(-1)
        ?.rows.map(({ revision }) => revision),
    ).toEqual([50, 50]);
    expect(rowsOf('rows').flatMap(({ removed }) => removed)).toEqual([3]);
  });

  it('sends a row at once after a pause, however often the status changes meanwhile', async () => {
    const trace = new FakeTrace(calls(1));
    feed(trace).ready();
    await soon();
    for (let time = 0; time < 4 * ROWS_INTERVAL_MS; time += 50) {
      trace.changeStatus({ now: time });
      await vi.advanceTimersByTimeAsync(50);
    }
    sent = [];
    trace.changeStatus({ now: 9_000 });
    trace.change([call({ id: 2 })]);
    await soon();
    expect(sent.map(({ type }) => type)).toEqual(['status', 'rows']);
    // The next one waits for its time, as the last of the status does.
    trace.change([call({ id: 3 })]);
    trace.changeStatus({ now: 9_001 });
    await vi.advanceTimersByTimeAsync(ROWS_INTERVAL_MS - 1);
    expect(sent).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(1);
    expect(rowsOf('rows').map(({ rows }) => rows.map(({ id }) => id))).toEqual([[2], [3]]);
  });

  it('looks into details a few at a time, says how far it is, and drops a search for a newer one', async () => {
    const trace = new FakeTrace(calls(3));
    const panel = feed(trace);
    panel.ready();
    await soon();
    sent = [];
    const ids = Array.from({ length: CALLS_PER_SEARCH + 10 }, (_, i) => i + 1);
    panel.search(1, 'body:a', ids);
    panel.search(1, 'body:a', [900]);
    await soon();
    const found = rowsOf('found');
    expect(found.map(({ done, total }) => [done, total])).toEqual([
      [CALLS_PER_SEARCH, CALLS_PER_SEARCH + 11],
      [CALLS_PER_SEARCH + 11, CALLS_PER_SEARCH + 11],
    ]);
    expect(found.flatMap(({ results }) => results)).toHaveLength(CALLS_PER_SEARCH + 11);
    sent = [];
    trace.searched.length = 0;
    panel.search(2, 'body:b', ids);
    panel.search(3, 'body:c', [1]);
    await soon();
    expect(rowsOf('found')).toMatchObject([{ search: 3, results: [[1, 1]], done: 1, total: 1 }]);
    panel.search(4, 'body:d', ids);
    panel.hidden();
    sent = [];
    await soon();
    expect(sent).toEqual([]);
  });

  it('sends nothing while hidden and everything when shown again', async () => {
    const trace = new FakeTrace(calls(3));
    const panel = feed(trace);
    panel.ready();
    await soon();
    panel.show(1, false);
    await soon();
    panel.hidden();
    sent = [];
    trace.change([call({ id: 1, revision: 9 })]);
    trace.changeStatus({ calls: 4 });
    await vi.advanceTimersByTimeAsync(2_000);
    expect(sent).toEqual([]);
    panel.ready();
    await soon();
    expect(sent.map(({ type }) => type)).toEqual(['reset', 'status', 'rows']);
    expect(rowsOf('rows')[0]?.rows[0]?.revision).toBe(9);
  });

  it('does not take a new trace for the old one', async () => {
    const trace = new FakeTrace(calls(3));
    const panel = feed(trace);
    panel.ready();
    await soon();
    sent = [];
    trace.rows.clear();
    trace.rows.set(1, call({ id: 1, path: '/new' }));
    trace.changeStatus({ startedAt: 42 });
    await soon();
    expect(sent.map(({ type }) => type)).toEqual(['reset', 'status', 'rows']);
  });

  it('loses no change that comes while everything is being sent', async () => {
    const trace = new FakeTrace(calls(MAX_ROWS_PER_MESSAGE + 1));
    let release = (): void => {};
    const panel = new PanelFeed(trace, (m) => {
      sent.push(m);
      return new Promise((done) => {
        release = () => done(true);
      });
    });
    panel.ready();
    await soon();
    trace.change([call({ id: 1, revision: 2 }), call({ id: 99_999 })]);
    for (let i = 0; i < 20; i++) {
      release();
      await vi.advanceTimersByTimeAsync(ROWS_INTERVAL_MS);
    }
    const last = rowsOf('rows').at(-1);
    expect(last?.rows.map(({ id }) => id)).toEqual([1, 99_999]);
  });

  it('keeps the shown details up to date, but not more often than they can be read', async () => {
    const trace = new FakeTrace(calls(3));
    const panel = feed(trace);
    panel.ready();
    await soon();
    panel.show(2, true);
    await soon();
    expect(sent.at(-1)).toMatchObject({ type: 'details', id: 2 });
    expect(trace.asked).toEqual([{ id: 2, reveal: true }]);
    for (let revision = 2; revision < 12; revision++) trace.change([call({ id: 2, revision })]);
    trace.change([call({ id: 3, revision: 2 })]);
    await vi.advanceTimersByTimeAsync(DETAILS_INTERVAL_MS);
    expect(trace.asked).toHaveLength(2);
    trace.change([], [2]);
    await vi.advanceTimersByTimeAsync(DETAILS_INTERVAL_MS);
    expect(sent.filter(({ type }) => type === 'details').at(-1)).toEqual({
      type: 'details',
      id: 2,
      exchange: null,
    });
    panel.show(null, false);
    trace.change([call({ id: 2, revision: 20 })]);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(trace.asked).toHaveLength(3);
  });

  it('sends one message of the shown call, bounded, and none of another', async () => {
    const trace = new FakeTrace(calls(3));
    const panel = feed(trace);
    panel.ready();
    await soon();
    panel.showMessage(2, 1);
    panel.show(2, true);
    await soon();
    sent = [];
    panel.showMessage(3, 1);
    panel.showMessage(2, 1);
    panel.showMessage(2, 9);
    await soon();
    expect(trace.askedMessages).toEqual([
      { id: 2, number: 1, reveal: true },
      { id: 2, number: 9, reveal: true },
    ]);
    expect(sent).toMatchObject([
      { type: 'message', id: 2, number: 1, message: { note: 'Truncated in this view.' } },
      { type: 'message', id: 2, number: 9, message: null },
    ]);
    expect(JSON.stringify(sent).length).toBeLessThan(1.1 * MAX_BODY_CHARACTERS);
  });

  it('holds back a reveal until the webview is there and filled; only the last one counts', async () => {
    const trace = new FakeTrace(calls(3));
    const panel = feed(trace);
    const done: number[] = [];
    void panel.whenReady({ type: 'reveal', id: 1 }).then(() => done.push(1));
    void panel.whenReady({ type: 'reveal', id: 2 }).then(() => done.push(2));
    void panel.whenReady({ type: 'focusFilter' });
    await vi.advanceTimersByTimeAsync(100);
    expect(sent).toEqual([]);
    panel.ready();
    await soon();
    expect(sent.map((m) => (m.type === 'reveal' ? `reveal ${m.id}` : m.type))).toEqual([
      'reset',
      'status',
      'rows',
      'reveal 2',
      'focusFilter',
    ]);
    expect(done).toEqual([1, 2]);
  });

  it('survives a webview that goes away under it, and leaves nothing behind', async () => {
    const trace = new FakeTrace(calls(3));
    const panel = new PanelFeed(trace, () => Promise.reject(new Error('Webview is disposed')));
    panel.ready();
    await soon();
    trace.change([call({ id: 1, revision: 2 })]);
    await vi.advanceTimersByTimeAsync(1_000);
    const waiting = panel.whenReady({ type: 'focusFilter' });
    panel.dispose();
    await waiting;
    expect(trace.listeners).toBe(0);
    expect(vi.getTimerCount()).toBe(0);
  });
});

it('cuts bodies that are too large for a window, and says so', () => {
  const row = call({});
  const long = 'x'.repeat(MAX_BODY_CHARACTERS + 1);
  const exchange = exchangeOf(row, {
    request: message({ body: { text: 'short' } }),
    response: message({ body: { base64: long }, bodyNote: 'Cut at the limit.' }),
  });
  const bounded = boundBodies(exchange);
  expect(bounded.request).toEqual(exchange.request);
  expect(bounded.response?.body).toEqual({ base64: long.slice(0, MAX_BODY_CHARACTERS) });
  expect(bounded.response?.bodyNote).toMatch(/^Cut at the limit\. Truncated in this view\./);
});
