/** How many bytes the programs sent and received, and how many of them could not be captured, over all traces of the list. */
import type { Status } from '../../helper/protocol.ts';
import { byteBalance } from './byteBalance.ts';

export interface Bytes {
  readonly seen: number;
  readonly lost: number;
}

const NO_BYTES: Bytes = { seen: 0, lost: 0 };

export class TraceBytes {
  /** The newest trace's latest status; null: none yet. */
  #status: Status | null = null;
  /** Bytes of the newest trace that were left out because of overload. */
  #shed = 0;
  /** Of the traces before the newest one. */
  #before = NO_BYTES;
  /** The newest trace's counts when the list was cleared; null: it was not cleared. */
  #cleared: Bytes | null = null;

  /** A trace begins. */
  begin(): void {
    this.#before = this.all;
    this.#status = null;
    this.#shed = 0;
    this.#cleared = null;
  }

  /** @param shed so far, by the kernel programs and the helper, as the engine counts it */
  take(status: Status, shed: number): void {
    this.#status = status;
    this.#shed = shed;
  }

  /** The list is cleared. */
  clear(): void {
    this.#before = NO_BYTES;
    this.#cleared = this.#whole;
  }

  /** Of the newest trace, since the list was cleared. */
  get newest(): Bytes {
    const { seen, lost } = this.#whole;
    const cleared = this.#cleared ?? NO_BYTES;
    return { seen: seen - cleared.seen, lost: lost - cleared.lost };
  }

  /** Of all traces of the list. */
  get all(): Bytes {
    const { seen, lost } = this.newest;
    return { seen: this.#before.seen + seen, lost: this.#before.lost + lost };
  }

  /** The list was cleared during the newest trace. */
  get wasCleared(): boolean {
    return this.#cleared !== null;
  }

  get #whole(): Bytes {
    if (this.#status === null) return NO_BYTES;
    const { seen, dropped, unseen } = byteBalance(this.#status);
    return { seen, lost: dropped + unseen + this.#shed };
  }
}
