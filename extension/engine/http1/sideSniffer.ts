/**
 * Finds the direction of the requests on a connection whose side is not known: the one with a request line, or
 * the one opposite to a status line. Earlier pieces are kept, up to a bound.
 */

import type { Side } from '../exchange.ts';
import { MAX_SNIFF_BYTES } from '../limits.ts';
import { Direction } from '../record.ts';
import type { Piece } from './heldPiece.ts';
import { isKnownMethod, isMethodPrefix } from './methods.ts';

/** Bytes of each direction that are searched for a start line. */
const SNIFF_LENGTH = 1_024;

interface Kept {
  readonly direction: Direction;
  readonly piece: Piece;
}

export class SideSniffer {
  side: Side | null = null;
  pieces: Kept[] = [];
  readonly #text: [string, string] = ['', ''];
  readonly #skipped: [boolean, boolean] = [false, false];
  #bytes = 0;

  /** Bytes of this direction were not kept, or are known not to begin a message. */
  skipped(direction: Direction): boolean {
    return this.#skipped[direction];
  }

  add(direction: Direction, piece: Piece): void {
    if (piece.kind !== 'bytes') {
      this.pieces.push({ direction, piece });
      if (piece.kind === 'gap') this.#text[direction] = '';
      return;
    }
    this.pieces.push({ direction, piece: { ...piece, bytes: Buffer.from(piece.bytes) } });
    this.#bytes += piece.bytes.length;
    const room = Math.max(0, SNIFF_LENGTH - this.#text[direction].length);
    this.#text[direction] += piece.bytes.toString('latin1', 0, room);
    const kind = this.#look(direction);
    if (kind !== null) {
      this.side = (kind === 'request') === (direction === Direction.Out) ? 'client' : 'server';
    } else if (this.#text[direction].length >= SNIFF_LENGTH) {
      // A message may still begin with a later system call.
      this.#text[direction] = '';
      this.#skipped[direction] = true;
    }
    while (this.side === null && (this.#bytes > MAX_SNIFF_BYTES || this.pieces.length > SNIFF_LENGTH)) {
      const oldest = this.pieces.shift();
      if (oldest === undefined) break;
      this.#skipped[oldest.direction] = true;
      if (oldest.piece.kind === 'bytes') this.#bytes -= oldest.piece.bytes.length;
    }
  }

  #look(direction: Direction): 'request' | 'response' | null {
    const text = this.#text[direction];
    for (let at = 0; at < text.length; ) {
      const kind = startOf(text.slice(at, at + 32));
      if (kind === 'undecided') return null;
      if (kind !== null) {
        if (at > 0 && !/^[\r\n]*$/.test(text.slice(0, at))) this.#skipped[direction] = true;
        return kind;
      }
      const end = text.indexOf('\n', at);
      if (end < 0) return null;
      at = end + 1;
    }
    return null;
  }
}

function startOf(text: string): 'request' | 'response' | 'undecided' | null {
  if (text.startsWith('HTTP/')) return 'response';
  if ('HTTP/'.startsWith(text)) return 'undecided';
  const space = text.indexOf(' ');
  if (space > 0) return isKnownMethod(text.slice(0, space)) ? 'request' : null;
  return isMethodPrefix(text) ? 'undecided' : null;
}
