/**
 * Reports on standard error how far the output is behind the program, and how much is left when the trace stops.
 * Reports only lasting delays, at most one line per interval.
 */
import type { Status } from '../../helper/protocol.ts';
import { behindMs } from '../capture/pipeline.ts';
import { behindText, leftText } from '../words/progress.ts';

/** Milliseconds between two lines. */
const INTERVAL_MS = 2_000;
/** How long a stop takes before it is reported. */
const PATIENCE_MS = 1_000;

export class Progress {
  readonly #verbose: boolean;
  readonly #terminal: boolean;
  readonly #say: (text: string) => void;
  #lastSaid = Number.NEGATIVE_INFINITY;
  #stopping = false;
  /** When the first status after the stop came. */
  #stoppedAt: number | null = null;
  #behind = false;

  /**
   * @param verbose while the trace runs, too
   * @param terminal a user is watching, and can press Ctrl+C
   */
  constructor(verbose: boolean, terminal: boolean, say: (text: string) => void) {
    this.#verbose = verbose;
    this.#terminal = terminal;
    this.#say = say;
  }

  stopping(): void {
    this.#stopping = true;
  }

  /** @param now milliseconds, of any clock */
  take(status: Status, now: number): void {
    if (this.#stopping) this.#left(status, now);
    else if (this.#verbose) this.#running(status, now);
  }

  #running(status: Status, now: number): void {
    const behind = behindText(behindMs(status));
    if (behind === null) {
      if (this.#behind && status.backlog.records === 0) {
        this.#behind = false;
        this.#say('caught up with the program.');
      }
      return;
    }
    if (now - this.#lastSaid < INTERVAL_MS) return;
    this.#lastSaid = now;
    this.#behind = true;
    this.#say(`${behind}; ${leftText(status.backlog.records)}.`);
  }

  #left({ backlog, final }: Status, now: number): void {
    this.#stoppedAt ??= now;
    const left = leftText(backlog.records);
    if (final || left === null || !(this.#verbose || this.#terminal)) return;
    if (now - this.#stoppedAt < PATIENCE_MS || now - this.#lastSaid < INTERVAL_MS) return;
    this.#lastSaid = now;
    this.#say(`${left}${this.#terminal ? '; Ctrl+C drops them' : ''}.`);
  }
}
