/** The received part of a response's body, up to a limit. */
import { MAX_RESPONSE } from './sent.ts';

export class ResponseBody {
  readonly #chunks: Buffer[] = [];
  #size = 0;
  #cut = false;

  /** @returns whether more is wanted. */
  add(chunk: Buffer): boolean {
    const room = MAX_RESPONSE - this.#size;
    this.#cut ||= chunk.length > room;
    this.#chunks.push(chunk.length > room ? chunk.subarray(0, room) : chunk);
    this.#size += Math.min(chunk.length, room);
    return !this.#cut;
  }

  result(): { readonly body: Buffer; readonly cut: boolean } {
    return { body: Buffer.concat(this.#chunks, this.#size), cut: this.#cut };
  }
}
