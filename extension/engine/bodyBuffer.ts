/**
 * Collects the kept prefix of one body. Large pieces are copied once and kept as they are; small ones are
 * gathered into blocks, so that a body that arrives byte by byte costs no more than one that arrives whole.
 */

/** Pieces from this size on get a block of their own. */
const LARGE_PIECE = 4_096;
const SMALLEST_BLOCK = 256;
const LARGEST_BLOCK = 64 * 1024;

export class BodyBuffer {
  /** Copies `bytes` to the end of `chunks`, which this object alone may change. */
  append(chunks: Uint8Array[], bytes: Uint8Array): void {
    let rest = bytes;
    if (this.#block !== null) {
      const room = this.#block.length - this.#used;
      if (room > 0) {
        const head = rest.length <= room ? rest : rest.subarray(0, room);
        this.#block.set(head, this.#used);
        this.#used += head.length;
        chunks[chunks.length - 1] = this.#block.subarray(0, this.#used);
        rest = rest.subarray(head.length);
      }
      if (rest.length === 0) return;
    }
    if (chunks.length === 0 || rest.length >= LARGE_PIECE) {
      // Most bodies come in one piece: no room is set aside before a second one comes.
      this.#block = null;
      chunks.push(Buffer.from(rest));
      return;
    }
    const size = Math.min(LARGEST_BLOCK, Math.max(SMALLEST_BLOCK, 2 * this.#last, rest.length));
    this.#last = size;
    this.#block = Buffer.allocUnsafe(size);
    this.#block.set(rest);
    this.#used = rest.length;
    chunks.push(this.#block.subarray(0, this.#used));
  }

  /** Gives back the room that was set aside and not used. */
  close(chunks: Uint8Array[]): void {
    if (this.#block !== null && this.#block.length - this.#used >= 64) {
      chunks[chunks.length - 1] = Buffer.from(this.#block.subarray(0, this.#used));
    }
    this.#block = null;
  }

  #block: Uint8Array | null = null;
  #used = 0;
  #last = 0;
}
