/** Every import of the project against the table in imports.ts, as Vite's parser reads it. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseAst } from 'vitest/node';
import { CIRCLES, IMPORT_RULES, type ImportRule } from './imports.ts';

interface Import {
  readonly from: string;
  /** A file, relative to the project, or a package. */
  readonly to: string;
  readonly typeOnly: boolean;
}

const ROOT = join(import.meta.dirname, '../..');
const FOLDERS = Object.keys(IMPORT_RULES);

function sourceFiles(): string[] {
  return ['extension', 'helper'].flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
      .map((entry) => join(entry.parentPath, entry.name).slice(ROOT.length + 1))
      .filter((path) => !path.endsWith('.test.ts') && !path.includes('/testing/')),
  );
}

/** The used properties of the parser's nodes. */
interface AstNode {
  readonly type: string;
  readonly source?: { readonly type: string; readonly value?: unknown } | null;
  readonly importKind?: string;
  readonly exportKind?: string;
  readonly specifiers?: readonly AstNode[];
}

function importsOf(path: string, text: string): Import[] {
  const found: Import[] = [];
  const visit = (node: unknown): void => {
    if (Array.isArray(node)) for (const child of node) visit(child);
    if (typeof node !== 'object' || node === null || Array.isArray(node)) return;
    const { type, source, importKind, exportKind, specifiers } = node as AstNode;
    if (typeof source?.value === 'string') {
      const { value } = source;
      const typeOnly =
        type === 'TSImportType' ||
        importKind === 'type' ||
        exportKind === 'type' ||
        (specifiers !== undefined &&
          specifiers.length > 0 &&
          specifiers.every((one) => one.importKind === 'type' || one.exportKind === 'type'));
      const to = value.startsWith('.') ? normalize(join(dirname(path), value)) : value;
      found.push({ from: path, to, typeOnly });
    }
    for (const child of Object.values(node)) if (typeof child === 'object') visit(child);
  };
  visit(parseAst(text, { lang: 'ts' }));
  return found;
}

const within = (path: string, entry: string): boolean => path === entry || path.startsWith(`${entry}/`);

function folderOf(path: string): string | undefined {
  return FOLDERS.filter((folder) => within(path, folder)).sort((a, b) => b.length - a.length)[0];
}

/** An entry for a folder does not include folders with rules of their own. */
const covers = (entry: string, path: string): boolean =>
  within(path, entry) && (!FOLDERS.includes(entry) || folderOf(path) === entry);

/** @returns why the import is not allowed; null when it is. */
function offence({ from, to, typeOnly }: Import): string | null {
  const folder = folderOf(from);
  const rule: ImportRule | undefined = folder === undefined ? undefined : IMPORT_RULES[folder];
  if (rule === undefined) return `${from} is in no folder of the table`;
  const { values, types = [], packages = [], pure } = rule;
  const allowed = to.startsWith('node:')
    ? pure === undefined || pure.includes(to)
    : (to.includes('/') && !to.startsWith('@')) || to === 'package.json'
      ? folderOf(to) === folder || [...values, ...(typeOnly ? types : [])].some((entry) => covers(entry, to))
      : packages.includes(to);
  return allowed ? null : `${from} must not import ${typeOnly ? 'types of ' : ''}${to}`;
}

/** Files that import each other, directly or not; Tarjan's strongly connected components. */
function circles(imports: readonly Import[]): string[][] {
  const edges = new Map<string, string[]>();
  for (const { from, to } of imports) edges.set(from, [...(edges.get(from) ?? []), to]);
  const index = new Map<string, number>();
  const low = new Map<string, number>();
  const stack: string[] = [];
  const found: string[][] = [];
  const visit = (file: string): number => {
    const number = index.size;
    index.set(file, number);
    low.set(file, number);
    stack.push(file);
    for (const next of edges.get(file) ?? []) {
      const reached = index.has(next)
        ? stack.includes(next)
          ? (index.get(next) ?? 0)
          : number
        : visit(next);
      low.set(file, Math.min(low.get(file) ?? number, reached));
    }
    const lowest = low.get(file) ?? number;
    if (lowest === number) {
      const members = stack.splice(stack.indexOf(file));
      if (members.length > 1) found.push(members.sort());
    }
    return lowest;
  };
  for (const file of edges.keys()) if (!index.has(file)) visit(file);
  return found;
}

const IMPORTS = sourceFiles().flatMap((path) => importsOf(path, readFileSync(join(ROOT, path), 'utf8')));

describe('imports', () => {
  it('are those that the table allows', () => {
    expect(IMPORTS.length).toBeGreaterThan(500);
    expect(IMPORTS.map(offence).filter((text) => text !== null)).toEqual([]);
  });

  it('make no circles but those that are listed', () => {
    const byName = (a: readonly string[], b: readonly string[]): number => a.join().localeCompare(b.join());
    expect(circles(IMPORTS).sort(byName)).toEqual([...CIRCLES].sort(byName));
  });

  it('are all used: the table allows no more than there is', () => {
    const unused = Object.entries(IMPORT_RULES).flatMap(
      ([folder, { values, types = [], packages = [], pure = [] }]) => {
        const own = IMPORTS.filter(({ from }) => folderOf(from) === folder);
        const byValue = (entry: string): boolean =>
          own.some(({ to, typeOnly }) => !typeOnly && covers(entry, to));
        const used = (entry: string): boolean => own.some(({ to }) => to === entry || covers(entry, to));
        return [
          ...values.filter((entry) => !byValue(entry)),
          ...[...types, ...packages, ...pure].filter((entry) => !used(entry)),
        ].map((entry) => `${folder}: ${entry}`);
      },
    );
    expect(unused).toEqual([]);
  });
});

describe('the check', () => {
  it.each([
    ["import { x } from '../views/panel.ts';", false],
    ["export * from '../views/panel.ts';", false],
    ["const x = await import('../views/panel.ts');", false],
    ["type X = import('../views/panel.ts').X;", false],
    ["import { readFileSync } from 'node:fs';", false],
    ["import { inflateSync } from 'node:zlib';", true],
    ["import * as vscode from 'vscode';", false],
    ["import { maskUrl } from '../privacy/maskUrl.ts';", true],
    ["// import { x } from '../views/panel.ts';", true],
  ])('sees in the engine: %s', (text, allowed) => {
    const offences = importsOf('extension/engine/example.ts', text).map(offence);
    expect(offences.every((one) => one === null)).toBe(allowed);
  });

  it.each([
    ["import type { Exchange } from '../engine/exchange.ts';", true],
    ["import { type Exchange } from '../engine/exchange.ts';", true],
    ["import { UNKNOWN_STATUS, type Exchange } from '../engine/exchange.ts';", false],
    ["export type { Exchange } from '../engine/exchange.ts';", true],
  ])('distinguishes types from values in the webview: %s', (text, allowed) => {
    const offences = importsOf('extension/webview/example.ts', text).map(offence);
    expect(offences.every((one) => one === null)).toBe(allowed);
  });

  it('sees circles of any length, by types as well', () => {
    const edge = (from: string, to: string): Import => ({
      from: `a/${from}`,
      to: `a/${to}`,
      typeOnly: from === 'c',
    });
    expect(circles([edge('a', 'b'), edge('b', 'c'), edge('c', 'a'), edge('d', 'a')])).toEqual([
      ['a/a', 'a/b', 'a/c'],
    ]);
    expect(circles([edge('a', 'b'), edge('b', 'c'), edge('a', 'c')])).toEqual([]);
  });
});
