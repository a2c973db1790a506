/** Encodes and decodes frames. Their meaning is in protocol.ts. */
import { FRAME_HEADER_SIZE, FrameType, PROTOCOL_VERSION } from './protocol.ts';

/** The peer sent bytes that are not a frame. The connection cannot be used any more. */
export class FrameError extends Error {
  override readonly name = 'FrameError';
}

export interface Frame {
  readonly type: FrameType;
  readonly payload: Uint8Array;
}

/** The bytes that `length` counts before the payload: version and type. */
const COUNTED_HEADER = FRAME_HEADER_SIZE - 4;

export function encodeFrame(type: FrameType, payload: Uint8Array): Uint8Array {
  const frame = new Uint8Array(FRAME_HEADER_SIZE + payload.length);
  writeFrameHeader(frame, type, payload.length);
  frame.set(payload, FRAME_HEADER_SIZE);
  return frame;
}

/** The header alone, for a payload that is sent after it without another copy. */
export function encodeFrameHeader(type: FrameType, payloadLength: number): Uint8Array {
  const header = new Uint8Array(FRAME_HEADER_SIZE);
  writeFrameHeader(header, type, payloadLength);
  return header;
}

function writeFrameHeader(target: Uint8Array, type: FrameType, payloadLength: number): void {
  new DataView(target.buffer).setUint32(0, COUNTED_HEADER + payloadLength, true);
  target[4] = PROTOCOL_VERSION;
  target[5] = type;
}

export function encodeJson(type: FrameType, value: unknown): Uint8Array {
  return encodeFrame(type, new TextEncoder().encode(JSON.stringify(value)));
}

/**
 * Splits a stream into frames, however it arrives. Holds at most one frame and one piece. Yields views: copy what must
 * outlive the next push.
 */
export class FrameDecoder {
  #pieces: Uint8Array[] = [];
  #length = 0;

  constructor(
    /** Longest payload in bytes that is accepted. */
    private readonly maxPayload: number,
    private readonly accepted: ReadonlySet<FrameType>,
  ) {}

  /** Bytes of an unfinished frame. */
  get pending(): number {
    return this.#length;
  }

  /** @throws FrameError for another version, an unknown type or an impossible length. */
  *push(piece: Uint8Array): Generator<Frame, void, undefined> {
    if (piece.length > 0) {
      this.#pieces.push(piece);
      this.#length += piece.length;
    }
    for (;;) {
      if (this.#length < FRAME_HEADER_SIZE) return;
      const head = this.#peek(FRAME_HEADER_SIZE);
      const counted = new DataView(head.buffer, head.byteOffset, FRAME_HEADER_SIZE).getUint32(0, true);
      const version = head[4] ?? 0;
      const type = head[5] ?? 0;
      if (version !== PROTOCOL_VERSION) {
        throw new FrameError(
          `The other side speaks version ${version} of the protocol, not ${PROTOCOL_VERSION}.`,
        );
      }
      if (counted < COUNTED_HEADER || counted - COUNTED_HEADER > this.maxPayload) {
        throw new FrameError(`A frame claims the impossible length of ${counted} bytes.`);
      }
      if (!this.accepted.has(type)) throw new FrameError(`A frame has the unexpected type ${type}.`);
      if (this.#length < 4 + counted) return;
      const frame = this.#take(4 + counted);
      yield { type, payload: frame.subarray(FRAME_HEADER_SIZE) };
    }
  }

  #peek(count: number): Uint8Array {
    const first = this.#pieces[0];
    if (first !== undefined && first.length >= count) return first;
    this.#join();
    return this.#pieces[0] ?? new Uint8Array(0);
  }

  #take(count: number): Uint8Array {
    const first = this.#pieces[0];
    if (first === undefined || first.length < count) this.#join();
    const whole = this.#pieces[0] ?? new Uint8Array(0);
    const taken = whole.subarray(0, count);
    if (whole.length === count) this.#pieces.shift();
    else this.#pieces[0] = whole.subarray(count);
    this.#length -= count;
    return taken;
  }

  /** Joined only when a whole header or frame is there, so each byte is copied at most twice. */
  #join(): void {
    if (this.#pieces.length < 2) return;
    const joined = new Uint8Array(this.#length);
    let at = 0;
    for (const piece of this.#pieces) {
      joined.set(piece, at);
      at += piece.length;
    }
    this.#pieces = [joined];
  }
}

/** @throws FrameError when the payload is not a JSON object. */
export function decodeJson(payload: Uint8Array): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload));
  } catch {
    throw new FrameError('A frame does not hold the JSON that its type promises.');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new FrameError('A frame does not hold a JSON object.');
  }
  return value as Record<string, unknown>;
}

/** What a client accepts from a helper. */
export const HELPER_FRAMES: ReadonlySet<FrameType> = new Set([
  FrameType.Hello,
  FrameType.Records,
  FrameType.Status,
  FrameType.Process,
  FrameType.Fault,
  FrameType.Clock,
  FrameType.Tls,
  FrameType.TlsFile,
  FrameType.Break,
  FrameType.GoProgram,
  FrameType.NativeProgram,
]);

/** What a helper accepts from its client. */
export const CLIENT_FRAMES: ReadonlySet<FrameType> = new Set([
  FrameType.Attach,
  FrameType.Detach,
  FrameType.Stop,
  FrameType.Options,
  FrameType.CutShort,
  FrameType.SetBreak,
  FrameType.Expected,
  FrameType.Pause,
  FrameType.Resume,
]);
