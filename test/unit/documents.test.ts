/** The documents name files, headings and npm scripts that exist. */
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';

const root = join(import.meta.dirname, '../..');
const read = (file: string): string => readFileSync(join(root, file), 'utf8');
const scripts = Object.keys(JSON.parse(read('package.json')).scripts);
const documents = [
  'README.md',
  'CONTRIBUTING.md',
  'ARCHITECTURE.md',
  'CHANGELOG.md',
  'SECURITY.md',
  ...globSync('docs/*.md', { cwd: root }),
  ...globSync('.github/**/*.{md,yml}', { cwd: root }),
];

/** A heading's anchor, as GitHub and VS Code make it. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replaceAll(' ', '-');
}

function anchors(markdown: string): string[] {
  return [...markdown.matchAll(/^#+ (.*)$/gm)].map((match) => anchorOf(match[1]!));
}

const codeSpans = (text: string): string[] => [...text.matchAll(/`([^`\n]+)`/g)].map((match) => match[1]!);

/** Everything in the project with a name that a document may say. */
const sources = globSync('{bpf,extension,helper,media,scripts,test}/**/*.*', { cwd: root });

/** A path from the project's root, or the end of one, where it is clear from the context which folder is meant. */
function isThere(path: string): boolean {
  return (
    existsSync(join(root, path)) ||
    sources.some((source) => source.endsWith(`/${path.replace(/^(\.\.\/)+/, '')}`))
  );
}

describe.each(documents)('%s', (document) => {
  const text = read(document);

  test('its links lead somewhere', () => {
    for (const [, link] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^https?:/.test(link!)) continue;
      const [file, anchor] = link!.split('#') as [string, string?];
      const target = file === '' ? document : join(dirname(document), file);
      expect(existsSync(join(root, target)), link).toBe(true);
      if (anchor !== undefined) expect(anchors(read(target)), link).toContain(anchor);
    }
  });

  test('the files and folders that it names exist', () => {
    const folders = /^(bpf|docs|extension|helper|media|scripts|test|\.github|\.vscode)\/(\S*\/)?$/;
    const files = /^[\w./-]+\.(ts|mts|mjs|js|json|[ch]|css|proto)$/;
    for (const span of codeSpans(text)) {
      if (folders.test(span) || files.test(span)) expect(isThere(span), span).toBe(true);
    }
  });

  test('the npm scripts that it names exist', () => {
    const named = [...text.matchAll(/\bnpm\s+(?:run\s+)?([a-z][\w:-]*)/g)].map((match) => match[1]!);
    const builtIn = ['install', 'ci', 'registry', 'packages', 'scripts'];
    for (const script of named) if (!builtIn.includes(script)) expect(scripts).toContain(script);
  });
});

test('the map fits on two screens', () => {
  expect(read('ARCHITECTURE.md').split('\n').length).toBeLessThan(110);
});

test('the map has every folder of the code', () => {
  const map = read('ARCHITECTURE.md');
  // What only tests use stands in `testing/`, wherever that is.
  const folders = globSync('{bpf,helper/*,extension/*,scripts,test}/', { cwd: root })
    .map((path) => path.replace(/\/?$/, '/'))
    .filter((path) => !path.endsWith('/testing/'));
  expect(folders.length).toBeGreaterThan(10);
  for (const folder of folders) expect(map).toContain(`\`${folder}\``);
});
