/** Which call's details the host keeps up to date. */
import type { Host } from './host.ts';

/** While a key is held down, details are requested only for the call at which it stops. */
const DELAY_MS = 60;

export class AskedDetails {
  readonly #host: Host;
  #asked: { readonly id: number; readonly reveal: boolean } | null = null;
  #timer: ReturnType<typeof setTimeout> | null = null;

  constructor(host: Host) {
    this.#host = host;
  }

  /** Asks in a moment, unless another request replaces it by then. */
  soon(ask: () => void): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = setTimeout(ask, DELAY_MS);
  }

  /** Reports to the host which details are on screen, if that has changed. @param id null: none. */
  ask(id: number | null, reveal: boolean): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    const wanted = id === null ? null : { id, reveal };
    if (wanted?.id === this.#asked?.id && wanted?.reveal === this.#asked?.reveal) return;
    this.#asked = wanted;
    this.#host.send({ type: 'details', id, reveal: wanted?.reveal ?? false });
  }

  /** The host no longer knows what was requested. */
  forget(): void {
    this.#asked = null;
  }
}
