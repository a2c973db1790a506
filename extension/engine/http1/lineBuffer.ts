/**
 * One line that may arrive in pieces of any size, kept up to a limit. Each byte is copied at most twice and
 * looked at once.
 */
const SMALLEST = 256;

export class LineBuffer {
  /** Bytes of the line so far, those beyond the limit included. */
  length = 0;
  /** Last byte of the line so far; -1 while it is empty. */
  last = -1;

  #bytes = Buffer.alloc(0);
  #kept = 0;

  /** True when bytes beyond the limit were left out. */
  get cut(): boolean {
    return this.length > this.#kept;
  }

  append(bytes: Uint8Array, from: number, to: number, limit: number): void {
    const count = Math.max(0, Math.min(to - from, limit - this.#kept));
    // After bytes were left out, later ones must not be appended.
    if (count > 0 && !this.cut) {
      const need = this.#kept + count;
      if (need > this.#bytes.length) {
        const grown = Buffer.allocUnsafeSlow(Math.max(SMALLEST, 2 * this.#bytes.length, need));
        grown.set(this.#bytes.subarray(0, this.#kept));
        this.#bytes = grown;
      }
      this.#bytes.set(bytes.subarray(from, from + count), this.#kept);
      this.#kept = need;
    }
    this.length += to - from;
    if (to > from) this.last = bytes[to - 1] as number;
  }

  /** What was kept, as Latin-1. */
  text(): string {
    return this.#bytes.toString('latin1', 0, this.#kept);
  }

  clear(): void {
    this.length = 0;
    this.last = -1;
    this.#kept = 0;
    // Long lines are rare: free their memory.
    if (this.#bytes.length > 8_192) this.#bytes = Buffer.alloc(0);
  }
}
