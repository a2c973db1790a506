/** Exit statuses of `http-trace`, and of a traced command as a shell would give them. */
import { constants } from 'node:os';

export const EXIT_OK = 0;
/** The trace could not start or complete; a recording is truncated; `doctor` found tracing impossible. */
export const EXIT_FAILED = 1;
/** Wrong usage, an output that cannot be written, a file that is not a recording: nothing was started. */
export const EXIT_USAGE = 2;
/** `install --dialog`: no dialog could be shown; a terminal can ask instead. */
export const EXIT_NO_DIALOG = 3;
/** `install --dialog`: the dialog was dismissed, or the password was wrong. */
export const EXIT_REFUSED = 4;
/** `run` could not trace, so the command was not started: the number that env, timeout and nohup use. */
export const EXIT_RUN_FAILED = 125;

/** 128 + n for a command that a signal ended, as POSIX shells do. */
export function statusOf(code: number | null, signal: NodeJS.Signals | null): number {
  if (code !== null) return code;
  return signal === null ? EXIT_FAILED : 128 + constants.signals[signal];
}

/** Ends the program with a message and a status; thrown anywhere below main. */
export class Exit extends Error {
  override readonly name = 'Exit';
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}
