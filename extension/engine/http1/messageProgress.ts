/**
 * How far one direction has been read: the position in the stream, the message that is being read, and how
 * much of its body is kept. All states of the reader share one.
 */
import type { GapReason, Origin, Outcome } from '../byteStream.ts';
import type { MessageKind } from '../exchange.ts';
import type { StoredMessage } from '../storedMessage.ts';
import type { ReaderSink } from './readerSink.ts';

export class MessageProgress {
  readonly kind: MessageKind;
  readonly sink: ReaderSink;
  /** Position in the stream of the next byte. */
  position = 0;
  /** Bytes that belong to no message: empty lines, bytes that are not HTTP, gaps between messages. */
  skipped = 0;

  readonly #bodyLimit: number;
  #message: StoredMessage | null = null;
  #bodySize = 0;
  #sizeKnown = true;
  /** No byte of the body has been left out so far. */
  #prefixWhole = true;

  constructor(kind: MessageKind, sink: ReaderSink, bodyLimit: number) {
    this.kind = kind;
    this.sink = sink;
    this.#bodyLimit = bodyLimit;
  }

  /** The message that is being read. */
  get message(): StoredMessage | null {
    return this.#message;
  }

  /** The message that is being read, for states in which there always is one. */
  get current(): StoredMessage {
    return this.#message as StoredMessage;
  }

  /** @param taken bytes of the message that have been counted as skipped. */
  begin(message: StoredMessage, taken: number, firstByte: number, lastByte: number): void {
    message.firstByte = firstByte;
    message.lastByte = lastByte;
    message.wireSize = taken;
    this.skipped -= taken;
    this.#message = message;
    this.#bodySize = 0;
    this.#sizeKnown = true;
    this.#prefixWhole = true;
  }

  /** Bytes were read: they belong to the current message, if there is one. */
  take(count: number, context: Origin): void {
    this.position += count;
    const message = this.#message;
    if (message === null) this.skipped += count;
    else {
      message.wireSize += count;
      message.lastByte = context.end;
    }
  }

  /** These bytes of the body were read, after transfer decoding. */
  addBody(bytes: Buffer, from: number, to: number, context: Origin): void {
    const message = this.current;
    this.#bodySize += to - from;
    if (context.file !== null) message.growingBody.noteFile(context.file);
    if (to > from) this.sink.bodyBytes(message, bytes, from, to, context);
    if (!this.#prefixWhole || from === to) return;
    const room = Math.min(to - from, this.#bodyLimit - message.body.captured);
    if (room > 0 && this.sink.mayKeep(room)) {
      message.growingBody.append(bytes, from, from + room);
      if (room === to - from) return;
    }
    this.#prefixWhole = false;
    message.truncated = true;
  }

  /** These bytes of the body are missing. */
  omitBody(count: number, reason: GapReason, context: Origin): void {
    this.#omit(count, count, reason, context);
    this.#bodySize += count;
  }

  /** Bytes of the message are missing; how many of them belong to the body is unknown. */
  omitPart(count: number, reason: GapReason, context: Origin): void {
    this.#omit(count, null, reason, context);
  }

  /** The framing is lost: the body's size and further bytes are unknown. */
  loseBody(): void {
    this.#sizeKnown = false;
    this.#prefixWhole = false;
  }

  /** Unread bytes that belong to no known message. */
  skip(length: number): void {
    this.position += length;
    this.skipped += length;
  }

  /** @returns the message that ended. */
  end(outcome: Outcome): StoredMessage {
    const message = this.current;
    message.endBody(outcome === 'complete' && this.#sizeKnown ? this.#bodySize : null);
    message.outcome = outcome;
    if (outcome === 'cut') message.cut = true;
    else if (outcome === 'open') message.truncated = true;
    else if (outcome === 'lost' && !message.truncated) message.gap = true;
    this.#message = null;
    return message;
  }

  #omit(count: number, inBody: number | null, reason: GapReason, context: Origin): void {
    const message = this.current;
    this.position += count;
    if (count === 0) return;
    if (context.file !== null) message.growingBody.noteFile(context.file);
    this.sink.bodyGap(message, inBody, reason, context);
    message.wireSize += count;
    message.lastByte = context.end;
    this.#prefixWhole = false;
    if (reason !== 'lost') message.leaveOut(reason);
    else message.gap = true;
  }
}
