/**
 * Sends spans to a collector by OTLP/HTTP, in batches (opentelemetry.io/docs/specs/otlp, "OTLP/HTTP"). The queue is
 * bounded: if a collector is slow or down, further spans are lost and counted.
 */
import type { ExchangeJson } from '../engine/exchangeJson.ts';
import { type ProcessSpan, traceRequest } from './request.ts';
import { SpanMaker, USER_AGENT } from './spans.ts';

/** Queued spans; beyond this, new ones are dropped. */
export const MAX_WAITING = 4_096;
/** Spans of one request. */
const MAX_BATCH = 512;
/** Milliseconds for which a span waits for others. */
const BATCH_MS = 1_000;
/** Milliseconds for a response. */
const TIMEOUT_MS = 10_000;
/** Milliseconds before the first retry, doubled each time. */
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 30_000;
/** Attempts per batch; then it is dropped to make room for newer ones. */
const MAX_ATTEMPTS = 8;
/** Milliseconds to wait at the end for the remaining spans. */
const END_MS = 5_000;
/** Bytes of an answer that are read. */
const MAX_ANSWER = 64 * 1024;

/** By the specification; a retry after any other would not succeed either. */
const RETRYABLE: ReadonlySet<number> = new Set([429, 502, 503, 504]);

export interface OtlpCounts {
  /** Spans that the collector accepted. */
  readonly sent: number;
  /** Spans that it will never accept. */
  readonly lost: number;
  readonly waiting: number;
  /** The last error, as text; null: the last request succeeded. */
  readonly problem: string | null;
}

type Outcome =
  | { readonly kind: 'taken'; readonly rejected: number; readonly problem: string | null }
  | { readonly kind: 'again'; readonly afterMs: number | null; readonly problem: string }
  | { readonly kind: 'refused'; readonly problem: string };

