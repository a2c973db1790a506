/** Which calls of a trace become spans at a collector, and what is said of it. The collector and its requests are real. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { RowChanges, Trace } from '../capture/trace.ts';
import { Engine } from '../engine/engine.ts';
import type { ExchangeJson } from '../engine/exchangeJson.ts';
import type { ExchangeRow } from '../engine/row.ts';
import { conversation, recordBatch, START } from '../engine/testing/records.ts';
import { IDLE_STATUS, type TraceStatus } from '../engine/traceStatus.ts';
import { otlpEndpoint } from '../otlp/exporter.ts';
import { attributeOf, Collector } from '../otlp/testing/collector.ts';
import { MAX_QUEUE, OtlpFeed } from './otlpFeed.ts';
import { collectorName, otlpItemText } from './otlpStatus.ts';

/** A call as the engine makes it. */
function captured(): ExchangeJson {
  const engine = new Engine();
  engine.setClock({ offset: 1_800_000_000_000_000_000n, bootTime: START });
  engine.setProcess(4242, 'shop');
  const steps = [
    { out: 'GET /a HTTP/1.1\r\nHost: shop.test\r\n\r\n' },
    { in: 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n' },
  ];
  engine.push(recordBatch(conversation(steps)));
  engine.finish();
  return engine.json(1) as ExchangeJson;
}

const CALL = captured();

/** A list whose calls this test lets begin and end; answers to questions can be held back. */
class List {
  status: TraceStatus = { ...IDLE_STATUS, phase: 'running' };
  readonly rows = new Map<number, ExchangeRow>();
  asked: number[] = [];
  hold: Promise<void> | null = null;
  #rowsListener: ((changes: RowChanges) => unknown) | null = null;

  onDidChangeRows = (listener: (changes: RowChanges) => unknown) => {
    this.#rowsListener = listener;
    return { dispose: () => (this.#rowsListener = null) };
  };
  async details(id: number): Promise<ExchangeJson | null> {
    this.asked.push(id);
    await this.hold;
    if (!this.rows.has(id)) return null;
    return { ...CALL, id, url: `http://shop.test/${this.status.list}/${id}` };
  }

  show(ids: readonly number[], state: ExchangeRow['state'], file: string | null = null): void {
    const rows = ids.map((id) => ({ id, state, file }) as ExchangeRow);
    for (const row of rows) this.rows.set(row.id, row);
    this.#rowsListener?.({ rows, removed: [] });
  }

  clear(feed: OtlpFeed): void {
    const removed = [...this.rows.keys()];
    this.rows.clear();
    this.#rowsListener?.({ rows: [], removed });
    this.status = { ...this.status, list: this.status.list + 1 };
    feed.restart();
  }
}

let collector: Collector;
let list: List;

beforeEach(async () => {
  collector = await Collector.start();
  list = new List();
});
afterEach(async () => {
  await collector.stop();
});

function feedTo(url: string): OtlpFeed {
  return new OtlpFeed(list as unknown as Trace, otlpEndpoint(url) as URL, '1.2.3', () => {});
}

/** What the collector got, without the address of the server. */
function urls(): string[] {
  return collector.spans.map((span) => new URL(attributeOf(span, 'url.full') ?? '').pathname);
}

function oneTo(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index + 1);
}

describe('spans of a trace', () => {
  it('are of calls that end meanwhile, each once', async () => {
    list.show([1, 2], 'ended');
    list.show([3], 'running');
    const feed = feedTo(collector.url);
    // Pinned, or with the other side found: the same call again.
    list.show([1, 2], 'ended');
    list.show([3, 4], 'ended');
    list.show([3, 4], 'ended');
    list.show([5], 'running');
    expect(await feed.close()).toEqual({ sent: 2, lost: 0, waiting: 0, problem: null });
    expect(urls()).toEqual(['/0/3', '/0/4']);
    list.show([5], 'ended');
    expect(list.asked).toEqual([3, 4]);
  });

  it('are not of calls of a file, nor of those before the reload', async () => {
    const feed = feedTo(collector.url);
    list.show([1], 'ended', 'others.har');
    list.show([2], 'ended', 'before the reload');
    list.show([3], 'ended');
    await feed.close();
    expect(urls()).toEqual(['/0/3']);
    expect(list.asked).toEqual([3]);
  });

  it('when the list is cleared: waiting ones are counted, and the same number is another call', async () => {
    const feed = feedTo(collector.url);
    let go: () => void = () => {};
    list.hold = new Promise((resolve) => {
      go = resolve;
    });
    list.show([1, 2, 3], 'ended');
    await expect.poll(() => list.asked).toEqual([1]);
    list.clear(feed);
    expect(feed.counts.lost).toBe(3);
    list.show([1], 'ended');
    go();
    expect(await feed.close()).toMatchObject({ sent: 1, lost: 3, waiting: 0 });
    expect(urls()).toEqual(['/1/1']);
  });

  it('that the collector does not take cost a bounded queue, and the rest is counted without being requested', async () => {
    const { url } = collector;
    await collector.stop();
    const feed = feedTo(url);
    const all = oneTo(MAX_QUEUE + 100);
    list.show(all, 'ended');
    expect(feed.counts.lost).toBe(100);
    await expect.poll(() => list.asked.length, { timeout: 120_000 }).toBe(MAX_QUEUE);
    // The exporter is full now, too.
    const more = all.map((id) => id + all.length);
    list.show(more, 'ended');
    expect((await feed.close()).lost).toBe(2 * all.length);
    expect(list.asked).toHaveLength(MAX_QUEUE);
    collector = await Collector.start();
  });
});

describe('the item in the status bar', () => {
  const endpoint = otlpEndpoint('https://me:hunter2@otel.example:4318/tenant') as URL;
  const counts = { sent: 1200, lost: 0, waiting: 7, problem: null };
  const textOf = (changed: Partial<typeof counts> | { problem: string }) =>
    otlpItemText(endpoint, { ...counts, ...changed }, 'httpTrace.otlp').text;

  it('names the collector and counts', () => {
    expect(otlpItemText(endpoint, counts, 'httpTrace.otlp')).toEqual({
      text: '$(cloud-upload) OTLP otel.example:4318 · 1,200 sent',
      lines: [
        'HTTP Trace sends each call as a span to https://otel.example:4318/tenant/v1/traces, with secrets masked.',
        '1,200 spans sent, 0 lost, 7 waiting.',
        'Click to open the setting httpTrace.otlp.',
      ],
    });
    expect(textOf({ lost: 3 })).toBe('$(warning) OTLP otel.example:4318 · 1,200 sent · 3 lost');
  });

  it('says what is wrong before anything is lost', () => {
    const problem = 'The collector does not answer (ECONNREFUSED).';
    expect(textOf({ problem })).toBe('$(warning) OTLP otel.example:4318 · 1,200 sent · 7 waiting');
    const { lines } = otlpItemText(endpoint, { ...counts, problem }, 'httpTrace.otlp');
    expect(lines).toContain(problem);
  });

  it('holds no password, no icon and no endless name', () => {
    expect(collectorName(endpoint)).not.toContain('hunter2');
    const hostile = otlpEndpoint(`http://$(bug)${'a'.repeat(200)}.example`) as URL;
    const { text } = otlpItemText(hostile, counts, 'httpTrace.otlp');
    expect(text).toContain('OTLP \\$(bug)a');
    expect(text.length).toBeLessThan(90);
  });
});
