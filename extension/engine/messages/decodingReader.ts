/** Removes content codings for another reader of messages. */
import type { GapReason, Outcome } from '../byteStream.ts';
import { MAX_CODINGS } from '../limits.ts';
import type { LabelName } from './labels.ts';
import type { MessageList } from './messageList.ts';
import type { MessageReader } from './messageReader.ts';
import { type StreamDecoder, streamDecoder } from './streamDecoder.ts';

/** Bytes decoded at a time, so that the output is bounded. */
const STEP = 4 * 1024;

export class DecodingReader implements MessageReader {
  readonly #list: MessageList;
  readonly #inner: MessageReader;
  /** In the order in which they are undone. */
  readonly #decoders: StreamDecoder[] = [];
  #time = 0;
  /** Nothing that follows can be decoded. */
  #stopped = false;
  #reported = 0;

  /** @param codings in the order in which they were applied, in lower case. */
  constructor(codings: readonly string[], list: MessageList, inner: MessageReader) {
    this.#list = list;
    this.#inner = inner;
    let sink = (bytes: Buffer): void => inner.feed(bytes, this.#time);
    if (codings.length > MAX_CODINGS) this.#fail('coding-unread');
    for (const coding of codings) {
      const next = sink;
      const decoder = streamDecoder(coding, next);
      if (decoder === null) {
        this.#fail('coding-unread');
        return;
      }
      this.#decoders.unshift(decoder);
      sink = (bytes) => {
        const fault = this.#stopped ? null : decoder.push(bytes);
        if (fault === null) return;
        this.#fail(fault);
        inner.gap(null, fault === 'coding-limit' ? 'limit' : 'lost', this.#time);
      };
    }
    this.#first = sink;
  }

  #first: (bytes: Buffer) => void = () => {};

  feed(bytes: Buffer, time: number): void {
    this.#time = time;
    for (let at = 0; at < bytes.length && !this.#stopped; at += STEP)
      this.#first(bytes.subarray(at, at + STEP));
    this.#reportMemory();
  }

  gap(_length: number | null, reason: GapReason, time: number): void {
    this.#time = time;
    if (this.#stopped) return;
    for (const decoder of this.#decoders) decoder.end();
    this.#fail('coding-gap');
    this.#inner.gap(null, reason, time);
  }

  end(outcome: Outcome, time: number): void {
    this.#time = time;
    if (!this.#stopped) for (const decoder of this.#decoders) decoder.end();
    this.#inner.end(outcome, time);
    this.#decoders.length = 0;
    this.#reportMemory();
  }

  #fail(name: LabelName): void {
    this.#stopped = true;
    this.#list.notes.add(name);
  }

  #reportMemory(): void {
    let cost = 0;
    for (const decoder of this.#decoders) cost += decoder.cost;
    this.#list.hold(cost - this.#reported);
    this.#reported = cost;
  }
}
