/**
 * The messages of one exchange, within bounds: a WebSocket may carry millions. The first ones are kept permanently,
 * because they show how a conversation began, and the last ones in a window; all are counted. Beyond the limits in
 * number, in bytes or of the whole store, the oldest in the window are evicted.
 */
import type { Field, MessageKind, Violation } from '../exchange.ts';
import {
  MAX_FIRST_MESSAGE_BYTES,
  MAX_FIRST_MESSAGES,
  MAX_LAST_MESSAGE_BYTES,
  MAX_LAST_MESSAGES,
} from '../limits.ts';
import { type LabelName, labelText } from './labels.ts';
import type { MessageHost } from './messageReader.ts';

export type MessageFormat = 'websocket' | 'server-sent-events' | 'json-lines' | 'multipart' | 'grpc';

export type MessageType =
  | 'text'
  | 'binary'
  | 'ping'
  | 'pong'
  | 'close'
  | 'event'
  | 'comment'
  | 'line'
  | 'part'
  | 'message'
  | 'trailers'
  /** Its kind is unknown. */
  | 'unknown';

/** One message. There may be many, so it holds plain values only, and its content as one flat string. */
export interface StreamMessage {
  /** From 1, in the order in which they ended, both directions together. */
  readonly number: number;
  /** Its direction: that of the request, or of the response. */
  readonly in: MessageKind;
  readonly type: MessageType;
  /** Time of its last byte; milliseconds since the trace's start. */
  readonly time: number;
  /** Bytes of the content; null when unknown (compressed and not decodable, or not all seen). */
  readonly size: number | null;
  /** Bytes of the content as it was sent, where the message itself was compressed; else null. */
  readonly compressedSize: number | null;
  /** Its first bytes, one Latin-1 character per byte: a string of bytes costs less than a Buffer. */
  readonly content: string;
  /** Further values, by format: an event's type and id, a close code, a part's header fields. */
  readonly fields: readonly Field[];
  readonly labels: readonly LabelName[];
}

/** A message that has not been counted yet. */
export type NewMessage = Omit<StreamMessage, 'number'>;

type Broken = Omit<Violation, 'position'>;

/** Shared by the many messages that have none. */
export const NO_FIELDS: readonly Field[] = [];
export const NO_LABELS: readonly LabelName[] = [];

/** Estimated bytes of a message without its content and fields; measured on Node 24. */
const MESSAGE_COST = 160;
const FIELD_COST = 80;
const LIST_COST = 400;

/** Called for each message as it arrives, before any is left out. */
export interface MessageWatcher {
  /** @returns how many more bytes it holds than before. */
  see(message: NewMessage): number;
  /** A secret is spread over several messages, so masking each message alone would not hide it. */
  readonly spreadsSecret: boolean;
}

export class MessageList {
  readonly format: MessageFormat;
  /** Bytes that the list holds, for the store's bound. */
  cost = LIST_COST;
  /** Notes about the stream as a whole. */
  readonly notes = new Set<LabelName>();
  /** A closing message was seen, in either direction. */
  closing = false;
  /** Trailers of gRPC-Web, which are in the body; null: none were seen. */
  trailers: readonly Field[] | null = null;
  /** Messages seen in each direction. */
  requests = 0;
  responses = 0;

  /** null: nobody watches. */
  watcher: MessageWatcher | null = null;

  readonly #host: MessageHost;
  readonly #first: StreamMessage[] = [];
  #firstBytes = 0;
  #firstFull = false;
  /** Ring: evicted entries before `#head`. */
  #last: (StreamMessage | undefined)[] = [];
  #head = 0;
  /** The list that this one was merged into. */
  #joined: MessageList | null = null;
  #lastBytes = 0;
  #broken: Broken[] = [];

  constructor(format: MessageFormat, host: MessageHost) {
    this.format = format;
    this.#host = host;
  }

  /** Messages seen. */
  get count(): number {
    return this.requests + this.responses;
  }

  /** How many of the first messages are kept; the evicted ones follow them. */
  get keptFirst(): number {
    return this.#first.length;
  }

  /** Messages that were seen but are not held. */
  get evicted(): number {
    return this.count - this.#first.length - (this.#last.length - this.#head);
  }

