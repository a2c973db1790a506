/**
 * The captured prefix of one body. There are many, so memory counts: a small body is stored in a block that it shares
 * with others (slab.ts), which costs far less than a Buffer of its own. For larger bodies, large pieces are copied once
 * and small ones are collected in blocks, so that a body that arrives byte by byte costs no more than one that arrives
 * whole.
 */
import type { FileReading } from './byteStream.ts';
import type { Body } from './exchange.ts';
import { extend, keep, keptAt, LARGEST_PIECE } from './slab.ts';

/** Pieces of at least this size get a block of their own. */
const LARGE_PIECE = 4_096;
const SMALLEST_BLOCK = 256;
const LARGEST_BLOCK = 64 * 1024;

const NO_CHUNKS: readonly Uint8Array[] = [];

export class BodyBuffer implements Body {
  size: number | null = null;
  captured = 0;
  file: FileReading | null = null;
  /** A small body: the shared block in which it begins at `#at`; null if it is empty or has blocks of its own. */
  #shared: Buffer | null = null;
  #at = 0;
  #blocks: Blocks | null = null;

  get chunks(): readonly Uint8Array[] {
    if (this.#blocks !== null) return this.#blocks.chunks;
    return this.#shared === null ? NO_CHUNKS : [this.#shared.subarray(this.#at, this.#at + this.captured)];
  }

  /** Records how bytes sent from a file were read; keeps the first failure. */
  noteFile(reading: FileReading | null): void {
    if (reading !== null && (this.file === null || this.file === 'read')) this.file = reading;
  }

  /** Copies a part of `bytes` to the end. */
  append(bytes: Buffer, from: number, to: number): void {
    if (from >= to) return;
    const shared = this.#shared;
    if (this.captured === 0 && to - from <= LARGEST_PIECE) {
      this.#shared = keep(bytes, from, to);
      this.#at = keptAt;
    } else if (shared === null || !extend(this.#at + this.captured, shared, bytes, from, to)) {
      this.detach();
      this.#blocks ??= new Blocks();
      this.#blocks.append(bytes.subarray(from, to));
    }
    this.captured += to - from;
  }

  /** Moves its bytes out of the shared block. */
  detach(): void {
    const shared = this.#shared;
    if (shared === null) return;
    this.#shared = null;
    this.#blocks = new Blocks();
    this.#blocks.append(shared.subarray(this.#at, this.#at + this.captured));
  }

  /** The body is complete: frees unused memory. */
  close(): void {
    this.#blocks?.close();
  }
}

class Blocks {
  readonly chunks: Uint8Array[] = [];
  /** The last chunk's block, with room after `#used` bytes. */
  #block: Uint8Array | null = null;
  #used = 0;
  #last = 0;

  append(bytes: Uint8Array): void {
    let rest = bytes;
    if (this.#block !== null) {
      const room = this.#block.length - this.#used;
      if (room > 0) {
        const head = rest.length <= room ? rest : rest.subarray(0, room);
        this.#block.set(head, this.#used);
        this.#used += head.length;
        this.chunks[this.chunks.length - 1] = this.#block.subarray(0, this.#used);
        rest = rest.subarray(head.length);
      }
      if (rest.length === 0) return;
    }
    if (rest.length >= LARGE_PIECE) {
      this.#block = null;
      this.chunks.push(Buffer.from(rest));
      return;
    }
    const size = Math.min(LARGEST_BLOCK, Math.max(SMALLEST_BLOCK, 2 * this.#last, rest.length));
    this.#last = size;
    this.#block = Buffer.allocUnsafe(size);
    this.#block.set(rest);
    this.#used = rest.length;
    this.chunks.push(this.#block.subarray(0, this.#used));
  }

  close(): void {
    if (this.#block !== null && this.#block.length - this.#used >= 64) {
      this.chunks[this.chunks.length - 1] = Buffer.from(this.#block.subarray(0, this.#used));
    }
    this.#block = null;
  }
}
