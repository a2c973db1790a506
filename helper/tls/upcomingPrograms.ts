/**
 * Predicts what a waiting process is going to execute. The gate of `http-trace run` holds a command back until the
 * process is attached. Meanwhile the libraries of the command can be inspected, so that its first call is not missed
 * during the milliseconds that it takes to find the probes of a large executable.
 *
 * This only reads files, so a wrong prediction only costs time. The text and the environment of traced programs determine
 * what is searched for, so the time is bounded, and files that are not programs are not opened.
 */
import { closeSync, readFileSync, readlinkSync, readSync, realpathSync, statSync } from 'node:fs';
import { basename, isAbsolute, join } from 'node:path';
import { openRegular } from './maps.ts';
import { environmentOf, type Program, runningProgram, variableOf } from './program.ts';
import { commandsOf } from './shellCommands.ts';

/** Of one process. */
const MAX_COMMANDS = 32;
/** Name of the waiting executable (helper/loader/gate.c). */
const GATE = 'gate';
/** Interpreters of interpreters: Linux follows four (fs/exec.c). */
const MAX_INTERPRETERS = 4;
/** Scripts that scripts run. */
const MAX_SCRIPTS = 2;
/** Paths that are tried in one prediction; a script that is read counts as several. */
const MAX_TRIED = 16_384;
const OF_SCRIPT = 256;
/** Execute permission for anyone: without any, execve(2) fails even for root. */
const EXECUTABLE = 0o111;
/** Linux reads that many bytes of a script's first line (BINPRM_BUF_SIZE). */
const FIRST_LINE = 256;

/** What the process will execute, the innermost interpreter last; empty when the process is not a gate. */
export function upcomingPrograms(pid: number): Program[] {
  try {
    if (basename(readlinkSync(`/proc/${pid}/exe`)) !== GATE) return [];
    const [, command, ...words] = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
    if (command === undefined || command === '') return [];
    const environment = environmentOf(pid);
    const path = variableOf('PATH', environment) ?? '/usr/bin:/bin';
    const folder = readlinkSync(`/proc/${pid}/cwd`);
    const search = searchIn(path, folder);
    const found = follow(command, search, [], MAX_INTERPRETERS);
    let line = [command, ...words];
    if (basename(command) === 'env') {
      // `env NAME=VALUE COMMAND`: env executes COMMAND.
      const at = words.findIndex((word) => !word.startsWith('-') && !word.includes('='));
      if (at >= 0) {
        environment.push(...words.slice(0, at));
        follow(words[at] ?? '', search, found, MAX_INTERPRETERS);
        line = words.slice(at);
      }
    }
    const libraryPath = variableOf('LD_LIBRARY_PATH', environment) ?? '';
    // The kernel starts a script's interpreter with the script as its argument.
    const script = found.find((file) => readInterpreter(file)[0] !== null);
    if (script !== undefined) line = [found.at(-1) ?? '', script];
    found.push(...lookedUp(commandsOf(line, folder), search, found));
    return found.map((file) => ({ path: realpathSync(file), view: '', root: '', libraryPath }));
  } catch {
    return [];
  }
}

/**
 * What an already running shell or interpreter is going to execute. Empty for others, and in another view of the file
 * system.
 */
export function upcomingOf(pid: number): Program[] {
  try {
    const running = runningProgram(pid);
    if (running === null || running.root !== '') return [];
    const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').slice(0, -1);
    const folder = readlinkSync(`/proc/${pid}/cwd`);
    const path = variableOf('PATH', environmentOf(pid)) ?? '/usr/bin:/bin';
    const search = searchIn(path, folder);
    const found = lookedUp(commandsOf(words, folder), search, []);
    return found.map((file) => ({ ...running, path: realpathSync(file) }));
  } catch {
    return [];
  }
}

/** The state of one prediction: what it searches for, and its remaining budget. */
interface Search {
  /** Those of PATH. */
  readonly folders: readonly string[];
  readonly folder: string;
  /** Paths that may still be tried. */
  left: number;
  /** Scripts that were read: they may name each other. */
  readonly scripts: Set<string>;
}

function searchIn(path: string, folder: string): Search {
  const folders = path.split(':', MAX_TRIED).map((one) => (isAbsolute(one) ? one : join(folder, one)));
  return { folders, folder, left: MAX_TRIED, scripts: new Set() };
}

function lookedUp(
  names: readonly string[],
  search: Search,
  known: readonly string[],
  depth: number = MAX_SCRIPTS,
): string[] {
  const found = new Set<string>();
  for (const name of names) {
    if (found.size >= MAX_COMMANDS) break;
    const file = resolveCommand(name, search);
    if (file !== null && !known.includes(file)) found.add(file);
  }
  if (depth > 0) {
    for (const script of [...found]) {
      if (search.left <= 0 || search.scripts.has(script)) continue;
      const [interpreter] = readInterpreter(script);
      if (interpreter === null) continue;
      search.scripts.add(script);
      search.left -= OF_SCRIPT;
      const commands = commandsOf([interpreter, script], search.folder);
      for (const file of lookedUp(commands, search, known, depth - 1)) {
        if (found.size < MAX_COMMANDS) found.add(file);
      }
    }
  }
  return [...found];
}

function follow(command: string, search: Search, found: string[], depth: number): string[] {
  const file = resolveCommand(command, search);
  if (file === null || found.includes(file) || depth === 0) return found;
  found.push(file);
  const [interpreter, argument] = readInterpreter(file);
  if (interpreter === null) return found;
  follow(interpreter, search, found, depth - 1);
  // `#!/usr/bin/env NAME`: env looks NAME up in PATH.
  if (basename(interpreter) === 'env' && argument !== null) follow(argument, search, found, depth - 1);
  return found;
}

/** execvp(3): a name without a slash is looked for in PATH. */
function resolveCommand(command: string, search: Search): string | null {
  const { folder, folders } = search;
  if (command.includes('/')) {
    const file = isAbsolute(command) ? command : join(folder, command);
    return isProgram(file, search) ? file : null;
  }
  for (const one of folders) {
    if (search.left <= 0) return null;
    const file = join(one, command);
    if (isProgram(file, search)) return file;
  }
  return null;
}

function isProgram(path: string, search: Search): boolean {
  if (search.left <= 0) return false;
  search.left--;
  try {
    const stats = statSync(path);
    return stats.isFile() && (stats.mode & EXECUTABLE) !== 0;
  } catch {
    return false;
  }
}

/** The first line of a script names its interpreter; the first word of env's argument is the program. */
function readInterpreter(file: string): [interpreter: string | null, argument: string | null] {
  const bytes = Buffer.alloc(FIRST_LINE);
  const descriptor = openRegular(file);
  if (descriptor === null) return [null, null];
  try {
    readSync(descriptor, bytes, 0, FIRST_LINE, 0);
  } finally {
    closeSync(descriptor);
  }
  const line = /^#![ \t]*([^ \t\n\0]+)[ \t]*([^\n\0]*)/.exec(bytes.toString('latin1'));
  if (line === null) return [null, null];
  const words = (line[2] ?? '').split(/[ \t]+/).filter((word) => word !== '' && !word.startsWith('-'));
  return [line[1] ?? null, words.find((word) => !word.includes('=')) ?? null];
}
