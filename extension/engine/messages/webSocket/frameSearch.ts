/**
 * Searches for frames after a gap, and accepts them only on strong evidence: a chain of frames must begin where a system
 * call began, each header must be one that this sender may send, and whole messages must end where system calls end.
 * Random bytes pass this less than once in a hundred million times, text never.
 */
import type { MessageKind } from '../../exchange.ts';
import { MAX_SEARCHED_BYTES, MAX_SEARCHED_PIECES } from '../../limits.ts';
import { type FrameHeader, isControl, isKnownOpcode, MAX_CONTROL, readFrameHeader } from './frameHeader.ts';
import type { Handshake } from './handshake.ts';

/** Whole frames a chain needs, and how many must end where a system call does. */
const ENOUGH_FRAMES = 3;
const ENOUGH_ENDS = 2;

export interface SearchedPiece {
  readonly bytes: Buffer;
  readonly time: number;
}

export class FrameSearch {
  readonly #kind: MessageKind;
  readonly #handshake: Handshake;
  #pieces: SearchedPiece[] = [];
  #bytes = 0;

  constructor(kind: MessageKind, handshake: Handshake) {
    this.#kind = kind;
    this.#handshake = handshake;
  }

  /** Bytes held. */
  get cost(): number {
    return this.#bytes;
  }

  /** More bytes are missing: a frame that began before them cannot be followed. */
  clear(): void {
    this.#pieces = [];
    this.#bytes = 0;
  }

  /** @returns the pieces from the first frame on, once there is evidence for it. */
  add(bytes: Buffer, time: number): SearchedPiece[] | null {
    this.#pieces.push({ bytes: Buffer.from(bytes), time });
    this.#bytes += bytes.length;
    for (;;) {
      const verdict = this.#follow();
      if (verdict === true) {
        const found = this.#pieces;
        this.clear();
        return found;
      }
      const full = this.#pieces.length > MAX_SEARCHED_PIECES || this.#bytes > MAX_SEARCHED_BYTES;
      if (verdict === null && !full) return null;
      const dropped = this.#pieces.shift();
      if (dropped === undefined) return null;
      this.#bytes -= dropped.bytes.length;
    }
  }

  /** Does the first piece begin with a frame? null: not known yet. */
  #follow(): boolean | null {
    if (this.#pieces.length === 0) return null;
    const all = Buffer.concat(this.#pieces.map(({ bytes }) => bytes));
    const ends = new Set<number>();
    let end = 0;
    for (const { bytes } of this.#pieces) {
      end += bytes.length;
      ends.add(end);
    }
    let frames = 0;
    let aligned = 0;
    for (let at = 0; at < all.length; ) {
      const header = readFrameHeader(all, at);
      if (header === null) return null;
      if (!this.#isPlausible(header)) return false;
      at += header.size + (header.length as number);
      // Zeros would be read as empty fragments, which prove nothing.
      if (at <= all.length && header.final && header.opcode !== 0) {
        frames++;
        if (ends.has(at)) aligned++;
      }
      if (frames >= ENOUGH_FRAMES && aligned >= ENOUGH_ENDS) return true;
    }
    return null;
  }

  #isPlausible(header: FrameHeader): boolean {
    const { opcode, reserved, length } = header;
    if (!isKnownOpcode(opcode) || length === null || !header.minimal) return false;
    if ((header.mask !== null) !== (this.#kind === 'request')) return false;
    if (isControl(opcode)) return header.final && reserved === 0 && length <= MAX_CONTROL;
    if (this.#handshake.extended) return true;
    return reserved === 0 || (reserved === 4 && opcode !== 0 && this.#handshake.deflate !== null);
  }
}
