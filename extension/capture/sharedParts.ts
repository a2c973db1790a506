/**
 * What many rows have alike is kept once: a row that comes from another thread has each string and each object anew, and
 * 100,000 rows are held.
 */
import type { ExchangeRow } from '../engine/row.ts';

/** Parts remembered. When there are more, all are forgotten: rows keep what they have. */
const MAX_PARTS = 8_192;
/** Characters of a text that is worth remembering; longer ones are rarely alike. */
const MAX_LENGTH = 256;

const TEXTS = [
  'method',
  'statusText',
  'scheme',
  'host',
  'path',
  'protocol',
  'type',
  'processName',
  'side',
  'state',
  'connection',
  'messageFormat',
  'operation',
  'model',
  'file',
] as const satisfies readonly (keyof ExchangeRow)[];

export class SharedParts {
  readonly #texts = new Map<string, string>();
  readonly #lists = new Map<string, ExchangeRow['completeness']>();
  readonly #endings = new Map<string, ExchangeRow['ending']>();

  get size(): number {
    return this.#texts.size + this.#lists.size + this.#endings.size;
  }

  /** Replaces parts of a row that nobody else has yet by equal ones of earlier rows. */
  share(row: ExchangeRow): void {
    if (this.size > MAX_PARTS) this.clear();
    const own = row as Record<(typeof TEXTS)[number], string | null> & {
      -readonly [Key in 'completeness' | 'ending']: ExchangeRow[Key];
    };
    for (const name of TEXTS) {
      const text = own[name];
      if (text !== null && text.length <= MAX_LENGTH) own[name] = first(this.#texts, text, text);
    }
    own.completeness = first(this.#lists, own.completeness.join(), own.completeness);
    const { ending } = own;
    if (ending !== null) {
      const { how, by, error, detail, signal, exitCode } = ending;
      own.ending = first(this.#endings, [how, by, error, detail, signal, exitCode].join(), ending);
    }
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
