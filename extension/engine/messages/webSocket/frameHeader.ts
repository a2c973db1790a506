/** The header of a WebSocket frame (RFC 6455 section 5.2). */

export const Opcode = {
  Continuation: 0x0,
  Text: 0x1,
  Binary: 0x2,
  Close: 0x8,
  Ping: 0x9,
  Pong: 0xa,
} as const;

export const MAX_HEADER = 14;
export const MAX_CONTROL = 125;

export interface FrameHeader {
  readonly final: boolean;
  /** RSV1 is 4, RSV2 is 2, RSV3 is 1. */
  readonly reserved: number;
  readonly opcode: number;
  readonly mask: Buffer | null;
  /** Bytes of the payload; null when larger than 2^53 - 1. */
  readonly length: number | null;
  /** The length is written in the fewest bytes. */
  readonly minimal: boolean;
  /** Bytes of the header. */
  readonly size: number;
}

/** @returns null when it is incomplete. The mask is a copy. */
export function readFrameHeader(bytes: Buffer, at: number): FrameHeader | null {
  const size = headerSize(bytes, at);
  if (size === null || bytes.length < at + size) return null;
  const first = bytes[at] as number;
  const second = bytes[at + 1] as number;
  let length: number | null = second & 0x7f;
  let minimal = true;
  if (length === 126) {
    length = bytes.readUInt16BE(at + 2);
    minimal = length > MAX_CONTROL;
  } else if (length === 127) {
    const high = bytes.readUInt32BE(at + 2);
    length = high >= 0x20_0000 ? null : high * 0x1_0000_0000 + bytes.readUInt32BE(at + 6);
    minimal = length === null || length > 0xffff;
  }
  return {
    final: (first & 0x80) !== 0,
    reserved: (first >> 4) & 7,
    opcode: first & 0x0f,
    mask: (second & 0x80) === 0 ? null : Buffer.from(bytes.subarray(at + size - 4, at + size)),
    length,
    minimal,
    size,
  };
}

/** Length of the header that begins there; null when not known yet. */
export function headerSize(bytes: Buffer, at: number): number | null {
  const second = bytes[at + 1];
  if (second === undefined) return null;
  const length = second & 0x7f;
  return 2 + (length === 127 ? 8 : length === 126 ? 2 : 0) + ((second & 0x80) === 0 ? 0 : 4);
}

export function isControl(opcode: number): boolean {
  return opcode >= 8;
}

export function isKnownOpcode(opcode: number): boolean {
  return opcode <= 2 || (opcode >= 8 && opcode <= 10);
}
