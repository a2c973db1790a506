/**
 * On a connection that was joined late, the first bytes may be the middle of a body, and lines in it may look like
 * requests. So all bytes that a client sends before the server begins to answer, a *turn*, are held. When the response
 * begins, the turn is accepted if it is exactly one request from its first byte on. Otherwise none of it is shown.
 *
 * If server bytes are missing during the turn, they may have been a whole response: the turn may then contain one more
 * request.
 */

import type { PieceContext } from '../byteStream.ts';
import { MAX_HELD_BYTES, MAX_TURN_BYTES, MAX_TURN_PIECES } from '../limits.ts';
import { requestFraming } from './framing.ts';
import type { Piece } from './heldPiece.ts';
import { isKnownMethod } from './methods.ts';
import { Reader } from './reader.ts';
import { IGNORED, type ReaderSink } from './readerSink.ts';

/** Requests accepted in one turn, however much is missing. */
const MAX_REQUESTS = 8;

const VERSION = /^HTTP\/1\.\d$/;

export class LateTurn {
  pieces: Piece[] = [];
  /** Bytes of the turn, held or not. */
  length = 0;

  /** A response began before this turn: it answered whatever is missing at the turn's beginning. */
  readonly #answered: boolean;
  /** Bytes that may be held. */
  readonly #room: number;
  #held = 0;
  #requests = 0;
  /** Requests that may have been answered in this turn. */
  #allowed = 1;
  #odd = false;
  #reader = this.#probe();

  /**
   * @param answered a response began before this turn.
   * @param bodyLimit of the trace, in bytes: holding more of a body is of no use.
   */
  constructor(answered: boolean, bodyLimit: number) {
    this.#answered = answered;
    this.#room = Math.min(bodyLimit + MAX_HELD_BYTES, MAX_TURN_BYTES);
  }

  get isRequest(): boolean {
    return this.#requests > 0 && this.#requests <= this.#allowed && !this.#odd;
  }

  /** Bytes that the server sent during the turn are missing. */
  answerMissing(): void {
    this.#allowed++;
  }

  /** @param piece its bytes are copied. */
  add(piece: Piece): void {
    if (piece.kind === 'bytes') {
      this.length += piece.bytes.length;
      this.#held += piece.bytes.length;
      if (!this.#odd) this.#reader.feed(piece.bytes, piece.from, piece.context);
    } else if (piece.kind === 'gap') {
      const isBefore = this.#answered && this.length === 0;
      this.length += piece.length;
      if (!this.#odd && !isBefore) this.#reader.gap(piece.length, piece.reason, piece.context);
    }
    if (this.pieces.length >= MAX_TURN_PIECES) this.#odd = true;
    if (this.#odd && piece.kind !== 'end') this.pieces = [];
    else if (piece.kind !== 'bytes') this.pieces.push(piece);
    else if (this.#held <= this.#room) this.pieces.push({ ...piece, bytes: Buffer.from(piece.bytes) });
    else this.#leaveOut(piece.bytes.length, piece.context);
  }

  /** The limit is reached: the rest of the body is read, but not held. */
  #leaveOut(length: number, context: PieceContext): void {
    const last = this.pieces.at(-1);
    if (last?.kind === 'gap' && last.reason === 'limit')
      this.pieces[this.pieces.length - 1] = { ...last, length: last.length + length, context };
    else this.pieces.push({ kind: 'gap', length, reason: 'limit', context });
  }

  #probe(): Reader {
    const sink: ReaderSink = {
      ...IGNORED,
      mayBegin: () => true,
      mayBeForeign: () => false,
      messageBegan: ({ method, version }) => {
        this.#requests++;
        if (this.#requests > MAX_REQUESTS || !isKnownMethod(method) || !VERSION.test(version))
          this.#odd = true;
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
      messageEnded: () => {},
      hidden: () => {
        this.#odd = true;
      },
      mayKeep: () => false,
    };
    return new Reader('request', sink, 0, false);
  }
}
