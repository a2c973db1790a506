/** What the facts about a system mean for tracing. Pure. */
import { BACKENDS, type Hello, type TlsLibrary } from '../../helper/protocol.ts';
import { missingPartNotes } from '../capture/missingParts.ts';
import { sufficient, type Way } from '../elevation/ways.ts';
import { reasonsOf, tlsLibraryName } from '../engine/tls/library.ts';
import type { ProcessFacts, SystemFacts } from './system.ts';

export interface Check {
  /** Stable, for scripts. */
  readonly id: 'platform' | 'kernel' | 'btf' | 'lockdown' | 'parts' | 'rights' | 'trial' | 'process' | 'tls';
  readonly title: string;
  /** `unknown`: could not be found out, and need not be in the way. */
  readonly status: 'ok' | 'missing' | 'unknown';
  readonly detail: string;
  /** What to do; null when nothing needs to be done. */
  readonly remedy: string | null;
}

/** The ring buffer and CAP_BPF came with 5.8. */
const OLDEST_KERNEL = [5, 8] as const;

/** What came of really loading the programs: a sentence when it did not work. */
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
  ];
}

/** Tracing is possible: it was seen to work, or nothing that it needs is missing and this user has the rights. */
export function possible(checks: readonly Check[]): boolean {
  return checks.every(({ id, status }) => status === 'ok' || (status === 'unknown' && id !== 'rights'));
}

/** The way that will be taken; null when none is open, or when it asks whether it is. */
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
  const [major = 0, minor = 0] = kernel.split('.', 2).map((part) => Number.parseInt(part, 10) || 0);
  const ok = major > OLDEST_KERNEL[0] || (major === OLDEST_KERNEL[0] && minor >= OLDEST_KERNEL[1]);
  const remedy = `A kernel of version ${OLDEST_KERNEL.join('.')} or later is needed, for its BPF ring buffer.`;
  return check('kernel', 'Kernel with BPF ring buffer', ok, kernel, remedy);
}

function btf({ btf }: SystemFacts): Check {
  const remedy = 'The kernel must be built with CONFIG_DEBUG_INFO_BTF, as those of the distributions are.';
  return check('btf', 'Kernel type information', btf, '/sys/kernel/btf/vmlinux', remedy);
}

function lockdown({ lockdown }: SystemFacts): Check {
  const title = 'Kernel lockdown';
  if (lockdown === null) {
    return { id: 'lockdown', title, status: 'unknown', detail: 'the kernel does not say', remedy: null };
  }
  const remedy =
    'In this mode the kernel lets nobody read memory through BPF. Secure Boot or lockdown=integrity instead of confidentiality would allow it.';
  return check('lockdown', title, lockdown !== 'confidentiality', lockdown, remedy);
}

function parts({ missingParts }: SystemFacts): Check {
  const detail = missingParts.length === 0 ? 'all there' : `not there: ${missingParts.join(', ')}`;
  return check(
    'parts',
    'Parts of HTTP Trace',
    missingParts.length === 0,
    detail,
    'Install HTTP Trace again.',
  );
}

const WAYS: Readonly<Record<Way['id'], string>> = {
  root: 'root',
  capabilities: 'with sufficient capabilities',
  trusted: 'by the installed loader, which may be started by this user',
  'trusted-pkexec': 'by the installed loader and polkit',
  'trusted-sudo': 'by the installed loader and a rule of sudo',
  pkexec: 'by pkexec',
  sudo: 'by sudo, without a password',
  terminal: 'by sudo',
};

/** What somebody with the rights can do for good. */
function installRemedy(uid: number): string {
  return `Somebody who may use sudo can allow it for good: http-trace install --user ${uid}.`;
}

function rights(facts: SystemFacts): Check {
  const { uid, bounding, initialUserNamespace, noNewPrivileges, ways, administrators } = facts;
  const title = 'Rights to load programs';
  const who = uid === 0 ? 'root' : `user ${uid}`;
  if (initialUserNamespace === false) {
    const remedy =
      'The kernel lets nobody in a user namespace load these programs (rootless containers are in one): trace from outside.';
    return check('rights', title, false, `${who}, but only of a user namespace`, remedy);
  }
  if (bounding !== null && !sufficient(bounding)) {
    const detail =
      uid === 0 ? 'root, but without the capabilities' : `user ${uid}, and no way to more rights`;
    const remedy =
      'This looks like a container: start it with --cap-add BPF --cap-add PERFMON --cap-add SYS_ADMIN, or trace from outside.';
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
      'Start it where that is not set; a container without --security-opt no-new-privileges, a service without NoNewPrivileges=yes.';
    return check('rights', title, false, `${who}, and no_new_privs forbids sudo and pkexec`, remedy);
  }
  if (best === null) {
    return check('rights', title, false, `${who}, no sudo, no pkexec${problem}`, installRemedy(uid));
  }
  if (administrators !== null) {
    const detail = `${who}, ${WAYS[best.id]}, which asks for a password (member of ${administrators})${problem}`;
    return { id: 'rights', title, status: 'ok', detail, remedy: 'To be asked no more: http-trace install.' };
  }
  return {
    id: 'rights',
    title,
    status: 'unknown',
    detail: `${who}: ${WAYS[best.id]}, if it lets this user in, who is in none of its usual groups${problem}`,
    remedy: installRemedy(uid),
  };
}

function tried(trial: Trial | null): Check {
  const title = 'Loading the programs';
  if (trial === null) {
    return {
      id: 'trial',
      title,
      status: 'unknown',
      detail: 'not tried: that needs the rights',
      remedy: null,
    };
  }
  if (typeof trial === 'string') {
    return check(
      'trial',
      title,
      false,
      trial,
      'Where something is missing above, that is the likely reason; --verbose of http-trace run shows the words of the kernel.',
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
    `loaded, attached and removed again, by ${trial.backend}${others.join('')}${missing.join('')}`,
    '',
  );
}

/** What of this process's TLS can be decrypted. @param libraries null: it could not be looked into. */
export function assessTls(pid: number, libraries: readonly TlsLibrary[] | null): Check {
  const title = `TLS of process ${pid}`;
  const told = (status: Check['status'], detail: string): Check => ({
    ...{ id: 'tls', title, status, detail, remedy: null },
  });
  if (libraries === null) return told('unknown', 'its memory cannot be looked into');
  if (libraries.length === 0) {
    return told(
      'unknown',
      'no TLS library was recognised in it; what it encrypts all the same is shown as encrypted',
    );
  }
  const details = libraries.map((library) => {
    const where = library.inExecutable ? 'in the program itself' : library.path;
    if (!library.attached) return `not decrypted: ${reasonsOf([library]).join()} (${where})`;
    const version = library.version === null ? '' : ` ${library.version}`;
    const how = library.returns === 'uretprobe' ? ', with return probes' : '';
    return `${tlsLibraryName(library.kind)}${version} can be decrypted (${where}${how})`;
  });
  return told(libraries.some(({ attached }) => attached) ? 'ok' : 'unknown', details.join('; '));
}

/** Whether this user may trace this process: root any, others their own. */
export function assessProcess(pid: number, { owner }: ProcessFacts, uid: number): Check {
  const title = `Process ${pid}`;
  if (owner === null) {
    return check(
      'process',
      title,
      false,
      'there is no such process',
      'See ps for the ids of those that run.',
    );
  }
  const ok = uid === 0 || owner === uid;
  return check('process', title, ok, `belongs to user ${owner}`, 'Only root may trace processes of others.');
}
