/**
 * One icon for one meaning in VS Code's own places: commands, tree, status bar. The icons are VS Code's (codicons);
 * test/webview/icons.test.ts checks that the panel's differ.
 */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '..', '..');
const { contributes } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

/** Signs of commands: codicon → command. */
const ofCommands = new Map<string, string>();
/** Commands that have a sign which another one has. */
const doubled: string[] = [];
for (const { command, icon } of contributes.commands) {
  if (icon === undefined) continue;
  const name = codicon(icon);
  const other = ofCommands.get(name);
  if (other !== undefined) doubled.push(`${name}: ${other}, ${command}`);
  ofCommands.set(name, command);
}

/** Other places of a command's icon, with the same meaning. */
const SAME = new Map([
  // A trace, whether it is to start or runs.
  ['extension/views/statusItem.ts pulse', 'httpTrace.start'],
  ['extension/commands/requestDocuments.ts send', 'httpTrace.sendRequest'],
]);

function codicon(icon: string): string {
  return /^\$\(([a-z-]+)(?:~spin)?\)$/.exec(icon)?.[1] ?? `no codicon: ${icon}`;
}

/** Every codicon that code names: `$(name)` in texts, and names in files that make theme icons. */
function codiconsIn(source: string): Set<string> {
  const names = new Set([...source.matchAll(/\$\(([a-z-]+)(?:~spin)?\)/g)].map((match) => match[1]!));
  if (source.includes('new vscode.ThemeIcon('))
    for (const [, name] of source.matchAll(/'([a-z]+(?:-[a-z]+)*)(?:~spin)?'/g)) names.add(name!);
  return names;
}

test('no two commands have the same sign', () => {
  expect(ofCommands.size).toBeGreaterThan(20);
  expect(doubled).toEqual([]);
});

test('nothing else has the sign of a command', () => {
  const used: string[] = [];
  for (const file of globSync('extension/**/*.ts', { cwd: root })) {
    if (file.endsWith('.test.ts')) continue;
    for (const name of codiconsIn(readFileSync(join(root, file), 'utf8')))
      if (ofCommands.has(name)) used.push(`${file} ${name}`);
  }
  expect(used.sort()).toEqual([...SAME.keys()].sort());
  for (const [use, command] of SAME) expect(ofCommands.get(use.split(' ')[1]!), use).toBe(command);
});

test('what language models are offered has the sign of a trace', () => {
  const signs = contributes.languageModelTools.map(({ icon }: { icon: string }) => icon);
  expect(new Set(signs)).toEqual(new Set(['$(pulse)']));
});

test('states of a trace differ, and a stopped one differs from an ended process', () => {
  const status = readFileSync(join(root, 'extension/views/statusItem.ts'), 'utf8');
  const block = /const ICONS = \{([\s\S]*?)\}/.exec(status)?.[1] ?? '';
  const states = Object.fromEntries(
    [...block.matchAll(/(\w+): '(\$\([a-z~-]+\))'/g)].map(([, phase, icon]) => [phase, codicon(icon!)]),
  );
  const { starting, stopping, ...lasting } = states;
  expect(starting).toBe(stopping);
  expect(Object.keys(lasting).sort()).toEqual(['failed', 'idle', 'running', 'stopped']);
  expect(new Set(Object.values(states)).size).toBe(5);
  const tree = codiconsIn(readFileSync(join(root, 'extension/views/callsView.ts'), 'utf8'));
  expect(tree).toContain('circle-slash');
  for (const name of Object.values(lasting)) expect(tree).not.toContain(name);
});
