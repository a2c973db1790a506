/**
 * Predicts the commands that a shell, make or an interpreter is about to run, if its command line or script names them
 * literally. So a program that runs for a few milliseconds is examined before it starts.
 *
 * The text is split into words, not parsed. A wrong word only costs an attempt to open a file.
 */
import { closeSync, fstatSync, readSync } from 'node:fs';
import { basename, isAbsolute, join, resolve } from 'node:path';
import { openRegular } from './maps.ts';

/** How a program's script contains commands. */
interface Language {
  readonly name: RegExp;
  /** The option that is followed by the script's text. */
  readonly inline: RegExp;
  /** The parts of the text that may contain commands; null: all of it. */
  readonly literal: RegExp | null;
  /** Default files, in the working folder. */
  readonly files: readonly string[];
}

/** In languages that are not shells, commands are in string literals. */
const LITERAL = /"([^"\n]{1,512})"|'([^'\n]{1,512})'|`([^`\n]{1,512})`/g;

const LANGUAGES: readonly Language[] = [
  {
    name: /^(?:sh|dash|bash|zsh|ksh|mksh|ash|busybox)$/,
    ...{ inline: /^-[a-zA-Z]*c$/, literal: null, files: [] },
  },
  {
    name: /^(?:g?make|ninja)$/,
    // With `-f FILE`, FILE is treated like a script's name.
    ...{ inline: /^--eval$/, literal: null, files: ['GNUmakefile', 'makefile', 'Makefile'] },
  },
  {
    name: /^(?:python|pypy|node|nodejs|deno|bun|ruby|perl|php|lua)[\d.]*$/,
    ...{ inline: /^(?:-[a-zA-Z]*[cepr]|--eval|--print)$/, literal: LITERAL, files: [] },
  },
];
/** Scripts that run the commands of a package.json. */
const SCRIPT_RUNNERS = /^(?:npm|npx|yarn|pnpm)(?:-cli)?(?:\.[cm]?js)?$/;
/** Characters between words, and those that quote or expand them. */
const BETWEEN = /[\s;|&()<>`"'${}=]+/;
const MAX_TEXT = 64 * 1024;
const MAX_WORDS = 512;
/** For programs that are not shells: most of their literals are not commands. */
const MAX_LITERALS = 128;

/**
 * @param words the command line of a process, its own name first
 * @param folder its working folder
 * @returns names as they would be looked up, each once; none when it is neither a shell nor an interpreter
 */
export function commandsOf(words: readonly string[], folder: string): string[] {
  const [program = '', ...rest] = words;
  const name = basename(program).replace(/^-/, '');
  const language = LANGUAGES.find((one) => one.name.test(name));
  if (language === undefined) return [];
  const there = resolve(folder, language.files.length > 0 ? directoryOf(rest) : '');
  const text = textOf(rest, there, language);
  const names = language.literal === null ? wordsOf(text) : literalsOf(text, language.literal);
  if (there === resolve(folder)) return names;
  return names.map((one) => (one.includes('/') && !isAbsolute(one) ? join(there, one) : one));
}

/** make: `-C DIRECTORY`, `--directory=DIRECTORY` */
function directoryOf(words: readonly string[]): string {
  const at = words.indexOf('-C');
  const long = '--directory=';
  if (at >= 0) return words[at + 1] ?? '';
  return words.find((word) => word.startsWith(long))?.slice(long.length) ?? '';
}

function wordsOf(text: string): string[] {
  const found = new Set<string>();
  for (const one of text.split(BETWEEN)) {
    // make: `@COMMAND` is not printed.
    const word = one.replace(/^@+/, '');
    if (word !== '' && !word.startsWith('-') && !word.startsWith('#') && found.size < MAX_WORDS)
      found.add(word);
  }
  return [...found];
}

function literalsOf(text: string, literal: RegExp): string[] {
  const found = new Set<string>();
  for (const [, double, single, back] of text.matchAll(literal)) {
    for (const word of wordsOf(double ?? single ?? back ?? '')) {
      if (found.size < MAX_LITERALS) found.add(word);
    }
  }
  return [...found];
}

/** The argument of `-c`, or the script. */
function textOf(words: readonly string[], folder: string, { inline, files }: Language): string {
  for (const [index, word] of words.entries()) {
    if (inline.test(word)) return (words[index + 1] ?? '').slice(0, MAX_TEXT);
    if (word.startsWith('-') || word === '') continue;
    if (SCRIPT_RUNNERS.test(basename(word))) return beginningOf(join(folder, 'package.json'));
    const text = beginningOf(isAbsolute(word) ? word : join(folder, word));
    // Arguments of options and make targets are not files.
    if (text !== '' || files.length === 0) return text;
  }
  for (const file of files) {
    const text = beginningOf(join(folder, file));
    if (text !== '') return text;
  }
  return '';
}

function beginningOf(path: string): string {
  const descriptor = openRegular(path);
  if (descriptor === null) return '';
  try {
    // Files of the kernel have no size, and reading some consumes their content (/proc/kmsg): none is a script.
    if (fstatSync(descriptor).size === 0) return '';
    const bytes = Buffer.alloc(MAX_TEXT);
    return bytes.toString('utf8', 0, readSync(descriptor, bytes, 0, bytes.length, 0));
  } catch {
    return '';
  } finally {
    closeSync(descriptor);
  }
}
