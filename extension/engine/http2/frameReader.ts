/**
 * Splits a direction of an HTTP/2 connection into frames (RFC 9113 section 4.1), from bytes in order and gaps
 * of known length. A gap within a frame of known length damages only that frame. After any other gap, and on a
 * connection that was joined late, it searches for the next frame (frameSearch.ts). Never throws; each byte is
 * examined a bounded number of times.
 */
import type { GapReason, PieceContext } from '../byteStream.ts';
import { MAX_CONTROL_PAYLOAD, MAX_FIELD_BLOCK } from '../limits.ts';
import {
  DEFAULT_FRAME_SIZE,
  FLAG_PADDED,
  FRAME_HEADER,
  type Frame,
  FrameType,
  PREFACE,
  readStream,
} from './frameFormat.ts';
import { FrameSearch } from './frameSearch.ts';

export interface FrameSink {
  /** A DATA frame begins; its content follows. */
  dataBegan(frame: Frame, context: PieceContext): void;
  /** Content of the current DATA frame, without padding. */
  data(frame: Frame, bytes: Buffer, from: number, to: number, context: PieceContext): void;
  /** Missing content. @param sized false: an unknown part of `length` is padding. */
  dataMissing(frame: Frame, length: number, reason: GapReason, sized: boolean, context: PieceContext): void;
  /** The frame is complete. @param malformed its padding is longer than the frame. */
  dataEnded(frame: Frame, malformed: boolean, context: PieceContext): void;
  /** Any other frame. @param whole false: the end of its payload is missing. */
  frame(frame: Frame, bytes: Buffer, from: number, to: number, whole: boolean, context: PieceContext): void;
  /** An unknown number of frames may be missing here. */
  lost(context: PieceContext): void;
}

enum State {
  Preface,
  Header,
  /** The next byte is the pad length of a DATA frame. */
  PadLength,
  Data,
  Padding,
  Payload,
  Lost,
  Ended,
}

export class FrameReader {
  /** The largest payload that the receiver has ever allowed. */
  maxFrameSize = DEFAULT_FRAME_SIZE;
  /** The highest stream identifier seen. */
  maxStream = 0;

  readonly #sink: FrameSink;
  #state: State;
  /** Position of the next byte. */
  #position = 0;
  /** Bytes collected so far of a header, of the preface or of a payload. */
  #gathered = Buffer.allocUnsafe(64);
  #count = 0;
  #headerTime = 0;
  #headerPid = 0;
  #frame: Frame | null = null;
  /** Bytes of the frame's content or payload, and of its padding, still to come. */
  #remaining = 0;
  #padding = 0;
  #malformed = false;
  /** Payload bytes after the collected ones are missing. */
  #damaged = false;
  #search: FrameSearch | null = null;

  /** @param start where reading begins: the preface, a frame, or an unknown position. */
  constructor(sink: FrameSink, start: 'preface' | 'frame' | 'anywhere') {
    this.#sink = sink;
    this.#state = start === 'preface' ? State.Preface : start === 'frame' ? State.Header : State.Lost;
  }

  get lost(): boolean {
    return this.#state === State.Lost;
  }

  feed(bytes: Buffer, context: PieceContext): void {
    let at = 0;
    while (at < bytes.length) at = this.#step(bytes, at, context);
  }

