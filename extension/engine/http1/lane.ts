/** One direction of an HTTP/1 connection: its reader, and the pieces held until it is known how to read them. */
import { MAX_HELD_BYTES, MAX_HELD_PIECES } from '../limits.ts';
import type { MessageReader } from '../messages/messageReader.ts';
import type { Piece } from './heldPiece.ts';
import type { Reader } from './reader.ts';

export class Lane {
  reader: Reader | null = null;
  held: Piece[] = [];
  /** Emission time of the first held piece. */
  heldSince = 0;
  ended = false;
  /** Finds the messages inside the body that is being read; null: the body contains none. */
  body: MessageReader | null = null;
  /** The wait was given up: messages may begin that would otherwise be held. */
  forced = false;
  #heldBytes = 0;
  #releasing = false;

  /** More is held than the limits allow. */
  get full(): boolean {
    return this.held.length > MAX_HELD_PIECES || this.#heldBytes > MAX_HELD_BYTES;
  }

  /** @param emitted when the piece's record was made. */
  hold(piece: Piece, emitted: number): void {
    if (this.held.length === 0) this.heldSince = emitted;
    if (piece.kind === 'bytes') {
      const bytes = Buffer.from(piece.bytes.subarray(piece.from));
      this.held.push({ kind: 'bytes', bytes, from: 0, context: piece.context });
      this.#heldBytes += bytes.length;
    } else this.held.push(piece);
  }

  /** Reads the held pieces in order. @param read returns false to stop, when it did not read all of a piece. */
  release(read: (piece: Piece) => boolean): void {
    if (this.#releasing) return;
    this.#releasing = true;
    let count = 0;
    for (const piece of this.held) {
      if (!read(piece)) break;
      count++;
    }
    this.held.splice(0, count);
    this.#heldBytes = 0;
    for (const piece of this.held) {
      if (piece.kind === 'bytes') this.#heldBytes += piece.bytes.length - piece.from;
    }
    this.#releasing = false;
  }
}
