/**
 * Finds the first frame behind a gap: the earliest place from which headers follow each other at the distances
 * that they give, until random bytes would do so with a probability below 2 to the minus {@link ENOUGH}. An
 * earlier place that is not refuted yet comes first, so that frames within another frame's content are not taken
 * for the connection's own. That is evidence, not proof: content made to look like a chain of frames that ends
 * where its own frame does would be taken for one.
 */
import type { PieceContext } from '../dissector.ts';
import { MAX_SEARCH_BYTES } from '../limits.ts';
import { type Expectations, FLAG_END_HEADERS, FRAME_HEADER, FrameType, frameEvidence } from './frames.ts';

/** Bits. One frame has 24 to 70 of them. */
const ENOUGH = 64;
/** Headers that a chain has at least. */
const SHORTEST_CHAIN = 2;
/** Bits of a chain that ends exactly where the stream does, besides the 14 of ending there. */
const ENOUGH_AT_END = 50;
/** Headers looked at when the stream ends, over all places: chains to the end may be long. */
const MAX_STEPS_AT_END = 20_000;

export interface FoundPiece {
  readonly bytes: Buffer;
  readonly context: PieceContext;
}

type Verdict = 'refuted' | 'undecided' | 'found';

export class FrameSearch {
  readonly #expected: Expectations;
  #bytes = Buffer.allocUnsafe(256);
  #length = 0;
  /** Where each piece ends in {@link #bytes}. */
  #pieces: { end: number; readonly context: PieceContext }[] = [];
  /** The earliest place that is not refuted. */
  #candidate = 0;
  #steps = 0;

  constructor(expected: Expectations) {
    this.#expected = expected;
  }

  clear(): void {
    this.#length = 0;
    this.#pieces = [];
    this.#candidate = 0;
  }

  /** @returns what was held from the first frame on, in the pieces in which it came; null: nothing yet. */
  add(bytes: Buffer, from: number, context: PieceContext): FoundPiece[] | null {
    this.#append(bytes, from, context);
    for (; this.#candidate < this.#length; this.#candidate++) {
      const verdict = this.#follow(this.#candidate, false);
      if (verdict === 'found') return this.#from(this.#candidate);
      if (verdict === 'undecided') break;
    }
    this.#forget();
    return null;
  }

  /** Nothing follows: is there a chain that ends where the stream does? */
  conclude(): FoundPiece[] | null {
    for (let at = this.#candidate; at < this.#length && this.#steps < MAX_STEPS_AT_END; at++) {
      if (this.#follow(at, true) === 'found') return this.#from(at);
    }
    return null;
  }

  #follow(start: number, atEnd: boolean): Verdict {
    let evidence = 0;
    let headers = 0;
    /** Stream of a field block that goes on: only CONTINUATION may follow (section 6.10). */
    let block = 0;
    for (let at = start; ; ) {
      if (atEnd && at === this.#length) return evidence >= ENOUGH_AT_END ? 'found' : 'refuted';
      const bits = frameEvidence(this.#bytes, at, this.#length, this.#expected);
      if (bits < 0) return 'refuted';
      if (bits === 0) return atEnd ? 'refuted' : 'undecided';
      if (atEnd && ++this.#steps > MAX_STEPS_AT_END) return 'refuted';
      const type = this.#bytes[at + 3] as number;
      const stream = this.#bytes.readUInt32BE(at + 5);
      if (block !== 0 && (type !== FrameType.Continuation || stream !== block)) return 'refuted';
      if (block === 0 && type === FrameType.Continuation && headers > 0) return 'refuted';
      const opensBlock =
        type === FrameType.Headers || type === FrameType.PushPromise || type === FrameType.Continuation;
      block = opensBlock && ((this.#bytes[at + 4] as number) & FLAG_END_HEADERS) === 0 ? stream : 0;
      evidence += bits;
      headers++;
      if (!atEnd && evidence >= ENOUGH && headers >= SHORTEST_CHAIN) return 'found';
      at += FRAME_HEADER + this.#bytes.readUIntBE(at, 3);
      if (at > this.#length) return atEnd ? 'refuted' : 'undecided';
    }
  }

  #append(bytes: Buffer, from: number, context: PieceContext): void {
    const need = this.#length + bytes.length - from;
    if (need > this.#bytes.length) {
      const larger = Buffer.allocUnsafe(Math.max(need, 2 * this.#bytes.length));
      this.#bytes.copy(larger, 0, 0, this.#length);
      this.#bytes = larger;
    }
    bytes.copy(this.#bytes, this.#length, from);
    this.#length = need;
    const last = this.#pieces[this.#pieces.length - 1];
    if (last !== undefined && last.context.time === context.time && last.context.pid === context.pid) {
      last.end = need;
    } else this.#pieces.push({ end: need, context });
  }

  /** Gives up what lies before the candidate, and the candidate where it asks for too much. */
  #forget(): void {
    if (this.#length - this.#candidate > MAX_SEARCH_BYTES) {
      this.#candidate = Math.max(this.#candidate + 1, this.#length - FRAME_HEADER);
    }
    const gone = this.#candidate;
    if (gone < this.#length && gone < this.#bytes.length / 2) return;
    this.#bytes.copy(this.#bytes, 0, gone, this.#length);
    this.#length -= gone;
    this.#candidate = 0;
    for (const piece of this.#pieces) piece.end -= gone;
    this.#pieces = this.#pieces.filter((piece) => piece.end > 0);
  }

  #from(start: number): FoundPiece[] {
    const found: FoundPiece[] = [];
    let at = start;
    for (const { end, context } of this.#pieces) {
      if (end <= at) continue;
      found.push({ bytes: this.#bytes.subarray(at, end), context });
      at = end;
    }
    return found;
  }
}
