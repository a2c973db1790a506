/** Messages of the command line that are not its output. */
import { visibleMessage } from '../escape/terminal.ts';

/** Writes to standard error. Escapes the message, because names of files and processes in it may contain anything. */
export function say(message: string): void {
  process.stderr.write(`http-trace: ${visibleMessage(message)}\n`);
}
