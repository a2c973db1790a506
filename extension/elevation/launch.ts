/**
 * Starts the loader in the best available way. A way that asks for a password is only offered, with its exact command,
 * for the user to choose.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { accessSync, chmodSync, constants, statSync } from 'node:fs';
import { join } from 'node:path';
import { TraceError } from '../capture/trace.ts';
import { visibleLines, visibleMessage } from '../escape/terminal.ts';
import { findWays, trustedProblem, type Way } from './ways.ts';

export interface Launched {
  /** null when it runs where the user answers the prompt. */
  readonly process: ChildProcess | null;
  /**
   * Resolves when the loader, or the helper that it became, has ended: with the loader's message and the signal that
   * ended it, which sudo and pkexec pass on. Never rejects.
   */
  readonly ended: Promise<TraceError>;
  /** A password may have to be typed first. */
  readonly prompts: boolean;
}

/** A command that asks for a password, and how. */
export interface Offer {
  /** `dialog`: by polkit's agent, in a window of its own; `terminal`: where the command runs. */
  readonly prompt: 'dialog' | 'terminal';
  readonly command: readonly string[];
}

export interface Question {
  /** In the order of preference; at least one. */
  readonly offers: readonly Offer[];
  /** Why an installed loader is not used; null: used, or there is none. */
  readonly trustedProblem: string | null;
}

/**
 * Lets the user choose one of the offers and runs its command visibly. Resolves with the message to show when it
 * ended, was refused or cancelled; never rejects.
 */
export type Ask = (question: Question) => Promise<TraceError>;

/** The way that works without a password, or those that ask for one. */
export type Choice = Way | { readonly question: Question; readonly ask: Ask };

/** What the helper may read once the loader has run, for the user who is asked to allow it. */
export const WHAT_IT_READS =
  'eBPF programs copy the traffic of the processes you choose and their children; only processes you own. The loader gives up root before any of it is read. When the trace stops, nothing stays in the kernel.';

/** Longest part of the loader's stderr that is kept for the message. */
const MAX_STDERR = 64 * 1024;

/**
 * Called before any other preparation. @throws TraceError platform; helper when the loader is missing; no-permission
 * when nobody can be asked
 */
export async function chooseWay(nativePath: string, ask: Ask | undefined): Promise<Choice> {
  if (process.platform !== 'linux') {
    throw new TraceError('platform', `HTTP Trace needs Linux with eBPF; this is ${process.platform}.`);
  }
  const own = ownLoader(nativePath);
  const asks: Way[] = [];
  for await (const way of findWays(own)) {
    if (way.outcome === 'works') return way;
    if (way.outcome === 'asks') asks.push(way);
  }
  const problem = trustedProblem(own);
  if (ask === undefined || asks.length === 0) {
    throw new TraceError('no-permission', noPermission(asks, problem));
  }
  return { question: { offers: asks.map(offerOf), trustedProblem: problem }, ask };
}

function noPermission(asks: readonly Way[], problem: string | null): string {
  const install =
    'An administrator can allow it permanently by running `http-trace install` once (see `http-trace doctor`).';
  const terminal = asks.some(({ id }) => id === 'terminal')
    ? ' In a terminal, http-trace asks for the password of sudo.'
    : '';
  return `${problem === null ? '' : `${problem} `}Loading eBPF programs needs rights that you do not have here.${terminal} ${install}`;
}

/** @throws TraceError when the loader is missing. */
function ownLoader(nativePath: string): string {
  const path = join(nativePath, 'loader');
  makeExecutable(path);
  return path;
}

export function launchLoader(choice: Choice, options: readonly string[], requester: number): Launched {
  if ('ask' in choice) {
    const offers = choice.question.offers.map((offer) => ({
      ...offer,
      command: [...offer.command, ...options],
    }));
    return { process: null, ended: choice.ask({ ...choice.question, offers }), prompts: true };
  }
  const [program = '', ...args] = [...choice.command, ...options];
  const child = spawn(program, args, {
    stdio: ['ignore', 'ignore', 'pipe'],
    ...(choice.id === 'root' ? asRoot(requester) : {}),
  });
  let words = '';
  child.stderr?.setEncoding('utf8').on('data', (piece: string) => {
    if (words.length < MAX_STDERR) words += piece;
    if (options.includes('--verbose')) process.stderr.write(visibleLines(piece));
  });
  const ended = new Promise<TraceError>((resolve) => {
    child.once('error', (error) =>
      resolve(new TraceError('helper', `The loader cannot be started: ${error.message}.`)),
    );
    child.once('close', (code, signal) => {
      const last = words
        .trim()
        .split('\n')
        .at(-1)
        ?.replace(/^http-trace loader: /, '');
      const message = last || `The loader ended with ${signal ?? `status ${code}`}.`;
      resolve(new TraceError('helper', message, signal));
    });
  });
  child.unref();
  return { process: child, ended, prompts: false };
}

/**
 * The loader trusts SUDO_UID, which is still set in a root shell opened with sudo. So root sets it explicitly: to the
 * owner of the socket, or not at all.
 */
function asRoot(requester: number): { env: NodeJS.ProcessEnv; uid: number; gid: number } {
  return { env: requester === 0 ? {} : { SUDO_UID: String(requester) }, uid: 0, gid: 0 };
}

function offerOf({ id, command }: Way): Offer {
  return { prompt: id === 'terminal' ? 'terminal' : 'dialog', command };
}

/** {@link Ask} on a terminal: shows the command, which prompts right there. */
export function askInTerminal({ offers, trustedProblem }: Question): Promise<TraceError> {
  const offer = offers.find(({ prompt }) => prompt === 'terminal');
  if (offer === undefined) {
    return Promise.resolve(new TraceError('no-permission', 'There is no sudo to ask for the password.'));
  }
  const lines = [
    ...(trustedProblem === null ? [] : [trustedProblem]),
    `To load its programs into the kernel, HTTP Trace runs: ${offer.command.join(' ')}`,
    WHAT_IT_READS,
  ];
  for (const line of lines) process.stderr.write(`http-trace: ${visibleMessage(line)}\n`);
  return runOffer(offer, 'inherit');
}

/** Runs the command of an offer. Resolves when it has ended. */
export function runOffer(offer: Offer, stdin: 'inherit' | 'ignore'): Promise<TraceError> {
  const [program = '', ...args] = offer.command;
  const child = spawn(program, args, { stdio: [stdin, 'ignore', stdin] });
  return new Promise((resolve) => {
    child.once('error', (error) =>
      resolve(new TraceError('no-permission', `${program} cannot be run: ${error.message}.`)),
    );
    child.once('exit', (code, signal) =>
      resolve(
        offer.prompt === 'dialog' && code === PKEXEC_FAILED
          ? new TraceError(
              'no-permission',
              'pkexec did not get the permission: the password was wrong, or no dialog could be shown.',
              signal,
            )
          : new TraceError('cancelled', 'The permission to load eBPF programs was not granted.', signal),
      ),
    );
  });
}

/** pkexec(1): not authorised, as after three wrong passwords, or no dialog possible. 126: the dialog was dismissed. */
const PKEXEC_FAILED = 127;

/** A .vsix may lose its file modes; they are restored for files owned by the user. */
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
