// The TLS suite: every program of peers.ts as client and as server, traced, and its own report compared with
// the trace. Natively by both ways to attach, and in the kernels of scripts/kernels.mjs.
// Each of these kernels runs a sample of the programs once, as an emulated machine takes half a minute for a trace.
// `--on native,6.1,6.12` chooses kernels, `--ways auto,perf` the native ways, `--only REGEX` scenarios (of all),
// `--groups …` groups of main.ts. HTTP_TRACE_RESULTS names a file for the results as JSON.
import { spawnSync } from 'node:child_process';
import { copyFileSync, cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import * as esbuild from 'esbuild';
import { Board } from '../matrix/board.mjs';
import { makeCertificates } from './certificates.mjs';
import { ensureNodes, ensureOpenssl11 } from './packages.mjs';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
mkdirSync(join(root, '.cache/test'), { recursive: true });
/** A copy of what is tested, so that a build or another run meanwhile does not change it. */
const made = mkdtempSync(join(root, '.cache/test/tls-'));
process.once('exit', () => rmSync(made, { recursive: true, force: true }));

/** Milliseconds without a new result after which a native run has failed. */
const NATIVE_SILENCE = 15 * 60_000;
/** Of all rows in an emulated machine. */
const GUEST_TIMEOUT = 45 * 60_000;
/** Groups that depend on the kernel and on the way to attach. */
const OTHER_GROUPS = 'table,first';

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    on: { type: 'string', default: 'native' },
    ways: { type: 'string', default: 'auto,perf' },
    groups: { type: 'string' },
    // For `npm test`: a sample of the table (table.ts), and fewer rounds of what is repeated.
    short: { type: 'boolean', default: false },
  },
});

const board = new Board('tls');
if (process.getuid() !== 0) board.fail('The TLS suite needs root.');
if (!existsSync(join(root, 'dist/http-trace'))) board.fail('dist/ is not built: npm run build.');
const nodes = ensureNodes();
await build();
const wanted = values.on.split(',');
if (wanted.includes('native')) {
  for (const way of values.ways.split(',')) {
    const less = way === 'auto' ? {} : { few: 1, groups: values.groups ?? OTHER_GROUPS };
    if (values.short) {
      less.sampled = values.ways;
      if (way !== 'auto') less.groups = 'table';
    }
    await board.runHere(`native ${way}`, (out) => runner(out, { tls: way, ...less }), NATIVE_SILENCE);
  }
}
const guest = (kernel) => {
  const groups = values.groups ?? OTHER_GROUPS;
  // Whoever chooses scenarios has them all to choose from.
  const thin = values.only === '' ? { thin: 1 } : {};
  const command = (out) => runner(out, { slow: 1, few: 1, groups, ...thin });
  return board.runInGuest(kernel, [{ columns: [`${kernel.version} auto`], command }], GUEST_TIMEOUT);
};
// Emulation takes one processor, mostly: two at a time take hardly longer than one.
const kernels = board.kernels(wanted);
while (kernels.length > 0) await Promise.all(kernels.splice(0, 2).map(guest));
const counts = board.show();
if (process.env.HTTP_TRACE_RESULTS) {
  const text = JSON.stringify({ ...counts, results: board.results }, null, 1);
  writeFileSync(process.env.HTTP_TRACE_RESULTS, text);
}
process.exit(counts.failed === 0 ? 0 : 1);

function runner(out, more) {
  const options = {
    'http-trace': join(made, 'dist/http-trace'),
    programs: join(made, 'programs'),
    scripts: join(made, 'scripts'),
    certificates: join(made, 'certificates'),
    nodes: JSON.stringify(nodes),
    out,
    only: values.only,
    ...(values.groups === undefined ? {} : { groups: values.groups }),
    ...more,
  };
  const words = Object.entries(options).map(([name, value]) => `--${name}=${value}`);
  // What Node has compiled of http-trace, for all its starts.
  const compiled = `NODE_COMPILE_CACHE=${join(made, 'compiled')}`;
  return ['env', compiled, process.execPath, join(made, 'tls.mjs'), ...words];
}

async function build() {
  cpSync(join(root, 'dist'), join(made, 'dist'), { recursive: true });
  const scripts = join(root, 'test/tls/peers');
  cpSync(scripts, join(made, 'scripts'), { recursive: true });
  mkdirSync(join(made, 'programs'));
  mkdirSync(join(made, 'certificates'));
  makeCertificates(join(made, 'certificates'));
  compile();
  await esbuild.build({
    entryPoints: [join(root, 'test/tls/main.ts')],
    outfile: join(made, 'tls.mjs'),
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    logLevel: 'warning',
  });
}

