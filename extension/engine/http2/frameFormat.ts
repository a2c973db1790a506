/**
 * The format of HTTP/2 frames (RFC 9113 sections 4 and 6): types, headers, and whether bytes look like a
 * header.
 */

export const FRAME_HEADER = 9;

export enum FrameType {
  Data = 0,
  Headers = 1,
  Priority = 2,
  RstStream = 3,
  Settings = 4,
  PushPromise = 5,
  Ping = 6,
  GoAway = 7,
  WindowUpdate = 8,
  Continuation = 9,
}

/** Extension frames that are in use: RFC 7838, RFC 8336 and RFC 9218. */
const ALTSVC = 0xa;
const ORIGIN = 0xc;
const PRIORITY_UPDATE = 0x10;

export const FLAG_END_STREAM = 0x1;
export const FLAG_ACK = 0x1;
export const FLAG_END_HEADERS = 0x4;
export const FLAG_PADDED = 0x8;
export const FLAG_PRIORITY = 0x20;

export const SETTINGS_HEADER_TABLE_SIZE = 1;
export const SETTINGS_INITIAL_WINDOW_SIZE = 4;
export const SETTINGS_MAX_FRAME_SIZE = 5;

/** Initial SETTINGS_MAX_FRAME_SIZE (section 6.5.2). */
export const DEFAULT_FRAME_SIZE = 16_384;

/** What a client sends first (section 3.4). */
export const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';

/** RST_STREAM and GOAWAY (section 7). */
const ERROR_CODES = [
  'NO_ERROR',
  'PROTOCOL_ERROR',
  'INTERNAL_ERROR',
  'FLOW_CONTROL_ERROR',
  'SETTINGS_TIMEOUT',
  'STREAM_CLOSED',
  'FRAME_SIZE_ERROR',
  'REFUSED_STREAM',
  'CANCEL',
  'COMPRESSION_ERROR',
  'CONNECT_ERROR',
  'ENHANCE_YOUR_CALM',
  'INADEQUATE_SECURITY',
  'HTTP_1_1_REQUIRED',
] as const;

/** @returns null for a code that is not registered. */
export function errorName(code: number): string | null {
  return ERROR_CODES[code] ?? null;
}

export interface Frame {
  readonly type: number;
  readonly flags: number;
  /** Stream identifier. */
  readonly stream: number;
  /** Length of the payload. */
  readonly length: number;
  /** Position of the header's first byte in its direction's byte stream. */
  readonly position: number;
  /** When the header's first byte was sent or received; milliseconds since the trace's start. */
  readonly time: number;
  readonly pid: number;
}

export interface Expectations {
  /** The largest payload that may be sent. */
  readonly maxFrameSize: number;
  /** The highest stream identifier that was seen. */
  readonly maxStream: number;
}

/** Bytes of a frame that {@link frameEvidence} examines: the header and the beginning of some payloads. */
export const EVIDENCE_BYTES = FRAME_HEADER + 4;

/** Registered settings and error codes, plus a margin (RFC 9218 has setting 9). */
const HIGHEST_SETTING = 0x20;
const HIGHEST_ERROR = 0x20;

/** Stream identifiers up to this are always accepted: a gap may hide many streams. */
const ANY_STREAM = 2 ** 24;

/**
 * Could a frame begin at `at`?
 * @returns bits of evidence: for n bits, random bytes pass with a probability of 2^-n. -1: no frame can begin there.
 *   0: fewer than {@link FRAME_HEADER} bytes, none of which rules it out.
 */
export function frameEvidence(bytes: Uint8Array, at: number, end: number, expected: Expectations): number {
  if (end - at < FRAME_HEADER) {
    // The first byte of a length is 0 in nearly every frame: that alone rules out most offsets.
    if (end > at && (bytes[at] as number) > expected.maxFrameSize >> 16) return -1;
    return 0;
  }
  const length = ((bytes[at] as number) << 16) | ((bytes[at + 1] as number) << 8) | (bytes[at + 2] as number);
  const type = bytes[at + 3] as number;
  const flags = bytes[at + 4] as number;
  if (length > expected.maxFrameSize || (bytes[at + 5] as number) > 127) return -1;
  const stream = readStream(bytes, at + 5);
  // Server push is all but extinct, so an even identifier is most likely random.
  if (stream % 2 === 0 && stream !== 0) return -1;
  const highest = Math.max(ANY_STREAM, 2 * expected.maxStream);
  if (stream > highest) return -1;
  const onStream = stream > 0;
  // Bits from the length, the type (about 4), the reserved bit and the identifier.
  const sized = Math.floor(24 - Math.log2(expected.maxFrameSize));
  const common = 4 + 1 + (onStream ? 1 + Math.floor(31 - Math.log2(highest)) : 31);
  const value = end - at < EVIDENCE_BYTES ? null : readUint32(bytes, at + FRAME_HEADER);
  const fixed = (size: number, fits: boolean): number => (length === size && fits ? 24 + common : -1);
  switch (type) {
    case FrameType.Data:
      if (!onStream || (flags & ~0x9) !== 0) return -1;
      // An empty DATA frame is nearly all zeros, so it proves nothing.
      return length === 0 && flags === 0 ? 1 : common + sized + 6;
    case FrameType.Headers:
      return onStream && (flags & ~0x2d) === 0 && length > 0 ? common + sized + 4 : -1;
    case FrameType.Priority:
      return fixed(5, onStream && flags === 0);
    case FrameType.RstStream:
      return fixed(4, onStream && flags === 0 && (value === null || value <= HIGHEST_ERROR));
    case FrameType.Settings:
      if (onStream || flags > 1 || length % 6 !== 0 || (flags === FLAG_ACK && length !== 0)) return -1;
      if (length > 0 && value !== null && (value >>> 16 === 0 || value >>> 16 > HIGHEST_SETTING)) return -1;
      return common + sized + 7;
    case FrameType.PushPromise:
      return onStream && (flags & ~0xc) === 0 && length > 4 ? common + sized + 6 : -1;
    case FrameType.Ping:
      return fixed(8, !onStream && flags <= 1);
    case FrameType.GoAway:
      return !onStream && flags === 0 && length >= 8 ? common + sized + 8 : -1;
    case FrameType.WindowUpdate:
      return fixed(4, flags === 0 && (value === null || (value > 0 && value < 2 ** 31)));
    case FrameType.Continuation:
      return onStream && (flags & ~0x4) === 0 ? common + sized + 7 : -1;
    case ALTSVC:
    case ORIGIN:
    case PRIORITY_UPDATE:
      return flags === 0 ? common + sized : -1;
    default:
      return -1;
  }
}

export function readStream(bytes: Uint8Array, at: number): number {
  return readUint32(bytes, at) & 0x7fffffff;
}

export function readUint32(bytes: Uint8Array, at: number): number {
  return (
    (((bytes[at] as number) << 24) |
      ((bytes[at + 1] as number) << 16) |
      ((bytes[at + 2] as number) << 8) |
      (bytes[at + 3] as number)) >>>
    0
  );
}
