// Programs with a TLS library of their own: Node 20 and 22, esbuild's executables (stripped Go programs of many
// versions of Go), and a Go program of ours, with symbols, stripped and position-independent. Tests analyse and trace
// them. They are kept in .cache/runtimes; nothing of the extension depends on them. Plain Node without dependencies;
// `node scripts/runtimes.mjs` fetches and builds what is missing.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const recipe = join(root, 'scripts/runtimes');
const home = join(root, '.cache/runtimes');
const modules = join(home, 'node_modules');

const GO_BUILDS = {
  plain: [],
  stripped: ['-ldflags=-s -w'],
  pie: ['-buildmode=pie', '-ldflags=-s -w'],
};

/** Where each is, once {@link ensureRuntimes} has run. */
export const runtimes = {
  node20: join(modules, 'node-20/bin/node'),
  node22: join(modules, 'node-22/bin/node'),
  /** The project's own. */
  node24: join(root, 'node_modules/node/bin/node'),
  /** By version of Go; `arm64` is for another machine. */
  esbuild: Object.fromEntries(
    ['1.16', '1.17', '1.20', '1.23', '1.26', 'arm64'].map((go) => [
      go,
      join(modules, `esbuild-go-${go}/bin/esbuild`),
    ]),
  ),
  /** scripts/runtimes/tls.go */
  go: Object.fromEntries(Object.keys(GO_BUILDS).map((name) => [name, join(home, `tls-${name}`)])),
};

/** Fetches and builds what is missing or outdated. */
export function ensureRuntimes() {
  mkdirSync(home, { recursive: true });
  installPackages();
  buildGo();
}

function installPackages() {
  const stamp = join(home, 'installed.json');
  const wanted = readFileSync(join(recipe, 'package-lock.json'), 'utf8');
  if (existsSync(modules) && existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  console.log('Fetching programs that bring their own TLS library into .cache/runtimes (once) …');
  for (const file of ['package.json', 'package-lock.json'])
    copyFileSync(join(recipe, file), join(home, file));
  // --force: one is for another architecture, and is only analysed.
  run('npm', ['ci', '--force', '--ignore-scripts', '--no-fund', '--no-audit', '--loglevel=error'], home);
  writeFileSync(stamp, wanted);
}

function buildGo() {
  const source = join(recipe, 'tls.go');
  const stamp = join(home, 'go.sha256');
  const wanted = createHash('sha256')
    .update(readFileSync(source))
    .update(JSON.stringify(GO_BUILDS))
    .digest('hex');
  const complete = Object.values(runtimes.go).every((path) => existsSync(path));
  if (complete && existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  console.log('Building Go programs into .cache/runtimes (once) …');
  for (const [name, flags] of Object.entries(GO_BUILDS)) {
    run('go', ['build', ...flags, '-o', runtimes.go[name], source], home);
  }
  writeFileSync(stamp, wanted);
}

function run(command, args, cwd) {
  const result = spawnSync(command, args, {
    cwd,
    stdio: ['ignore', 'ignore', 'inherit'],
    // Ignores the user's Go settings, and fetches nothing.
    env: { ...process.env, GO111MODULE: 'off', GOFLAGS: '', GOPROXY: 'off', GOCACHE: join(home, 'go-cache') },
  });
  if (result.error?.code === 'ENOENT') {
    throw new Error(`${command} is not installed. \`npm run setup -- --test\` installs what the tests need.`);
  }
  if (result.status !== 0) throw new Error(`${command} ${args.join(' ')} failed, see above.`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) ensureRuntimes();
