/** The programs that processes execute, with what determines where their libraries are loaded from. */
import { readFileSync, readlinkSync, statSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { startTicksOf } from '../procStat.ts';
import type { TlsLibrary } from '../protocol.ts';
import { pathInRoot, writtenRoot } from './maps.ts';

export interface Program {
  /** Of the executable, absolute, without symbolic links, in the process's own view of the file system. */
  readonly path: string;
  /** Equal for two processes in which a path leads to the same file; '' if it also does in this process. */
  readonly view: string;
  /** Prefix of such a path in this process's view: '', or `/proc/PID/root` when the views differ. */
  readonly root: string;
  /** LD_LIBRARY_PATH (ld.so(8)); '' when it has none. */
  readonly libraryPath: string;
}

/** Where an executed file may be found. */
export interface ProgramPlace {
  /** Absolute, in the process's own view. */
  readonly path: string;
  /** A path to it in this process's view. */
  readonly here: string;
  /** Paths of the process lead to the same files in this process. */
  readonly isOwn: boolean;
}

/** What a process executes now; null when it has ended, or may not be inspected. */
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

/** When the process began, which differs for any later process with its id; null once it is reaped. */
export function startOf(pid: number): string | null {
  try {
    return startTicksOf(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return null;
  }
}

/** `NAME=value` each. @throws when it has ended, or may not be inspected */
export function environmentOf(pid: number): string[] {
  return readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
}

/** Of repeated variables the last one counts, as for env(1). */
export function variableOf(name: string, environment: readonly string[]): string | null {
  const start = `${name}=`;
  return environment.findLast((entry) => entry.startsWith(start))?.slice(start.length) ?? null;
}

/** Paths lead to the same files if neither the root (chroot) nor the mounts below it differ. */
function viewOf(pid: number | 'self'): string {
  const { dev, ino } = statSync(`/proc/${pid}/root/`, { bigint: true });
  return `${readlinkSync(`/proc/${pid}/ns/mnt`)} ${dev}:${ino}`;
}

/**
 * Where a path leads in the root, or if it is relative in the working folder, of a process.
 * @returns null when that has ended, or if an absolute path leads to the same file in this process
 */
export function placeIn(pid: number, path: string): ProgramPlace | null {
  try {
    const isOwn = viewOf(pid) === viewOf('self');
    if (isAbsolute(path)) return isOwn ? null : { path, here: `/proc/${pid}/root${path}`, isOwn };
    const folder = pathInRoot(readlinkSync(`/proc/${pid}/cwd`), writtenRoot(pid));
    return { path: join(folder, path), here: `/proc/${pid}/cwd/${path}`, isOwn };
  } catch {
    return null;
  }
}

/** For a program that could not be examined. */
export function goneProgram(path: string): TlsLibrary {
  // Neither a relative path nor this one leads to it any more.
  const reason =
    isAbsolute(path) && !path.startsWith('/proc/')
      ? 'the program had ended, and its file was removed, before it could be looked at'
      : 'the program had ended before it could be looked at';
  return {
    ...{ kind: 'unknown', version: null, path, inExecutable: true, attached: false, returns: null },
    reason,
  };
}
