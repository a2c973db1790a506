/**
 * A helper between two traces (helper/kept.ts): its programs are loaded, but nothing is attached. The next trace reuses
 * it if it needs the same fixed options; otherwise it is ended, and a new one is started.
 */
import type { Channel } from './channel.ts';

export class KeptHelper {
  readonly #channel: Channel;
  /** Options fixed when its programs were loaded. */
  readonly #fixed: string;
  #ended = false;
  #onEnd: () => void = () => {};

  constructor(channel: Channel, fixed: string) {
    this.#channel = channel;
    this.#fixed = fixed;
    // A kept helper sends nothing, so anything it sends is an error.
    channel.onData(() => this.end());
    channel.onClose(() => this.#finish());
    channel.flow(true);
  }

  /** Called once, when it is not kept any more: it has ended, or serves a trace. */
  onEnd(listener: () => void): void {
    this.#onEnd = listener;
    if (this.#ended) listener();
  }

  /** Hands over its channel to a trace with the same options; null: it does not match, or is gone. */
  take(fixed: string): Channel | null {
    if (this.#ended) return null;
    if (fixed !== this.#fixed) {
      this.end();
      return null;
    }
    this.#finish();
    return this.#channel;
  }

  end(): void {
    if (!this.#ended) this.#channel.close();
  }

  #finish(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#onEnd();
  }
}