function compile() {
  const peers = join(root, 'test/tls/peers');
  const matrix = join(root, 'test/matrix/peers');
  const commonSources = [
    join(peers, 'http1.c'),
    ...['util.c', 'sha256.c', 'network.c'].map((name) => join(matrix, name)),
  ];
  const flags = ['-O1', '-g', '-std=gnu11', '-Wall', '-Wextra', '-Werror', '-pthread'];
  // What several programs have is compiled once.
  const compiled = (source) => {
    const object = join(made, 'objects', `${basename(source)}.o`);
    command('gcc', [...flags, '-c', source, '-o', object]);
    return object;
  };
  mkdirSync(join(made, 'objects'));
  const common = commonSources.map(compiled);
  const main = compiled(join(peers, 'main.c'));
  const gcc = (output, files, ...more) => {
    const sources = files.map((name) => join(peers, name));
    command('gcc', [...flags, ...sources, '-o', join(made, 'programs', output), ...more]);
  };
  const openssl = [main, compiled(join(peers, 'openssl.c'))];
  const libraries = ['-lssl', '-lcrypto'];
  gcc('openssl', [], ...openssl, ...common, ...libraries);
  gcc('gnutls', ['gnutls.c'], main, ...common, '-lgnutls');
  const nss = [
    '-isystem',
    '/usr/include/nss',
    '-isystem',
    '/usr/include/nspr',
    '-lssl3',
    '-lnss3',
    '-lnspr4',
  ];
  gcc('nss', ['nss.c'], main, ...common, ...nss);
  const mbedtls = ['-lmbedtls', '-lmbedx509', '-lmbedcrypto'];
  const withMbedtls = [main, compiled(join(peers, 'mbedtls.c'))];
  gcc('mbedtls', [], ...withMbedtls, ...common, ...mbedtls);
  gcc('mbedtls-static', [], ...withMbedtls, ...common, '-static', ...mbedtls);
  const withWolfssl = [main, compiled(join(peers, 'wolfssl.c'))];
  gcc('wolfssl', [], ...withWolfssl, ...common, '-lwolfssl');
  gcc('wolfssl-static', [], ...withWolfssl, ...common, '-static', '-lwolfssl', '-lm');
  gcc('libpeer.so', ['main.c', 'openssl.c'], ...commonSources, '-DLATE', '-shared', '-fPIC', ...libraries);
  gcc('late', ['late.c'], '-ldl');
  makeJail();
  gcc('static', [], ...openssl, ...common, '-static', ...libraries);
  gcc('stripped', [], ...openssl, ...common, '-static', '-s', ...libraries);
  // Not among the packages of `npm run setup -- --test`.
  if (spawnSync('sh', ['-c', 'command -v mono && command -v mcs']).status === 0)
    command('mcs', [join(peers, 'Call.cs'), `-out:${join(made, 'programs/Call.exe')}`]);
  // What the program uses is the same in both versions: the newer one's headers do.
  const older = ensureOpenssl11().map((file) => {
    const copy = join(made, 'programs', basename(file));
    copyFileSync(file, copy);
    return copy;
  });
  mkdirSync(join(made, 'programs/own'));
  for (const name of ['libssl.so.3', 'libcrypto.so.3']) {
    const { stdout } = spawnSync('gcc', [`-print-file-name=${name}`], { encoding: 'utf8' });
    copyFileSync(stdout.trim(), join(made, 'programs/own', name));
  }
  gcc('openssl-1.1', [], ...openssl, ...common, ...older, '-Wl,-rpath,$ORIGIN');
  gcc(
    'openssl-runpath',
    [],
    ...openssl,
    ...common,
    ...libraries,
    '-Wl,-rpath,$ORIGIN/own',
    '-Wl,--enable-new-dtags',
  );
  command('/usr/bin/python3', ['-m', 'venv', '--without-pip', join(made, 'programs/venv')]);
  gcc('bio', ['bio.c'], ...libraries);
  const go = (output, source, ...more) => {
    const cache = join(root, '.cache/go');
    command('go', ['build', ...more, '-o', join(made, 'programs', output), join(peers, source)], {
      GOCACHE: cache,
      GO111MODULE: 'off',
      CGO_ENABLED: '0',
    });
  };
  go('go', 'peer.go');
  go('go-stripped', 'peer.go', '-ldflags=-s -w');
  go('short', 'short.go');
  go('unreturned', 'unreturned.go');
}

/** A root folder for chroot(1): the OpenSSL peer with copies of all that it needs. */
function makeJail() {
  const jail = join(made, 'programs/jail');
  const program = join(made, 'programs/openssl');
  const { stdout } = spawnSync('ldd', [program], { encoding: 'utf8' });
  for (const file of stdout.match(/\/[^ :]+(?= \()/g) ?? []) {
    mkdirSync(join(jail, dirname(file)), { recursive: true });
    copyFileSync(file, join(jail, file));
  }
  copyFileSync(program, join(jail, 'openssl'));
  cpSync(join(made, 'certificates'), join(jail, 'certificates'), { recursive: true });
}

function command(name, args, more = {}) {
  const { status, error, stderr } = spawnSync(name, args, {
    encoding: 'utf8',
    env: { ...process.env, ...more },
  });
  if (status !== 0) board.fail(`${name} ${args.join(' ')}: ${error?.message ?? stderr}`);
}
