// `npm run setup`: installs what is missing to build and start, with `--test` also what the tests need.
// Plain Node without dependencies: it runs straight after `git clone`. Quick when nothing is missing.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, lstatSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { HOOKS, useHooks } from './hooks.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/**
 * Packages of Debian 12 and Ubuntu 24.04 or later, and what each is for. Where the distributions differ, `a|b`:
 * the first available; the third entry names commands, any of which will do, wherever it comes from.
 */
const BUILD_PACKAGES = [
  ['clang', 'compiles the kernel programs'],
  ['llvm', 'llvm-strip makes them small'],
  ['gcc', 'compiles the loader and the addon'],
  ['libc6-dev', 'headers of the C library'],
  ['libbpf-dev', 'the loader is linked with libbpf'],
  ['libelf-dev', 'which reads the programs with libelf'],
  ['zlib1g-dev', 'and zlib'],
  ['libcapstone-dev', 'the loader checks with Capstone where instructions begin'],
];
const TEST_PACKAGES = [
  [
    'chromium|chromium-browser',
    'the browser whose DevTools write and read archives',
    ['chromium', 'chromium-browser', 'google-chrome'],
  ],
  ['bpftool|linux-tools-generic', 'shows that nothing stays in the kernel', ['bpftool']],
  ['sudo', 'how an ordinary user gets the right to load', ['sudo']],
  ['polkitd', 'and another way, without a password', ['pkcheck']],
  ['pkexec', 'which starts the loader', ['pkexec']],
  ['dbus', 'by which polkit is asked', ['dbus-daemon']],
  ['libcap2-bin', "shows a file's capabilities", ['getcap']],
  ['libclang-rt-dev|libclang-rt-14-dev', "fuzzes the broker's checks"],
  ['iproute2', 'network namespaces', ['ip']],
  ['curl', 'a client to trace'],
  ['wget', 'and one that uses GnuTLS'],
  ['golang-go', 'builds Go programs, which bring their own TLS', ['go']],
  ['rustc', 'builds a Rust program', ['rustc']],
  ['llvm', "says which lines addresses have: compared with this project's own reading", ['llvm-addr2line']],
  ['openssl', 'makes certificates', ['openssl']],
  ['nginx-light', 'a server to trace'],
  ['wrk', 'a client that makes many calls'],
  ['nghttp2-client', 'one of HTTP/2 that makes many calls at once', ['h2load']],
  ['nghttp2-server', 'and a server for it', ['nghttpd']],
  ['apache2-bin', 'a server that upgrades to HTTP/2', ['apache2']],
  ['tshark', 'sees the same packets and is compared with', ['tshark']],
  ['python3', "a client and a server to trace: Python's own"],
  ['python3-requests', 'the client that most Python programs use'],
  ['python3-aiohttp', 'an asynchronous client and server'],
  ['python3-websockets', 'WebSockets of Python'],
  ['liburing-dev', 'a program to trace that uses io_uring'],
  ['qemu-system-x86', 'runs other kernels'],
  ['busybox-static', 'starts them'],
  ['xz-utils', 'unpacks their modules'],
  ['musl-tools', 'a program to trace that uses musl, whose resolver is its own'],
  ['libssl-dev', 'a program to trace that uses OpenSSL'],
  ['libgnutls28-dev', 'and one that uses GnuTLS'],
  ['libnss3-dev', 'and one that uses NSS'],
  ['libnss3-tools', "whose certificates are in a database, and NSS's own client and server"],
  ['libmbedtls-dev', 'and one that uses Mbed TLS'],
  ['libwolfssl-dev', 'and one that uses wolfSSL'],
  ['lighttpd', 'a server to trace'],
  ['lighttpd-mod-nss', 'with NSS'],
  ['lighttpd-mod-mbedtls', 'or Mbed TLS'],
  ['lighttpd-mod-wolfssl', 'or wolfSSL'],
  ['ruby', 'a client and a server to trace'],
  ['ruby-webrick', 'the server'],
  ['php-cli', 'a client and a server to trace'],
  ['php-curl', 'another client of it'],
  ['openjdk-17-jdk-headless|default-jdk-headless', 'a program whose TLS cannot be decrypted', ['java']],
  ['gdb', 'a debugger that stops in what is traced'],
  ['lldb', 'and another one'],
  ['python3-debugpy', 'the debugger of Python, by its adapter'],
  ['delve', 'that of Go', ['dlv']],
  ['xterm', 'a terminal beside VS Code in which it starts programs', ['xterm']],
  ['xvfb', 'and a display for it', ['Xvfb']],
];

/** Optional: without them, tests use something else. */
const OPTIONAL_TEST_PACKAGES = [
  // Not in Ubuntu, where the whole browser is used.
  ['chromium-headless-shell', 'the browser in which VS Code is tested'],
];

