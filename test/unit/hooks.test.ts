/** What git does before a commit, and when `npm run setup` makes it do that. */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { HOOKS, useHooks } from '../../scripts/hooks.mjs';

const root = join(import.meta.dirname, '../..');
const folders: string[] = [];
afterAll(() => {
  for (const made of folders) rmSync(made, { recursive: true, force: true });
});

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), 'http-trace-hooks-'));
  folders.push(made);
  return made;
}

// Without the user's own settings, and outside of the repository that this test is in, which a hook may have started.
Object.assign(process.env, { GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_SYSTEM: '/dev/null' });
for (const name of ['GIT_DIR', 'GIT_WORK_TREE', 'GIT_INDEX_FILE']) Reflect.deleteProperty(process.env, name);

function git(cwd: string, ...words: string[]): { status: number | null; text: string } {
  const { status, stdout, stderr } = spawnSync('git', words, { cwd, encoding: 'utf8' });
  return { status, text: (stdout + stderr).trim() };
}

function clone(): string {
  const made = folder();
  git(made, 'init', '--quiet');
  git(made, 'config', 'user.name', 'Somebody');
  git(made, 'config', 'user.email', 'somebody@example.com');
  return made;
}

const hooksPath = (cwd: string): string => git(cwd, 'config', '--get', 'core.hooksPath').text;

describe('useHooks', () => {
  test('sets them in a clone, once', () => {
    const made = clone();
    expect(useHooks(made)).toBe(true);
    expect(hooksPath(made)).toBe(HOOKS);
    expect(useHooks(made)).toBe(false);
  });

  test('leaves what a contributor has set', () => {
    const made = clone();
    git(made, 'config', 'core.hooksPath', 'elsewhere');
    expect(useHooks(made)).toBe(false);
    expect(hooksPath(made)).toBe('elsewhere');
  });

  test('leaves hooks that are there', () => {
    const made = clone();
    mkdirSync(join(made, '.git/hooks'), { recursive: true });
    writeFileSync(join(made, '.git/hooks/commit-msg'), '');
    expect(useHooks(made)).toBe(false);
    expect(hooksPath(made)).toBe('');
  });

  test('does nothing outside of a clone, or in a folder of another one', () => {
    expect(useHooks(folder())).toBe(false);
    const inner = join(clone(), 'inner');
    mkdirSync(inner);
    expect(useHooks(inner)).toBe(false);
    expect(hooksPath(inner)).toBe('');
  });
});

describe('the hook', () => {
  const made = clone();
  for (const name of [HOOKS, 'biome.json']) cpSync(join(root, name), join(made, name), { recursive: true });
  writeFileSync(join(made, '.gitignore'), 'node_modules\n');
  symlinkSync(join(root, 'node_modules'), join(made, 'node_modules'));
  useHooks(made);
  const commit = (file: string, text: string) => {
    writeFileSync(join(made, file), text);
    git(made, 'add', file);
    return git(made, 'commit', '--quiet', '--message', file);
  };

  test('refuses a file that is badly formatted, and says what to do', () => {
    const { status, text } = commit('bad.ts', 'export const  one = 1');
    expect(status).toBe(1);
    expect(text).toContain('npm run format');
    expect(commit('bad.ts', 'export const one = 1;\n').status).toBe(0);
  });

  test('lets pass what has no format', () => {
    expect(commit('notes.txt', 'one  two\n').status).toBe(0);
  });
});
