/**
 * A recorded trace: a header, then the helper's frames as received, then an end mark. Replaying it gives the
 * same frames to the same engine, so it yields the same exchanges, on any machine and without privilege.
 *
 * Header, 16 bytes: magic (8), u16 version of this format, u8 version of the frames, u8 byte order of the
 * records (1 = little, 2 = big), 4 bytes zero. Integers are little-endian. The magic holds a byte above 127,
 * both line ends and a NUL, so that a file that was mangled as text is recognised.
 *
 * The end mark is a frame of a type of its own, {@link END}, whose payload is the u64 number of frames before
 * it. A file without it is truncated, even at a frame boundary.
 */
import {
  encodeFrame,
  encodeFrameHeader,
  type Frame,
  FrameDecoder,
  FrameError,
  HELPER_FRAMES,
} from '../../helper/frames.ts';
import { FrameType, MAX_FRAME, PROTOCOL_VERSION } from '../../helper/protocol.ts';

/** Incremented when the header or end mark changes. */
const RECORDING_VERSION = 1;

const MAGIC = Uint8Array.from([0x89, 0x48, 0x54, 0x52, 0x0d, 0x0a, 0x00, 0x0a]); // \x89HTR\r\n\0\n
const HEADER_SIZE = 16;
const LITTLE = 1;
const BIG = 2;

/** Frame type of the end mark. No helper ever sends it. */
const END = 255 as FrameType;
const RECORDED_FRAMES: ReadonlySet<FrameType> = new Set([...HELPER_FRAMES, END]);

/** The file cannot be shown. The message is for people and completes "FILE …". */
export class RecordingError extends Error {
  override readonly name = 'RecordingError';
  constructor(
    /** `foreign`: not a recording, or one that this version cannot read. `damaged`: the frames before the damage are valid. */
    readonly code: 'foreign' | 'damaged',
    message: string,
  ) {
    super(message);
  }
}

export type RecordingEnd =
  | { readonly kind: 'complete'; readonly frames: number }
  /** The last `lost` bytes are an incomplete header or frame. */
  | { readonly kind: 'cut'; readonly frames: number; readonly lost: number };

/** The bytes of a recording, piece by piece, in the order in which they must be written. */
export class RecordingEncoder {
  #frames = 0n;

  /** @param byteOrder of the records, from the helper's hello. */
  header(byteOrder: 'little' | 'big'): Uint8Array {
    const header = new Uint8Array(HEADER_SIZE);
    header.set(MAGIC);
    const view = new DataView(header.buffer);
    view.setUint16(8, RECORDING_VERSION, true);
    header[10] = PROTOCOL_VERSION;
    header[11] = byteOrder === 'little' ? LITTLE : BIG;
    return header;
  }

  /** Header of a frame; its payload must be written right after it. */
  frame(type: FrameType, payload: Uint8Array): Uint8Array {
    this.#frames++;
    return encodeFrameHeader(type, payload.length);
  }

  end(): Uint8Array {
    const count = new Uint8Array(8);
    new DataView(count.buffer).setBigUint64(0, this.#frames, true);
    return encodeFrame(END, count);
  }
}

/** Reads a recording in pieces of any size. Holds at most one frame and one piece. */
export class RecordingReader {
  #header: Uint8Array = new Uint8Array(0);
  #decoder: FrameDecoder | null = null;
  #frames = 0;
  #ended = false;

  /**
   * Yields the frames now complete, as views: use each before asking for the next.
   * @throws RecordingError
   */
  *push(piece: Uint8Array): Generator<Frame, void, undefined> {
    const rest = this.#readHeader(piece);
    if (this.#decoder === null) return;
    if (this.#ended) {
      if (rest.length > 0) throw this.#damaged('there is data after its end mark.');
      return;
    }
    const frames = this.#decoder.push(rest);
    for (;;) {
      const next = this.#next(frames);
      if (next === null) return;
      if (this.#ended) throw this.#damaged('there is data after its end mark.');
      if (next.type === END) {
        this.#end(next.payload);
        if (this.#decoder.pending > 0) throw this.#damaged('there is data after its end mark.');
        return;
      }
      if (this.#frames === 0 && next.type !== FrameType.Hello) {
        throw this.#damaged('its first frame is not a hello.');
      }
      this.#frames++;
      yield next;
    }
  }

  /** The input has ended. */
  finish(): RecordingEnd {
    if (this.#ended) return { kind: 'complete', frames: this.#frames };
    return { kind: 'cut', frames: this.#frames, lost: this.#decoder?.pending ?? this.#header.length };
  }

  /** The part of the piece after the header. */
  #readHeader(piece: Uint8Array): Uint8Array {
    if (this.#decoder !== null) return piece;
    const taken = piece.subarray(0, HEADER_SIZE - this.#header.length);
    const header = new Uint8Array(this.#header.length + taken.length);
    header.set(this.#header);
    header.set(taken, this.#header.length);
    this.#header = header;
    for (let i = 0; i < Math.min(MAGIC.length, header.length); i++) {
      if (header[i] !== MAGIC[i]) throw new RecordingError('foreign', 'is not a recording of HTTP Trace.');
    }
    if (header.length < HEADER_SIZE) return new Uint8Array(0);
    const version = new DataView(header.buffer).getUint16(8, true);
    if (version !== RECORDING_VERSION || header[10] !== PROTOCOL_VERSION) {
      throw new RecordingError(
        'foreign',
        `was recorded by another version of HTTP Trace (format ${version}.${header[10]}; this one reads ${RECORDING_VERSION}.${PROTOCOL_VERSION}).`,
      );
    }
    if (header[11] === BIG) {
      throw new RecordingError('foreign', 'was recorded on a big-endian machine, which is not supported.');
    }
    if (header[11] !== LITTLE || header.subarray(12).some((byte) => byte !== 0)) {
      throw new RecordingError('foreign', 'has a damaged header.');
    }
    this.#decoder = new FrameDecoder(MAX_FRAME, RECORDED_FRAMES);
    return piece.subarray(taken.length);
  }

  #next(frames: Generator<Frame, void, undefined>): Frame | null {
    try {
      const next = frames.next();
      return next.done === true ? null : next.value;
    } catch (error) {
      if (error instanceof FrameError) throw this.#damaged('the next bytes are not a frame.');
      throw error;
    }
  }

  #end(payload: Uint8Array): void {
    const count =
      payload.length === 8 ? new DataView(payload.buffer, payload.byteOffset, 8).getBigUint64(0, true) : -1n;
    if (count !== BigInt(this.#frames))
      throw this.#damaged('its end mark does not match the frames before it.');
    this.#ended = true;
  }

  #damaged(what: string): RecordingError {
    return new RecordingError('damaged', `is damaged after ${this.#frames} frames: ${what}`);
  }
}
