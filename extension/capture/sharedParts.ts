/**
 * Shares equal parts between rows. A row from another thread has a new copy of each string and object, and 100,000 rows are
 * held.
 */
import type { ExchangeRow } from '../engine/row.ts';
import type { Sharing } from './rowMessage.ts';

/** Parts remembered. Beyond this, all are dropped; rows keep what they have. */
const MAX_PARTS = 8_192;
/** Longest text that is remembered, in characters; longer ones are rarely equal. */
const MAX_LENGTH = 256;

export class SharedParts implements Sharing {
  readonly #texts = new Map<string, string>();
  readonly #lists = new Map<string, ExchangeRow['completeness']>();
  readonly #endings = new Map<string, ExchangeRow['ending']>();

  get size(): number {
    return this.#texts.size + this.#lists.size + this.#endings.size;
  }

  text(text: string): string {
    if (text.length > MAX_LENGTH) return text;
    this.#bound();
    return first(this.#texts, text, text);
  }

  labels(labels: ExchangeRow['completeness']): ExchangeRow['completeness'] {
    this.#bound();
    return first(this.#lists, labels.join(), labels);
  }

  ending(ending: NonNullable<ExchangeRow['ending']>): ExchangeRow['ending'] {
    this.#bound();
    const { how, by, error, detail, signal, exitCode } = ending;
    return first(this.#endings, [how, by, error, detail, signal, exitCode].join(), ending);
  }

  #bound(): void {
    if (this.size > MAX_PARTS) this.clear();
  }

  clear(): void {
    this.#texts.clear();
    this.#lists.clear();
    this.#endings.clear();
  }
}

function first<T>(known: Map<string, T>, key: string, value: T): T {
  const earlier = known.get(key);
  if (earlier !== undefined) return earlier;
  known.set(key, value);
  return value;
}
