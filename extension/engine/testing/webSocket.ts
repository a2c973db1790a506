/** WebSocket frames and handshakes for tests. */
import { Buffer } from 'node:buffer';

export interface FrameSpec {
  readonly opcode: number;
  readonly payload?: Uint8Array | string;
  readonly final?: boolean;
  /** RSV1 is 4, RSV2 is 2, RSV3 is 1. */
  readonly reserved?: number;
  readonly mask?: Uint8Array | null;
  /** Bytes of the extended length: 0, 2 or 8; by default the fewest. */
  readonly lengthBytes?: 0 | 2 | 8;
  /** What the header says, where that is not the length of the payload. */
  readonly length?: bigint;
}

/** Bytes of one frame (RFC 6455 section 5.2). */
export function frame(spec: FrameSpec): Buffer {
  const payload = Buffer.from(spec.payload ?? '');
  const length = spec.length ?? BigInt(payload.length);
  const bytes = spec.lengthBytes ?? (length < 126n ? 0 : length < 65_536n ? 2 : 8);
  const mask = spec.mask ?? null;
  const header = Buffer.alloc(2 + bytes);
  header[0] = (spec.final === false ? 0 : 0x80) | ((spec.reserved ?? 0) << 4) | spec.opcode;
  header[1] = (mask === null ? 0 : 0x80) | (bytes === 0 ? Number(length) : bytes === 2 ? 126 : 127);
  if (bytes === 2) header.writeUInt16BE(Number(length), 2);
  if (bytes === 8) header.writeBigUInt64BE(length, 2);
  if (mask === null) return Buffer.concat([header, payload]);
  return Buffer.concat([header, mask, payload.map((byte, i) => byte ^ (mask[i & 3] as number))]);
}

export const MASK = Buffer.from([0x37, 0xfa, 0x21, 0x3d]);

export const text = (payload: string, more: Partial<FrameSpec> = {}): Buffer =>
  frame({ opcode: 1, payload, ...more });
export const binary = (payload: Uint8Array | string, more: Partial<FrameSpec> = {}): Buffer =>
  frame({ opcode: 2, payload, ...more });
export const continuation = (payload: string, more: Partial<FrameSpec> = {}): Buffer =>
  frame({ opcode: 0, payload, ...more });
export const ping = (payload = '', more: Partial<FrameSpec> = {}): Buffer =>
  frame({ opcode: 9, payload, ...more });
export const pong = (payload = '', more: Partial<FrameSpec> = {}): Buffer =>
  frame({ opcode: 10, payload, ...more });

export function close(code: number | null = 1000, reason = '', more: Partial<FrameSpec> = {}): Buffer {
  const payload =
    code === null ? '' : Buffer.concat([Buffer.from([code >> 8, code & 0xff]), Buffer.from(reason)]);
  return frame({ opcode: 8, payload, ...more });
}

/** The example of RFC 6455 section 1.3. */
export const UPGRADE =
  'GET /chat HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n';

export function switching(extensions?: string): string {
  return (
    'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
    'Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n' +
    `${extensions === undefined ? '' : `Sec-WebSocket-Extensions: ${extensions}\r\n`}\r\n`
  );
}
