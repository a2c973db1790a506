/**
 * Reads the HTTP/1 messages of one direction of a connection (RFC 9112), from bytes in order and gaps of
 * known length. It never fails: it reports a broken rule and continues in the most sensible way; if that is
 * impossible, it searches for the next message. Each byte is examined a bounded number of times, whatever the
 * sizes of the pieces in which the bytes arrive.
 *
 * Each state has its own file: startReader.ts, headReader.ts, bodyProbe.ts, plainBody.ts, chunkedBody.ts,
 * chunkSearch.ts, foreignAnswer.ts, unreadBytes.ts. messageStates.ts switches between them.
 */
import type { GapReason, Origin } from '../byteStream.ts';
import type { MessageKind } from '../exchange.ts';
import { MessageProgress } from './messageProgress.ts';
import { MessageStates } from './messageStates.ts';
import type { ReaderSink } from './readerSink.ts';
import { HELD } from './readerState.ts';

export class Reader {
  readonly kind: MessageKind;
  readonly #progress: MessageProgress;
  readonly #states: MessageStates;

  /** @param midStream when the first byte need not begin a message. */
  constructor(kind: MessageKind, sink: ReaderSink, bodyLimit: number, midStream: boolean) {
    this.kind = kind;
    this.#progress = new MessageProgress(kind, sink, bodyLimit);
    this.#states = new MessageStates(this.#progress, midStream);
  }

  /** Bytes that belong to no message: empty lines, bytes that are not HTTP, gaps between messages. */
  get skipped(): number {
    return this.#progress.skipped;
  }

  /** True where no message is under way. */
  get idle(): boolean {
    return this.#states.idle;
  }

  /** If no byte has followed the head of a message whose body is doubtful, it has no body. */
  concludeWithoutBody(): void {
    this.#states.concludeWithoutBody();
  }

  /**
   * A response begins although no request is known. The bytes read so far must be what it answers, so they are reported
   * as a request that is not HTTP.
   * @param ended nothing more is expected in this direction, so that an unfinished line counts too.
   */
  answerBegins(ended: boolean): void {
    this.#states.answerBegins(ended);
  }

  /** No further message follows the one that is being read: the bytes are those of a tunnel. */
  becomeTunnel(): void {
    this.#states.becomeTunnel();
  }

  /**
   * Reads `bytes` from `from` on.
   * @returns the offset of the first byte that was not taken: less than the length when the sink wants the
   *   next message held back.
   */
  feed(bytes: Buffer, from: number, context: Origin): number {
    let at = from;
    while (at < bytes.length) {
      const next = this.#states.current.read(bytes, at, context);
      if (next === HELD) break;
      at = next;
    }
    this.#reportProgress();
    return at;
  }

  /** `length` bytes are missing. */
  gap(length: number, reason: GapReason, context: Origin): void {
    let rest = length;
    while (rest > 0) rest = this.#states.current.gap(rest, reason, context);
    this.#reportProgress();
  }

  /** Between messages: skips `length` bytes, which are whole messages that are not read. */
  pass(length: number): void {
    this.#progress.skip(length);
  }

  /** Nothing follows. @param orderly the sender closed the stream, as opposed to a reset. */
  end(orderly: boolean): void {
    this.#states.end('cut', orderly);
  }

  /** The trace has ended, the stream has not. */
  stop(): void {
    this.#states.end('open', false);
  }

  #reportProgress(): void {
    const { message, sink } = this.#progress;
    if (message !== null) sink.progressed(message);
  }
}
