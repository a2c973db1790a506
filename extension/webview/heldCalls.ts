/** How many calls the panel had before a reload of the window: the panel reports those that were not kept. */
import type { TraceStatus } from '../engine/traceStatus.ts';
import type { Host } from './host.ts';
import { heldCalls } from './savedState.ts';

/** The stored number is read only after a reload: once a second is often enough. */
const INTERVAL_MS = 1_000;

export class HeldCalls {
  readonly #host: Host;
  #dropped: number;
  #status: TraceStatus | null = null;
  #timer: ReturnType<typeof setTimeout> | null = null;

  constructor(host: Host) {
    this.#host = host;
    this.#dropped = heldCalls(host.state.held);
  }

  /** Calls that were held before the reload, and no longer are. */
  get dropped(): number {
    return this.#dropped;
  }

  /** The trace of the held calls has arrived. */
  came({ startedAt }: TraceStatus): void {
    if (startedAt !== null && startedAt === this.#host.state.held?.startedAt) this.#dropped = 0;
  }

  remember(status: TraceStatus): void {
    this.#status = status;
    if (this.#timer !== null) return;
    const { calls, startedAt } = status;
    const { held } = this.#host.state;
    if (startedAt === null || calls === 0) {
      // Until a trace has calls of its own, the loss of the previous ones is reported.
      if (held !== undefined && this.#dropped === 0) this.#host.forget('held');
      return;
    }
    if (held?.calls === calls && held.startedAt === startedAt) return;
    this.#host.update({ held: { calls, startedAt } });
    this.#timer = setTimeout(() => {
      this.#timer = null;
      if (this.#status !== null) this.remember(this.#status);
    }, INTERVAL_MS);
  }
}
