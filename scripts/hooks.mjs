// Makes git run the hooks of .githooks if the contributor has none. Plain Node without dependencies.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, realpathSync } from 'node:fs';
import { join, resolve } from 'node:path';

export const HOOKS = '.githooks';

/**
 * Only in a clone of its own, without another hooks folder and without hooks.
 * @param {string} root of the project
 * @returns {boolean} whether git runs them from now on, and did not before
 */
export function useHooks(root) {
  const top = git(root, 'rev-parse', '--show-toplevel');
  if (top === null || realpathSync(top) !== realpathSync(root)) return false;
  if (git(root, 'config', '--get', 'core.hooksPath') !== null) return false;
  const own = resolve(root, git(root, 'rev-parse', '--git-path', 'hooks') ?? join('.git', 'hooks'));
  if (existsSync(own) && readdirSync(own).some((name) => !name.endsWith('.sample'))) return false;
  return git(root, 'config', 'core.hooksPath', HOOKS) !== null;
}

/** What it prints; null when it fails. */
function git(folder, ...words) {
  const { status, stdout } = spawnSync('git', words, { cwd: folder, encoding: 'utf8' });
  return status === 0 ? stdout.trimEnd() : null;
}
