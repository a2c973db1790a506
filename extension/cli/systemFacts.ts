/** The facts that `doctor` judges (systemChecks.ts), as found. */
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, readFileSync, statSync } from 'node:fs';
import { arch, platform, release } from 'node:os';
import { delimiter, join } from 'node:path';
import { readTls } from '../../helper/events.ts';
import type { TlsLibrary } from '../../helper/protocol.ts';

export interface SystemFacts {
  readonly platform: string;
  readonly architecture: string;
  /** `uname -r`. */
  readonly kernel: string;
  readonly btf: boolean;
  /** null: unknown (securityfs is not mounted, or lockdown is not built in). */
  readonly lockdown: 'none' | 'integrity' | 'confidentiality' | null;
  readonly uid: number;
  /** Effective and bounding capabilities as bit sets; null: unknown. */
  readonly capabilities: { readonly effective: bigint; readonly bounding: bigint } | null;
  /** Rights hold in the initial user namespace only; null: unknown. */
  readonly initialUserNamespace: boolean | null;
  /** Neither sudo nor pkexec can give this process more rights (prctl(2), PR_SET_NO_NEW_PRIVS). */
  readonly noNewPrivileges: boolean;
  /** Files of the installation that are missing. */
  readonly missingParts: readonly string[];
  /** `sudo -n` works without asking; null: there is no sudo. */
  readonly sudo: 'free' | 'asks' | null;
  /** pkexec is there and a graphical session in which it could ask. */
  readonly pkexec: boolean;
}

/** PROC_USER_INIT_INO, include/linux/proc_ns.h. */
const INITIAL_USER_NAMESPACE = 0xeffffffd;

const CAP_SYS_ADMIN = 21n;
const CAP_PERFMON = 38n;
const CAP_BPF = 39n;

/** Whether programs can be loaded and attached with these (facts/machine.md of kernel 5.8 and later). */
export function sufficient(bits: bigint): boolean {
  const has = (capability: bigint): boolean => ((bits >> capability) & 1n) === 1n;
  return has(CAP_SYS_ADMIN) || (has(CAP_BPF) && has(CAP_PERFMON));
}

/** sudo is asked once, without a prompt; it may not answer for a network directory. */
const SUDO_TIME_LIMIT = 5000;

export function readSystem(nativePath: string, helperPath: string): SystemFacts {
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
    capabilities: readCapabilities(),
    initialUserNamespace: readInitialUserNamespace(),
    noNewPrivileges: /^NoNewPrivs:\s*1$/m.test(read('/proc/self/status') ?? ''),
    missingParts: parts.filter((part) => !existsSync(part)),
    sudo: uid === 0 ? null : readSudo(),
    pkexec:
      uid !== 0 && onPath('pkexec') && Boolean(process.env['DISPLAY'] || process.env['WAYLAND_DISPLAY']),
  };
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

/** The helper looks at every mapped file of the process, some of a hundred megabytes. */
const LOOK_TIME_LIMIT = 20_000;

/** The TLS libraries that the process has in memory; null when they cannot be found out. */
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

function readCapabilities(): SystemFacts['capabilities'] {
  const status = read('/proc/self/status') ?? '';
  const [, effective] = /^CapEff:\s*([0-9a-f]+)$/m.exec(status) ?? [];
  const [, bounding] = /^CapBnd:\s*([0-9a-f]+)$/m.exec(status) ?? [];
  if (effective === undefined || bounding === undefined) return null;
  return { effective: BigInt(`0x${effective}`), bounding: BigInt(`0x${bounding}`) };
}

function readInitialUserNamespace(): boolean | null {
  try {
    return statSync('/proc/self/ns/user').ino === INITIAL_USER_NAMESPACE;
  } catch {
    return null;
  }
}

function readSudo(): SystemFacts['sudo'] {
  if (!onPath('sudo')) return null;
  const { status } = spawnSync('sudo', ['-n', 'true'], { stdio: 'ignore', timeout: SUDO_TIME_LIMIT });
  return status === 0 ? 'free' : 'asks';
}

function onPath(program: string): boolean {
  return (process.env['PATH'] ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return folder !== '';
    } catch {
      return false;
    }
  });
}

function read(path: string): string | null {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return null;
  }
}
