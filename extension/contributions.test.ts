import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { Command, Context, FileEditors, Setting, TITLES, View, ViewItem } from './contributions.ts';
import { DEFAULT_BODY_LIMIT } from './engine/limits.ts';

const root = join(import.meta.dirname, '..');
const texts = JSON.parse(readFileSync(join(root, 'package.nls.json'), 'utf8'));
/** In English. */
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'), (_, value) => {
  const key = typeof value === 'string' ? /^%(.+)%$/.exec(value)?.[1] : undefined;
  return key === undefined ? value : texts[key];
});
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
    const titles = contributes.commands.map((c: { command: string; title: string }) => [c.command, c.title]);
    expect(Object.fromEntries(titles)).toEqual(TITLES);
  });

  test('views', () => {
    const declared = Object.values<{ id: string }[]>(contributes.views).flatMap((v) =>
      v.map((one) => one.id),
    );
    expect(declared.sort()).toEqual(Object.values(View).sort());
  });

  test('editors', () => {
    expect(contributes.customEditors.map((one: { viewType: string }) => one.viewType)).toEqual(FileEditors);
  });

  test('settings', () => {
    expect(Object.keys(contributes.configuration.properties).sort()).toEqual(Object.values(Setting).sort());
  });

  test('the default of a setting', () => {
    expect(contributes.configuration.properties[Setting.bodyLimit].default).toBe(DEFAULT_BODY_LIMIT);
  });

  test('kinds of tree nodes', () => {
    const used = stringsUnder(contributes.menus, 'when').flatMap((clause) => {
      const pattern = /viewItem =~ \/\^(.*?)\\b\//.exec(clause)?.[1];
      return pattern === undefined ? [] : [pattern.replaceAll('\\', '')];
    });
    expect(used.length).toBeGreaterThan(0);
    for (const item of used) expect(Object.values(ViewItem)).toContain(item);
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
    const texts = [
      ...stringsUnder(contributes.viewsWelcome, 'contents'),
      ...stringsUnder(contributes.walkthroughs, 'description'),
    ];
    const links = texts.flatMap((text) =>
      [...text.matchAll(/command:(httpTrace\.\w+)(?!\.focus|\w)/g)].map((match) => match[1]!),
    );
    for (const name of [...used, ...links]) expect(commands).toContain(name);
  });

  test('every command names the product once in the palette, and so is found by it', () => {
    for (const { title, category } of contributes.commands) {
      const shown = category === undefined ? title : `${category}: ${title}`;
      expect(shown.match(/HTTP Trace/g), shown).toHaveLength(1);
    }
  });

  test('every picture exists', () => {
    const icons = stringsUnder(manifest, 'icon').filter((icon) => !icon.startsWith('$('));
    const images = ['dark', 'light', 'hc', 'hcLight'].map((theme) =>
      stringsUnder(contributes.walkthroughs, theme),
    );
    expect(new Set(images.map((paths) => paths.length))).toEqual(new Set([4]));
    const german = JSON.parse(readFileSync(join(root, 'package.nls.de.json'), 'utf8'));
    const inGerman = Object.values<string>(german).filter((text) => text.startsWith('media/'));
    expect(inGerman).toHaveLength(new Set(images.flat()).size);
    for (const path of [...icons, ...images.flat(), ...inGerman])
      expect(existsSync(join(root, path)), path).toBe(true);
  });

  test('code in the walkthrough stands between two backticks, as VS Code reads it', () => {
    for (const file of ['package.nls.json', 'package.nls.de.json']) {
      const words = Object.entries<string>(JSON.parse(readFileSync(join(root, file), 'utf8')));
      const descriptions = words.filter(([name]) => /^walkthrough\..*description$/.test(name));
      expect(descriptions.length, file).toBeGreaterThan(4);
      expect(descriptions.filter(([, text]) => text.includes('``')).length, file).toBeGreaterThan(0);
      for (const [name, text] of descriptions)
        expect(text.replaceAll(/``[^`]+``/g, ''), `${file} ${name}`).not.toContain('`');
    }
  });

  test('a step of the walkthrough is done by something that can happen', () => {
    const { steps } = contributes.walkthroughs[0];
    for (const { id, completionEvents } of steps) {
      expect(completionEvents.length, id).toBeGreaterThan(0);
      for (const event of completionEvents) {
        const [kind, name] = event.split(':');
        const known: readonly string[] = kind === 'onCommand' ? [...commands] : Object.values(Context);
        expect(known, event).toContain(name);
      }
    }
  });

  test('every key binding applies only in some context', () => {
    for (const binding of contributes.keybindings) expect(binding.when).toMatch(/\S/);
  });
});
