/**
 * The calls of an HTTP Archive, in the place of an engine. Entries are kept as their JSON, outside of the heap, and
 * parsed again when one is shown.
 */
import type { CallSource } from '../engine/callSource.ts';
import type { MessageKind } from '../engine/exchange.ts';
import type { ExchangeJson, JsonOptions, StreamMessageJson } from '../engine/exchangeJson.ts';
import { MAX_PINNED } from '../engine/limits.ts';
import { type ExchangeRow, isError } from '../engine/row.ts';
import { readAi } from './aiOf.ts';
import { callRow } from './callRow.ts';
import { readHarEntry } from './harEntry.ts';
import { ImportedLinks, type StatedLinks } from './links.ts';
import { maskCall, maskStreamMessage } from './mask.ts';
import { statedLinks } from './ownFields.ts';
import { objectOf } from './values.ts';

interface Entry {
  readonly json: Buffer;
  readonly row: ExchangeRow;
  /** Microseconds since the epoch. */
  readonly startedAt: number;
}

export class ImportedCalls implements CallSource {
  readonly #maxCalls: number;
  readonly #maxBytes: number;
  readonly #entries = new Map<number, Entry>();
  readonly #pinned = new Set<number>();
  #bytes = 0;
  #began = 0;
  #errors = 0;
  #lastId = 0;
  #counted: Pairs | null = null;
  readonly #links = new ImportedLinks();
  #changed: number[] = [];
  #removed: number[] = [];

  constructor(maxCalls: number, maxBytes: number) {
    this.#maxCalls = maxCalls;
    this.#maxBytes = maxBytes;
  }

