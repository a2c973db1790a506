/**
 * Limits the time and memory spent on reading other programs' files. A file can be crafted so that a megabyte of it
 * takes hours, or gigabytes of memory. Exceeding the budget is an ElfError, like unreadable data.
 */
import { ElfError } from '../../../helper/tls/elf.ts';
import { WorkTime } from '../../../helper/workTime.ts';

export interface BudgetLimits {
  /** Milliseconds of work (workTime.ts). */
  readonly ms: number;
  /** Bytes, as estimated. */
  readonly bytes: number;
  /** Milliseconds regained per millisecond of elapsed time, up to `ms`. */
  readonly refill?: number;
}

/** After how many steps the time is checked. */
const STEPS = 256;

export class ReadingBudget {
  readonly #limits: BudgetLimits;
  /** Shared by all files. */
  readonly #whole: ReadingBudget | null;
  #leftMs: number;
  #since = performance.now();
  #held = 0;
  #steps = 0;
  /** The current read, and the milliseconds that it may take. */
  #running: { readonly work: WorkTime; readonly left: number } | null = null;

  constructor(limits: BudgetLimits, whole: ReadingBudget | null = null) {
    this.#limits = limits;
    this.#whole = whole;
    this.#leftMs = limits.ms;
  }

  get held(): number {
    return this.#held;
  }

  /** @throws ElfError when no time is left, and what `work` throws */
  run<T>(work: () => T): T {
    // Within the outer run's time.
    if (this.#running !== null) return work();
    const now = performance.now();
    const whole = this.#whole === null ? Number.POSITIVE_INFINITY : this.#whole.#timeLeft(now);
    const left = Math.min(this.#timeLeft(now), whole);
    if (left <= 0) throw new ElfError('no time left');
    const running = { work: new WorkTime(), left };
    this.#running = running;
    try {
      return work();
    } finally {
      this.#running = null;
      const spent = running.work.ms;
      this.#leftMs -= spent;
      if (this.#whole !== null) this.#whole.#leftMs -= spent;
    }
  }

  /** Counts a step. @throws ElfError when the running read has used up its time */
  step(): void {
    if (++this.#steps % STEPS !== 0 || this.#running === null) return;
    if (this.#running.work.exceeds(this.#running.left)) throw new ElfError('too much to read');
  }

  /** Bytes that are kept from now on. @throws ElfError when they are too many */
  hold(bytes: number): void {
    if (this.#held + bytes > this.#limits.bytes) throw new ElfError('too much to keep');
    this.#whole?.hold(bytes);
    this.#held += bytes;
  }

  /** Bytes that are not kept any more; by default, all of them. */
  release(bytes = this.#held): void {
    this.#held -= bytes;
    this.#whole?.release(bytes);
  }

  #timeLeft(now: number): number {
    const { ms, refill = 0 } = this.#limits;
    this.#leftMs = Math.min(ms, this.#leftMs + (now - this.#since) * refill);
    this.#since = now;
    return this.#leftMs;
  }
}

/** Of one file. */
export const FILE_LIMITS: BudgetLimits = { ms: 5_000, bytes: 256 * 1024 * 1024 };
/** Of all files of a trace. */
export const TRACE_LIMITS: BudgetLimits = { ms: 20_000, bytes: 512 * 1024 * 1024, refill: 0.1 };
