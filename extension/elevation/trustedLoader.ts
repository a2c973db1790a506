/** The loader that an administrator installed: where it is, and whether it may be used. */
import { createHash } from 'node:crypto';
import { accessSync, constants, lstatSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Where a package of the distribution would put it, and where Install Trusted Loader does (helper/installer/). */
const TRUSTED_FOLDERS = ['/usr/libexec/http-trace', '/usr/local/libexec/http-trace'] as const;
export const INSTALLED_FOLDER = TRUSTED_FOLDERS[1];

/** Its polkit action's id; the action is part of the installer. */
export const POLKIT_ACTION = 'http-trace.load';

export interface TrustedLoader {
  readonly path: string;
  /** Why it is not used, in one sentence; null when nothing is wrong. */
  readonly problem: string | null;
  /** This user may execute the file, and so gets its capabilities. */
  readonly executable: boolean;
}

/**
 * The first one that is installed; null when there is none.
 * @param own the loader of this build, which the installed one must equal
 */
export function findTrustedLoader(
  own: string,
  folders: readonly string[] = TRUSTED_FOLDERS,
): TrustedLoader | null {
  for (const folder of folders) {
    const path = join(folder, 'loader');
    if (lstatSync(path, { throwIfNoEntry: false }) === undefined) continue;
    const problem = pathProblem(path) ?? contentProblem(path, own);
    return { path, problem, executable: mayExecute(path) };
  }
  return null;
}

/** Another user who can write to one of the folders on the path can replace the loader. */
export function pathProblem(path: string, kind: 'file' | 'folder' = 'file'): string | null {
  for (let part = path; ; part = dirname(part)) {
    const status = lstatSync(part, { throwIfNoEntry: false });
    if (status === undefined) return `${part} does not exist.`;
    if (part === path && kind === 'file' ? !status.isFile() : !status.isDirectory()) {
      return `The installed loader is not used: ${part} is a link, or not of the expected type.`;
    }
    if (status.uid !== 0 || (status.mode & 0o022) !== 0) {
      return `The installed loader is not used: users other than root can write to ${part}.`;
    }
    if (part === '/') return null;
  }
}

function contentProblem(path: string, own: string): string | null {
  try {
    const [installed, expected] = [hashOf(path), hashOf(own)];
    if (installed === expected) return null;
    return `The installed loader is not used: ${path} belongs to another version of HTTP Trace (SHA-256 ${installed.slice(0, 12)}… instead of ${expected.slice(0, 12)}…). Install it again.`;
  } catch (error) {
    return `The installed loader is not used: it cannot be compared with this version's (${(error as Error).message}).`;
  }
}

/** SHA-256, hexadecimal. @throws Error */
export function hashOf(path: string): string {
  return createHash('sha256').update(readFileSync(path)).digest('hex');
}

function mayExecute(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