  /** When the earliest call began: nanoseconds since the epoch. */
  get began(): bigint {
    return BigInt(this.#began) * 1_000n;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** @returns `unreadable`: the entry is not a call; `full`: it is not held, and no later one will be. */
  add(json: Buffer): 'held' | 'unreadable' | 'full' {
    if (this.#entries.size >= this.#maxCalls || this.#bytes + json.length > this.#maxBytes) return 'full';
    const id = this.#lastId + 1;
    const found = read(json, id);
    if (found === null) return 'unreadable';
    const { call, stated } = found;
    this.#links.add(id, call.side, stated);
    const startedAt = microsOf(call.startedAt);
    this.#began = this.#entries.size === 0 ? startedAt : Math.min(this.#began, startedAt);
    const row = callRow(readAi(call, maskCall(call), false), 0);
    this.#entries.set(id, { json, row, startedAt });
    this.#counted = null;
    this.#lastId = id;
    this.#bytes += json.length;
    if (isError(row)) this.#errors++;
    this.#changed.push(id);
    return 'held';
  }

  takeChanges(): { readonly changed: readonly number[]; readonly removed: readonly number[] } {
    const changes = { changed: this.#changed.filter((id) => this.#entries.has(id)), removed: this.#removed };
    this.#changed = [];
    this.#removed = [];
    return changes;
  }

  row(id: number): ExchangeRow | undefined {
    const entry = this.#entries.get(id);
    if (entry === undefined) return undefined;
    const { peer, causedBy } = this.#links.of(id);
    return {
      ...entry.row,
      peer,
      cause: causedBy,
      start: (entry.startedAt - this.#began) / 1_000,
      pinned: this.#pinned.has(id),
    };
  }

  holds(id: number): boolean {
    return this.#entries.has(id);
  }

  json(id: number, { reveal = false, messageBytes = null }: JsonOptions = {}): ExchangeJson | undefined {
    const call = this.#read(id);
    if (call === null) return undefined;
    const limit = messageBytes ?? Number.POSITIVE_INFINITY;
    const { call: shown } = readAi(call, reveal ? call : maskCall(call), reveal);
    const { first, ...links } = this.#links.of(id);
    return {
      ...shown,
      ...links,
      trace: { ...shown.trace, first },
      messages: shown.messages.map((message) => beginningOf(message, limit)),
    };
  }

  message(
    id: number,
    number: number,
    { reveal = false }: { readonly reveal?: boolean } = {},
  ): StreamMessageJson | undefined {
    const message = this.#read(id)?.messages.find((one) => one.number === number);
    return message === undefined || reveal ? message : maskStreamMessage(message);
  }

  /** A file holds decoded bodies: the original bytes are known only if there was no coding. */
  body(id: number, kind: MessageKind): Uint8Array | null {
    const message = this.#read(id)?.[kind] ?? null;
    if (message === null || message.body === null) return null;
    if (message.headers.some(([name]) => name?.toLowerCase() === 'content-encoding')) return null;
    const { body } = message;
    return 'text' in body ? Buffer.from(body.text) : Buffer.from(body.base64, 'base64');
  }

  stats(): ReturnType<CallSource['stats']> {
    const pairs = this.#pairs;
    return {
      records: 0,
      connections: 0,
      exchanges: this.#entries.size,
      evicted: 0,
      running: 0,
      errors: this.#errors,
      pairs: pairs.all,
      failedPairs: pairs.failed,
      copiedBytes: 0,
      omittedBytes: 0,
      fileBytes: 0,
      shedBytes: 0,
      unseenBytes: 0,
      lostBytes: 0,
      newest: 0n,
    };
  }

  /** Bodies in a file are not decoded by them. */
  setProtos(): void {}

  pin(id: number, pinned: boolean): boolean {
    if (!this.#entries.has(id) || (pinned && this.#pinned.size >= MAX_PINNED)) return false;
    if (pinned) this.#pinned.add(id);
    else this.#pinned.delete(id);
    if (!this.#changed.includes(id)) this.#changed.push(id);
    return true;
  }

  clear(keepPinned = false): void {
    if (!keepPinned) this.#pinned.clear();
    this.#counted = null;
    for (const [id, { json, row }] of this.#entries) {
      if (this.#pinned.has(id)) continue;
      this.#entries.delete(id);
      this.#links.remove(id);
      this.#removed.push(id);
      this.#bytes -= json.length;
      if (isError(row)) this.#errors--;
    }
  }

  #read(id: number): ExchangeJson | null {
    const entry = this.#entries.get(id);
    return entry === undefined ? null : (read(entry.json, id)?.call ?? null);
  }

  /** Calls with both sides held; counted once after each change. */
  get #pairs(): Pairs {
    if (this.#counted !== null) return this.#counted;
    const counted = { all: 0, failed: 0 };
    for (const [id, { row }] of this.#entries) {
      const { peer } = this.#links.of(id);
      const other = peer === null || peer < id ? undefined : this.#entries.get(peer);
      if (other === undefined) continue;
      counted.all++;
      if (isError(row) && isError(other.row)) counted.failed++;
    }
    this.#counted = counted;
    return counted;
  }
}

interface Pairs {
  readonly all: number;
  readonly failed: number;
}

function read(
  json: Buffer,
  id: number,
): { readonly call: ExchangeJson; readonly stated: StatedLinks } | null {
  try {
    const entry: unknown = JSON.parse(json.toString('utf8'));
    const call = readHarEntry(entry);
    return call === null ? null : { call: { ...call, id }, stated: statedLinks(objectOf(entry)) };
  } catch {
    // Not JSON, or nested so deeply that it cannot be read.
    return null;
  }
}

function microsOf(time: string): number {
  return Date.parse(`${time.slice(0, 19)}Z`) * 1_000 + Number(time.slice(20, 26));
}

/** Only what a line shows. */
function beginningOf(message: StreamMessageJson, bytes: number): StreamMessageJson {
  if ('base64' in message) {
    const characters = Math.ceil(bytes / 3) * 4;
    return message.base64.length <= characters
      ? message
      : { ...message, base64: message.base64.slice(0, characters) };
  }
  if (message.text === null || message.text.length <= bytes) return message;
  return { ...message, text: message.text.slice(0, bytes) };
}
