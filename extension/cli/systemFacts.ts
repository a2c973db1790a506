/** Collects the facts that `doctor` judges (systemChecks.ts). */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { arch, platform, release } from 'node:os';
import { join } from 'node:path';
import { readTls } from '../../helper/events.ts';
import type { TlsLibrary } from '../../helper/protocol.ts';
import { allWays, capabilitySet, hasNoNewPrivileges, type Ways } from '../elevation/ways.ts';

export interface SystemFacts {
  readonly platform: string;
  readonly architecture: string;
  /** `uname -r`. */
  readonly kernel: string;
  readonly btf: boolean;
  /** null: unknown (securityfs is not mounted, or lockdown is not built in). */
  readonly lockdown: 'none' | 'integrity' | 'confidentiality' | null;
  readonly uid: number;
  /** Capability bounding set: no program started here can gain others; null: unknown. */
  readonly bounding: bigint | null;
  /** This is the initial user namespace, the only one in which rights count; null: unknown. */
  readonly initialUserNamespace: boolean | null;
  /** Neither sudo nor pkexec can give this process more rights (prctl(2), PR_SET_NO_NEW_PRIVS). */
  readonly noNewPrivileges: boolean;
  /** Files of the installation that are missing. */
  readonly missingParts: readonly string[];
  /** How the loader can get its rights, each tried as far as possible without a password. */
  readonly ways: Ways;
  /** A group of administrators that this user is in, whose members sudo usually allows; null = none. */
  readonly administrators: string | null;
  /** Running helpers of this user; for root, of all users. */
  readonly helpers: readonly RunningHelper[];
}

export interface RunningHelper {
  readonly pid: number;
  /** It waits for the next trace, with nothing attached. */
  readonly kept: boolean;
}

/** PROC_USER_INIT_INO, include/linux/proc_ns.h. */
const INITIAL_USER_NAMESPACE = 0xeffffffd;

/** Groups in which distributions put administrators. */
const ADMINISTRATORS = ['sudo', 'wheel', 'admin'];

/** A user's groups may come from a network directory, which may not answer. In milliseconds. */
const GROUPS_TIME_LIMIT = 5_000;

export async function readSystem(nativePath: string, helperPath: string): Promise<SystemFacts> {
  const parts = [
    join(nativePath, 'loader'),
    join(nativePath, 'addon.node'),
    join(nativePath, 'gate'),
    helperPath,
  ];
  const uid = process.getuid?.() ?? -1;
  return {
    platform: platform(),
    architecture: arch(),
    kernel: release(),
    btf: existsSync('/sys/kernel/btf/vmlinux'),
    lockdown: readLockdown(),
    uid,
    bounding: capabilitySet('CapBnd'),
    initialUserNamespace: readInitialUserNamespace(),
    noNewPrivileges: hasNoNewPrivileges(),
    missingParts: parts.filter((part) => !existsSync(part)),
    ways: await allWays(join(nativePath, 'loader')),
    administrators: uid === 0 ? null : readAdministrators(),
    helpers: readHelpers(uid),
  };
}

/** helper/addon/addon.h. */
const HELPER_NAMES = { 'http-trace': false, 'http-trace kept': true } as const;

/** Found by name and command line: a helper shows nothing else, even to other processes of its user. */
function readHelpers(uid: number): RunningHelper[] {
  return readdirSync('/proc').flatMap((entry) => {
    const name = /^\d+$/.test(entry) ? read(`/proc/${entry}/comm`)?.trim() : undefined;
    const kept = HELPER_NAMES[name as keyof typeof HELPER_NAMES];
    if (kept === undefined) return [];
    const command = read(`/proc/${entry}/cmdline`)?.split('\0') ?? [];
    const owner = /^Uid:\t(\d+)/m.exec(read(`/proc/${entry}/status`) ?? '')?.[1];
    const isOurs = uid === 0 || Number(owner) === uid;
    return isOurs && command.some((part) => part.endsWith('/helper.js'))
      ? [{ pid: Number(entry), kept }]
      : [];
  });
}

export interface ProcessFacts {
  /** null: there is no such process. */
  readonly owner: number | null;
}

export function readProcess(pid: number): ProcessFacts {
  try {
    return { owner: statSync(`/proc/${pid}`).uid };
  } catch {
    return { owner: null };
  }
}

/** The helper reads every mapped file of the process; some have a hundred megabytes. */
const LOOK_TIME_LIMIT = 20_000;

/** The TLS libraries that the process has in memory; null when they cannot be determined. */
export function readTlsLibraries(pid: number, helperPath: string): readonly TlsLibrary[] | null {
  const { status, stdout } = spawnSync(process.execPath, [helperPath, '--tls', String(pid)], {
    ...{ encoding: 'utf8', timeout: LOOK_TIME_LIMIT, stdio: ['ignore', 'pipe', 'ignore'] },
  });
  if (status !== 0) return null;
  const { libraries } = JSON.parse(stdout) as { libraries: readonly TlsLibrary[] | null };
  return libraries === null ? null : readTls({ pid, libraries }).libraries;
}

/** `none [integrity] confidentiality`: the one in brackets is in force. */
function readLockdown(): SystemFacts['lockdown'] {
  const [, mode] =
    /\[(none|integrity|confidentiality)\]/.exec(read('/sys/kernel/security/lockdown') ?? '') ?? [];
  return mode === 'none' || mode === 'integrity' || mode === 'confidentiality' ? mode : null;
}

function readInitialUserNamespace(): boolean | null {
  try {
    return statSync('/proc/self/ns/user').ino === INITIAL_USER_NAMESPACE;
  } catch {
    return null;
  }
}

function readAdministrators(): string | null {
  const { status, stdout } = spawnSync('id', ['-Gn'], { encoding: 'utf8', timeout: GROUPS_TIME_LIMIT });
  const groups = status === 0 ? stdout.trim().split(' ') : [];
  return ADMINISTRATORS.find((name) => groups.includes(name)) ?? null;
}

function read(path: string): string | null {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return null;
  }
}
