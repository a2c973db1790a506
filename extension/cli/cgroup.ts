/** Finds the processes of a control group: those of a container, a systemd unit or a slice. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { UsageError } from './arguments.ts';

/** Where control groups are mounted: version 2 alone, or beside version 1. */
const MOUNTS = ['/sys/fs/cgroup', '/sys/fs/cgroup/unified', '/sys/fs/cgroup/systemd'];

/**
 * Ids of the processes in a control group and those below it, in this process's pid namespace (0, a process
 * outside of it, is left out).
 * @param path as in /proc/PID/cgroup, or the folder itself. @throws UsageError when there is no such group
 */
export function processesOf(path: string): number[] {
  const folder = [path, ...MOUNTS.map((mount) => join(mount, path))].find(isGroup);
  if (folder === undefined) {
    throw new UsageError(`There is no control group ${path}. /proc/PID/cgroup shows the group of a process.`);
  }
  return [...new Set(collect(folder))];
}

function isGroup(folder: string): boolean {
  return statSync(join(folder, 'cgroup.procs'), { throwIfNoEntry: false })?.isFile() ?? false;
}

function collect(folder: string): number[] {
  try {
    const own = readFileSync(join(folder, 'cgroup.procs'), 'latin1').split('\n').map(Number);
    const below = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    return [...own.filter((pid) => pid > 0), ...below.flatMap((entry) => collect(join(folder, entry.name)))];
  } catch {
    return []; // removed meanwhile
  }
}
