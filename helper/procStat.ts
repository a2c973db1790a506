/**
 * The fields of /proc/PID/stat after the name (proc_pid_stat(5)), from the third on, separated by blanks. The name, in
 * parentheses before them, may contain anything.
 */
export function statAfterName(stat: string): string {
  return stat.slice(stat.lastIndexOf(')') + 2);
}

/** When the process started, in clock ticks since boot, as digits; '0' if the text has no such field. */
export function startTicksOf(stat: string): string {
  const ticks = statAfterName(stat).split(' ')[19] ?? '';
  return /^\d+$/.test(ticks) ? ticks : '0';
}
