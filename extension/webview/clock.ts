/** The trace time between two messages of the host; and animation frames only while needed. */
import type { TraceStatus } from '../engine/traceStatus.ts';

const CALM_MS = 1_000;
/** One display frame. */
const FRAME_MS = 1000 / 60;

export class Clock {
  /** A running call is visible. */
  readonly #wanted: () => boolean;
  readonly #tick: (now: number) => void;
  /** Milliseconds until the drawing can change: a call that is open for hours does not need every frame. */
  readonly #pace: () => number;
  #status: TraceStatus | null = null;
  #receivedAt = 0;
  #latest = 0;
  #frame: number | null = null;
  #timer: ReturnType<typeof setTimeout> | null = null;
  readonly #calm = matchMedia('(prefers-reduced-motion: reduce)');

  constructor(wanted: () => boolean, tick: (now: number) => void, pace: () => number) {
    this.#wanted = wanted;
    this.#tick = tick;
    this.#pace = pace;
  }

  /** Milliseconds since the trace's start. Never goes back while one trace runs. */
  now(): number {
    const status = this.#status;
    if (status === null) return 0;
    if (status.phase !== 'running') return status.now;
    this.#latest = Math.max(this.#latest, status.now + performance.now() - this.#receivedAt);
    return this.#latest;
  }

  show(status: TraceStatus): void {
    if (status.startedAt !== this.#status?.startedAt || status.list !== this.#status.list) this.#latest = 0;
    this.#status = status;
    this.#receivedAt = performance.now();
    this.wake();
  }

  /** Starts ticking if needed; it stops by itself. */
  wake(): void {
    if (this.#frame !== null || this.#timer !== null || !this.#needed) return;
    const run = (): void => {
      this.#frame = null;
      this.#timer = null;
      if (!this.#needed) return;
      this.#tick(this.now());
      this.wake();
    };
    const wait = this.#calm.matches ? CALM_MS : this.#pace();
    if (wait > 2 * FRAME_MS) this.#timer = setTimeout(run, wait);
    else this.#frame = requestAnimationFrame(run);
  }

  get #needed(): boolean {
    return this.#status?.phase === 'running' && document.visibilityState === 'visible' && this.#wanted();
  }
}
