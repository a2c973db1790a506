/**
 * Splits one direction of a stream to a name server into messages. Only the beginning of each system call may have been
 * copied, and nothing is guessed: an incomplete message is passed on, and once the next boundary is lost, the rest of
 * the stream is not read.
 */
import { MAX_NAME_MESSAGE } from '../limits.ts';

export interface MessageStream {
  /** @returns the messages that have ended. */
  push(bytes: Buffer, size: number): Buffer[];
}

/** DNS over TCP: two bytes before each message give its length (RFC 1035 section 4.2.2). */
export class LengthPrefixed implements MessageStream {
  /** Bytes of the current length or message, up to the first missing byte. */
  #held: Buffer = Buffer.alloc(0);
  /** Bytes of the current message that are still to come; null: its length is not known yet. */
  #left: number | null = null;
  #cut = false;
  #lost = false;

  push(bytes: Buffer, size: number): Buffer[] {
    const found: Buffer[] = [];
    let at = 0;
    while (at < bytes.length && !this.#lost) {
      if (this.#left === null) {
        const take = Math.min(2 - this.#held.length, bytes.length - at);
        this.#held = Buffer.concat([this.#held, bytes.subarray(at, at + take)]);
        at += take;
        if (this.#held.length < 2) break;
        this.#left = this.#held.readUInt16BE(0);
        this.#held = Buffer.alloc(0);
      } else {
        const take = Math.min(this.#left, bytes.length - at);
        this.#keep(bytes.subarray(at, at + take));
        at += take;
        this.#left -= take;
      }
      if (this.#left === 0) this.#end(found);
    }
    this.#miss(size - bytes.length, found);
    return found;
  }

  #keep(bytes: Buffer): void {
    if (this.#cut) return;
    const room = MAX_NAME_MESSAGE - this.#held.length;
    this.#held = Buffer.concat([this.#held, bytes.subarray(0, room)]);
    if (bytes.length > room) this.#cut = true;
  }

  #miss(count: number, found: Buffer[]): void {
    if (count === 0 || this.#lost) return;
    if (this.#left === null || count > this.#left) {
      if (this.#left !== null) this.#end(found);
      this.#lost = true;
      return;
    }
    this.#cut = true;
    this.#left -= count;
    if (this.#left === 0) this.#end(found);
  }

  #end(found: Buffer[]): void {
    found.push(this.#held);
    this.#held = Buffer.alloc(0);
    this.#left = null;
    this.#cut = false;
  }
}

/** systemd-resolved: each message ends with a NUL. */
export class NulTerminated implements MessageStream {
  #held: Buffer = Buffer.alloc(0);
  #lost = false;

  push(bytes: Buffer, size: number): Buffer[] {
    const found: Buffer[] = [];
    for (let at = 0; at < bytes.length && !this.#lost; ) {
      const end = bytes.indexOf(0, at);
      const piece = bytes.subarray(at, end < 0 ? bytes.length : end);
      at += piece.length + 1;
      this.#held = Buffer.concat([this.#held, piece]);
      if (end >= 0) this.#end(found);
      else if (this.#held.length > MAX_NAME_MESSAGE) this.#lose(found);
    }
    if (size > bytes.length && !this.#lost) this.#lose(found);
    return found;
  }

  #lose(found: Buffer[]): void {
    this.#end(found);
    this.#lost = true;
  }

  #end(found: Buffer[]): void {
    found.push(this.#held);
    this.#held = Buffer.alloc(0);
  }
}
