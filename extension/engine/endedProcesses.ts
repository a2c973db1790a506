/** Which of the traced processes have ended. */
import type { TraceStatus } from './traceStatus.ts';

export class EndedProcesses {
  readonly #ended = new Set<number>();

  has(pid: number | null): boolean {
    return pid !== null && this.#ended.has(pid);
  }

  /** @returns those of which something else is known now. */
  update({ phase, targets }: Pick<TraceStatus, 'phase' | 'targets'>): ReadonlySet<number> {
    const changed = new Set<number>();
    // When a trace has stopped, nothing is known of them any more.
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
