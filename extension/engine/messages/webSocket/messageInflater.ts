/** Undoes permessage-deflate (RFC 7692 section 7) for the messages of one direction. */
import { Inflate } from '../../inflate.ts';
import { MAX_INFLATED_MESSAGE } from '../../limits.ts';
import type { LabelName } from '../labels.ts';
import type { Deflate } from './handshake.ts';

/** What the sender removes from the end of each message (section 7.2.1). */
const TAIL = Buffer.from([0x00, 0x00, 0xff, 0xff]);

export class MessageInflater {
  readonly #deflate: Deflate;
  readonly #inflate: Inflate;
  #size = 0;
  #fault: LabelName | null = null;
  /** The last message was not decompressed to its end: references to it are unknown. */
  #lost = false;

  /** @param sink takes output, a view that is valid during the call only. */
  constructor(deflate: Deflate, sink: (bytes: Buffer) => void) {
    this.#deflate = deflate;
    this.#inflate = new Inflate((bytes) => {
      this.#size += bytes.length;
      sink(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length));
      return this.#size < MAX_INFLATED_MESSAGE;
    }, deflate.window);
  }

  /** Bytes of memory. */
  get cost(): number {
    return this.#inflate.cost;
  }

  begin(): void {
    this.#size = 0;
    this.#fault = null;
    if (!this.#deflate.takeover) this.#inflate.restart(true);
    else if (this.#lost) this.#inflate.loseHistory();
    this.#lost = false;
  }

  add(bytes: Buffer): void {
    for (let at = 0; at < bytes.length && this.#fault === null; ) {
      at = this.#inflate.push(bytes, at);
      this.#look();
    }
  }

  /** Bytes of the message, or all of it, are missing. */
  lose(): void {
    this.#lost = true;
  }

  /** @returns what went wrong; null when the message is whole. */
  end(): LabelName | null {
    this.add(TAIL);
    if (this.#fault === null && !this.#inflate.aligned) this.#fault = 'ws-deflate';
    if (this.#fault !== null) this.#lost = true;
    return this.#fault;
  }

  #look(): void {
    switch (this.#inflate.status) {
      case 'end':
        // Another DEFLATE stream may follow in the same message (section 7.2.3.5).
        this.#inflate.restart(false);
        return;
      case 'broken':
        this.#fault = 'ws-deflate';
        return;
      case 'unknown':
        this.#fault = 'inflate-unknown';
        return;
      case 'stopped':
        this.#fault = 'inflate-limit';
        return;
      default:
        return;
    }
  }
}
