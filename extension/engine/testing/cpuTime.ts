/**
 * Processor time in milliseconds that `run` takes, regardless of what else runs. For telling linear from
 * quadratic by a wide margin, not for measuring.
 */
export function cpuTime(run: () => void): number {
  const before = process.cpuUsage();
  run();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}
