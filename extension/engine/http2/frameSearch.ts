/**
 * Finds the first frame after a gap. Each offset where a frame header is possible starts a chain. The chain continues
 * at the end of that frame, and is dropped if no header is possible there. A chain is accepted when random bytes would
 * form it with a probability below 2^-{@link ENOUGH} and no other chain competes. Where two chains meet, the bytes
 * before that point are dropped, as either chain may be real.
 *
 * This is evidence, not proof: if a frame's own header is lost in the gap and its content consists of frames, those
 * are taken for frames of the connection.
 */
import type { PieceContext } from '../byteStream.ts';
import { MAX_SEARCH_BYTES } from '../limits.ts';
import {
  EVIDENCE_BYTES,
  type Expectations,
  FLAG_END_HEADERS,
  FRAME_HEADER,
  FrameType,
  frameEvidence,
} from './frameFormat.ts';

/** Bits needed; {@link frameEvidence} counts those of a header. */
const ENOUGH = 64;
/** Bits that a chain's first header must have. */
const ENOUGH_FOR_FIRST = 20;
/** Headers that a chain needs, normally and while a competing chain of one header is still possible. */
const SHORTEST = 2;
const SHORTEST_OF_SEVERAL = 5;
/** Bits needed if a chain ends exactly where the stream does, which counts as 14. */
const ENOUGH_AT_END = 50;
/** Chains followed at once. */
const MAX_CHAINS = 64;

export interface FoundPiece {
  readonly bytes: Buffer;
  readonly context: PieceContext;
}

interface Chain {
  start: number;
  evidence: number;
  headers: number;
  /** Stream of an unfinished field block: only CONTINUATION may follow (RFC 9113 section 6.10). */
  block: number;
}

export class FrameSearch {
  readonly #expected: Expectations;
  #bytes = Buffer.allocUnsafe(256);
  #length = 0;
  /** Where each piece ends in {@link #bytes}. */
  #pieces: { end: number; readonly context: PieceContext }[] = [];
  /** The next offset to examine. */
  #at = 0;
  /** Chains by the offset of their next header. */
  #chains = new Map<number, Chain>();

  constructor(expected: Expectations) {
    this.#expected = expected;
  }

  clear(): void {
    this.#length = 0;
    this.#pieces = [];
    this.#at = 0;
    this.#chains.clear();
  }

  /** @returns the held bytes from the first frame on, in their original pieces; null: no frame found yet. */
  add(bytes: Buffer, from: number, context: PieceContext): FoundPiece[] | null {
    this.#append(bytes, from, context);
    while (this.#at + EVIDENCE_BYTES <= this.#length) {
      const chain = this.#look();
      if (chain !== null && this.#isBelieved(chain)) return this.#from(chain.start);
    }
    this.#forget();
    return null;
  }

  /** The stream has ended: is there a chain that ends there too? */
  conclude(): FoundPiece[] | null {
    while (this.#at + FRAME_HEADER <= this.#length) {
      const chain = this.#look();
      if (chain !== null && this.#isBelieved(chain)) return this.#from(chain.start);
    }
    const last = this.#chains.get(this.#length);
    return last !== undefined && last.evidence >= ENOUGH_AT_END ? this.#from(last.start) : null;
  }

  /** Examines one offset. @returns the chain that has a header there. */
  #look(): Chain | null {
    const at = this.#at++;
    let chain = this.#chains.get(at);
    this.#chains.delete(at);
    const bits = frameEvidence(this.#bytes, at, this.#length, this.#expected);
    if (bits <= 0) return null;
    const type = this.#bytes[at + 3] as number;
    const stream = this.#bytes.readUInt32BE(at + 5);
    const continues = type === FrameType.Continuation;
    if (chain !== undefined) {
      if (chain.block !== 0 ? !continues || stream !== chain.block : continues) return null;
    } else {
      if (bits < ENOUGH_FOR_FIRST || this.#chains.size >= MAX_CHAINS) return null;
      chain = { start: at, evidence: 0, headers: 0, block: 0 };
    }
    const opens = continues || type === FrameType.Headers || type === FrameType.PushPromise;
    chain.block = opens && ((this.#bytes[at + 4] as number) & FLAG_END_HEADERS) === 0 ? stream : 0;
    chain.evidence += bits;
    chain.headers++;
    const next = at + FRAME_HEADER + this.#bytes.readUIntBE(at, 3);
    const other = this.#chains.get(next);
    if (other !== undefined) {
      // Either of the two may be real, but the evidence that a frame begins where they meet is at least that of the
      // stronger one.
      if (other.evidence > chain.evidence) chain = other;
      if (chain.block !== other.block) chain.block = 0;
      chain.start = next;
    }
    this.#chains.set(next, chain);
    return chain;
  }

  #isBelieved(chain: Chain): boolean {
    if (chain.evidence < ENOUGH || chain.headers < SHORTEST || chain.start > this.#at) return false;
    for (const other of this.#chains.values()) {
      if (other !== chain && (other.headers > 1 || chain.headers < SHORTEST_OF_SEVERAL)) return false;
    }
    return true;
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

  /** Drops bytes that no chain needs, and chains that need too many. */
  #forget(): void {
    let gone = this.#at;
    for (const [next, { start }] of this.#chains) {
      if (this.#length - start > MAX_SEARCH_BYTES) this.#chains.delete(next);
      else gone = Math.min(gone, start);
    }
    if (gone < this.#length && gone < this.#bytes.length / 2) return;
    this.#bytes.copy(this.#bytes, 0, gone, this.#length);
    this.#length -= gone;
    this.#at -= gone;
    for (const piece of this.#pieces) piece.end -= gone;
    this.#pieces = this.#pieces.filter((piece) => piece.end > 0);
    const chains = [...this.#chains];
    this.#chains.clear();
    for (const [next, chain] of chains) {
      chain.start -= gone;
      this.#chains.set(next - gone, chain);
    }
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
