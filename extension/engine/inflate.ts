/**
 * A synchronous, incremental decoder of DEFLATE (RFC 1951). node:zlib has only asynchronous streams, or functions for
 * whole inputs, but a live event stream must be decoded up to its last byte whenever bytes arrive. Accepts what zlib
 * accepts.
 *
 * If the beginning of the stream was not seen, references to it give `unknown`; everything else is decoded correctly.
 */

import {
  DISTANCE_BASE,
  DISTANCE_EXTRA,
  FIXED_DISTANCES,
  FIXED_LENGTHS,
  LENGTH_BASE,
  LENGTH_EXTRA,
  NO_CODE,
  ORDER,
  TABLES_COST,
  Tables,
  TOO_FEW,
} from './deflateCodes.ts';

/** Distances reach back this far (RFC 1951 section 2). */
const MAX_WINDOW = 32 * 1024;
/** Room that one match needs. */
const LONGEST_MATCH = 258;
const SMALLEST_OUTPUT = 1024;

enum State {
  Header,
  StoredLength,
  StoredCheck,
  Stored,
  Counts,
  CodeLengths,
  Lengths,
  Repeat,
  Symbol,
  LengthExtra,
  Distance,
  DistanceExtra,
  /** The final block has ended. */
  End,
  /** The input is not DEFLATE data. */
  Broken,
  /** The input refers to bytes before those that are known. */
  Unknown,
  /** The sink returned false. */
  Stopped,
}

export type InflateStatus = 'more' | 'end' | 'broken' | 'unknown' | 'stopped';

export class Inflate {
  readonly #window: number;
  /** Takes output, a view that is valid during the call only. @returns false to stop for good. */
  readonly #sink: (bytes: Uint8Array) => boolean;
  #state: State = State.Header;
  #bits = 0;
  #bitCount = 0;
  #final = false;
  #stopped = false;

  /** Output: history, then bytes that have not been passed to the sink yet. */
  #output = new Uint8Array(0);
  #used = 0;
  #passed = 0;
  /** The history begins with the stream: nothing can refer to earlier bytes. */
  #fromStart: boolean;

  #remaining = 0;
  #lengthCount = 0;
  #distanceCount = 0;
  #codeCount = 0;
  #index = 0;
  #repeat = 0;
  #tables: Tables | null = null;
  #lengthCodes = FIXED_LENGTHS;
  #distanceCodes = FIXED_DISTANCES;
  #length = 0;
  #distance = 0;

  /**
   * @param window bytes that distances may reach back; at most 32 KiB.
   * @param fromStart false when the stream's beginning was not seen.
   */
  constructor(sink: (bytes: Uint8Array) => boolean, window = MAX_WINDOW, fromStart = true) {
    this.#sink = sink;
    this.#window = window;
    this.#fromStart = fromStart;
  }

  get status(): InflateStatus {
    switch (this.#state) {
      case State.End:
        return 'end';
      case State.Broken:
        return 'broken';
      case State.Unknown:
        return 'unknown';
      case State.Stopped:
        return 'stopped';
      default:
        return 'more';
    }
  }

