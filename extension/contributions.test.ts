import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { Command, Context, Setting, View } from './contributions.ts';

const root = join(import.meta.dirname, '..');
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const contributes = manifest.contributes;

/** Every string below a key of this name, wherever it is. */
function stringsUnder(value: unknown, key: string): string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) =>
    name === key && typeof inner === 'string' ? [inner] : stringsUnder(inner, key),
  );
}

describe('package.json and contributions.ts name the same', () => {
  test('commands', () => {
    const declared = contributes.commands.map((c: { command: string }) => c.command);
    expect(declared.sort()).toEqual(Object.values(Command).sort());
  });

  test('views', () => {
    const declared = Object.values<{ id: string }[]>(contributes.views).flatMap((v) =>
      v.map((one) => one.id),
    );
    expect(declared.sort()).toEqual(Object.values(View).sort());
  });

  test('settings', () => {
    expect(Object.keys(contributes.configuration.properties).sort()).toEqual(Object.values(Setting).sort());
  });

  test('context keys', () => {
    const clauses = [...stringsUnder(contributes, 'when'), ...stringsUnder(contributes, 'enablement')];
    const views = new Set<string>(Object.values(View));
    const used = clauses
      .flatMap((clause) => clause.replace(/\/.*?\//g, '').match(/httpTrace\.\w+/g) ?? [])
      .filter((name) => !views.has(name));
    expect([...new Set(used)].sort()).toEqual(Object.values(Context).sort());
  });
});

describe('package.json', () => {
  const commands = new Set<string>(Object.values(Command));

  test('every command in a menu, a key binding or a welcome view exists', () => {
    const used = [
      ...stringsUnder(contributes.menus, 'command'),
      ...stringsUnder(contributes.keybindings, 'command'),
    ];
    const links = stringsUnder(contributes.viewsWelcome, 'contents').flatMap((text) =>
      [...text.matchAll(/command:(httpTrace\.\w+)/g)].map((match) => match[1]!),
    );
    for (const name of [...used, ...links]) expect(commands).toContain(name);
  });

  test('every command is of the category HTTP Trace', () => {
    for (const command of contributes.commands) expect(command.category).toBe('HTTP Trace');
  });

  test('every picture exists', () => {
    for (const path of stringsUnder(contributes, 'icon').filter((icon) => !icon.startsWith('$('))) {
      expect(existsSync(join(root, path)), path).toBe(true);
    }
  });

  test('every key binding applies only in some context', () => {
    for (const binding of contributes.keybindings) expect(binding.when).toMatch(/\S/);
  });
});
