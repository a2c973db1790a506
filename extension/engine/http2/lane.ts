/** One direction of an HTTP/2 connection: its frames, its field blocks and their decoder. */
import type { GapReason, PieceContext } from '../byteStream.ts';
import { MAX_FIELD_BLOCK } from '../limits.ts';
import type { RuleName } from '../violations.ts';
import {
  FLAG_ACK,
  FLAG_END_HEADERS,
  FLAG_PADDED,
  FLAG_PRIORITY,
  FRAME_HEADER,
  type Frame,
  FrameType,
  readStream,
  readUint32,
} from './frameFormat.ts';
import { FrameReader, type FrameSink } from './frameReader.ts';
import { Decoder, type FieldSection } from './hpack.ts';

export interface LaneSink {
  /**
   * A field block has ended, complete or not.
   * @param frame the HEADERS or PUSH_PROMISE with which it began.
   * @param promised identifier of the promised stream; 0 for HEADERS.
   * @param size bytes of all its frames.
   */
  block(frame: Frame, section: FieldSection, promised: number, size: number, context: PieceContext): void;
  dataBegan(frame: Frame, context: PieceContext): void;
  data(frame: Frame, bytes: Buffer, from: number, to: number, context: PieceContext): void;
  dataMissing(frame: Frame, length: number, reason: GapReason, sized: boolean, context: PieceContext): void;
  dataEnded(frame: Frame, malformed: boolean, context: PieceContext): void;
  reset(frame: Frame, code: number, context: PieceContext): void;
  /**
   * GOAWAY (section 6.8).
   * @param last the highest stream of the other side that was or may still be processed.
   * @param text the beginning of its debug data; empty: none.
   */
  goAway(last: number, code: number, text: string, context: PieceContext): void;
  setting(identifier: number, value: number, context: PieceContext): void;
  /** WINDOW_UPDATE. @param stream 0: for the connection. */
  window(stream: number, increment: number, context: PieceContext): void;
  lost(context: PieceContext): void;
}

const NOTHING = Buffer.alloc(0);
const SETTING_SIZE = 6;
const GOAWAY_SIZE = 8;
/** Bytes of GOAWAY's debug data that are kept. */
const MAX_DEBUG = 256;
/** A buffer up to this size is kept for the next block. */
const SMALL_BLOCK = 16 * 1024;

export class Lane implements FrameSink {
  readonly reader: FrameReader;
  decoder: Decoder;
  /** Frames were lost, or came before the connection was seen. */
  lossy: boolean;

  /** Seen from its beginning. */
  readonly begun: boolean;

  readonly #sink: LaneSink;
  /** The field block that is being collected: its first frame and its fragments. */
  #opening: Frame | null = null;
  #promised = 0;
  #parts = NOTHING;
  #length = 0;
  /** Bytes of its frames. */
  #size = 0;
  #whole = true;
  #broken: RuleName[] = [];
  #ending = false;

  /** @param start `anywhere`: the direction was not seen from its beginning. */
  constructor(sink: LaneSink, start: 'preface' | 'frame' | 'anywhere') {
    this.#sink = sink;
    this.begun = start !== 'anywhere';
    this.lossy = start === 'anywhere';
    this.reader = new FrameReader(this, start);
    this.decoder = new Decoder(this.lossy);
  }

  /** The stream or the trace has ended. */
  end(context: PieceContext): void {
    this.#ending = true;
    this.reader.end(context);
    this.#cut(context);
  }

  // ── frames ─────────────────────────────────────────────────────────────────────────────────────────────

  dataBegan(frame: Frame, context: PieceContext): void {
    this.#interrupt(context);
    this.#sink.dataBegan(frame, context);
  }

  data(frame: Frame, bytes: Buffer, from: number, to: number, context: PieceContext): void {
    this.#sink.data(frame, bytes, from, to, context);
  }

  dataMissing(frame: Frame, length: number, reason: GapReason, sized: boolean, context: PieceContext): void {
    this.#sink.dataMissing(frame, length, reason, sized, context);
  }

  dataEnded(frame: Frame, malformed: boolean, context: PieceContext): void {
    this.#sink.dataEnded(frame, malformed, context);
  }

