/** The package: the same bytes wherever it is built, with what third-party licences require. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WHOLE } from '../kit/tier.mjs';

const root = resolve(import.meta.dirname, '../..');
const missing = ['clang', 'gcc', 'dpkg-query'].find((tool) => spawnSync(tool, ['--version']).error);
const reason = process.platform !== 'linux' ? 'needs Linux' : missing && `needs ${missing}`;
if (reason !== undefined) console.warn(`skipped: the package is not built, as that ${reason}`);

/** What a build reads. */
const SOURCES = [
  'bpf',
  'helper',
  'extension',
  'scripts',
  'media',
  'l10n',
  '.vscodeignore',
  '.npmrc',
  'tsconfig.json',
];
/** What a build leaves. Maps of bundles are those of a build for development. */
const BUILT = ['dist', '.cache/build'];
const DOCUMENTS = [
  'package.json',
  'package.nls.json',
  'package.nls.de.json',
  'package-lock.json',
  'README.md',
  'CHANGELOG.md',
  'SECURITY.md',
  'LICENSE',
];

describe.skipIf(reason !== undefined)('the package', { timeout: 1_200_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'http-trace-package-'));
  const clones = [join(folder, 'a'), join(folder, 'another place, with a longer name/b')];

  beforeAll(() => {
    for (const [index, clone] of clones.entries()) {
      mkdirSync(clone, { recursive: true });
      // In the short run one of the two has what was built in this clone already, and builds only what is older than its source.
      const built = index === 0 && !WHOLE ? BUILT : [];
      for (const name of [...SOURCES, ...DOCUMENTS, ...built]) {
        const filter = (path: string) => !path.endsWith('.map') || path.endsWith('loader.map');
        if (existsSync(join(root, name)))
          cpSync(join(root, name), join(clone, name), { recursive: true, filter });
      }
      symlinkSync(join(root, 'node_modules'), join(clone, 'node_modules'));
      const { status, stderr } = spawnSync(process.execPath, ['scripts/package.mjs'], {
        cwd: clone,
        env: { ...process.env, SOURCE_DATE_EPOCH: '1767225600' },
        encoding: 'utf8',
      });
      if (status !== 0) throw new Error(`the package was not made: ${stderr}`);
    }
  }, 1_200_000);
  afterAll(() => rmSync(folder, { recursive: true }));

  /** Hashes of what goes into the package, and of itself. */
  function hashes(clone: string): Record<string, string> {
    const packages = readdirSync(clone).filter((name) => name.endsWith('.vsix'));
    expect(packages).toHaveLength(2);
    const files = readdirSync(join(clone, 'dist'), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => relative(clone, join(entry.parentPath, entry.name)));
    return Object.fromEntries(
      [...files, ...packages].sort().map((name) => {
        return [
          name,
          createHash('sha256')
            .update(readFileSync(join(clone, name)))
            .digest('hex'),
        ];
      }),
    );
  }

  it('is the same, byte for byte, when it is made in another folder', () => {
    const [first = '', second = ''] = clones;
    expect(hashes(second)).toEqual(hashes(first));
  });

  it('is there for other systems, without what only Linux can run', () => {
    const [clone = ''] = clones;
    const { version } = JSON.parse(readFileSync(join(clone, 'package.json'), 'utf8'));
    // Names of entries are not compressed.
    const entries = (name: string) =>
      new Set(
        readFileSync(join(clone, name))
          .toString('latin1')
          .match(/extension\/[\w./-]+/g),
      );
    const linux = entries(`http-trace-linux-${process.arch}-${version}.vsix`);
    const other = entries(`http-trace-${version}.vsix`);
    for (const name of ['native/loader', 'native/addon.node', 'helper.js', 'http-trace']) {
      expect([name, linux.has(`extension/dist/${name}`)]).toEqual([name, true]);
      expect([name, other.has(`extension/dist/${name}`)]).toEqual([name, false]);
    }
    for (const name of ['extension.js', 'worker.js', 'webview.js', 'panel.css']) {
      expect([name, other.has(`extension/dist/${name}`)]).toEqual([name, true]);
    }
  });

  it('holds the texts of every language', () => {
    const [clone = ''] = clones;
    for (const name of readdirSync(clone).filter((path) => path.endsWith('.vsix'))) {
      const bytes = readFileSync(join(clone, name)).toString('latin1');
      for (const file of ['package.nls.json', 'package.nls.de.json', 'l10n/bundle.l10n.de.json'])
        expect([name, file, bytes.includes(`extension/${file}`)]).toEqual([name, file, true]);
    }
  });

  it('holds no path of the machine that it was made on', () => {
    const [, clone = ''] = clones;
    for (const name of Object.keys(hashes(clone)).filter((path) => path.startsWith('dist/'))) {
      const bytes = readFileSync(join(clone, name)).toString('latin1');
      for (const path of [folder, root]) expect([name, bytes.includes(path)]).toEqual([name, false]);
    }
  });

  it('holds the licence of every part, and the recipe for relinking', () => {
    const [clone = ''] = clones;
    const notices = readFileSync(join(clone, 'dist/THIRD_PARTY_NOTICES.txt'), 'utf8');
    for (const text of [
      /^libelf-dev \S+, in dist\/native: libelf\.a$/m,
      /^libbpf-dev \S+, in dist\/native: libbpf\.a$/m,
      /^zlib1g-dev \S+, in dist\/native: libz\.a$/m,
      /^protobufjs \S+ \(BSD-3-Clause\), in dist$/m,
      /^fzstd \S+ \(MIT\), in dist$/m,
      /^@vscode\/sudo-prompt \S+ \(MIT\), in dist$/m,
      /GNU LESSER GENERAL PUBLIC LICENSE\s+Version 3/,
      /LIBRARY_PATH=\S+ npm run build -- --force/,
    ]) {
      expect(notices).toMatch(text);
    }
  });

  it('has a bill of materials that names the same parts', () => {
    const [clone = ''] = clones;
    const bill = JSON.parse(readFileSync(join(clone, 'dist/sbom.cdx.json'), 'utf8'));
    const notices = readFileSync(join(clone, 'dist/THIRD_PARTY_NOTICES.txt'), 'utf8');
    expect(bill).toMatchObject({
      bomFormat: 'CycloneDX',
      metadata: { timestamp: '2026-01-01T00:00:00.000Z' },
    });
    const named = [...notices.matchAll(/^(\S+) (\S+?)(?: \(.*\))?, in dist/gm)].map(
      ([, name, version]) => `${name}@${version}`,
    );
    const billed = bill.components.map(
      ({ name, version }: { name: string; version: string }) => `${name}@${version}`,
    );
    expect(billed.sort()).toEqual(named.sort());
    expect(billed.length).toBeGreaterThan(6);
  });
});
