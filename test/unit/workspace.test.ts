/** What a contributor meets first: F5, the tasks and the npm scripts refer to files and to each other correctly. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { BUNDLES } from '../../scripts/bundles.mjs';
import { BUILDING, problemLine, WAITING } from '../../scripts/watch.mjs';

const root = join(import.meta.dirname, '../..');
const read = (file: string): string => readFileSync(join(root, file), 'utf8');
const manifest = JSON.parse(read('package.json'));
const scripts: Record<string, string> = manifest.scripts;
const launch = JSON.parse(read('.vscode/launch.json'));
const { tasks } = JSON.parse(read('.vscode/tasks.json'));
const outputs = BUNDLES.map(({ outfile }) => outfile);

/** Paths below the workspace folder that a configuration names, up to the first wildcard. */
function pathsIn(configuration: unknown): string[] {
  const found = JSON.stringify(configuration).matchAll(/\$\{workspaceFolder\}\/([^"*]*[^"*/])/g);
  return [...found].map((match) => match[1]!);
}

/** It is in the clone, or a build makes it. */
function isThere(path: string): boolean {
  return path === 'dist' || outputs.includes(path) || existsSync(join(root, path));
}

describe('.vscode/launch.json', () => {
  test('F5 starts the extension with the sample, built by the watch task', () => {
    const [first] = launch.configurations;
    expect(first.type).toBe('extensionHost');
    expect(first.args).toEqual([
      // biome-ignore lint/suspicious/noTemplateCurlyInString: a variable of VS Code
      '--extensionDevelopmentPath=${workspaceFolder}',
      // biome-ignore lint/suspicious/noTemplateCurlyInString: a variable of VS Code
      '${workspaceFolder}/test/fixtures/sample',
    ]);
    expect(tasks.find((task: { label: string }) => task.label === first.preLaunchTask).script).toBe('watch');
  });

  test.each(launch.configurations.map((one: { name: string }) => [one.name, one]))(
    '%s: its paths and its task exist',
    (...[, configuration]) => {
      const paths = pathsIn(configuration);
      expect(paths.length).toBeGreaterThan(0);
      for (const path of paths) expect(isThere(path), path).toBe(true);
      if (configuration.preLaunchTask === undefined) return;
      expect(tasks.map((task: { label: string }) => task.label)).toContain(configuration.preLaunchTask);
    },
  );

  test('the extension that F5 starts is what the manifest names', () => {
    expect(outputs).toContain(manifest.main.replace('./', ''));
  });
});

describe('.vscode/tasks.json', () => {
  test('every task runs an npm script that exists', () => {
    for (const { label, type, script } of tasks) {
      expect(type, label).toBe('npm');
      expect(Object.keys(scripts), label).toContain(script);
    }
  });

  const { pattern, background } = tasks.find(
    (task: { label: string }) => task.label === 'watch',
  ).problemMatcher;

  test('the problem matcher recognises when a build begins and ends', () => {
    expect(BUILDING).toMatch(new RegExp(background.beginsPattern));
    expect(WAITING).toMatch(new RegExp(background.endsPattern));
    expect(BUILDING).not.toMatch(new RegExp(background.endsPattern));
  });

  test.each([
    [
      problemLine('error', {
        text: 'Could not resolve "./a.ts"',
        location: { file: 'extension/webview/a.ts', line: 3, column: 20 },
      }),
      ['extension/webview/a.ts', '3', '21', 'error', 'Could not resolve "./a.ts"'],
    ],
    [
      problemLine('warning', { text: 'of a plugin', location: null }),
      ['scripts/bundles.mjs', '1', '1', 'warning', 'of a plugin'],
    ],
    ['/x/bpf/data.h:662:6: error: expected ;', ['/x/bpf/data.h', '662', '6', 'error', 'expected ;']],
  ])('finds the place in: %s', (line, expected) => {
    const match = new RegExp(pattern.regexp).exec(line);
    const parts = ['file', 'line', 'column', 'severity', 'message'].map((key) => match?.[pattern[key]]);
    expect(parts).toEqual(expected);
  });
});

test('every npm script that runs a file of ours names one that exists', () => {
  const files = Object.values(scripts).flatMap(
    (script) => script.match(/\b(?:scripts|test)\/\S+\.mjs/g) ?? [],
  );
  expect(files.length).toBeGreaterThan(5);
  for (const file of files) expect(existsSync(join(root, file)), file).toBe(true);
});
