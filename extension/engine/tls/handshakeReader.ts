/** Reads the unencrypted handshake messages of one direction (RFC 8446 section 4). */
import { MAX_HELLO_BYTES } from '../limits.ts';

export enum HandshakeType {
  ClientHello = 1,
  ServerHello = 2,
}

const HEADER_SIZE = 4;

export class HandshakeReader {
  readonly #message: (type: HandshakeType, body: Uint8Array) => void;
  readonly #header = new Uint8Array(HEADER_SIZE);
  #headerLength = 0;
  /** The hello that is being collected; null for other messages, and those beyond the bound. */
  #body: Uint8Array | null = null;
  #length = 0;
  #rest = 0;

  /** @param message called for each hello; its body is valid during the call only. */
  constructor(message: (type: HandshakeType, body: Uint8Array) => void) {
    this.#message = message;
  }

  feed(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) {
      if (this.#rest > 0) {
        const piece = bytes.subarray(at, at + this.#rest);
        this.#body?.set(piece, this.#length - this.#rest);
        at += piece.length;
        this.#rest -= piece.length;
        if (this.#rest === 0) this.#end();
        continue;
      }
      this.#header[this.#headerLength++] = bytes[at++] ?? 0;
      if (this.#headerLength === HEADER_SIZE) this.#begin();
    }
  }

  #begin(): void {
    const [type = 0, high = 0, middle = 0, low = 0] = this.#header;
    this.#headerLength = 0;
    this.#length = (high << 16) | (middle << 8) | low;
    this.#rest = this.#length;
    const isHello = type === HandshakeType.ClientHello || type === HandshakeType.ServerHello;
    this.#body = isHello && this.#length <= MAX_HELLO_BYTES ? new Uint8Array(this.#length) : null;
    if (this.#rest === 0) this.#end();
  }

  #end(): void {
    const body = this.#body;
    this.#body = null;
    if (body !== null) this.#message(this.#header[0] as HandshakeType, body);
  }
}
