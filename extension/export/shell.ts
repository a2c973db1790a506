/** What the commands for a shell have in common. */
import { readableText, shellWord } from './literals.ts';
import type { FieldLine } from './replay.ts';

/** Linux takes 128 KiB for one argument (MAX_ARG_STRLEN); `printf` is in the shell and takes more. */
const MAX_ARGUMENT = 100_000;

export interface ShellBody {
  /** What is written before the command, a pipe into it; empty: nothing. */
  readonly feed: string;
  /** The body as a word; null: the command reads it from its standard input. */
  readonly word: string | null;
}

/** Text as an argument; what is too long for one, or is not readable, in base64 through a pipe. */
export function shellBody(body: Uint8Array): ShellBody {
  if (readableText(body) !== null && body.length <= MAX_ARGUMENT) return { feed: '', word: shellWord(body) };
  return { feed: `printf %s ${Buffer.from(body).toString('base64')} | base64 -d | `, word: null };
}

/** Latin-1, as fields and targets are. */
export function latin1Word(text: string): string {
  return shellWord(Buffer.from(text, 'latin1'));
}

export function wordOf(text: string): string {
  return shellWord(Buffer.from(text));
}

/**
 * Lines that say what differs. `:` is a command that does nothing, in every shell; a comment is not one in an
 * interactive zsh.
 */
export function shellWarnings(warnings: readonly string[]): string {
  return warnings.map((warning) => `: ${wordOf(warning)}\n`).join('');
}

/** One option or argument a line. */
export function commandLines(parts: readonly string[]): string {
  return parts.join(' \\\n  ');
}

/** Fields that the program adds by itself and the request did not have: to be turned off. */
export function missingFields(fields: readonly FieldLine[], names: readonly string[]): string[] {
  const present = new Set(fields.map(([name]) => name.toLowerCase()));
  return names.filter((name) => !present.has(name.toLowerCase()));
}
