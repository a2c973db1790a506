/**
 * The commands that a shell is about to run, as far as its command line or its script names them literally: so a program
 * that lives for a few milliseconds is looked at before it starts, and not after.
 *
 * The text is cut into words, not understood. A wrong word costs the attempt to open a file, nothing else.
 */
import { closeSync, readSync } from 'node:fs';
import { basename, isAbsolute, join } from 'node:path';
import { openRegular } from './maps.ts';

const SHELL = /^(?:sh|dash|bash|zsh|ksh|mksh|ash|busybox)$/;
/** Characters between words, and those that quote or expand them. */
const BETWEEN = /[\s;|&()<>`"'${}=]+/;
const MAX_TEXT = 64 * 1024;
const MAX_WORDS = 512;

/**
 * @param words the shell's command line, its own name first
 * @param folder its working folder
 * @returns names as the shell would look them up, each once; none when it is not a shell
 */
export function commandsOfShell(words: readonly string[], folder: string): string[] {
  const [shell = '', ...rest] = words;
  if (!SHELL.test(basename(shell).replace(/^-/, ''))) return [];
  const text = textOf(rest, folder);
  const found = new Set<string>();
  for (const word of text.split(BETWEEN)) {
    if (word !== '' && !word.startsWith('-') && !word.startsWith('#') && found.size < MAX_WORDS)
      found.add(word);
  }
  return [...found];
}

/** The argument of `-c`, or the script. */
function textOf(words: readonly string[], folder: string): string {
  for (const [index, word] of words.entries()) {
    if (/^-[a-zA-Z]*c$/.test(word)) return (words[index + 1] ?? '').slice(0, MAX_TEXT);
    if (word.startsWith('-') || word === '') continue;
    return beginningOf(isAbsolute(word) ? word : join(folder, word));
  }
  return '';
}

function beginningOf(path: string): string {
  const descriptor = openRegular(path);
  if (descriptor === null) return '';
  try {
    const bytes = Buffer.alloc(MAX_TEXT);
    return bytes.toString('utf8', 0, readSync(descriptor, bytes, 0, bytes.length, 0));
  } catch {
    return '';
  } finally {
    closeSync(descriptor);
  }
}
