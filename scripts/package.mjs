// `npm run package`: builds for release and makes two packages: http-trace-linux-ARCH-VERSION.vsix, which holds all that
// runs, and http-trace-VERSION.vsix for every other system, which opens files but captures nothing.
// The first is skipped when nothing has changed since it was made.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { thirdParties } from './notices.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
/** vsce wants a newer Node than the one that this may be run with. */
const node = join(root, 'node_modules/.bin/node');
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const target = `linux-${process.arch}`;

/** Where the package is, once {@link makePackage} has made it. */
export const vsix = join(root, `http-trace-${target}-${version}.vsix`);

/** What only Linux can run. */
const LINUX_ONLY = /^!dist\/(?:native\/|helper\.js$|http-trace$)/;

export function makePackage() {
  const epoch = dateOfSource();
  run(process.execPath, ['scripts/build.mjs', '--production']);
  writeNotices(epoch);
  const stamp = join(root, '.cache/build/package');
  const key = digest(epoch);
  if (existsSync(vsix) && existsSync(stamp) && readFileSync(stamp, 'utf8') === key) return;
  pack(vsix, epoch, ['--target', target]);
  mkdirSync(dirname(stamp), { recursive: true });
  writeFileSync(stamp, key);
}

/** After {@link makePackage}: without a target, VS Code installs it on every system. */
function makeOpener() {
  const folder = mkdtempSync(join(tmpdir(), 'http-trace-package-'));
  try {
    const ignored = join(folder, 'ignore');
    const lines = readFileSync(join(root, '.vscodeignore'), 'utf8').split('\n');
    writeFileSync(ignored, lines.filter((line) => !LINUX_ONLY.test(line)).join('\n'));
    const out = join(root, `http-trace-${version}.vsix`);
    pack(out, dateOfSource(), ['--ignoreFile', ignored]);
    return out;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function pack(out, epoch, options) {
  run(
    node,
    [
      'node_modules/@vscode/vsce/vsce',
      'package',
      ...options,
      '--no-dependencies',
      '--allow-missing-repository',
      // There is no public repository yet to which the README's pictures could point.
      '--no-rewrite-relative-links',
      '--out',
      out,
    ],
    // Files in the same order and with the same date: the same contents are the same bytes.
    { ...process.env, SOURCE_DATE_EPOCH: String(epoch) },
  );
}

/** Licences and bill of materials, of what the build has bundled and linked. */
function writeNotices(epoch) {
  const made = join(root, '.cache/build');
  const metafiles = readdirSync(made).filter((name) => name.endsWith('.meta.json'));
  const { notices, sbom } = thirdParties({
    metafiles: metafiles.map((name) => join(made, name)),
    linkerMaps: [join(made, 'loader.map')],
    epoch,
  });
  writeFileSync(join(root, 'dist/THIRD_PARTY_NOTICES.txt'), notices);
  writeFileSync(join(root, 'dist/sbom.cdx.json'), sbom);
}

/** Seconds: SOURCE_DATE_EPOCH if set, else the time of the last commit, else a fixed one. */
function dateOfSource() {
  const { SOURCE_DATE_EPOCH: said } = process.env;
  if (said !== undefined && /^\d+$/.test(said)) return Number(said);
  const { status, stdout } = spawnSync('git', ['log', '-1', '--format=%ct'], { cwd: root, encoding: 'utf8' });
  return status === 0 ? Number(stdout) : Date.UTC(2026, 0, 1) / 1000;
}

/** Of everything that may go into the package, contents and modes. */
function digest(epoch) {
  const hash = createHash('sha256').update(String(epoch));
  const folders = ['dist', 'media', 'l10n'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath ?? entry.path, entry.name)),
  );
  const files = [
    'package.json',
    ...readdirSync(root)
      .filter((name) => /^package\.nls\..*json$/.test(name))
      .sort(),
    'README.md',
    'CHANGELOG.md',
    'LICENSE',
    'SECURITY.md',
    '.vscodeignore',
    'scripts/package.mjs',
  ];
  for (const file of [...folders.sort(), ...files.map((name) => join(root, name))]) {
    if (!existsSync(file)) continue;
    hash.update(`${file}\0${statSync(file).mode}\0`).update(readFileSync(file));
  }
  return hash.digest('hex');
}

function run(command, args, env = process.env) {
  const result = spawnSync(command, args, { cwd: root, stdio: 'inherit', env });
  if (result.status !== 0) {
    console.error(
      `package: ${command} ${args[0]} ended with ${result.error?.message ?? `status ${result.status}`}.`,
    );
    process.exit(1);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  makePackage();
  console.log(`${vsix}\n${makeOpener()}`);
}
