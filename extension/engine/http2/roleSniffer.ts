/**
 * Finds the direction of the requests on an HTTP/2 connection whose side is not known: the one that begins with
 * the preface, or whose field blocks contain a request's pseudo-header fields. Earlier pieces are kept, up to a
 * bound.
 */
import type { GapReason, PieceContext } from '../byteStream.ts';
import type { Side } from '../exchange.ts';
import { MAX_HELD_PIECES, MAX_SNIFF_BYTES } from '../limits.ts';
import { Direction } from '../record.ts';
import { PREFACE } from './frameFormat.ts';
import { Lane, type LaneSink } from './lane.ts';

export interface HeldPiece {
  readonly direction: Direction;
  /** null: `length` bytes that are not known. */
  readonly bytes: Buffer | null;
  readonly length: number;
  readonly reason: GapReason;
  readonly context: PieceContext;
}

const REQUEST_FIELDS = new Set([':method', ':scheme', ':authority', ':path', ':protocol']);

export class RoleSniffer {
  side: Side | null = null;
  pieces: HeldPiece[] = [];
  readonly #lanes: readonly [Lane, Lane] = [this.#probe(Direction.Out), this.#probe(Direction.In)];
  readonly #starts: [string, string] = ['', ''];
  #bytes = 0;

  add(piece: HeldPiece): void {
    const { direction, bytes, length, reason, context } = piece;
    this.pieces.push(piece);
    if (bytes === null) this.#lanes[direction].reader.gap(length, reason, context);
    else {
      this.#bytes += length;
      if (this.#starts[direction].length < PREFACE.length) {
        this.#starts[direction] += bytes.toString('latin1', 0, PREFACE.length);
        if (this.#starts[direction].startsWith(PREFACE)) this.#found(direction, 'request');
      }
      this.#lanes[direction].reader.feed(bytes, context);
    }
    if (this.side !== null || (this.#bytes <= MAX_SNIFF_BYTES && this.pieces.length <= MAX_HELD_PIECES))
      return;
    this.#bytes = 0;
    this.pieces = [Direction.Out, Direction.In].flatMap((way) => {
      const gone = this.pieces.filter((held) => held.direction === way);
      const total = gone.reduce((sum, held) => sum + held.length, 0);
      return total === 0 ? [] : [{ direction: way, bytes: null, length: total, reason: 'lost', context }];
    });
  }

  #found(direction: Direction, role: 'request' | 'response'): void {
    this.side ??= (role === 'request') === (direction === Direction.Out) ? 'client' : 'server';
  }

  #probe(direction: Direction): Lane {
    const nothing = (): void => {};
    const sink: LaneSink = {
      block: (_frame, { fields }, promised) => {
        if (promised !== 0) this.#found(direction, 'response');
        for (const [name] of fields) {
          if (name === ':status') this.#found(direction, 'response');
          else if (name !== null && REQUEST_FIELDS.has(name)) this.#found(direction, 'request');
        }
      },
      dataBegan: nothing,
      data: nothing,
      dataMissing: nothing,
      dataEnded: nothing,
      reset: nothing,
      goAway: nothing,
      setting: nothing,
      window: nothing,
      lost: nothing,
    };
    return new Lane(sink, 'anywhere');
  }
}
