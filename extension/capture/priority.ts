/** Scheduling priority of the threads that dissect. */
import { readdirSync } from 'node:fs';
import { getPriority, setPriority } from 'node:os';

/**
 * Nice value of a thread that dissects. Beside one busy thread of a traced program on the same processor it gets about a
 * tenth of the time (1024 : 110, sched(7)); unread records wait in the helper's backlog.
 */
const DISSECTING = 10;
/** Bytes of records per second whose processing would slow down a traced program noticeably. */
const NOTABLE_BYTES = 256 * 1024;
const SECOND_MS = 1_000;

/** Lowers the priority of a dissecting thread once it has processed NOTABLE_BYTES within a second; it is never raised again. */
export class Priority {
  readonly #lower: () => void;
  #since = 0;
  #bytes = 0;
  #lowered = false;

  constructor(lower: () => void = lowerOwn) {
    this.#lower = lower;
  }

  /**
   * Counts records that have arrived.
   * @param now milliseconds, of any clock
   */
  worked(bytes: number, now: number): void {
    if (this.#lowered) return;
    if (now - this.#since >= SECOND_MS) {
      this.#since = now;
      this.#bytes = 0;
    }
    this.#bytes += bytes;
    if (this.#bytes < NOTABLE_BYTES) return;
    this.#lowered = true;
    this.#lower();
  }
}

/**
 * Lowers the priority of the calling thread alone: on Linux, process id 0 means the calling thread. Threads and processes
 * that it starts later inherit the priority. Raising it again would need a privilege.
 */
function lowerOwn(): void {
  lower(0);
}

/**
 * Lowers the priority of all threads of a process that only dissects: V8's compiler and garbage collector threads use as
 * much time as the dissecting thread.
 */
export function lowerProcess(): void {
  for (const thread of readdirSync('/proc/self/task')) lower(Number(thread));
}

function lower(thread: number): void {
  try {
    // It may be lower already, by nice(1); root would raise it.
    if (getPriority(thread) < DISSECTING) setPriority(thread, DISSECTING);
  } catch {
    // Forbidden (as in some containers), so the priority stays the same. Or the thread has ended.
  }
}
