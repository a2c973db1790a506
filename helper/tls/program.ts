/** Programs that processes execute, as far as it says where their libraries come from. */
import { readFileSync, readlinkSync, statSync } from 'node:fs';
import { pathInRoot, writtenRoot } from './maps.ts';

export interface Program {
  /** Of the executable, absolute, without symbolic links, in the process's own view of the file system. */
  readonly path: string;
  /** Equal for two processes for which a path means the same; '' when it also does for this process. */
  readonly view: string;
  /** What comes before such a path in this process's view: '', or `/proc/PID/root` when the views differ. */
  readonly root: string;
  /** LD_LIBRARY_PATH (ld.so(8)); '' when it has none. */
  readonly libraryPath: string;
}

/** What a process executes now; null when it has ended, or may not be looked at. */
export function runningProgram(pid: number): Program | null {
  try {
    const libraryPath = variableOf('LD_LIBRARY_PATH', environmentOf(pid)) ?? '';
    const view = viewOf(pid);
    const own = view === viewOf('self');
    return {
      path: pathInRoot(readlinkSync(`/proc/${pid}/exe`), writtenRoot(pid)),
      view: own ? '' : view,
      root: own ? '' : `/proc/${pid}/root`,
      libraryPath,
    };
  } catch {
    return null;
  }
}

/** `NAME=value` each. @throws when it has ended, or may not be looked at */
export function environmentOf(pid: number): string[] {
  return readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
}

/** The last one counts, as for env(1). */
export function variableOf(name: string, environment: readonly string[]): string | null {
  const start = `${name}=`;
  return environment.findLast((entry) => entry.startsWith(start))?.slice(start.length) ?? null;
}

/** A path means the same where neither the root differs (chroot) nor what is mounted below it. */
function viewOf(pid: number | 'self'): string {
  const { dev, ino } = statSync(`/proc/${pid}/root/`, { bigint: true });
  return `${readlinkSync(`/proc/${pid}/ns/mnt`)} ${dev}:${ino}`;
}
