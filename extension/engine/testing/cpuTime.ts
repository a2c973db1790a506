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

/**
 * Milliseconds. Reading the inputs of these tests takes a few seconds at most, also on a busy machine, whose caches
 * others use; with a quadratic way to read them it takes minutes.
 */
export const QUADRATIC = 30_000;
