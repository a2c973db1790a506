/**
 * Matches hook findings to calls. Both have the socket's local port. Calls on one connection are distinguished by the
 * stream identifier in HTTP/2, otherwise by time, method and path. Only an exact match counts.
 */
import type { ExchangeRow } from '../../engine/row.ts';
import { maskTarget } from '../../privacy/maskUrl.ts';
import { MASK } from '../../privacy/secrets.ts';
import type { Finding } from './findings.ts';
import { Queue } from './queue.ts';

/** A finding, with its time on the list's clock. */
export interface Placed<T> {
  readonly finding: Finding;
  /** Milliseconds of CLOCK_BOOTTIME. */
  readonly at: number;
  readonly data: T;
}

interface Entry<T> extends Placed<T> {
  readonly key: string;
  /** Of the finding, as a row shows it. */
  readonly path: string;
  /** The row that it belongs to; null: none yet. */
  row: number | null;
  /** That row's request is not known, as of a TLS connection without plaintext: the row of a request may take its place. */
  tentative: boolean;
}

/** Newest findings that are kept. */
export const MAX_FINDINGS = 20_000;
/** How much later than the call's first byte a finding may seem to be, in milliseconds: clocks are read one after the other. */
const TOLERANCE = 5;
/** In Python, a finding precedes the connection, which may take this long; milliseconds. */
const MAX_AGE = 120_000;

type Row = Pick<ExchangeRow, 'id' | 'pid' | 'localPort' | 'stream' | 'side' | 'method' | 'path' | 'start'>;

export class Matching<T> {
  /** By process and port. */
  readonly #byPort = new Map<string, Queue<Entry<T>>>();
  readonly #byRow = new Map<number, Entry<T>>();
  /** Keys of which a finding was matched. */
  readonly #used = new Set<string>();
  readonly #all = new Queue<Entry<T>>();

  get size(): number {
    return this.#all.length;
  }

  add(placed: Placed<T>): void {
    const { pid, port, path } = placed.finding;
    const entry: Entry<T> = {
      ...placed,
      key: `${pid}:${port}`,
      path: maskTarget(pathOnly(path)),
      row: null,
      tentative: false,
    };
    let list = this.#byPort.get(entry.key);
    if (list === undefined) {
      list = new Queue();
      this.#byPort.set(entry.key, list);
    }
    list.push(entry);
    this.#all.push(entry);
    if (this.#all.length > MAX_FINDINGS) this.#dropOldest();
  }

  /** @param bootStart where the list's times start, in milliseconds of CLOCK_BOOTTIME */
  of(row: Row, bootStart: number): Placed<T> | null {
    if (row.side !== 'client' || row.localPort === null) return null;
    const at = bootStart + row.start;
    const isOf = (entry: Entry<T>) =>
      entry.at <= at + TOLERANCE && entry.at >= at - MAX_AGE && fits(entry, row);
    const key = `${row.pid}:${row.localPort}`;
    const hasRequest = row.method !== null || row.path !== null;
    const known = this.#byRow.get(row.id);
    // Ids start over when the list is cleared.
    if (known !== undefined && known.key === key && isOf(known)) {
      if (hasRequest) known.tentative = false;
      return known;
    }
    // The last finding before the call, or the first one that seems to be after it: earlier ones belong to calls that were
    // not seen, later ones to the next calls.
    let after: Entry<T> | null = null;
    const before = this.#byPort.get(key)?.findLast((entry) => {
      if ((entry.row !== null && !(entry.tentative && hasRequest)) || !isOf(entry)) return false;
      if (entry.at > at) after = entry;
      return entry.at <= at;
    });
    const found = this.#likelier(before ?? null, after, at);
    if (found === null) return null;
    this.#release(found);
    found.row = row.id;
    found.tentative = !hasRequest;
    this.#byRow.set(row.id, found);
    this.#used.add(key);
    return found;
  }

  /** An old finding is likely to be that of a call that was not seen, unless the time went into connecting. */
  #likelier(before: Entry<T> | null, after: Entry<T> | null, at: number): Entry<T> | null {
    if (before === null || after === null) return before ?? after;
    return this.#used.has(before.key) && at - before.at > TOLERANCE ? after : before;
  }

  #release(entry: Entry<T>): void {
    // The row's id may be that of another row by now.
    if (entry.row !== null && this.#byRow.get(entry.row) === entry) this.#byRow.delete(entry.row);
  }

  /** The finding that was matched to this row. */
  joined(id: number): Placed<T> | null {
    return this.#byRow.get(id) ?? null;
  }

  #dropOldest(): void {
    const { oldest } = this.#all;
    if (oldest === undefined) return;
    this.#all.shift();
    this.#release(oldest);
    // The oldest of all is also first in its list.
    const list = this.#byPort.get(oldest.key);
    list?.shift();
    if (list?.length !== 0) return;
    this.#byPort.delete(oldest.key);
    this.#used.delete(oldest.key);
  }
}

function fits<T>({ finding, path }: Entry<T>, row: Row): boolean {
  const { stream, method, path: reported } = finding;
  // A stream identifier is exact. Some packages report none: then time decides.
  if (stream !== 0 && row.stream !== null) return stream === row.stream;
  if (method !== '' && row.method !== null && method.toUpperCase() !== row.method.toUpperCase()) return false;
  return reported === '' || row.path === null || isSamePath(pathOnly(row.path), path, reported);
}

/** @param path of a row @param own path of a finding, masked likewise @param reported by its hook */
function isSamePath(path: string, own: string, reported: string): boolean {
  if (reported.length < MAX_PATH || /[?#]/.test(reported)) return path === own;
  // The beginning of a secret may not be recognized as such.
  const last = own.lastIndexOf('/') + 1;
  const isMasked = path.slice(last).split('/', 1)[0]?.includes(MASK) === true;
  return path.startsWith(isMasked ? own.slice(0, last) : own);
}

/** Through a proxy it may be a whole URL. */
function pathOnly(target: string): string {
  return target.replace(/^https?:\/\/[^/]*/i, '').split(/[?#]/, 1)[0] ?? '';
}

/** A hook reports at most this many characters of a path. */
const MAX_PATH = 400;