/** Installs everything that is missing; ends the process with a clear message when it cannot. */
export function setup({ test = false } = {}) {
  checkMachine();
  installPackages(test ? [...BUILD_PACKAGES, ...TEST_PACKAGES] : BUILD_PACKAGES);
  if (test) installOptional();
  installModules();
}

function checkMachine() {
  const major = Number(process.versions.node.split('.')[0]);
  if (major < 20) fail(`Node 20 or later is needed; this is ${process.version}.`);
  if (process.platform !== 'linux') {
    fail(
      `HTTP Trace is built and runs on Linux; this is ${process.platform}. A virtual machine or WSL will do.`,
    );
  }
}

function installPackages(packages) {
  const missing = packages.filter(([names, , commands = []]) => {
    return !commands.some(exists) && !names.split('|').some(isInstalled);
  });
  if (missing.length === 0) return;
  console.log('Missing packages:');
  for (const [names, why] of missing) console.log(`  ${names.padEnd(28)} ${why}`);
  const first = missing.map(([names]) => names.split('|')[0]);
  if (!exists('apt-get')) fail(`There is no apt-get here. Install what corresponds to: ${first.join(' ')}`);
  // The lists are often there already; fetching them again is worth it only when they do not suffice.
  if (install(missing)) return;
  asRoot(['apt-get', 'update', '--quiet'], first);
  if (!install(missing)) fail(`These packages could not be installed: ${first.join(' ')}. See above.`);
}

/** Those that apt knows. One that cannot be installed is skipped. */
function installOptional() {
  const wanted = OPTIONAL_TEST_PACKAGES.filter(([name]) => !exists(name) && isKnown(name));
  if (wanted.length > 0) install(wanted);
}

function install(packages) {
  const names = packages.map(([alternatives]) => {
    const all = alternatives.split('|');
    return all.find(isKnown) ?? all[0];
  });
  return asRoot(['apt-get', 'install', '--yes', '--no-install-recommends', '--quiet', ...names], names);
}

function isInstalled(name) {
  const query = spawnSync('dpkg-query', ['--show', `--showformat=\${db:Status-Status}`, name], {
    encoding: 'utf8',
  });
  return query.status === 0 && query.stdout === 'installed';
}

/** apt has a version of it to install, not just its name. */
function isKnown(name) {
  const policy = spawnSync('apt-cache', ['policy', name], {
    encoding: 'utf8',
    env: { ...process.env, LC_ALL: 'C' },
  });
  return /Candidate: (?!\(none\))/.test(policy.stdout ?? '');
}

/** Runs a command as root: directly, or with sudo, which may ask for a password where there is a terminal. */
function asRoot(command, names) {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  if (process.getuid() === 0)
    return spawnSync(command[0], command.slice(1), { stdio: 'inherit', env }).status === 0;
  const manual = `sudo apt-get install ${names.join(' ')}`;
  if (!exists('sudo')) fail(`Neither root nor sudo. As root, run: ${manual.slice(5)}`);
  const ask = process.stdin.isTTY ? [] : ['-n'];
  if (spawnSync('sudo', [...ask, 'true'], { stdio: 'inherit' }).status !== 0) {
    fail(`sudo asks for a password, and there is no terminal for it. Run: ${manual}`);
  }
  const sudo = [...ask, 'DEBIAN_FRONTEND=noninteractive', ...command];
  return spawnSync('sudo', sudo, { stdio: 'inherit' }).status === 0;
}

function exists(command) {
  return spawnSync('sh', ['-c', `command -v ${command}`], { stdio: 'ignore' }).status === 0;
}

/** Installs what package-lock.json names, unless node_modules was made of just this lock file. */
function installModules() {
  const stamp = join(root, '.cache/modules');
  const lock = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
  const complete = ['esbuild', 'node', 'vsce'].every((name) =>
    existsSync(join(root, 'node_modules/.bin', name)),
  );
  if (complete && existsSync(stamp) && readFileSync(stamp, 'utf8') === lock) return;
  const folder = join(root, 'node_modules');
  if (lstatSync(folder, { throwIfNoEntry: false })?.isSymbolicLink()) {
    fail(
      'node_modules is a link, and npm would remove from its target what is not needed here. Remove the link.',
    );
  }
  console.log('Installing npm packages …');
  // Not `npm ci`: it refuses a lock file without the optional packages of platforms that a registry mirror does
  // not carry. The versions are those of the lock file here too, and --no-save leaves it as it is.
  const npm = spawnSync('npm', ['install', '--no-save', '--no-fund', '--no-audit', '--loglevel=error'], {
    cwd: root,
    stdio: 'inherit',
  });
  if (npm.status !== 0) fail('npm install failed, see above. Is the npm registry reachable?');
  mkdirSync(dirname(stamp), { recursive: true });
  writeFileSync(stamp, lock);
}

function fail(message) {
  console.error(`setup: ${message}`);
  process.exit(1);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  setup({ test: process.argv.includes('--test') });
  if (useHooks(root)) console.log(`git checks the format of what you commit (${HOOKS}/pre-commit).`);
}
