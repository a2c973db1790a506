/** A process that is stopped half of the time, as if it got too little of a busy machine. */
import { setTimeout as sleep } from 'node:timers/promises';

/** Milliseconds that it is stopped, and then runs. */
const TURN_MS = 100;

/**
 * Begins with a stop. The process must not end meanwhile.
 * @returns a function that continues the process permanently
 */
export function stopHalf(pid: number): () => Promise<void> {
  let over = false;
  const turns = (async () => {
    while (!over) {
      process.kill(pid, 'SIGSTOP');
      try {
        await sleep(TURN_MS);
      } finally {
        process.kill(pid, 'SIGCONT');
      }
      if (!over) await sleep(TURN_MS);
    }
  })();
  turns.catch(() => {}); // The code that ends it gets the error that the process was not there.
  return () => {
    over = true;
    return turns;
  };
}
