/** One HTTP/2 stream: an exchange whose two messages arrive frame by frame. */

import type { GapReason, Outcome } from '../byteStream.ts';
import type { SeenField } from '../exchange.ts';
import { MAX_HELD_BYTES, MAX_HELD_PIECES } from '../limits.ts';
import type { MessageReader } from '../messages/messageReader.ts';
import type { StoredExchange } from '../storedExchange.ts';
import type { StoredMessage } from '../storedMessage.ts';

/** What one direction carries. */
export type Role = 'request' | 'response';

export const OTHER: Readonly<Record<Role, Role>> = { request: 'response', response: 'request' };

export interface BodyRoom {
  readonly bodyLimit: number;
  mayKeep(bytes: number): boolean;
}

/** One side's message on a stream. */
export class Half {
  message: StoredMessage | null = null;
  /** The side has ended its half of the stream. */
  ended = false;
  /** Some frames may have been lost. */
  doubtful = false;
  /** Finds messages in the content or in the tunnel; null: it contains none. */
  reader: MessageReader | null = null;
  /** Content-Length; null when not given. */
  expected: number | null = null;

  #withheld: { readonly fields: readonly SeenField[]; readonly cost: number } | null = null;
  #held: { readonly bytes: Buffer; readonly time: number }[] | null = null;
  #heldBytes = 0;
  #heldWhole = true;
  #size = 0;
  /** No byte of the content has been left out so far. */
  #prefixWhole = true;
  #sizeKnown = true;

  /**
   * The content is as long as Content-Length announced. Only END_STREAM is missing, which some peers do not send and
   * some do not wait for.
   */
  get whole(): boolean {
    return this.message !== null && this.#sizeKnown && this.expected === this.#size;
  }

  /** Bytes of content. */
  content(bytes: Buffer, from: number, to: number, room: BodyRoom): void {
    const message = this.message as StoredMessage;
    this.#size += to - from;
    if (!this.#prefixWhole || from === to) return;
    const wanted = Math.min(to - from, room.bodyLimit - message.body.captured);
    if (wanted > 0 && room.mayKeep(wanted)) {
      message.growingBody.append(bytes, from, from + wanted);
      if (wanted === to - from) return;
    }
    this.#prefixWhole = false;
    message.truncated = true;
  }

  /** The message may be an interim response: its status is not known, and no content has arrived. */
  get tentative(): boolean {
    return this.#withheld !== null;
  }

  /** Hides the fields while the message is tentative. @param cost of the fields */
  withhold(cost: number): void {
    const message = this.message as StoredMessage;
    this.#withheld = { fields: message.fields, cost };
    message.shareFields([], 0);
  }

  /** Frames were lost: the next field block may belong to another head. */
  lose(): void {
    this.doubtful = true;
    if (this.#withheld !== null) this.#withheld = { fields: [], cost: 0 };
  }

  confirm(): void {
    if (this.#withheld === null) return;
    this.message?.shareFields(this.#withheld.fields, this.#withheld.cost);
    this.#withheld = null;
  }

  /** Keeps content, up to a bound, until it is known which reader it is for. */
  hold(bytes: Buffer, from: number, to: number, time: number): void {
    this.#heldBytes += to - from;
    this.#held ??= [];
    const known = this.#heldBytes <= MAX_HELD_BYTES && this.#held.length < MAX_HELD_PIECES;
    if (known) this.#held.push({ bytes: Buffer.from(bytes.subarray(from, to)), time });
    else this.#heldWhole = false;
  }

  /** The reader is known: feeds it the content that was kept. */
  read(reader: MessageReader | null): void {
    const held = this.#held ?? [];
    this.#held = null;
    for (const { bytes, time } of held) reader?.feed(bytes, time);
    const last = held.at(-1)?.time ?? 0;
    if (!this.#heldWhole) reader?.gap(null, 'limit', last);
    if (this.ended) reader?.end('complete', last);
    else this.reader = reader;
  }

  /** Content is missing. @param sized false: `length` is not exact. */
  missing(length: number, reason: GapReason, sized: boolean): void {
    const message = this.message as StoredMessage;
    this.#size += length;
    this.#prefixWhole = false;
    if (!sized) this.#sizeKnown = false;
    if (reason !== 'lost') message.leaveOut(reason);
    else message.gap = true;
  }

  /** The message has ended. @param at milliseconds since the trace's start. */
  end(outcome: Outcome, at: number): void {
    this.ended = true;
    this.reader?.end(outcome, at);
    this.reader = null;
    const { message } = this;
    if (message === null) return;
    message.outcome = outcome;
    const isKnown = outcome === 'complete' && this.#sizeKnown;
    message.endBody(isKnown ? this.#size : null);
    if (!isKnown) return;
    if (this.expected !== null && this.expected !== this.#size && this.#size > 0) {
      message.breaks('h2-length', message.position);
    }
  }
}

export class Stream {
  readonly id: number;
  readonly exchange: StoredExchange;
  readonly request = new Half();
  readonly response = new Half();
  /** For CONNECT: the tunnel, whose bytes are the stream's content. */
  tunnel: { protocol: string; sent: number; received: number } | null = null;

  /** Bytes granted by WINDOW_UPDATE, less those that were sent; may be negative (RFC 9113 section 6.9). */
  granted = 0;
  /** Milliseconds since the trace's start; null: it is not blocked. */
  blockedSince: number | null = null;

  constructor(id: number, exchange: StoredExchange) {
    this.id = id;
    this.exchange = exchange;
  }
}