  /** The held messages with a higher number, in order. */
  messages(after = 0): StreamMessage[] {
    const held = [...this.#first];
    for (let i = this.#head; i < this.#last.length; i++) held.push(this.#last[i] as StreamMessage);
    return after === 0 ? held : held.filter(({ number }) => number > after);
  }

  /** A held message, by its number. */
  get(number: number): StreamMessage | undefined {
    if (number <= this.#first.length) return this.#first[number - 1];
    return this.#last.find((message) => message?.number === number);
  }

  /** Rules that messages break, once per direction. */
  get broken(): readonly Broken[] {
    return this.#broken;
  }

  add(message: NewMessage): void {
    if (this.#joined !== null) {
      this.#joined.add(message);
      return;
    }
    if (message.in === 'request') this.requests++;
    else this.responses++;
    if (this.watcher !== null) this.cost += this.watcher.see(message);
    for (const name of message.labels) this.breaks(name, message.in);
    const number = this.count;
    let kept: StreamMessage = { number, ...message };
    let cost = costOf(kept);
    if (!this.#room(cost)) {
      kept = { ...kept, content: '', labels: [...kept.labels, 'content-memory'] };
      cost = costOf(kept);
      if (!this.#room(cost)) {
        this.#firstFull = true;
        return;
      }
    }
    this.cost += cost;
    if (!this.#firstFull && this.#firstBytes + kept.content.length <= MAX_FIRST_MESSAGE_BYTES) {
      this.#first.push(kept);
      this.#firstBytes += kept.content.length;
      this.#firstFull = this.#first.length === MAX_FIRST_MESSAGES;
      return;
    }
    this.#firstFull = true;
    this.#last.push(kept);
    this.#lastBytes += kept.content.length;
    const bound = Math.max(MAX_LAST_MESSAGE_BYTES, this.#host.bodyLimit);
    while (this.#last.length - this.#head > MAX_LAST_MESSAGES || this.#lastBytes > bound) this.#evict();
  }

  /** A message, or this whole direction, breaks a rule. */
  breaks(name: LabelName, kind: MessageKind): void {
    const { rule, message } = labelText(name);
    if (rule === null || this.#broken.some((b) => b.message === message && b.in === kind)) return;
    this.#broken.push({ rule, message, in: kind });
  }

  setTrailers(fields: readonly Field[]): void {
    (this.#joined ?? this).trailers = fields;
  }

  /** A reader holds this many bytes more, or fewer. */
  hold(bytes: number): void {
    this.cost += bytes;
  }

  /** Merges the list of the same exchange's other half: what it holds, and what is added to it later. */
  adopt(other: MessageList): void {
    let { requests, responses } = other;
    for (const { number: _, ...message } of other.messages()) {
      this.add(message);
      if (message.in === 'request') requests--;
      else responses--;
    }
    this.requests += requests;
    this.responses += responses;
    for (const note of other.notes) this.notes.add(note);
    this.trailers ??= other.trailers;
    this.watcher ??= other.watcher;
    other.#joined = this;
  }

  /** Makes room in the store, by evicting this list's own window if nothing else can be evicted. */
  #room(cost: number): boolean {
    if (this.#host.mayKeep(cost)) return true;
    // The store counts what this list gives up only when the exchange is next reported, so it is counted here.
    let freed = 0;
    while (this.#head < this.#last.length && freed < cost) freed += this.#evict();
    return freed >= cost;
  }

  #evict(): number {
    const oldest = this.#last[this.#head] as StreamMessage;
    this.#last[this.#head] = undefined;
    const cost = costOf(oldest);
    this.cost -= cost;
    this.#lastBytes -= oldest.content.length;
    this.#head++;
    if (this.#head >= 256 && 2 * this.#head >= this.#last.length) {
      this.#last = this.#last.slice(this.#head);
      this.#head = 0;
    }
    return cost;
  }
}

function costOf(message: StreamMessage): number {
  let cost = MESSAGE_COST + message.content.length;
  for (const [name, value] of message.fields) cost += FIELD_COST + name.length + value.length;
  return cost;
}
