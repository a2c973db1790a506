/** How long a helper that has been asked to stop is waited for. */
import { ProcessActivity } from './processActivity.ts';

/** Milliseconds without a message of it, and without a sign that it is at work. */
const SILENCE_MS = 30_000;
/** Milliseconds for one that is at work: the kernel may hold it for long while programs are detached. */
const LIMIT_MS = 300_000;

export class StopPatience {
  readonly #begin = performance.now();
  readonly #timer: NodeJS.Timeout;

  /** @param giveUp called once, unless it ends before */
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
