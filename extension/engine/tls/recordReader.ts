/**
 * Splits a direction into TLS records (RFC 8446 section 5.1, RFC 5246 section 6.2.1) and passes on their
 * fragments. Once a record boundary is lost, it is not searched for again.
 */

export enum ContentType {
  ChangeCipherSpec = 20,
  Alert = 21,
  Handshake = 22,
  ApplicationData = 23,
  Heartbeat = 24,
}

export interface RecordHandler {
  /** @param bytes a piece of the record's fragment, valid during the call only. */
  fragment(type: ContentType, bytes: Uint8Array, recordLength: number): void;
  /** The record is complete. @param time in milliseconds, of its last byte. */
  recordEnded(type: ContentType, recordLength: number, time: number): void;
}

const HEADER_SIZE = 5;
/** Bytes of a fragment: 2^14, and up to 2,048 that encryption adds (RFC 5246 section 6.2.3). */
const MAX_FRAGMENT = 16_384 + 2_048;
const SSL_MAJOR = 3;
const MAX_MINOR = 4;

export class RecordReader {
  /** Record boundaries are unknown. */
  lost = false;

  readonly #handler: RecordHandler;
  readonly #header = new Uint8Array(HEADER_SIZE);
  #headerLength = 0;
  #type = ContentType.Handshake;
  #length = 0;
  /** Bytes of the record's fragment that are still to come. */
  #rest = 0;

  constructor(handler: RecordHandler) {
    this.#handler = handler;
  }

  /** @param time in milliseconds. */
  feed(bytes: Uint8Array, time: number): void {
    for (let at = 0; at < bytes.length && !this.lost; ) {
      if (this.#rest > 0) {
        const piece = bytes.subarray(at, at + this.#rest);
        at += piece.length;
        this.#rest -= piece.length;
        this.#handler.fragment(this.#type, piece, this.#length);
        if (this.#rest === 0) this.#handler.recordEnded(this.#type, this.#length, time);
        continue;
      }
      this.#header[this.#headerLength++] = bytes[at++] ?? 0;
      if (this.#headerLength === HEADER_SIZE) this.#begin(time);
    }
  }

  /** Bytes that were not copied. If they are not certainly inside one record, the boundary is lost. */
  gap(length: number, time: number): void {
    if (this.lost) return;
    const hidden = this.#type === ContentType.Handshake || this.#type === ContentType.Alert;
    if (length > this.#rest || hidden) {
      this.lost = true;
      return;
    }
    this.#rest -= length;
    if (this.#rest === 0) this.#handler.recordEnded(this.#type, this.#length, time);
  }

  #begin(time: number): void {
    const [type = 0, major = 0, minor = 0, high = 0, low = 0] = this.#header;
    this.#headerLength = 0;
    this.#length = (high << 8) | low;
    this.#type = type;
    const isType = type >= ContentType.ChangeCipherSpec && type <= ContentType.Heartbeat;
    if (!isType || major !== SSL_MAJOR || minor > MAX_MINOR || this.#length > MAX_FRAGMENT) {
      this.lost = true;
      return;
    }
    this.#rest = this.#length;
    if (this.#length === 0) this.#handler.recordEnded(this.#type, 0, time);
  }
}
