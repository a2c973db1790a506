/**
 * Which streams a client has opened, judging by their identifiers, which only increase (RFC 9113 section 5.1.1).
 * While frames are missing, streams may have been opened unseen.
 */
import { MAX_CLOSED_STREAMS } from '../limits.ts';

const MAX_RANGES = 16;

export class OpenedStreams {
  /** The highest identifier that was seen to be opened. */
  #highest = 0;
  /** Identifiers that may have been opened unseen: from (inclusive) to (exclusive), ascending. */
  readonly #hidden: { readonly from: number; to: number }[] = [];
  /**
   * Ended streams whose identifiers alone do not show that they were opened: those in {@link #hidden}, and promised
   * ones.
   */
  readonly #closed = new Set<number>();

  /** Frames are missing: until the next stream is seen to open, others may be opened unseen. */
  lose(): void {
    if (this.#hidden.at(-1)?.to === Number.POSITIVE_INFINITY) return;
    this.#hidden.push({ from: this.#highest + 1, to: Number.POSITIVE_INFINITY });
    const [first, second] = this.#hidden;
    if (this.#hidden.length > MAX_RANGES && first !== undefined && second !== undefined) {
      this.#hidden.splice(0, 2, { from: first.from, to: second.to });
    }
  }

  /** This stream was seen to be opened: no lower one can be opened later. */
  opened(id: number): void {
    this.#highest = Math.max(this.#highest, id);
    const last = this.#hidden.at(-1);
    if (last !== undefined && last.to === Number.POSITIVE_INFINITY && id >= last.from) last.to = id;
  }

  /** May this stream have been opened unseen? */
  mayBeHidden(id: number): boolean {
    return this.#hidden.some(({ from, to }) => id >= from && id < to);
  }

  /** May this stream still be opened, judging by its identifier? */
  isNew(id: number): boolean {
    return id > this.#highest;
  }

  close(id: number): void {
    if (id % 2 !== 0 && !this.mayBeHidden(id)) return;
    this.#closed.add(id);
    if (this.#closed.size <= MAX_CLOSED_STREAMS) return;
    for (const oldest of this.#closed) {
      this.#closed.delete(oldest);
      break;
    }
  }

  isClosed(id: number): boolean {
    return this.#closed.has(id);
  }
}
