/**
 * How the loader gets the rights it needs, in the order of preference. Nothing here asks for a password by
 * itself: a way that would prompt is only offered, with its exact command, for the user to choose.
 */
import type { ChildProcess } from 'node:child_process';
import { execFile, spawn } from 'node:child_process';
import { accessSync, chmodSync, constants, statSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { visibleLines } from '../escape/terminal.ts';
import { TraceError } from './trace.ts';

export interface Launched {
  /** null when the user runs the loader in a terminal of their own. */
  readonly process: ChildProcess | null;
  /** Resolves when the loader ended without having become the helper; never rejects. */
  readonly failed: Promise<TraceError>;
  /** A password may have to be typed first. */
  readonly prompts: boolean;
}

/**
 * Lets the user run a command that prompts for a password, in plain sight. Resolves when it ended, was refused
 * or cancelled, with what to say then.
 */
export type Ask = (command: readonly string[]) => Promise<TraceError>;

/** The way that works here without asking anybody. */
export type Way = 'root' | 'sudo';

/** Longest part of the loader's stderr that is kept for the message. */
const MAX_STDERR = 64 * 1024;

/** null when none is open without asking. */
async function findWay(): Promise<Way | null> {
  if (process.geteuid?.() === 0) return 'root';
  try {
    await promisify(execFile)('sudo', ['-n', 'true'], { timeout: 5_000 });
    return 'sudo';
  } catch {
    return null;
  }
}

/** {@link Ask} on a terminal: the command prompts right there. */
export function runInTerminal(command: readonly string[]): Promise<TraceError> {
  const [name = '', ...args] = command;
  const child = spawn(name, args, { stdio: ['inherit', 'ignore', 'inherit'] });
  return new Promise((resolve) => {
    child.once('error', (error) =>
      resolve(new TraceError('no-permission', `${name} cannot be run: ${error.message}.`)),
    );
    child.once('exit', () =>
      resolve(new TraceError('cancelled', 'The permission to load eBPF programs was not given.')),
    );
  });
}

/** @throws TraceError when the loader is missing. */
export async function launchLoader(
  way: Way | Ask,
  nativePath: string,
  options: readonly string[],
): Promise<Launched> {
  const loader = join(nativePath, 'loader');
  makeExecutable(loader);
  if (typeof way === 'function') {
    return { process: null, failed: way(['sudo', '--', loader, ...options]), prompts: true };
  }
  const [command, args] = way === 'root' ? [loader, options] : ['sudo', ['-n', '--', loader, ...options]];
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  let words = '';
  child.stderr?.setEncoding('utf8').on('data', (piece: string) => {
    if (words.length < MAX_STDERR) words += piece;
    if (options.includes('--verbose')) process.stderr.write(visibleLines(piece));
  });
  const failed = new Promise<TraceError>((resolve) => {
    child.once('error', (error) =>
      resolve(new TraceError('helper', `The loader cannot be started: ${error.message}.`)),
    );
    child.once('close', (code, signal) => {
      const last = words
        .trim()
        .split('\n')
        .at(-1)
        ?.replace(/^http-trace loader: /, '');
      resolve(new TraceError('helper', last || `The loader ended with ${signal ?? `status ${code}`}.`));
    });
  });
  child.unref();
  return { process: child, failed, prompts: false };
}

/**
 * Before anything else is made ready: the way there is, or else how to ask the user.
 * @throws TraceError platform, or no-permission when nobody can be asked.
 */
export async function chooseWay(ask: Ask | undefined): Promise<Way | Ask> {
  if (process.platform !== 'linux') {
    throw new TraceError('platform', `HTTP Trace needs Linux with eBPF; this is ${process.platform}.`);
  }
  const way = (await findWay()) ?? ask;
  if (way === undefined) {
    throw new TraceError(
      'no-permission',
      'Loading eBPF programs needs root. Run this as root, or allow it for this terminal by running `sudo -v` first.',
    );
  }
  return way;
}

/** A .vsix may lose the mode of its files; what belongs to the user is mended. */
function makeExecutable(path: string): void {
  try {
    accessSync(path, constants.X_OK);
    return;
  } catch {}
  try {
    chmodSync(path, statSync(path).mode | 0o111);
  } catch {
    throw new TraceError(
      'helper',
      'The loader is missing or not executable: build or install the extension anew.',
    );
  }
}
