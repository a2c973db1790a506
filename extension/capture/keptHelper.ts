/**
 * A helper between two traces (helper/kept.ts): its programs are loaded, and nothing is attached. The next trace takes
 * it over, if it is of the same making; else it is ended, and another one is started.
 */
import type { Channel } from './channel.ts';

export class KeptHelper {
  readonly #channel: Channel;
  /** What was fixed when its programs were loaded. */
  readonly #fixed: string;
  #over = false;
  #onEnd: () => void = () => {};

  constructor(channel: Channel, fixed: string) {
    this.#channel = channel;
    this.#fixed = fixed;
    // It has nothing to say.
    channel.onData(() => this.end());
    channel.onClose(() => this.#finish());
    channel.flow(true);
  }

  /** It is not kept any more: it has ended, or serves a trace. Once. */
  onEnd(listener: () => void): void {
    this.#onEnd = listener;
    if (this.#over) listener();
  }

  /** Its channel, for a trace with the same options; null: there is none, any more. */
  take(fixed: string): Channel | null {
    if (this.#over) return null;
    if (fixed !== this.#fixed) {
      this.end();
      return null;
    }
    this.#finish();
    return this.#channel;
  }

  end(): void {
    if (!this.#over) this.#channel.close();
  }

  #finish(): void {
    if (this.#over) return;
    this.#over = true;
    this.#onEnd();
  }
}
