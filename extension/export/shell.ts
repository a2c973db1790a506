/** What the commands for a shell have in common. */
import { readableText, shellWord } from './literals.ts';
import type { FieldLine } from './replay.ts';

/** Linux limits an argument to 128 KiB (MAX_ARG_STRLEN); `printf`, a builtin, takes more. */
const MAX_ARGUMENT = 100_000;

export interface ShellBody {
  /** A pipe into the command, written before it; empty: none. */
  readonly feed: string;
  /** The body as a word; null: the command reads it from its standard input. */
  readonly word: string | null;
}

/** Readable text as an argument; anything else, or too long for one, as base64 through a pipe. */
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
 * Lines that say what differs, as arguments of `:`, a no-op in every shell: an interactive zsh does not accept
 * comments.
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
