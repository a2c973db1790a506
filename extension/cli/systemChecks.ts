/** Whether a system allows tracing, judged by facts about it. */
import { BACKENDS, type Hello, type TlsLibrary } from '../../helper/protocol.ts';
import { missingPartNotes } from '../capture/missingParts.ts';
import { sufficient, type Way } from '../elevation/ways.ts';
import { reasonsOf, tlsLibraryName } from '../engine/tls/library.ts';
import type { ProcessFacts, SystemFacts } from './systemFacts.ts';

export interface Check {
  /** Stable, for scripts. */
  readonly id:
    | 'platform'
    | 'kernel'
    | 'btf'
    | 'lockdown'
    | 'parts'
    | 'rights'
    | 'trial'
    | 'helpers'
    | 'process'
    | 'tls';
  readonly title: string;
  /** `unknown`: could not be determined, and need not prevent tracing. */
  readonly status: 'ok' | 'missing' | 'unknown';
  readonly detail: string;
  /** What to do; null when nothing needs to be done. */
  readonly remedy: string | null;
}

type Version = readonly [major: number, minor: number];

/**
 * The oldest kernel that can run the programs: all backends use bpf_loop, from Linux 5.17. (The ring buffer and
 * CAP_BPF are from 5.8, task storage for tracing programs from 5.11.)
 */
const OLDEST_KERNEL: Version = [5, 17];
/** The oldest kernel on which HTTP Trace was tested. Between the two, the verifier may refuse the programs. */
const OLDEST_TESTED_KERNEL: Version = [6, 1];

/** The outcome of loading the programs for real: a sentence when it failed. */
export type Trial = string | Pick<Hello, 'backend' | 'refused' | 'missing'>;

/** `trial`: null = not tried. */
export function assess(facts: SystemFacts, trial: Trial | null): Check[] {
  return [
    platform(facts),
    kernel(facts),
    btf(facts),
    lockdown(facts),
    parts(facts),
    rights(facts),
    tried(trial),
    ...helpers(facts),
  ];
}

/** None where there are none. */
function helpers({ helpers }: SystemFacts): Check[] {
  if (helpers.length === 0) return [];
  const detail = helpers
    .map(({ pid, kept }) =>
      kept
        ? `process ${pid} is kept for the next trace, with nothing attached`
        : `process ${pid} serves a trace`,
    )
    .join('; ');
  const remedy = helpers.some(({ kept }) => kept)
    ? 'The setting httpTrace.keepHelper sets how long; 0 disables it.'
    : null;
  return [{ id: 'helpers', title: 'Helpers', status: 'ok', detail, remedy }];
}

/** Tracing is possible: it was tried, or nothing is known to be missing and this user has the rights. */
export function possible(checks: readonly Check[]): boolean {
  return checks.every(({ id, status }) => status === 'ok' || (status === 'unknown' && id !== 'rights'));
}

/** The way that will be used: one that works, else one that asks for a password; null when there is none. */
export function bestWay({ ways }: SystemFacts): Way | null {
  const { all } = ways;
  return (
    all.find(({ outcome }) => outcome === 'works') ?? all.find(({ outcome }) => outcome === 'asks') ?? null
  );
}

function check(id: Check['id'], title: string, ok: boolean, detail: string, remedy: string): Check {
  return { id, title, status: ok ? 'ok' : 'missing', detail, remedy: ok ? null : remedy };
}

function platform({ platform, architecture }: SystemFacts): Check {
  const ok = platform === 'linux' && (architecture === 'x64' || architecture === 'arm64');
  const remedy = 'HTTP Trace runs on Linux on x64 and arm64. Elsewhere, recorded traces can be shown.';
  return check('platform', 'Platform', ok, `${platform} ${architecture}`, remedy);
}

function kernel({ kernel }: SystemFacts): Check {
  const title = 'Kernel version';
  if (!isAtLeast(kernel, OLDEST_KERNEL)) {
    const remedy = `HTTP Trace needs Linux ${OLDEST_KERNEL.join('.')} or later, for bpf_loop.`;
    return check('kernel', title, false, kernel, remedy);
  }
  if (isAtLeast(kernel, OLDEST_TESTED_KERNEL)) return check('kernel', title, true, kernel, '');
  const detail = `${kernel}; HTTP Trace is tested on ${OLDEST_TESTED_KERNEL.join('.')} and later`;
  return { id: 'kernel', title, status: 'unknown', detail, remedy: null };
}

/** @param release `uname -r`, such as `6.1.0-56-amd64`. */
function isAtLeast(release: string, [major, minor]: Version): boolean {
  const [ownMajor = 0, ownMinor = 0] = release.split('.', 2).map((part) => Number.parseInt(part, 10) || 0);
  return ownMajor > major || (ownMajor === major && ownMinor >= minor);
}

function btf({ btf }: SystemFacts): Check {
  const remedy = 'The kernel must be built with CONFIG_DEBUG_INFO_BTF, as distribution kernels are.';
  return check('btf', 'Kernel type information', btf, '/sys/kernel/btf/vmlinux', remedy);
}

function lockdown({ lockdown }: SystemFacts): Check {
  const title = 'Kernel lockdown';
  if (lockdown === null) {
    return {
      id: 'lockdown',
      title,
      status: 'unknown',
      detail: 'the kernel does not report it',
      remedy: null,
    };
  }
  const remedy =
    'This mode does not let BPF programs read memory. Boot with lockdown=integrity instead of confidentiality.';
  return check('lockdown', title, lockdown !== 'confidentiality', lockdown, remedy);
}

