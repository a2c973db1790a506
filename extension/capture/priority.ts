/** Which thread has the processor when several want it. */
import { readdirSync } from 'node:fs';
import { setPriority } from 'node:os';

/**
 * Nice value of a thread that dissects. Beside one busy thread of a traced program on the same processor it gets about a
 * tenth of the time (1024 : 110, sched(7)); what is not read meanwhile waits in the helper's backlog.
 */
const DISSECTING = 10;
/** Records of so many bytes in a second are work that a traced program would notice. */
const NOTABLE_BYTES = 256 * 1024;
const SECOND_MS = 1_000;

/** Decides when a thread that dissects gives way: from when it has much to do, for good. */
export class Priority {
  readonly #giveWay: () => void;
  #since = 0;
  #bytes = 0;
  #given = false;

  constructor(giveWay: () => void = lowerOwn) {
    this.#giveWay = giveWay;
  }

  /**
   * Records have come.
   * @param now milliseconds, of any clock
   */
  worked(bytes: number, now: number): void {
    if (this.#given) return;
    if (now - this.#since >= SECOND_MS) {
      this.#since = now;
      this.#bytes = 0;
    }
    this.#bytes += bytes;
    if (this.#bytes < NOTABLE_BYTES) return;
    this.#given = true;
    this.#giveWay();
  }
}

/**
 * The calling thread, and no other of its process, has a lower priority from now on: on Linux the process id 0 means the
 * calling thread. What it starts later inherits that, processes too. To raise it again would need a right.
 */
function lowerOwn(): void {
  lower(0);
}

/**
 * All threads of the calling process, for one that does nothing but dissect: those in which V8 compiles and collects use
 * as much time as the one that dissects.
 */
export function lowerProcess(): void {
  for (const thread of readdirSync('/proc/self/task')) lower(Number(thread));
}

function lower(thread: number): void {
  try {
    setPriority(thread, DISSECTING);
  } catch {
    // The system forbids it (a container may): then the priorities are equal. Or the thread has ended.
  }
}
