// How a runner of scenarios ended: what the table says of one that did not get to its end.
import { constants } from 'node:os';

/** Exit status of timeout(1) when the time is over. */
export const LATE = 124;
/** A shell's exit status for a killed runner is this plus the number of the signal. */
const SIGNALED = 128;

/**
 * Lines of a kernel's log after which results of a run are not to be trusted. Not soft lockups: an emulated machine has
 * them when its host is busy.
 */
const FATAL =
  /[Oo]ut of memory: |invoked oom-killer|BUG: unable|kernel BUG at|Oops: |general protection fault, |Kernel panic/;
/** Such lines quoted at most. */
const QUOTED = 3;

/**
 * @param {object} run
 * @param {number | null} run.status its exit status; null: it has none
 * @param {string | null} run.group the group of scenarios that began last
 * @param {number} run.limit seconds that it may take
 * @param {string} run.kernel the kernel's log meanwhile
 * @param {string} [run.instead] why it has no status
 * @returns {string | null} what went wrong; null if it finished, and nothing did
 */
export function troubleOf({ status, group, limit, kernel, instead = 'it did not run' }) {
  const fatal = kernel.split('\n').filter((line) => FATAL.test(line));
  const log = fatal.slice(0, QUOTED).map((line) => line.trim());
  const ended =
    status === 0
      ? []
      : [`${how(status, limit, instead)}${group === null ? '' : `, in the group "${group}"`}`];
  const parts = log.length === 0 ? ended : [...ended, `the kernel's log: ${log.join(' / ')}`];
  return parts.length === 0 ? null : parts.join('; ');
}

function how(status, limit, instead) {
  if (status === null) return instead;
  if (status === LATE) return `not done within ${limit} s`;
  const [signal] = Object.entries(constants.signals).find(([, number]) => number === status - SIGNALED) ?? [];
  return signal === undefined ? `the runner ended with ${status}` : `the runner was killed by ${signal}`;
}

/** @returns {number} the exit status of a child process as a shell gives it */
export function statusOf(code, signal) {
  return code ?? SIGNALED + constants.signals[signal];
}
