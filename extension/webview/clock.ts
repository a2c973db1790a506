/** Up to when the trace has been seen, between two messages of the host; and frames only while they matter. */
import type { TraceStatus } from '../engine/traceStatus.ts';

const CALM_MS = 1_000;

export class Clock {
  private status: TraceStatus | null = null;
  private receivedAt = 0;
  private latest = 0;
  private frame: number | null = null;
  private timer: ReturnType<typeof setTimeout> | null = null;
  private readonly calm = matchMedia('(prefers-reduced-motion: reduce)');

  constructor(
    /** Something runs and can be seen. */
    private readonly wanted: () => boolean,
    private readonly tick: (now: number) => void,
  ) {}

  /** Milliseconds since the trace's start. Never goes back while one trace runs. */
  now(): number {
    const { status } = this;
    if (status === null) return 0;
    if (status.phase !== 'running') return status.now;
    this.latest = Math.max(this.latest, status.now + performance.now() - this.receivedAt);
    return this.latest;
  }

  show(status: TraceStatus): void {
    if (status.startedAt !== this.status?.startedAt) this.latest = 0;
    this.status = status;
    this.receivedAt = performance.now();
    this.wake();
  }

  /** Begins to tick when there is a reason to; it stops by itself. */
  wake(): void {
    if (this.frame !== null || this.timer !== null || !this.needed) return;
    const run = (): void => {
      this.frame = null;
      this.timer = null;
      if (!this.needed) return;
      this.tick(this.now());
      this.wake();
    };
    if (this.calm.matches) this.timer = setTimeout(run, CALM_MS);
    else this.frame = requestAnimationFrame(run);
  }

  private get needed(): boolean {
    return this.status?.phase === 'running' && document.visibilityState === 'visible' && this.wanted();
  }
}
