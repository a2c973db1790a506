/**
 * On a connection that was joined late, what is sent may be the middle of a body, and lines in it may look like
 * requests. So the bytes that a client sends before the server begins to answer, a *turn*, are held. They are a
 * request if from the first byte on they are exactly one, and the answer has come. Else nothing of them is shown.
 */
import { MAX_HELD_BYTES, MAX_HELD_PIECES } from '../limits.ts';
import { requestFraming } from './framing.ts';
import type { Piece } from './heldPiece.ts';
import { isKnownMethod } from './methods.ts';
import { Reader } from './reader.ts';
import type { ReaderSink } from './readerSink.ts';

const VERSION = /^HTTP\/1\.\d$/;

export class LateTurn {
  pieces: Piece[] = [];
  /** Bytes of the turn, held or not. */
  length = 0;

  #held = 0;
  #requests = 0;
  #odd = false;
  #reader = this.#probe();

  get isRequest(): boolean {
    return this.#requests === 1 && !this.#odd;
  }

  /** @param piece its bytes are copied. */
  add(piece: Piece): void {
    if (piece.kind === 'bytes') {
      this.length += piece.bytes.length;
      this.#held += piece.bytes.length;
      if (!this.#odd) this.#reader.feed(piece.bytes, piece.from, piece.context);
    } else if (piece.kind === 'gap') {
      this.length += piece.length;
      if (!this.#odd) this.#reader.gap(piece.length, piece.reason, piece.context);
    }
    if (this.pieces.length >= MAX_HELD_PIECES || this.#held > MAX_HELD_BYTES) this.#odd = true;
    if (this.#odd && piece.kind !== 'end') this.pieces = [];
    else if (piece.kind !== 'bytes') this.pieces.push(piece);
    else this.pieces.push({ ...piece, bytes: Buffer.from(piece.bytes) });
  }

  #probe(): Reader {
    const nothing = (): void => {};
    const sink: ReaderSink = {
      mayBegin: () => true,
      mayBeForeign: () => false,
      messageBegan: ({ method, version }) => {
        this.#requests++;
        if (this.#requests > 1 || !isKnownMethod(method) || !VERSION.test(version)) this.#odd = true;
      },
      headEnded: ({ method, version, target }, fields) => {
        const result = requestFraming(version, fields, target);
        return {
          ...result,
          framing: method === 'CONNECT' ? { kind: 'none' } : result.framing,
          doubtful: false,
        };
      },
      mayLackBody: () => false,
      progressed: nothing,
      messageEnded: nothing,
      hidden: () => {
        this.#odd = true;
      },
      bodyBytes: nothing,
      bodyGap: nothing,
      tunnelled: nothing,
      tunnelGap: nothing,
      mayKeep: () => false,
    };
    return new Reader('request', sink, 0, false);
  }
}
