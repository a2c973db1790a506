/** Which of the traced processes have ended. */
import type { TraceStatus } from './traceStatus.ts';

export class EndedProcesses {
  readonly #ended = new Set<number>();

  has(pid: number | null): boolean {
    return pid !== null && this.#ended.has(pid);
  }

  /** @returns the processes whose state has changed. */
  update({ phase, targets }: Pick<TraceStatus, 'phase' | 'targets'>): ReadonlySet<number> {
    const changed = new Set<number>();
    // After the trace has stopped, it is not known any more whether a process has ended.
    if (phase !== 'running' && phase !== 'stopping') return changed;
    for (const { pid, ended } of targets) {
      if (this.#ended.has(pid) === ended) continue;
      changed.add(pid);
      if (ended) this.#ended.add(pid);
      else this.#ended.delete(pid);
    }
    return changed;
  }
}
