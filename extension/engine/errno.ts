/** Names of Linux errors and signals that x86-64 and arm64 number alike (asm-generic/errno.h, signal.h). */

const ERRORS: Readonly<Record<number, string>> = {
  1: 'EPERM',
  2: 'ENOENT',
  11: 'EAGAIN',
  13: 'EACCES',
  20: 'ENOTDIR',
  22: 'EINVAL',
  32: 'EPIPE',
  40: 'ELOOP',
  71: 'EPROTO',
  91: 'EPROTOTYPE',
  92: 'ENOPROTOOPT',
  99: 'EADDRNOTAVAIL',
  100: 'ENETDOWN',
  101: 'ENETUNREACH',
  103: 'ECONNABORTED',
  104: 'ECONNRESET',
  105: 'ENOBUFS',
  110: 'ETIMEDOUT',
  111: 'ECONNREFUSED',
  112: 'EHOSTDOWN',
  113: 'EHOSTUNREACH',
};

/** `ECONNRESET`, `error 77`; null for 0. */
export function errorCode(error: number): string | null {
  return error === 0 ? null : (ERRORS[error] ?? `error ${error}`);
}

const SIGNALS: Readonly<Record<number, string>> = {
  1: 'SIGHUP',
  2: 'SIGINT',
  3: 'SIGQUIT',
  4: 'SIGILL',
  6: 'SIGABRT',
  7: 'SIGBUS',
  8: 'SIGFPE',
  9: 'SIGKILL',
  11: 'SIGSEGV',
  13: 'SIGPIPE',
  14: 'SIGALRM',
  15: 'SIGTERM',
  31: 'SIGSYS',
};

/** Decodes a wait status: the terminating signal, else the exit status. */
export function exitOf(status: number): { readonly signal: string | null; readonly exitCode: number | null } {
  const signal = status & 0x7f;
  if (signal === 0) return { signal: null, exitCode: (status >> 8) & 0xff };
  return { signal: SIGNALS[signal] ?? `signal ${signal}`, exitCode: null };
}
