/**
 * The format in which the worker thread posts rows: all numbers in one typed array, each distinct string or other part once,
 * and a second array with their indices. Structured cloning copies typed arrays as a whole, but would create every string
 * and object of every row anew, on both threads.
 */
import type { ExchangeRow } from '../engine/row.ts';
import type { FromWorker } from './workerProtocol.ts';

type Rows = Extract<FromWorker, { type: 'rows' }>;
type Part = Exclude<ExchangeRow['failure'] | ExchangeRow['cause'] | ExchangeRow['debug'], null>;

/** Rows as posted. */
interface PackedRows {
  readonly type: 'rows';
  readonly count: number;
  /** {@link NUMBERS} of each row; NaN for null. */
  readonly numbers: Float64Array;
  /** {@link PLACES} of each row: places in the lists below, from 1; 0 for null. */
  readonly places: Uint32Array;
  readonly texts: readonly string[];
  readonly labels: readonly ExchangeRow['completeness'][];
  readonly endings: readonly NonNullable<ExchangeRow['ending']>[];
  readonly parts: readonly Part[];
  readonly removed: Rows['removed'];
}

export type PackedMessage = Exclude<FromWorker, Rows> | PackedRows;

const NUMBERS = 22;
const PLACES = 24;

/** How to share equal parts of rows; see SharedParts. */
export interface Sharing {
  text(text: string): string;
  labels(labels: ExchangeRow['completeness']): ExchangeRow['completeness'];
  ending(ending: NonNullable<ExchangeRow['ending']>): ExchangeRow['ending'];
}

export function packed(message: FromWorker): PackedMessage {
  if (message.type !== 'rows') return message;
  const writer = new Writer(message.rows.length);
  for (const row of message.rows) writer.row(row);
  const { numbers, places } = writer;
  return {
    type: 'rows',
    count: message.rows.length,
    numbers,
    places,
    texts: writer.texts.values,
    labels: writer.labels.values,
    endings: writer.endings.values,
    parts: writer.parts.values,
    removed: message.removed,
  };
}

export function unpacked(message: PackedMessage, sharing: Sharing | null = null): FromWorker {
  if (message.type !== 'rows') return message;
  const reader = new Reader(message, sharing);
  const rows: ExchangeRow[] = [];
  for (let i = 0; i < message.count; i++) rows.push(reader.row());
  return { type: 'rows', rows, removed: message.removed };
}

/** Distinct values. */
class Once<T> {
  readonly values: T[] = [];
  readonly #places = new Map<T, number>();

  /** From 1; 0 for null. */
  placeOf(value: T | null): number {
    if (value === null) return 0;
    let place = this.#places.get(value);
    if (place === undefined) {
      place = this.values.push(value);
      this.#places.set(value, place);
    }
    return place;
  }
}

/** Writes the values of a row in the order in which {@link Reader} reads them. */
class Writer {
  readonly numbers: Float64Array;
  readonly places: Uint32Array;
  readonly texts = new Once<string>();
  readonly labels = new Once<ExchangeRow['completeness']>();
  readonly endings = new Once<NonNullable<ExchangeRow['ending']>>();
  readonly parts = new Once<Part>();
  #number = 0;
  #place = 0;

  constructor(rows: number) {
    this.numbers = new Float64Array(rows * NUMBERS);
    this.places = new Uint32Array(rows * PLACES);
  }

  row(row: ExchangeRow): void {
    const { phases } = row;
    this.#putNumber(row.id);
    this.#putNumber(row.revision);
    this.#putNumber(row.status);
    this.#putNumber(row.requestSize);
    this.#putNumber(row.responseSize);
    this.#putNumber(row.start);
    this.#putNumber(row.duration);
    this.#putNumber(phases.lookupMs);
    this.#putNumber(phases.connectMs);
    this.#putNumber(phases.tlsMs);
    this.#putNumber(phases.sendMs);
    this.#putNumber(phases.waitMs);
    this.#putNumber(phases.receiveMs);
    this.#putNumber(phases.overlapMs);
    this.#putNumber(row.pid);
    this.#putNumber(row.connectAttempts);
    this.#putNumber(row.violations);
    this.#putNumber(row.localPort);
    this.#putNumber(row.stream);
    this.#putNumber(row.messages);
    this.#putNumber(row.grpcStatus);
    this.#putNumber(row.peer);
    this.#putText(row.method);
    this.#putText(row.statusText);
    this.#putText(row.scheme);
    this.#putText(row.host);
    this.#putText(row.path);
    this.#putText(row.protocol);
    this.#putText(row.type);
    this.#putText(row.processName);
    this.#putText(row.side);
    this.#putText(row.state);
    this.#putText(row.tlsFailure);
    this.#putText(row.connection);
    this.#putText(row.messageFormat);
    this.#putText(row.encrypted);
    this.#putText(row.operation);
    this.#putText(row.model);
    this.#putText(row.proxy);
    this.#putText(row.file);
    this.#putPlace(this.labels.placeOf(row.completeness));
    this.#putPlace(this.endings.placeOf(row.ending));
    this.#putPlace(this.parts.placeOf(row.failure));
    this.#putPlace(this.parts.placeOf(row.cause));
    this.#putPlace(this.parts.placeOf(row.debug));
    this.#putPlace(row.pinned ? 1 : 0);
  }

