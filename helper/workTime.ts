/**
 * How long this thread has worked: at most the elapsed time, and at most the CPU time of its process since then. On a
 * busy machine, a low-priority thread waits for seconds to be scheduled, which is not work.
 */
export class WorkTime {
  readonly #since = performance.now();
  readonly #used = process.cpuUsage();

  /** @param ms a limit in milliseconds. Asks the kernel only after that much time: inner loops call this. */
  exceeds(ms: number): boolean {
    return performance.now() - this.#since > ms && this.ms > ms;
  }

  /** Milliseconds. May include other threads of the process. */
  get ms(): number {
    const passed = performance.now() - this.#since;
    const { user, system } = process.cpuUsage(this.#used);
    return Math.min(passed, (user + system) / 1_000);
  }
}
