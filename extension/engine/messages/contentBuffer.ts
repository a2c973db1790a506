/**
 * Collects the content of the current message: counts all of it and keeps the beginning. One buffer serves
 * all messages of a reader; it grows as needed, and is released after a large message.
 */
const SMALLEST = 256;
/** A larger buffer is not kept for the next message. */
const LARGEST_KEPT = 64 * 1024;

export class ContentBuffer {
  /** Bytes that were added. */
  size = 0;
  /** Bytes that are kept. */
  kept = 0;
  readonly #limit: number;
  #buffer: Buffer = Buffer.alloc(0);
  /** Nothing has been skipped so far, so the kept bytes are a prefix. */
  #whole = true;

  /** @param limit bytes that are kept at most. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  append(bytes: Uint8Array, from = 0, to = bytes.length): void {
    if (to <= from) return;
    this.size += to - from;
    if (!this.#whole) return;
    const length = Math.min(to - from, this.#limit - this.kept);
    if (length < to - from) this.#whole = false;
    if (length <= 0) return;
    if (this.kept + length > this.#buffer.length) this.#grow(this.kept + length);
    this.#buffer.set(bytes.subarray(from, from + length), this.kept);
    this.kept += length;
  }

  /** No more will be kept. */
  get full(): boolean {
    return !this.#whole || this.kept === this.#limit;
  }

  /** This many bytes are missing here: what follows them is no longer kept. */
  skip(length: number): void {
    this.size += length;
    if (length > 0) this.#whole = false;
  }

  /** Kept bytes, valid until the next change. */
  get bytes(): Buffer {
    return this.#buffer.subarray(0, this.kept);
  }

  /** Returns the kept bytes, one Latin-1 character per byte, and starts over. */
  take(): string {
    const text = this.kept === 0 ? '' : this.#buffer.toString('latin1', 0, this.kept);
    this.clear();
    return text;
  }

  clear(): void {
    this.size = 0;
    this.kept = 0;
    this.#whole = true;
    if (this.#buffer.length > LARGEST_KEPT) this.#buffer = Buffer.alloc(0);
  }

  #grow(needed: number): void {
    const grown = Buffer.allocUnsafeSlow(
      Math.max(SMALLEST, needed, Math.min(2 * this.#buffer.length, this.#limit)),
    );
    grown.set(this.bytes);
    this.#buffer = grown;
  }
}