  frame(frame: Frame, bytes: Buffer, from: number, to: number, whole: boolean, context: PieceContext): void {
    if (frame.type === FrameType.Continuation) {
      if (this.#opening !== null && this.#opening.stream === frame.stream) {
        this.#add(frame, bytes, from, to, whole, context);
      } else {
        // A CONTINUATION whose HEADERS frame was lost, or never sent.
        this.#interrupt(context);
        this.decoder.lose();
      }
      return;
    }
    this.#interrupt(context);
    switch (frame.type) {
      case FrameType.Headers:
      case FrameType.PushPromise:
        this.#open(frame, bytes, from, to, whole, context);
        break;
      case FrameType.RstStream:
        if (to - from >= 4) this.#sink.reset(frame, readUint32(bytes, from), context);
        break;
      case FrameType.Settings:
        if ((frame.flags & FLAG_ACK) !== 0) break;
        for (let at = from; at + SETTING_SIZE <= to; at += SETTING_SIZE) {
          this.#sink.setting(bytes.readUInt16BE(at), readUint32(bytes, at + 2), context);
        }
        break;
      case FrameType.WindowUpdate:
        if (to - from >= 4) this.#sink.window(frame.stream, readStream(bytes, from), context);
        break;
      case FrameType.GoAway: {
        if (to - from < GOAWAY_SIZE) break;
        const debug = from + GOAWAY_SIZE;
        const text = bytes.toString('utf8', debug, Math.min(to, debug + MAX_DEBUG));
        this.#sink.goAway(readStream(bytes, from), readUint32(bytes, from + 4), text, context);
        break;
      }
      default:
        break;
    }
  }

  lost(context: PieceContext): void {
    this.#cut(context);
    this.decoder.lose();
    this.lossy = true;
    this.#sink.lost(context);
  }

  // ── field blocks ───────────────────────────────────────────────────────────────────────────────────────

  #open(frame: Frame, bytes: Buffer, from: number, to: number, whole: boolean, context: PieceContext): void {
    this.#promised = 0;
    this.#length = 0;
    this.#size = 0;
    this.#whole = true;
    this.#broken = [];
    let at = from;
    let end = from + frame.length;
    if ((frame.flags & FLAG_PADDED) !== 0 && at < to) {
      end -= bytes[at] as number;
      at++;
    }
    if (frame.type === FrameType.PushPromise) {
      if (to - at >= 4) this.#promised = readStream(bytes, at);
      at += 4;
    } else if ((frame.flags & FLAG_PRIORITY) !== 0) at += 5;
    if (at > end) {
      // Fixed fields or padding are longer than the frame, so the block is not readable.
      this.#broken.push(frame.length < at - from ? 'h2-frame-size' : 'h2-padding');
      this.#whole = false;
      end = at;
    }
    this.#opening = frame;
    this.#add(frame, bytes, at, Math.max(at, Math.min(to, end)), whole, context);
  }

  /** Adds a fragment. @param whole false: its end is missing. */
  #add(frame: Frame, bytes: Buffer, from: number, to: number, whole: boolean, context: PieceContext): void {
    this.#size += FRAME_HEADER + frame.length;
    const ends = (frame.flags & FLAG_END_HEADERS) !== 0;
    if (ends && frame === this.#opening && this.#whole && to - from <= MAX_FIELD_BLOCK) {
      // The common case: nothing to gather.
      this.#whole = whole;
      this.#close(bytes, from, to, context);
      return;
    }
    if (this.#whole) this.#gather(bytes, from, to);
    if (!whole) this.#whole = false;
    if (ends) this.#close(this.#parts, 0, this.#length, context);
  }

  #gather(bytes: Buffer, from: number, to: number): void {
    const end = Math.min(to, from + MAX_FIELD_BLOCK - this.#length);
    if (end < to) {
      this.#whole = false;
      this.#broken.push('h2-block-size');
    }
    const need = this.#length + end - from;
    if (need > this.#parts.length) {
      const larger = Buffer.allocUnsafe(Math.max(need, 2 * this.#parts.length, 1_024));
      this.#parts.copy(larger, 0, 0, this.#length);
      this.#parts = larger;
    }
    bytes.copy(this.#parts, this.#length, from, end);
    this.#length = need;
  }

  /** Another frame interrupts the current block. */
  #interrupt(context: PieceContext): void {
    if (this.#opening === null) return;
    this.#broken.push('h2-interleaved');
    this.#cut(context);
  }

  /** The current block will not be complete. */
  #cut(context: PieceContext): void {
    if (this.#opening === null) return;
    this.#whole = false;
    this.#close(this.#parts, 0, this.#length, context);
  }

  #close(bytes: Buffer, from: number, to: number, context: PieceContext): void {
    const frame = this.#opening as Frame;
    this.#opening = null;
    const section = this.decoder.decode(bytes, from, to, this.#whole);
    if (!this.#whole) {
      section.cut = true;
      section.gap = this.#broken.length === 0 && !this.#ending;
    }
    section.broken.push(...this.#broken);
    this.#sink.block(frame, section, this.#promised, this.#size, context);
    if (this.#parts.length > SMALL_BLOCK) this.#parts = NOTHING;
  }
}