  /** Between blocks, at a byte boundary: the state after a flush or at the end of a stream. */
  get aligned(): boolean {
    return (this.#state === State.Header || this.#state === State.End) && this.#bitCount === 0;
  }

  /** Bytes of memory. */
  get cost(): number {
    return this.#output.length + (this.#tables === null ? 0 : TABLES_COST);
  }

  /** A new stream begins, which may refer to the output so far unless `forget` is set. */
  restart(forget: boolean): void {
    this.#state = State.Header;
    this.#bits = 0;
    this.#bitCount = 0;
    this.#final = false;
    this.#stopped = false;
    if (!forget) return;
    this.#used = 0;
    this.#passed = 0;
    this.#fromStart = true;
    if (this.#output.length > SMALLEST_OUTPUT) this.#output = new Uint8Array(0);
  }

  /** What follows does not continue the output so far: references to it are unknown. */
  loseHistory(): void {
    this.restart(true);
    this.#fromStart = false;
  }

  /** @returns the offset after the consumed bytes; below the length only if decoding has stopped. */
  push(bytes: Uint8Array, from = 0): number {
    const to = this.#run(bytes, from);
    this.#pass();
    if (this.#stopped) this.#state = State.Stopped;
    return to;
  }

  #pass(): void {
    if (this.#used === this.#passed) return;
    const wanted = this.#sink(this.#output.subarray(this.#passed, this.#used));
    this.#passed = this.#used;
    if (!wanted) this.#stopped = true;
  }

  /** Makes room for one match. */
  #room(): void {
    if (this.#used + LONGEST_MATCH <= this.#output.length) return;
    const largest = 2 * this.#window + LONGEST_MATCH;
    if (this.#output.length < largest) {
      const grown = new Uint8Array(Math.min(largest, Math.max(SMALLEST_OUTPUT, 2 * this.#output.length)));
      grown.set(this.#output.subarray(0, this.#used));
      this.#output = grown;
      return;
    }
    this.#pass();
    this.#fromStart = false;
    this.#output.copyWithin(0, this.#used - this.#window, this.#used);
    this.#used = this.#window;
    this.#passed = this.#used;
  }

  #run(bytes: Uint8Array, from: number): number {
    let at = from;
    let bits = this.#bits;
    let count = this.#bitCount;
    const end = bytes.length;
    loop: for (;;) {
      while (count <= 24 && at < end) {
        bits |= (bytes[at++] as number) << count;
        count += 8;
      }
      if (this.#stopped) this.#state = State.Stopped;
      switch (this.#state) {
        case State.Header: {
          if (count < 3) break loop;
          this.#final = (bits & 1) === 1;
          const kind = (bits >>> 1) & 3;
          bits >>>= 3;
          count -= 3;
          if (kind === 0) {
            bits >>>= count & 7;
            count -= count & 7;
            this.#state = State.StoredLength;
          } else if (kind === 1) {
            this.#lengthCodes = FIXED_LENGTHS;
            this.#distanceCodes = FIXED_DISTANCES;
            this.#state = State.Symbol;
          } else if (kind === 2) this.#state = State.Counts;
          else this.#state = State.Broken;
          break;
        }
        case State.StoredLength:
          if (count < 16) break loop;
          this.#remaining = bits & 0xffff;
          bits >>>= 16;
          count -= 16;
          this.#state = State.StoredCheck;
          break;
        case State.StoredCheck:
          if (count < 16) break loop;
          this.#state = (bits & 0xffff) === (this.#remaining ^ 0xffff) ? State.Stored : State.Broken;
          bits >>>= 16;
          count -= 16;
          break;
        case State.Stored: {
          if (this.#remaining === 0) {
            this.#blockEnded();
            break;
          }
          if (count >= 8) {
            this.#room();
            this.#output[this.#used++] = bits & 0xff;
            bits >>>= 8;
            count -= 8;
            this.#remaining--;
            break;
          }
          if (at === end) break loop;
          this.#room();
          const length = Math.min(this.#remaining, end - at, this.#output.length - this.#used);
          this.#output.set(bytes.subarray(at, at + length), this.#used);
          this.#used += length;
          this.#remaining -= length;
          at += length;
          break;
        }
        case State.Counts:
          if (count < 14) break loop;
          this.#lengthCount = (bits & 31) + 257;
          this.#distanceCount = ((bits >>> 5) & 31) + 1;
          this.#codeCount = ((bits >>> 10) & 15) + 4;
          bits >>>= 14;
          count -= 14;
          this.#index = 0;
          this.#own.lengths.fill(0);
          this.#state =
            this.#lengthCount > 286 || this.#distanceCount > 30 ? State.Broken : State.CodeLengths;
          break;
        case State.CodeLengths: {
          if (count < 3) break loop;
          const { lengths, codes } = this.#own;
          lengths[ORDER[this.#index++] as number] = bits & 7;
          bits >>>= 3;
          count -= 3;
          if (this.#index < this.#codeCount) break;
          this.#state = codes.build(lengths, 0, 19, false) ? State.Lengths : State.Broken;
          lengths.fill(0);
          this.#index = 0;
          break;
        }
        case State.Lengths: {
          const found = this.#own.codes.decode(bits, count);
          if (found === TOO_FEW) break loop;
          if (found === NO_CODE) {
            this.#state = State.Broken;
            break;
          }
          bits >>>= found & 15;
          count -= found & 15;
          const symbol = found >> 4;
          if (symbol < 16) {
            this.#own.lengths[this.#index++] = symbol;
            this.#lengthsEnded();
          } else {
            this.#repeat = symbol;
            this.#state = State.Repeat;
          }
          break;
        }
        case State.Repeat: {
          const extra = this.#repeat === 16 ? 2 : this.#repeat === 17 ? 3 : 7;
          if (count < extra) break loop;
          const times = (this.#repeat === 18 ? 11 : 3) + (bits & ((1 << extra) - 1));
          bits >>>= extra;
          count -= extra;
          const { lengths } = this.#own;
          const total = this.#lengthCount + this.#distanceCount;
          if (this.#index + times > total || (this.#repeat === 16 && this.#index === 0)) {
            this.#state = State.Broken;
            break;
          }
          const value = this.#repeat === 16 ? (lengths[this.#index - 1] as number) : 0;
          lengths.fill(value, this.#index, this.#index + times);
          this.#index += times;
          this.#state = State.Lengths;
          this.#lengthsEnded();
          break;
        }
        case State.Symbol: {
          this.#room();
          const codes = this.#lengthCodes;
          const output = this.#output;
          const last = output.length - LONGEST_MATCH;
          let used = this.#used;
          for (;;) {
            while (count <= 24 && at < end) {
              bits |= (bytes[at++] as number) << count;
              count += 8;
            }
            const found = codes.decode(bits, count);
            if (found < 0) {
              this.#used = used;
              if (found === TOO_FEW) break loop;
              this.#state = State.Broken;
              break;
            }
            bits >>>= found & 15;
            count -= found & 15;
            const symbol = found >> 4;
            if (symbol < 256) {
              output[used++] = symbol;
              if (used <= last) continue;
            } else if (symbol === 256) {
              this.#used = used;
              this.#blockEnded();
              break;
            } else if (symbol > 285) this.#state = State.Broken;
            else {
              this.#length = symbol - 257;
              this.#state = State.LengthExtra;
            }
            this.#used = used;
            break;
          }
          break;
        }
        case State.LengthExtra: {
          const extra = LENGTH_EXTRA[this.#length] as number;
          if (count < extra) break loop;
          this.#length = (LENGTH_BASE[this.#length] as number) + (bits & ((1 << extra) - 1));
          bits >>>= extra;
          count -= extra;
          this.#state = State.Distance;
          break;
        }
        case State.Distance: {
          const found = this.#distanceCodes.decode(bits, count);
          if (found === TOO_FEW) break loop;
          if (found === NO_CODE || found >> 4 > 29) {
            this.#state = State.Broken;
            break;
          }
          bits >>>= found & 15;
          count -= found & 15;
          this.#distance = found >> 4;
          this.#state = State.DistanceExtra;
          break;
        }
        case State.DistanceExtra: {
          const extra = DISTANCE_EXTRA[this.#distance] as number;
          if (count < extra) break loop;
          const distance = (DISTANCE_BASE[this.#distance] as number) + (bits & ((1 << extra) - 1));
          bits >>>= extra;
          count -= extra;
          this.#copy(distance);
          break;
        }
        default:
          break loop;
      }
    }
    if (this.#state === State.End) {
      // Whole bytes that were taken into the bit buffer but not used belong to the following data.
      at -= count >> 3;
      bits = 0;
      count = 0;
    }
    this.#bits = bits;
    this.#bitCount = count;
    return at;
  }

  #copy(distance: number): void {
    if (distance > this.#window) {
      this.#state = State.Broken;
      return;
    }
    if (distance > this.#used) {
      this.#state = this.#fromStart ? State.Broken : State.Unknown;
      return;
    }
    this.#room();
    const output = this.#output;
    let to = this.#used;
    let from = to - distance;
    for (let i = this.#length; i > 0; i--) output[to++] = output[from++] as number;
    this.#used = to;
    this.#state = State.Symbol;
  }

  #lengthsEnded(): void {
    const total = this.#lengthCount + this.#distanceCount;
    if (this.#index < total) return;
    const { lengths, lengthCodes, distanceCodes } = this.#own;
    const valid =
      lengths[256] !== 0 &&
      lengthCodes.build(lengths, 0, this.#lengthCount, true) &&
      distanceCodes.build(lengths, this.#lengthCount, total, true);
    this.#lengthCodes = lengthCodes;
    this.#distanceCodes = distanceCodes;
    this.#state = valid ? State.Symbol : State.Broken;
  }

  get #own(): Tables {
    this.#tables ??= new Tables();
    return this.#tables;
  }

  #blockEnded(): void {
    this.#state = this.#final ? State.End : State.Header;
  }
}
