/**
 * What stands in /proc/PID/stat after the name (proc_pid_stat(5)): the fields from the third on, separated by blanks. The name,
 * in parentheses before it, may hold anything.
 */
export function statAfterName(stat: string): string {
  return stat.slice(stat.lastIndexOf(')') + 2);
}
