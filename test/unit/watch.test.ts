/** `npm run watch` in a copy of the sources, whose C code is missing: that must not stop it. */
import { type ChildProcess, spawn } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { WAITING } from '../../scripts/watch.mjs';

const root = join(import.meta.dirname, '../..');
const STAMP = '.cache/build/bundle-dist-webview-js';

let copy: string;
let watcher: ChildProcess;
let output = '';

/** Resolves with what is printed until the watcher has built once more. */
async function nextBuild(): Promise<string> {
  const from = output.length;
  while (!output.slice(from).includes(`${WAITING}\n`)) {
    if (watcher.exitCode !== null) throw new Error(`The watcher ended:\n${output}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return output.slice(from);
}

async function change(file: string, edit: (text: string) => string): Promise<string> {
  const built = nextBuild();
  const path = join(copy, file);
  writeFileSync(path, edit(readFileSync(path, 'utf8')));
  return built;
}

beforeAll(async () => {
  copy = mkdtempSync(join(tmpdir(), 'http-trace-watch-'));
  for (const path of [
    'extension',
    'helper',
    'scripts',
    'package.json',
    'package-lock.json',
    'tsconfig.json',
  ]) {
    cpSync(join(root, path), join(copy, path), { recursive: true });
  }
  mkdirSync(join(copy, 'bpf'));
  mkdirSync(join(copy, '.cache/build'), { recursive: true });
  writeFileSync(join(copy, STAMP), 'of an earlier build');
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
  watcher = spawn(process.execPath, ['scripts/watch.mjs'], { cwd: copy, stdio: ['ignore', 'pipe', 'pipe'] });
  for (const stream of [watcher.stdout, watcher.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  await nextBuild();
});

afterAll(async () => {
  const ended = new Promise((resolve) => watcher.once('exit', resolve));
  watcher.kill();
  await ended;
  rmSync(copy, { recursive: true });
});

test('it waits for changes when every bundle has been built', () => {
  for (const file of ['extension.js', 'worker.js', 'helper.js', 'http-trace', 'webview.js']) {
    expect(existsSync(join(copy, 'dist', file)), file).toBe(true);
  }
});

test('the next `npm run build` does not take its files for those of an earlier build', () => {
  expect(existsSync(join(copy, STAMP))).toBe(false);
});

test('a saved change is built', async () => {
  await change('extension/webview/columns.ts', (text) =>
    text.replace("label: t('Time')", "label: 'Watched'"),
  );
  expect(readFileSync(join(copy, 'dist/webview.js'), 'utf8')).toContain('Watched');
});

test('an error is a line with its place, and the next change is built again', async () => {
  const bad = await change('extension/webview/bars.ts', (text) => `import './nowhere.ts';\n${text}`);
  expect(bad).toContain('extension/webview/bars.ts:1:8: error: Could not resolve "./nowhere.ts"');
  const good = await change('extension/webview/bars.ts', (text) =>
    text.replace("import './nowhere.ts';\n", ''),
  );
  expect(good).not.toContain('error:');
});
