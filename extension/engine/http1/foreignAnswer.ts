/**
 * An answer that is not HTTP: the program has reached another kind of server. All bytes up to the end of the stream are
 * kept as a body without a head, because it is not known where the answer ends.
 */
import type { GapReason, Origin } from '../byteStream.ts';
import type { MessageProgress } from './messageProgress.ts';
import { QUOTED } from './quote.ts';
import type { ReaderState, Transitions } from './readerState.ts';

export class ForeignAnswer implements ReaderState {
  readonly #progress: MessageProgress;
  readonly #next: Transitions;

  constructor(progress: MessageProgress, next: Transitions) {
    this.#progress = progress;
    this.#next = next;
  }

  read(bytes: Buffer, at: number, context: Origin): number {
    this.#progress.take(bytes.length - at, context);
    this.add(bytes, at, context);
    return bytes.length;
  }

  /** Adds bytes that {@link MessageProgress.take} has counted already. */
  add(bytes: Buffer, at: number, context: Origin): void {
    const message = this.#progress.current;
    const quoted = message.quoted ?? '';
    message.quoted = quoted + bytes.toString('latin1', at, at + QUOTED - quoted.length);
    this.#progress.addBody(bytes, at, bytes.length, context);
  }

  gap(length: number, reason: GapReason, context: Origin): number {
    this.#progress.omitBody(length, reason, context);
    return 0;
  }

  end(outcome: 'cut' | 'open'): void {
    this.#next.finish(outcome === 'open' ? 'open' : 'complete');
  }
}
