/**
 * Decides whether return probes would kill sandboxed programs. Since Linux 6.11, a function with a return probe on
 * x86-64 returns through a special system call (uretprobe), and a seccomp filter that lacks it kills the program. The
 * call bypasses seccomp since 6.14, and in stable kernels since the versions below. A distribution's version number
 * does not show whether it has backported the fix, so the number is taken literally.
 */

/** The first fixed version of each series. */
const SOUND: Readonly<Record<string, number>> = { '6.11': Number.POSITIVE_INFINITY, '6.12': 14, '6.13': 3 };

/** @param release as uname(2) gives it: `6.12.48+deb13-amd64`, `6.14.0-rc1` */
export function endsSandboxedPrograms(release: string, arch: string): boolean {
  const [, series = '', patch = '0'] = /^(\d+\.\d+)(?:\.(\d+))?/.exec(release) ?? [];
  const sound = SOUND[series];
  return arch === 'x64' && sound !== undefined && Number(patch) < sound;
}