  /** `length` bytes were not captured. */
  gap(length: number, reason: GapReason, context: PieceContext): void {
    const frame = this.#frame;
    if (this.#state === State.Ended) return;
    if (frame === null) {
      this.#lose(length, context);
      return;
    }
    let inside = 0;
    if (this.#state === State.PadLength || this.#state === State.Data) {
      inside = Math.min(length, this.#remaining);
      this.#position += inside;
      this.#remaining -= inside;
      this.#sink.dataMissing(frame, inside, reason, this.#state === State.Data, context);
      if (this.#state === State.PadLength) this.#state = State.Data;
      if (this.#remaining === 0) this.#enterPadding(context);
    } else if (this.#state === State.Payload) {
      inside = Math.min(length, this.#remaining);
      this.#position += inside;
      this.#remaining -= inside;
      this.#damaged = true;
      if (this.#remaining === 0) this.#payloadEnded(frame, this.#gathered, 0, this.#count, context);
    }
    if (this.#state === State.Padding && length > inside) {
      const pad = Math.min(length - inside, this.#padding);
      this.#position += pad;
      this.#padding -= pad;
      inside += pad;
      if (this.#padding === 0) this.#dataEnded(context);
    }
    if (length > inside) this.#lose(length - inside, context);
  }

  /** The stream or the trace has ended. */
  end(context: PieceContext): void {
    const search = this.#search;
    if (this.#state === State.Lost && search !== null) {
      const found = search.conclude();
      if (found !== null) this.#resume(found);
    }
    const frame = this.#frame;
    if (frame !== null && this.#state === State.Payload) {
      this.#damaged = true;
      this.#payloadEnded(frame, this.#gathered, 0, this.#count, context);
    }
    this.#state = State.Ended;
  }

  #step(bytes: Buffer, at: number, context: PieceContext): number {
    switch (this.#state) {
      case State.Header:
        return this.#header(bytes, at, context);
      case State.Data: {
        const to = Math.min(bytes.length, at + this.#remaining);
        this.#position += to - at;
        this.#remaining -= to - at;
        this.#sink.data(this.#frame as Frame, bytes, at, to, context);
        if (this.#remaining === 0) this.#enterPadding(context);
        return to;
      }
      case State.PadLength:
        this.#position++;
        this.#readPadLength(bytes[at] as number, context);
        return at + 1;
      case State.Padding: {
        const count = Math.min(bytes.length - at, this.#padding);
        this.#position += count;
        this.#padding -= count;
        if (this.#padding === 0) this.#dataEnded(context);
        return at + count;
      }
      case State.Payload:
        return this.#payload(bytes, at, context);
      case State.Preface:
        return this.#preface(bytes, at, context);
      case State.Lost:
        this.#searchIn(bytes, at, context);
        return bytes.length;
      case State.Ended:
        return bytes.length;
    }
  }

  #preface(bytes: Buffer, at: number, context: PieceContext): number {
    const to = Math.min(bytes.length, at + PREFACE.length - this.#count);
    const part = bytes.toString('latin1', at, to);
    if (part !== PREFACE.slice(this.#count, this.#count + part.length)) {
      this.#lose(0, context);
      return at;
    }
    this.#count += to - at;
    this.#position += to - at;
    if (this.#count === PREFACE.length) this.#expectHeader();
    return to;
  }

  #expectHeader(): void {
    this.#frame = null;
    this.#count = 0;
    this.#state = State.Header;
  }

  #header(bytes: Buffer, at: number, context: PieceContext): number {
    if (this.#count === 0) {
      this.#headerTime = context.time;
      this.#headerPid = context.pid;
      if (bytes.length - at >= FRAME_HEADER) {
        this.#position += FRAME_HEADER;
        this.#begin(bytes, at, context);
        return at + FRAME_HEADER;
      }
    }
    const to = Math.min(bytes.length, at + FRAME_HEADER - this.#count);
    this.#gather(bytes, at, to);
    this.#position += to - at;
    if (this.#count === FRAME_HEADER) {
      this.#count = 0;
      this.#begin(this.#gathered, 0, context);
    }
    return to;
  }

  #begin(bytes: Buffer, at: number, context: PieceContext): void {
    const length =
      ((bytes[at] as number) << 16) | ((bytes[at + 1] as number) << 8) | (bytes[at + 2] as number);
    const frame: Frame = {
      type: bytes[at + 3] as number,
      flags: bytes[at + 4] as number,
      stream: readStream(bytes, at + 5),
      length,
      position: this.#position - FRAME_HEADER,
      time: this.#headerTime,
      pid: this.#headerPid,
    };
    this.#frame = frame;
    if (frame.stream > this.maxStream) this.maxStream = frame.stream;
    this.#remaining = length;
    this.#damaged = false;
    if (frame.type !== FrameType.Data) {
      this.#state = State.Payload;
      if (length === 0) this.#payloadEnded(frame, bytes, at, at, context);
      return;
    }
    this.#padding = 0;
    this.#malformed = false;
    this.#sink.dataBegan(frame, context);
    if ((frame.flags & FLAG_PADDED) === 0) {
      this.#state = State.Data;
      if (length === 0) this.#enterPadding(context);
    } else {
      this.#state = State.PadLength;
      if (length === 0) {
        this.#malformed = true;
        this.#enterPadding(context);
      }
    }
  }

  #readPadLength(padding: number, context: PieceContext): void {
    this.#remaining--;
    this.#malformed = padding > this.#remaining;
    this.#padding = Math.min(padding, this.#remaining);
    this.#remaining -= this.#padding;
    this.#state = State.Data;
    if (this.#remaining === 0) this.#enterPadding(context);
  }

  #enterPadding(context: PieceContext): void {
    this.#state = State.Padding;
    if (this.#padding === 0) this.#dataEnded(context);
  }

  #dataEnded(context: PieceContext): void {
    const frame = this.#frame as Frame;
    this.#expectHeader();
    this.#sink.dataEnded(frame, this.#malformed, context);
  }

  #payload(bytes: Buffer, at: number, context: PieceContext): number {
    const frame = this.#frame as Frame;
    const to = Math.min(bytes.length, at + this.#remaining);
    this.#position += to - at;
    this.#remaining -= to - at;
    if (this.#count === 0 && this.#remaining === 0 && !this.#damaged) {
      const kept = Math.min(to, at + keptOf(frame.type));
      this.#damaged = kept < to;
      this.#payloadEnded(frame, bytes, at, kept, context);
      return to;
    }
    if (!this.#damaged) {
      const kept = Math.min(to, at + keptOf(frame.type) - this.#count);
      this.#gather(bytes, at, kept);
      if (kept < to) this.#damaged = true;
    }
    if (this.#remaining === 0) this.#payloadEnded(frame, this.#gathered, 0, this.#count, context);
    return to;
  }

  #payloadEnded(frame: Frame, bytes: Buffer, from: number, to: number, context: PieceContext): void {
    this.#expectHeader();
    this.#sink.frame(frame, bytes, from, to, !this.#damaged, context);
  }

  #gather(bytes: Buffer, from: number, to: number): void {
    const need = this.#count + to - from;
    if (need > this.#gathered.length) {
      const larger = Buffer.allocUnsafe(Math.max(need, 2 * this.#gathered.length));
      this.#gathered.copy(larger, 0, 0, this.#count);
      this.#gathered = larger;
    }
    bytes.copy(this.#gathered, this.#count, from, to);
    this.#count = need;
  }

  // ── gaps ───────────────────────────────────────────────────────────────────────────────────────────────

  #lose(length: number, context: PieceContext): void {
    this.#position += length;
    this.#search?.clear();
    this.#frame = null;
    this.#count = 0;
    if (this.#state === State.Lost) return;
    this.#state = State.Lost;
    this.#sink.lost(context);
  }

  #searchIn(bytes: Buffer, at: number, context: PieceContext): void {
    this.#search ??= new FrameSearch(this);
    this.#position += bytes.length - at;
    const found = this.#search.add(bytes, at, context);
    if (found !== null) this.#resume(found);
  }

  /** Resumes reading at the first frame that was found. */
  #resume(pieces: readonly { readonly bytes: Buffer; readonly context: PieceContext }[]): void {
    this.#search = null;
    this.#expectHeader();
    for (const { bytes } of pieces) this.#position -= bytes.length;
    for (const { bytes, context } of pieces) this.feed(bytes, context);
  }
}

/** Limit on the payload bytes kept. */
function keptOf(type: number): number {
  const fields =
    type === FrameType.Headers || type === FrameType.PushPromise || type === FrameType.Continuation;
  return fields ? MAX_FIELD_BLOCK : MAX_CONTROL_PAYLOAD;
}
