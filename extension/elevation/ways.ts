/**
 * The ways in which the loader gets the rights it needs, in the order of preference, and whether each works for this
 * user, found out by trying it with a harmless query (`loader --check-rights`). Nothing here asks for a password.
 */
import { execFile } from 'node:child_process';
import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { startTicksOf } from '../../helper/procStat.ts';
import { findTrustedLoader, POLKIT_ACTION } from './trustedLoader.ts';

export type WayId =
  /** This process is root. */
  | 'root'
  /** It has the capabilities as ambient ones. */
  | 'capabilities'
  /** The installed loader, by the capabilities of its file. */
  | 'trusted'
  /** The installed loader, by its polkit action. */
  | 'trusted-pkexec'
  /** The installed loader, by a rule of sudo. */
  | 'trusted-sudo'
  | 'pkexec'
  | 'sudo'
  /** sudo, where the user sees it and can type the password. */
  | 'terminal';

export interface Way {
  readonly id: WayId;
  /** What goes before the loader's options. */
  readonly command: readonly string[];
  /** `asks`: depends on a password prompt. */
  readonly outcome: 'works' | 'asks' | 'refused';
}

export interface Ways {
  /** In the order of preference; without those that make no sense here. */
  readonly all: readonly Way[];
  /** Why an installed loader is not used; null when it is, or when there is none. */
  readonly trustedProblem: string | null;
}

const CAP_SYS_ADMIN = 21n;
const CAP_PERFMON = 38n;
const CAP_BPF = 39n;

/** Whether these suffice to load and attach programs (facts/machine.md, for kernel 5.8 and later). */
export function sufficient(bits: bigint): boolean {
  const has = (capability: bigint): boolean => ((bits >> capability) & 1n) === 1n;
  return has(CAP_SYS_ADMIN) || (has(CAP_BPF) && has(CAP_PERFMON));
}

/** A set of this process's capabilities (CapEff, CapBnd, CapAmb); null when not known from /proc. */
export function capabilitySet(name: 'CapEff' | 'CapBnd' | 'CapAmb'): bigint | null {
  const [, hexadecimal] = new RegExp(`^${name}:\\s*([0-9a-f]+)$`, 'm').exec(ownStatus()) ?? [];
  return hexadecimal === undefined ? null : BigInt(`0x${hexadecimal}`);
}

/** prctl(2), PR_SET_NO_NEW_PRIVS: then no program that this process starts can have more rights. */
export function hasNoNewPrivileges(): boolean {
  return /^NoNewPrivs:\s*1$/m.test(ownStatus());
}

/**
 * Finds them one by one, as each may take some milliseconds.
 * @param own the loader of this build
 */
export async function* findWays(own: string): AsyncGenerator<Way> {
  if (process.getuid?.() === 0) {
    yield { id: 'root', command: [own], outcome: 'works' };
    return;
  }
  if (sufficient(capabilitySet('CapAmb') ?? 0n)) {
    yield { id: 'capabilities', command: [own], outcome: 'works' };
  }
  if (hasNoNewPrivileges()) return;
  const trusted = findTrustedLoader(own);
  const asksPolkit = isOnPath('pkexec') && existsSync(SYSTEM_BUS);
  const hasSudo = isOnPath('sudo');
  if (trusted !== null && trusted.problem === null) {
    const { path } = trusted;
    if (trusted.executable) {
      yield { id: 'trusted', command: [path], outcome: await tried([path]) };
    }
    if (asksPolkit) {
      const outcome = await askPolkit(POLKIT_ACTION);
      yield { id: 'trusted-pkexec', command: [PKEXEC, path], outcome };
    }
    if (hasSudo) {
      const command = ['sudo', '-n', '--', path];
      yield { id: 'trusted-sudo', command, outcome: await tried(command) };
    }
  }
  if (asksPolkit && hasGraphicalAgent()) {
    yield { id: 'pkexec', command: [PKEXEC, own], outcome: 'asks' };
  }
  if (hasSudo) {
    const command = ['sudo', '-n', '--', own];
    yield { id: 'sudo', command, outcome: await tried(command) };
    const best = trusted !== null && trusted.problem === null ? trusted.path : own;
    yield { id: 'terminal', command: ['sudo', '--', best], outcome: 'asks' };
  }
}

export async function allWays(own: string): Promise<Ways> {
  const all: Way[] = [];
  for await (const way of findWays(own)) all.push(way);
  return { all, trustedProblem: trustedProblem(own) };
}

/** Why an installed loader is not used; null when it is, or when there is none. */
export function trustedProblem(own: string): string | null {
  return process.getuid?.() === 0 ? null : (findTrustedLoader(own)?.problem ?? null);
}

/** Found on the PATH; an action names its program by an absolute path. */
const PKEXEC = 'pkexec';
const SYSTEM_BUS = '/run/dbus/system_bus_socket';
/** Either may hang on a network directory. In milliseconds. */
const TRIAL_TIME_LIMIT = 10_000;

async function tried(command: readonly string[]): Promise<'works' | 'refused'> {
  const [program = '', ...args] = command;
  try {
    await promisify(execFile)(program, [...args, '--check-rights'], { timeout: TRIAL_TIME_LIMIT });
    return 'works';
  } catch {
    return 'refused';
  }
}

/** pkcheck(1): 0 = authorised, 2 = would have to authenticate. Never asks. */
async function askPolkit(action: string): Promise<Way['outcome']> {
  const args = ['--action-id', action, '--process', `${process.pid},${startTicks()},${process.getuid?.()}`];
  try {
    await promisify(execFile)('pkcheck', args, { timeout: TRIAL_TIME_LIMIT });
    return 'works';
  } catch (error) {
    return (error as { code?: unknown }).code === 2 && hasGraphicalAgent() ? 'asks' : 'refused';
  }
}

function startTicks(): string {
  return startTicksOf(readFileSync('/proc/self/stat', 'latin1'));
}

/** Whether this user has a graphical session, where a polkit agent could show its dialog. */
export function hasGraphicalAgent(): boolean {
  const { DISPLAY, WAYLAND_DISPLAY } = process.env;
  return Boolean(DISPLAY || WAYLAND_DISPLAY);
}

export function isOnPath(program: string): boolean {
  return (process.env['PATH'] ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return folder !== '';
    } catch {
      return false;
    }
  });
}

function ownStatus(): string {
  try {
    return readFileSync('/proc/self/status', 'latin1');
  } catch {
    return '';
  }
}
