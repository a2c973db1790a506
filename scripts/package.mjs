// `npm run package`: builds for release and makes two packages: http-trace-linux-ARCH-VERSION.vsix, which holds all that
// runs, and http-trace-VERSION.vsix for every other system, which opens files but captures nothing.
// The first is skipped when nothing has changed since it was made.
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
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
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
  const out = join(root, `http-trace-${version}.vsix`);
  pack(out, dateOfSource(), [], (line) => !LINUX_ONLY.test(line));
  return out;
}

/** @param isShipped whether a line of .vscodeignore holds for this package */
function pack(out, epoch, options, isShipped = () => true) {
  // vsce examines every file below its folder before excluding it: 50,000 in a clone.
  const folder = mkdtempSync(join(tmpdir(), 'http-trace-package-'));
  try {
    for (const file of packable()) cpSync(join(root, file), join(folder, file));
    const lines = readFileSync(join(root, '.vscodeignore'), 'utf8').split('\n');
    writeFileSync(join(folder, '.vscodeignore'), lines.filter(isShipped).join('\n'));
    run(
      node,
      [
        join(root, 'node_modules/@vscode/vsce/vsce'),
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
      { cwd: folder, env: { ...process.env, SOURCE_DATE_EPOCH: String(epoch) } },
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
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

/** Everything that may go into a package, by its path below the root; .vscodeignore filters it. */
function packable() {
  const folders = ['dist', 'media', 'l10n'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => relative(root, join(entry.parentPath ?? entry.path, entry.name))),
  );
  const files = readdirSync(root).filter((name) =>
    /^package(?:\.nls.*)?\.json$|^[A-Z]+(?:\.md)?$/.test(name),
  );
  return [...folders, ...files].sort();
}

/** Hash of contents and modes of all package inputs. */
function digest(epoch) {
  const hash = createHash('sha256').update(String(epoch));
  for (const file of [...packable(), '.vscodeignore', 'scripts/package.mjs']) {
    const path = join(root, file);
    hash.update(`${path}\0${statSync(path).mode}\0`).update(readFileSync(path));
  }
  return hash.digest('hex');
}

function run(command, args, options = {}) {
  const result = spawnSync(command, args, { cwd: root, stdio: 'inherit', ...options });
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
