/**
 * Whether a return probe harms programs in a sandbox. On x86-64 a probed function returns, since Linux 6.11, through a
 * system call of the kernel's own making (uretprobe), and a seccomp filter that does not know it ends the program. The
 * filters are passed by since 6.14, and in the stable kernels since the versions below. A distribution's number does
 * not say what it has of that, so it counts as it is.
 */

/** Of each series, the first version that is sound. */
const SOUND: Readonly<Record<string, number>> = { '6.11': Number.POSITIVE_INFINITY, '6.12': 14, '6.13': 3 };

/** @param release as uname(2) gives it: `6.12.48+deb13-amd64`, `6.14.0-rc1` */
export function endsSandboxedPrograms(release: string, arch: string): boolean {
  const [, series = '', patch = '0'] = /^(\d+\.\d+)(?:\.(\d+))?/.exec(release) ?? [];
  const sound = SOUND[series];
  return arch === 'x64' && sound !== undefined && Number(patch) < sound;
}
