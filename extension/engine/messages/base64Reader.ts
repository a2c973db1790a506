/**
 * Decodes base64 in pieces for another reader (application/grpc-web-text). Padding may occur anywhere, because senders
 * encode each flushed piece by itself.
 */
import type { GapReason, Outcome } from '../byteStream.ts';
import type { MessageList } from './messageList.ts';
import type { MessageReader } from './messageReader.ts';

const PADDING = 0x3d;
/** By byte; 255: not in the base64 alphabet. */
const VALUES = new Uint8Array(256).fill(255);
for (const [i, c] of [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'].entries()) {
  VALUES[c.charCodeAt(0)] = i;
}
/** RFC 4648 section 5. */
VALUES['-'.charCodeAt(0)] = 62;
VALUES['_'.charCodeAt(0)] = 63;

export class Base64Reader implements MessageReader {
  readonly #list: MessageList;
  readonly #inner: MessageReader;
  #bits = 0;
  /** Characters of the current group of four. */
  #count = 0;
  #padding = 0;
  /** Nothing that follows can be decoded. */
  #stopped = false;

  constructor(list: MessageList, inner: MessageReader) {
    this.#list = list;
    this.#inner = inner;
  }

  feed(bytes: Buffer, time: number): void {
    if (this.#stopped) return;
    const output = Buffer.allocUnsafe(Math.ceil(((bytes.length + 3) * 3) / 4));
    let used = 0;
    for (const byte of bytes) {
      if (byte === PADDING) {
        this.#padding++;
        if (this.#count + this.#padding < 4) continue;
        if (this.#count < 2 || this.#count + this.#padding > 4) {
          this.#fail(output.subarray(0, used), time);
          return;
        }
        used = this.#flush(output, used);
        continue;
      }
      const value = VALUES[byte] as number;
      if (value === 255 || this.#padding > 0) {
        if (byte === 0x0a || byte === 0x0d) continue;
        this.#fail(output.subarray(0, used), time);
        return;
      }
      this.#bits = (this.#bits << 6) | value;
      this.#count++;
      if (this.#count === 4) used = this.#flush(output, used);
    }
    if (used > 0) this.#inner.feed(output.subarray(0, used), time);
  }

  gap(_length: number | null, reason: GapReason, time: number): void {
    if (this.#stopped) return;
    // Whether padding was among the missing bytes is unknown.
    this.#stopped = true;
    this.#inner.gap(null, reason, time);
  }

  end(outcome: Outcome, time: number): void {
    const rest = Buffer.alloc(3);
    const used = this.#stopped || this.#count < 2 ? 0 : this.#flush(rest, 0);
    if (used > 0) this.#inner.feed(rest.subarray(0, used), time);
    this.#inner.end(outcome, time);
  }

  /** Writes the bytes of a group of 2 to 4 characters. @returns the offset after them. */
  #flush(output: Buffer, at: number): number {
    const bits = this.#bits << (6 * (4 - this.#count));
    const length = this.#count - 1;
    for (let i = 0; i < length; i++) output[at + i] = (bits >>> (16 - 8 * i)) & 0xff;
    this.#bits = 0;
    this.#count = 0;
    this.#padding = 0;
    return at + length;
  }

  #fail(decoded: Buffer, time: number): void {
    if (decoded.length > 0) this.#inner.feed(decoded, time);
    this.#stopped = true;
    this.#list.notes.add('base64-broken');
    this.#inner.gap(null, 'lost', time);
  }
}
