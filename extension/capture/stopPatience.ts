/** How long to wait for a helper that was asked to stop. */
import { ProcessActivity } from './processActivity.ts';

/** Milliseconds without a message from it or a sign that it is working. */
const SILENCE_MS = 30_000;
/** Milliseconds for a working helper: detaching programs may block it in the kernel for long. */
const LIMIT_MS = 300_000;

export class StopPatience {
  readonly #begin = performance.now();
  readonly #timer: NodeJS.Timeout;

  /** @param giveUp called once, unless ended first */
  constructor(helperPid: number, giveUp: () => void) {
    const activity = new ProcessActivity(helperPid);
    this.#timer = setTimeout(() => {
      if (performance.now() - this.#begin < LIMIT_MS && activity.isWorking()) this.#timer.refresh();
      else giveUp();
    }, SILENCE_MS);
  }

  /** The helper has sent something. */
  heard(): void {
    this.#timer.refresh();
  }

  end(): void {
    clearTimeout(this.#timer);
  }
}
