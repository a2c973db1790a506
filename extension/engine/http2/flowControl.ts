/**
 * Flow control for the traced process as a sender (RFC 9113 section 5.2): how much its peer allows, and how
 * long this blocked it. The other direction cannot be measured, because we cannot see when the peer reads a
 * WINDOW_UPDATE.
 */
import type { Frame } from './frameFormat.ts';
import type { Stream } from './stream.ts';

/** Bytes (section 6.9.2). */
const INITIAL_WINDOW = 65_535;

export class SendWindows {
  #connection = INITIAL_WINDOW;
  #initial = INITIAL_WINDOW;
  /** Streams that are blocked. */
  readonly #blocked = new Set<Stream>();

  /** SETTINGS_INITIAL_WINDOW_SIZE: applies to open streams, too (section 6.9.2). */
  setInitial(value: number, time: number): void {
    this.#initial = value;
    this.#release(time);
  }

  /** WINDOW_UPDATE. @param stream null: for the connection. */
  update(increment: number, stream: Stream | null, time: number): void {
    if (stream === null) this.#connection += increment;
    else stream.granted += increment;
    this.#release(time);
  }

  /**
   * A DATA frame, whose padding counts as well.
   * @param stream null: it has ended.
   * @returns false if it exceeds the window.
   */
  sent(frame: Frame, stream: Stream | null, ends: boolean, time: number): boolean {
    this.#connection -= frame.length;
    if (stream === null) return true;
    stream.granted -= frame.length;
    const room = this.#room(stream);
    if (room <= 0 && !ends) {
      stream.blockedSince ??= time;
      this.#blocked.add(stream);
    }
    return room >= 0;
  }

  streamEnded(stream: Stream, time: number): void {
    stream.exchange.blocked ??= 0;
    if (this.#blocked.delete(stream)) unblock(stream, time);
  }

  #room(stream: Stream): number {
    return Math.min(this.#connection, this.#initial + stream.granted);
  }

  #release(time: number): void {
    for (const stream of this.#blocked) {
      if (this.#room(stream) <= 0) continue;
      this.#blocked.delete(stream);
      unblock(stream, time);
    }
  }
}

function unblock(stream: Stream, time: number): void {
  if (stream.blockedSince !== null) {
    stream.exchange.blocked = (stream.exchange.blocked ?? 0) + Math.max(0, time - stream.blockedSince);
  }
  stream.blockedSince = null;
}
