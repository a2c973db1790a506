/**
 * Install Trusted Loader and its removal: each is one command that runs as root, composed here and shown unchanged.
 * Until the two files are in a root-owned folder and match the hashes in the command, only the shell and the system's
 * own tools run as root; files that a user can write to are only read.
 */
import { lstatSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { TraceError } from '../capture/trace.ts';
import { hashOf, INSTALLED_FOLDER, pathProblem } from './trustedLoader.ts';

/** As in helper/installer/installer.c. */
const PARENT = dirname(INSTALLED_FOLDER);
const STAGING = join(PARENT, '.http-trace-install');
/** Maximum bytes read of the loader or the installer: the file at the path may have been replaced. */
const MAX_SIZE = 64 * 1024 * 1024;

/** What root is to run. */
export interface RootTask {
  readonly command: readonly string[];
  /** The same as one shell line. */
  readonly line: string;
}

/**
 * The task that installs.
 * @param user allowed to run the loader with its file capabilities; null = only users allowed already
 * @throws TraceError when the files are missing, or others can write to the folder
 */
export function installTask(nativePath: string, user: number | null): RootTask {
  const existing = [PARENT, dirname(PARENT)].find((path) => lstatSync(path, { throwIfNoEntry: false }));
  const problem = folderProblem(existing ?? '/usr');
  if (problem !== null) throw new TraceError('helper', problem);
  const names = ['loader', 'installer'] as const;
  const copies = names.map((name) => `head -c ${MAX_SIZE} ${quote(join(nativePath, name))} >${name}`);
  const sums = names.map((name) => `echo '${hash(join(nativePath, name))}  ${name}'`);
  const line = [
    'set -e',
    // Not every sudo resets PATH: the user's own must not choose what runs as root.
    'PATH=/usr/sbin:/usr/bin:/sbin:/bin',
    'umask 077',
    `mkdir -p -m 755 ${PARENT}`,
    `rm -rf ${STAGING}`,
    `mkdir ${STAGING}`,
    // A failure leaves nothing behind: not even the folder, if it did not exist.
    `trap 'rm -rf ${STAGING}; rmdir ${PARENT} 2>/dev/null || :' EXIT`,
    `cd ${STAGING}`,
    ...copies,
    `(${sums.join('; ')}) | sha256sum -c`,
    'chmod 700 installer',
    `./installer install${user === null ? '' : ` ${user}`}`,
  ].join('; ');
  return { command: ['/bin/sh', '-c', line], line };
}

/** The removal, by root's own copy of the installer. */
export const REMOVE_TASK: RootTask = {
  command: [join(INSTALLED_FOLDER, 'installer'), 'remove'],
  line: `${join(INSTALLED_FOLDER, 'installer')} remove`,
};

export function isInstalled(): boolean {
  return lstatSync(INSTALLED_FOLDER, { throwIfNoEntry: false }) !== undefined;
}

/** @throws TraceError */
function hash(path: string): string {
  try {
    return hashOf(path);
  } catch {
    throw new TraceError('helper', `${path} cannot be read: build or install the extension anew.`);
  }
}

/** The messages of {@link pathProblem} are about an installed loader. */
function folderProblem(folder: string): string | null {
  return pathProblem(folder, 'folder') === null
    ? null
    : `Users other than root can write to ${folder} or a folder above it: they could replace a loader there.`;
}

/** One word of a shell command, as readable as its characters allow. */
export function quote(word: string): string {
  if (/^[\w@%+=:,./-]+$/.test(word)) return word;
  if (word.includes("'") && survivesDoubleQuotes(word)) return `"${word}"`;
  return `'${word.replaceAll("'", "'\\''")}'`;
}

/**
 * Whether the script keeps its meaning inside another shell's double quotes, where `$`, backquotes and backslashes
 * are interpreted once more: @vscode/sudo-prompt puts it there.
 */
export function survivesDoubleQuotes(script: string): boolean {
  return !/["$`\\!\n\r\0]/.test(script);
}

/** A command line, for a terminal. */
export function commandLine(words: readonly string[]): string {
  return words.map(quote).join(' ');
}