function parts({ missingParts }: SystemFacts): Check {
  const detail = missingParts.length === 0 ? 'all present' : `missing: ${missingParts.join(', ')}`;
  return check('parts', 'Installed files', missingParts.length === 0, detail, 'Reinstall HTTP Trace.');
}

const WAYS: Readonly<Record<Way['id'], string>> = {
  root: 'root',
  capabilities: 'with sufficient capabilities',
  trusted: 'by the installed loader, which may be started by this user',
  'trusted-pkexec': 'by the installed loader and polkit',
  'trusted-sudo': 'by the installed loader and a sudoers rule',
  pkexec: 'by pkexec',
  sudo: 'by sudo, without a password',
  terminal: 'by sudo',
};

/** What an administrator can do once and for all. */
function installRemedy(uid: number): string {
  return `Anyone who may use sudo can allow it permanently: http-trace install --user ${uid}.`;
}

function rights(facts: SystemFacts): Check {
  const { uid, bounding, initialUserNamespace, noNewPrivileges, ways, administrators } = facts;
  const title = 'Permission to load eBPF programs';
  const who = uid === 0 ? 'root' : `user ${uid}`;
  if (initialUserNamespace === false) {
    const remedy =
      'The kernel does not allow these programs in a user namespace (such as a rootless container): trace from outside it.';
    return check('rights', title, false, `${who}, but only in a user namespace`, remedy);
  }
  if (bounding !== null && !sufficient(bounding)) {
    const detail =
      uid === 0 ? 'root, but without the capabilities' : `user ${uid}, who cannot gain the capabilities`;
    const remedy =
      'This looks like a container. Start it with --cap-add BPF --cap-add PERFMON --cap-add SYS_ADMIN, or trace from outside.';
    return check('rights', title, false, detail, remedy);
  }
  const best = bestWay(facts);
  const problem = ways.trustedProblem === null ? '' : ` (${ways.trustedProblem.replace(/\.$/, '')})`;
  if (best?.outcome === 'works') {
    const detail = best.id === 'root' ? 'root' : `${who}, ${WAYS[best.id]}${problem}`;
    return check('rights', title, true, detail, '');
  }
  if (noNewPrivileges) {
    const remedy =
      'Start it without that: a container without --security-opt no-new-privileges, a service without NoNewPrivileges=yes.';
    return check('rights', title, false, `${who}, and no_new_privs forbids sudo and pkexec`, remedy);
  }
  if (best === null) {
    return check('rights', title, false, `${who}, no sudo, no pkexec${problem}`, installRemedy(uid));
  }
  if (administrators !== null) {
    const detail = `${who}, ${WAYS[best.id]}, which asks for a password (member of ${administrators})${problem}`;
    return {
      id: 'rights',
      title,
      status: 'ok',
      detail,
      remedy: 'To trace without a password: http-trace install.',
    };
  }
  return {
    id: 'rights',
    title,
    status: 'unknown',
    detail: `${who}: ${WAYS[best.id]}, if it allows this user, who is in none of its usual groups${problem}`,
    remedy: installRemedy(uid),
  };
}

function tried(trial: Trial | null): Check {
  const title = 'Loading the eBPF programs';
  if (trial === null) {
    return {
      id: 'trial',
      title,
      status: 'unknown',
      detail: 'not tried: no permission',
      remedy: null,
    };
  }
  if (typeof trial === 'string') {
    return check(
      'trial',
      title,
      false,
      trial,
      'If something above is MISSING, that is the likely reason. http-trace run --verbose shows the messages of the kernel.',
    );
  }
  const others = BACKENDS.filter((backend) => trial.refused[backend] !== '').map(
    (backend) => `; not ${backend}: ${trial.refused[backend]}`,
  );
  const missing = missingPartNotes(trial).map((note) => `; ${note.slice(0, -1)}`);
  return check(
    'trial',
    title,
    true,
    `loaded, attached and removed again with backend ${trial.backend}${others.join('')}${missing.join('')}`,
    '',
  );
}

/** Which of a process's TLS libraries can be decrypted. @param libraries null: its memory cannot be read. */
export function assessTls(pid: number, libraries: readonly TlsLibrary[] | null): Check {
  const title = `TLS of process ${pid}`;
  const report = (status: Check['status'], detail: string): Check => ({
    ...{ id: 'tls', title, status, detail, remedy: null },
  });
  if (libraries === null) return report('unknown', 'its memory cannot be read');
  if (libraries.length === 0) {
    return report('unknown', 'no TLS library was recognized; connections it encrypts are shown as encrypted');
  }
  const details = libraries.map((library) => {
    const where = library.inExecutable ? 'in the program itself' : library.path;
    if (!library.attached) return `not decrypted: ${reasonsOf([library]).join()} (${where})`;
    const version = library.version === null ? '' : ` ${library.version}`;
    const how = library.returns === 'uretprobe' ? ', with return probes' : '';
    return `${tlsLibraryName(library.kind)}${version} can be decrypted (${where}${how})`;
  });
  return report(libraries.some(({ attached }) => attached) ? 'ok' : 'unknown', details.join('; '));
}

/** Whether this user may trace this process: root any, others their own. */
export function assessProcess(pid: number, { owner }: ProcessFacts, uid: number): Check {
  const title = `Process ${pid}`;
  if (owner === null) {
    return check('process', title, false, 'no such process', 'ps shows the ids of running processes.');
  }
  const ok = uid === 0 || owner === uid;
  return check(
    'process',
    title,
    ok,
    `belongs to user ${owner}`,
    'Only root may trace processes of other users.',
  );
}
