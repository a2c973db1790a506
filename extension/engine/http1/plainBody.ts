/**
 * Bodies without framing in the body itself (RFC 9112 section 6.3): of known length, or up to the end of the
 * stream.
 */
import type { GapReason, Origin } from '../byteStream.ts';
import type { MessageProgress } from './messageProgress.ts';
import type { ReaderState, Transitions } from './readerState.ts';

export class LengthBody implements ReaderState {
  readonly #progress: MessageProgress;
  readonly #next: Transitions;
  /** Bytes still to come. */
  #remaining = 0;

  constructor(progress: MessageProgress, next: Transitions) {
    this.#progress = progress;
    this.#next = next;
  }

  /** @param length at least 1. */
  begin(length: number): void {
    this.#remaining = length;
  }

  read(bytes: Buffer, at: number, context: Origin): number {
    const to = Math.min(bytes.length, at + this.#remaining);
    this.#progress.take(to - at, context);
    this.#progress.addBody(bytes, at, to, context);
    this.#remaining -= to - at;
    if (this.#remaining === 0) this.#next.finish('complete');
    return to;
  }

  gap(length: number, reason: GapReason, context: Origin): number {
    const inside = Math.min(length, this.#remaining);
    this.#progress.omitBody(inside, reason, context);
    this.#remaining -= inside;
    if (this.#remaining === 0) this.#next.finish('complete');
    return length - inside;
  }

  end(outcome: 'cut' | 'open'): void {
    this.#next.finish(outcome);
  }
}

export class CloseDelimitedBody implements ReaderState {
  readonly #progress: MessageProgress;
  readonly #next: Transitions;

  constructor(progress: MessageProgress, next: Transitions) {
    this.#progress = progress;
    this.#next = next;
  }

  read(bytes: Buffer, at: number, context: Origin): number {
    this.#progress.take(bytes.length - at, context);
    this.#progress.addBody(bytes, at, bytes.length, context);
    return bytes.length;
  }

  gap(length: number, reason: GapReason, context: Origin): number {
    this.#progress.omitBody(length, reason, context);
    return 0;
  }

  end(outcome: 'cut' | 'open', orderly: boolean): void {
    this.#next.finish(outcome === 'cut' && orderly ? 'complete' : outcome);
  }
}