/** @returns the address for traces; null: not an HTTP URL. `/v1/traces` is appended unless it is there. */
export function otlpEndpoint(text: string): URL | null {
  if (!/^https?:\/\//i.test(text) || !URL.canParse(text)) return null;
  const url = new URL(text);
  if (url.search !== '' || url.hash !== '') return null;
  if (!url.pathname.endsWith('/v1/traces')) url.pathname = `${url.pathname.replace(/\/+$/, '')}/v1/traces`;
  return url;
}

export class OtlpExporter {
  readonly #endpoint: URL;
  readonly #version: string;
  #maker = new SpanMaker();
  readonly #changed: () => void;
  #waiting: ProcessSpan[] = [];
  #sent = 0;
  #lost = 0;
  #problem: string | null = null;
  #timer: NodeJS.Timeout | null = null;
  #sending: Promise<void> | null = null;
  /** Ends a pause between two attempts. */
  #wake: () => void = () => {};
  #closing = false;
  /** Ends the request that is under way. */
  #abort = new AbortController();

  /** @param changed when counts change. */
  constructor(endpoint: URL, version: string, changed: () => void = () => {}) {
    this.#endpoint = endpoint;
    this.#version = version;
    this.#changed = changed;
  }

  get counts(): OtlpCounts {
    return { sent: this.#sent, lost: this.#lost, waiting: this.#waiting.length, problem: this.#problem };
  }

  /**
   * If the queue is full, `make` is not called. @param make returns the exchange, which has ended, with secrets masked;
   * null: it is no longer held.
   */
  offer(make: () => ExchangeJson | null): void {
    const exchange = this.full ? null : make();
    if (exchange === null) this.lose(1);
    else this.add(exchange);
  }

  get full(): boolean {
    return this.#waiting.length >= MAX_WAITING;
  }

  /** @param exchange that has ended, with secrets masked. */
  add(exchange: ExchangeJson): void {
    // Calls of this very process are the exporter's own.
    if (this.#closing || exchange.process?.pid === process.pid) return;
    const span = this.#maker.span(exchange);
    if (span === null) return;
    if (this.full) {
      this.lose(1);
      return;
    }
    this.#waiting.push({ process: exchange.process, span });
    if (this.#waiting.length >= MAX_BATCH) this.#send();
    else this.#timer ??= setTimeout(() => this.#send(), BATCH_MS);
  }

  /** The calls that follow are numbered from the beginning again. */
  restart(): void {
    this.#maker = new SpanMaker();
  }

  /** Calls whose span was not made in time. */
  lose(count: number): void {
    this.#lost += count;
    this.#changed();
  }

  /** Sends the queued spans, for a few seconds at most; the rest is lost. Idempotent. */
  async close(): Promise<OtlpCounts> {
    this.#closing = true;
    this.#wake();
    const end = setTimeout(() => this.#abort.abort(), END_MS);
    while ((this.#waiting.length > 0 || this.#sending !== null) && !this.#abort.signal.aborted) {
      this.#send();
      await this.#sending;
    }
    clearTimeout(end);
    this.#abort.abort();
    this.#lost += this.#waiting.length;
    this.#waiting = [];
    return this.counts;
  }

  #send(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    if (this.#sending !== null || this.#waiting.length === 0) return;
    this.#sending = this.#sendAll().finally(() => {
      this.#sending = null;
      if (!this.#closing && this.#waiting.length > 0)
        this.#timer ??= setTimeout(() => this.#send(), BATCH_MS);
    });
  }

  async #sendAll(): Promise<void> {
    while (this.#waiting.length > 0 && !this.#abort.signal.aborted) {
      const batch = this.#waiting.slice(0, MAX_BATCH);
      const taken = await this.#sendBatch(batch);
      // A batch being sent stays in the queue, and counts towards its limit.
      this.#waiting.splice(0, batch.length);
      this.#sent += taken;
      this.#lost += batch.length - taken;
      this.#changed();
      if (!this.#closing && this.#waiting.length < MAX_BATCH) return;
    }
  }

  /** @returns how many the collector took. */
  async #sendBatch(batch: readonly ProcessSpan[]): Promise<number> {
    const body = Buffer.from(JSON.stringify(traceRequest(batch, this.#version)));
    for (let attempt = 1; ; attempt++) {
      const outcome = await this.#post(body);
      this.#problem = outcome.problem;
      if (outcome.kind === 'taken') return batch.length - Math.min(outcome.rejected, batch.length);
      this.#changed();
      // When closing: one more attempt, without a pause.
      if (outcome.kind === 'refused' || attempt >= MAX_ATTEMPTS || this.#closing) return 0;
      const pause = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (attempt - 1));
      // Jitter, so that many clients of one collector do not retry at once.
      await this.#pause(outcome.afterMs ?? pause * (0.75 + Math.random() / 4));
    }
  }

  #pause(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, Math.min(milliseconds, LONGEST_PAUSE_MS));
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  async #post(body: Buffer): Promise<Outcome> {
    // Loaded on demand: they take longer than the rest of http-trace, and hardly any trace has a collector.
    const { request: send } =
      this.#endpoint.protocol === 'https:' ? await import('node:https') : await import('node:http');
    return new Promise((resolve) => {
      const failed = (error: Error): void => {
        const code = (error as NodeJS.ErrnoException).code ?? error.message;
        resolve({ kind: 'again', afterMs: null, problem: `The collector does not answer (${code}).` });
      };
      try {
        const request = send(this.#endpoint, {
          method: 'POST',
          headers: {
            'Content-Type': 'application/json',
            'Content-Length': body.length,
            'User-Agent': `${USER_AGENT}/${this.#version}`,
          },
          signal: this.#abort.signal,
        });
        const timer = setTimeout(() => request.destroy(new Error('no answer in time')), TIMEOUT_MS);
        request.on('close', () => clearTimeout(timer));
        request.on('error', failed);
        request.on('response', (response) => {
          let text = '';
          response.setEncoding('utf8');
          response.on('data', (piece: string) => {
            if (text.length < MAX_ANSWER) text += piece;
          });
          response.on('error', failed);
          response.on('close', () =>
            resolve(outcomeOf(response.statusCode ?? 0, response.headers['retry-after'], text)),
          );
        });
        request.end(body);
      } catch (error) {
        failed(error as Error);
      }
    });
  }
}

function outcomeOf(status: number, retryAfter: string | undefined, text: string): Outcome {
  if (status >= 200 && status < 300) return partial(text);
  const problem = `The collector answered with status ${status}.`;
  if (!RETRYABLE.has(status)) return { kind: 'refused', problem };
  return { kind: 'again', afterMs: delayOf(retryAfter), problem };
}

/** ExportTraceServiceResponse: rejected spans. */
function partial(text: string): Outcome {
  try {
    const { partialSuccess } = JSON.parse(text) as { partialSuccess?: { rejectedSpans?: unknown } };
    const rejected = Number(partialSuccess?.rejectedSpans ?? 0);
    if (Number.isSafeInteger(rejected) && rejected > 0)
      return { kind: 'taken', rejected, problem: `The collector has rejected ${rejected} spans.` };
  } catch {
    // Many answer with nothing, or with text.
  }
  return { kind: 'taken', rejected: 0, problem: null };
}

/** Retry-After (RFC 9110 section 10.2.3): seconds, or a date. */
function delayOf(value: string | undefined): number | null {
  if (value === undefined) return null;
  if (/^\d{1,6}$/.test(value)) return Number(value) * 1_000;
  const date = Date.parse(value);
  return Number.isNaN(date) ? null : Math.max(0, date - Date.now());
}
