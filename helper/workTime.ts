/**
 * How long this thread has worked since a moment: not longer than the time that has passed, and not longer than its process
 * had a processor. On a busy machine, a thread of low priority waits for its turn for seconds, which is no work.
 */
export class WorkTime {
  readonly #since = performance.now();
  readonly #used = process.cpuUsage();

  /** @param ms a limit in milliseconds. Asks the kernel only when so much time has passed: this is asked in inner loops. */
  exceeds(ms: number): boolean {
    return performance.now() - this.#since > ms && this.ms > ms;
  }

  /** Milliseconds. Other threads of the process may be counted in. */
  get ms(): number {
    const passed = performance.now() - this.#since;
    const { user, system } = process.cpuUsage(this.#used);
    return Math.min(passed, (user + system) / 1_000);
  }
}