  #putNumber(value: number | null): void {
    this.numbers[this.#number++] = value ?? Number.NaN;
  }

  #putText(text: string | null): void {
    this.#putPlace(this.texts.placeOf(text));
  }

  #putPlace(place: number): void {
    this.places[this.#place++] = place;
  }
}

class Reader {
  readonly #numbers: Float64Array;
  readonly #places: Uint32Array;
  readonly #texts: readonly string[];
  readonly #labels: readonly ExchangeRow['completeness'][];
  readonly #endings: readonly ExchangeRow['ending'][];
  readonly #parts: readonly Part[];
  #number = 0;
  #place = 0;

  constructor({ numbers, places, texts, labels, endings, parts }: PackedRows, sharing: Sharing | null) {
    this.#numbers = numbers;
    this.#places = places;
    this.#texts = sharing === null ? texts : texts.map((text) => sharing.text(text));
    this.#labels = sharing === null ? labels : labels.map((list) => sharing.labels(list));
    this.#endings = sharing === null ? endings : endings.map((ending) => sharing.ending(ending));
    this.#parts = parts;
  }

  /** The properties are read in the order in which {@link Writer} writes them: numbers by themselves, then the rest. */
  row(): ExchangeRow {
    return {
      id: this.#known(),
      revision: this.#known(),
      status: this.#next(),
      requestSize: this.#next(),
      responseSize: this.#next(),
      start: this.#known(),
      duration: this.#next(),
      phases: {
        lookupMs: this.#next(),
        connectMs: this.#next(),
        tlsMs: this.#next(),
        sendMs: this.#next(),
        waitMs: this.#next(),
        receiveMs: this.#next(),
        overlapMs: this.#next(),
      },
      pid: this.#next(),
      connectAttempts: this.#known(),
      violations: this.#known(),
      localPort: this.#next(),
      stream: this.#next(),
      messages: this.#known(),
      grpcStatus: this.#next(),
      peer: this.#next(),
      method: this.#text(),
      statusText: this.#text(),
      scheme: this.#text(),
      host: this.#text(),
      path: this.#text(),
      protocol: this.#text() ?? '',
      type: this.#text(),
      processName: this.#text(),
      side: this.#text(),
      state: this.#text() ?? 'running',
      tlsFailure: this.#text(),
      connection: this.#text() ?? '',
      messageFormat: this.#text(),
      encrypted: this.#text(),
      operation: this.#text(),
      model: this.#text(),
      proxy: this.#text(),
      file: this.#text(),
      completeness: this.#in(this.#labels) ?? [],
      ending: this.#in(this.#endings),
      failure: this.#in(this.#parts as readonly NonNullable<ExchangeRow['failure']>[]),
      cause: this.#in(this.#parts as readonly NonNullable<ExchangeRow['cause']>[]),
      debug: this.#in(this.#parts as readonly NonNullable<ExchangeRow['debug']>[]),
      pinned: this.#places[this.#place++] === 1,
    };
  }

  #known(): number {
    const value = this.#numbers[this.#number++] as number;
    // A small integer is stored in the row itself, not as a separate heap number.
    const whole = value | 0;
    return whole === value ? whole : value;
  }

  #next(): number | null {
    const value = this.#known();
    return Number.isNaN(value) ? null : value;
  }

  #text<T extends string>(): T | null {
    return this.#in(this.#texts) as T | null;
  }

  #in<T>(list: readonly T[]): T | null {
    const place = this.#places[this.#place++] as number;
    return place === 0 ? null : (list[place - 1] as T);
  }
}
