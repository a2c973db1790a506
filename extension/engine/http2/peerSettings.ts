/** SETTINGS that the receiver of a direction imposes on its sender (RFC 9113 section 6.5). */
import {
  DEFAULT_FRAME_SIZE,
  type Frame,
  SETTINGS_HEADER_TABLE_SIZE,
  SETTINGS_MAX_FRAME_SIZE,
} from './frameFormat.ts';
import { DEFAULT_TABLE_SIZE } from './hpack.ts';
import type { Lane } from './lane.ts';

/** Bytes of a payload (section 4.2). */
const LARGEST_FRAME = 2 ** 24 - 1;

export class PeerSettings {
  /** Every setting was seen. */
  #known = true;
  #table = DEFAULT_TABLE_SIZE;
  #frame = DEFAULT_FRAME_SIZE;

  /** The largest value counts, because it is not known when a smaller one takes effect (section 6.5.3). */
  set(identifier: number, value: number): void {
    if (identifier === SETTINGS_HEADER_TABLE_SIZE) this.#table = Math.max(this.#table, value);
    else if (identifier === SETTINGS_MAX_FRAME_SIZE) this.#frame = Math.max(this.#frame, value);
  }

  /** Settings may have been missed. */
  lose(): void {
    this.#known = false;
  }

  apply(lane: Lane): void {
    lane.decoder.allowed = this.#known ? this.#table : null;
    lane.reader.maxFrameSize = Math.min(this.#frame, LARGEST_FRAME);
  }

  exceeds(frame: Frame): boolean {
    return this.#known && frame.length > this.#frame;
  }
}
