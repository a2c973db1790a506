/**
 * A trace that is armed before a program runs follows everything that its seeds, the extension host and the terminals,
 * start. Not all of that is debugged. So each process that a seed started, with its descendants, is a candidate: its calls
 * are held back until a debugger names it, and dropped if none does.
 */

/** Processes that are remembered; beyond it the oldest are dropped. */
const MAX_PROCESSES = 10_000;

export type Visibility =
  /** Its calls are shown. */
  | 'shown'
  /** Its calls are held back until a debugger names it. */
  | 'candidate'
  /** A seed, or a candidate that no debugger has named: its calls are left out. */
  | 'left-out';

interface Candidate {
  readonly parent: number;
  /** Start time in milliseconds, by the caller's clock. */
  readonly since: number;
}

export class Candidates {
  readonly #leftOut = new Set<number>();
  readonly #candidates = new Map<number, Candidate>();
  /** Named processes that have not ended: a process's start record may arrive after a debugger has named it. */
  readonly #named = new Set<number>();

  visibility(pid: number): Visibility {
    return this.#candidates.has(pid) ? 'candidate' : this.#leftOut.has(pid) ? 'left-out' : 'shown';
  }

  /** This process is a seed. */
  seeded(pid: number): void {
    this.#named.delete(pid);
    this.#leaveOut(pid);
  }

  /** This process is a debugger's own. */
  leaveOut(pid: number): void {
    this.#candidates.delete(pid);
    this.#leaveOut(pid);
  }

  /** A process was started, possibly with the id of an earlier one. */
  started(pid: number, parent: number, now: number): void {
    if (this.#named.has(pid)) return;
    const visibility = this.visibility(parent);
    this.#leftOut.delete(pid);
    this.#candidates.delete(pid);
    if (visibility === 'shown') return;
    this.#candidates.set(pid, { parent, since: now });
    this.#bound(this.#candidates.keys(), this.#candidates.size, (oldest) => this.#candidates.delete(oldest));
  }

  ended(pid: number): void {
    this.#named.delete(pid);
  }

  /** This process is debugged: it is shown, with everything that it has started. */
  confirm(pid: number): void {
    const confirmed = new Set([pid]);
    this.#named.add(pid);
    this.#bound(this.#named.keys(), this.#named.size, (oldest) => this.#named.delete(oldest));
    this.#leftOut.delete(pid);
    this.#candidates.delete(pid);
    // In the order of their start, so parents come first.
    for (const [id, { parent }] of this.#candidates) {
      if (!confirmed.has(parent)) continue;
      confirmed.add(id);
      this.#candidates.delete(id);
    }
  }

  /**
   * Leaves out the candidates that started at or before `before` (milliseconds, the caller's clock) and that no debugger has
   * named.
   * @returns their process ids
   */
  leaveOutUnnamed(before: number): number[] {
    const dropped: number[] = [];
    for (const [pid, { since }] of this.#candidates) {
      if (since > before) continue;
      dropped.push(pid);
      this.#candidates.delete(pid);
      this.#leaveOut(pid);
    }
    return dropped;
  }

  #leaveOut(pid: number): void {
    this.#leftOut.delete(pid);
    this.#leftOut.add(pid);
    this.#bound(this.#leftOut.keys(), this.#leftOut.size, (oldest) => this.#leftOut.delete(oldest));
  }

  #bound(keys: IterableIterator<number>, size: number, drop: (pid: number) => void): void {
    if (size <= MAX_PROCESSES) return;
    const oldest = keys.next();
    if (!oldest.done) drop(oldest.value);
  }
}
