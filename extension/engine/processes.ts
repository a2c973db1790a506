/** The latest name of each process. Exchanges keep the name that was valid when they began. */
import type { Process } from './exchange.ts';
import { MAX_PROCESSES } from './limits.ts';

export class Processes {
  /** One object per process, shared by its exchanges. */
  readonly #known = new Map<number, Process>();
  /** Wait statuses of processes that have ended. */
  readonly #ended = new Map<number, number>();

  /** A new process has this id. */
  begin(pid: number): void {
    this.#ended.delete(pid);
  }

  set(pid: number, name: string | null): void {
    const known = this.#known.get(pid);
    if (known?.name === name) return;
    this.#known.delete(pid);
    this.#known.set(pid, { pid, name });
    if (this.#known.size > MAX_PROCESSES) {
      for (const oldest of this.#known.keys()) {
        this.#known.delete(oldest);
        break;
      }
    }
  }

  end(pid: number, status: number): void {
    this.#ended.delete(pid);
    this.#ended.set(pid, status);
    if (this.#ended.size > MAX_PROCESSES) {
      for (const oldest of this.#ended.keys()) {
        this.#ended.delete(oldest);
        break;
      }
    }
  }

  /** null: it has not ended, as far as known. */
  exitStatus(pid: number): number | null {
    return this.#ended.get(pid) ?? null;
  }

  /** null for process 0: no process. */
  get(pid: number): Process | null {
    if (pid === 0) return null;
    const known = this.#known.get(pid);
    if (known !== undefined) return known;
    this.set(pid, null);
    return this.#known.get(pid) ?? null;
  }
}
