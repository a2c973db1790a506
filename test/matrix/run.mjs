// The kernel matrix: every scenario natively with the tracepoint backend, and in each kernel of
// scripts/kernels.mjs with every backend. Ends with a table scenario × kernel × backend.
// `--only REGEX` chooses scenarios, `--on native,6.1,6.12` kernels, `--backends fentry,…` backends,
// `--seeds N --first-seed N --restarts N` sizes. HTTP_TRACE_RESULTS names a file for the results as JSON.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import * as esbuild from 'esbuild';
import { makeCertificate } from '../kernel/support/certificate.mjs';
import { Board } from './board.mjs';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
mkdirSync(join(root, '.cache/test'), { recursive: true });
/** A copy of what is tested, so that a build or another run meanwhile does not change it. */
const made = mkdtempSync(join(root, '.cache/test/matrix-'));
process.once('exit', () => rmSync(made, { recursive: true, force: true }));
const peer = join(made, 'peer');
const refuse = join(made, 'refuse');
const kernelPeers = join(root, 'test/kernel/peers');
/** The compiled ones of the clients whose calls fail. */
const clients = join(made, 'clients');
const bundle = join(made, 'matrix.mjs');
const httpTrace = join(made, 'dist/http-trace');

/** Milliseconds without a new result after which the native run has failed. */
const NATIVE_SILENCE = 15 * 60_000;
/**
 * Every backend's turn in an emulated machine, in milliseconds: it takes 7 minutes of a processor, of which other programs
 * may leave a fifth.
 */
const GUEST_TIMEOUT = 40 * 60_000;
/** All backends of the smoke test. */
const SMOKE_TIMEOUT = 60 * 60_000;
/** Overloads and restarts where the machine is emulated. */
const GUEST_SEEDS = 1;
const GUEST_RESTARTS = 5;
/** Parts into which the smoke test cuts the scenarios. */
const SMOKE_PARTS = 32;

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    on: { type: 'string', default: 'native,6.1,6.12' },
    backends: { type: 'string', default: 'fentry,kprobe,tracepoint' },
    groups: { type: 'string', default: 'filtered,shell,attach,kept,pressure,refused,overload,restarts' },
    seeds: { type: 'string', default: '100' },
    'first-seed': { type: 'string', default: '1' },
    restarts: { type: 'string', default: '200' },
    // For `npm test`: in other kernels each backend has a part of the scenarios for itself, in one trace (smoke.ts).
    smoke: { type: 'boolean', default: false },
  },
});
const wanted = values.on.split(',');
const backends = values.backends.split(',');

const hasClients = values.groups.split(',').includes('clients');
const board = new Board('matrix');
if (process.getuid() !== 0) board.fail('The kernel matrix needs root.');
await build();
if (wanted.includes('native')) {
  const sizes = { seeds: values.seeds, restarts: values.restarts };
  await board.runHere('native tracepoint', (out) => runner('tracepoint', out, sizes), NATIVE_SILENCE);
}
// Emulation takes one processor, mostly: two at a time take hardly longer than one.
const kernels = board.kernels(wanted);
while (kernels.length > 0) await Promise.all(kernels.splice(0, 2).map(guest));
const counts = board.show();
if (process.env.HTTP_TRACE_RESULTS) {
  writeFileSync(
    process.env.HTTP_TRACE_RESULTS,
    JSON.stringify({ ...counts, results: board.results }, null, 1),
  );
}
process.exit(counts.failed === 0 ? 0 : 1);

/** Peer and bundle, and a copy of the product. */
async function build() {
  if (!existsSync(join(root, 'dist/http-trace'))) board.fail('dist/ is not built: npm run build.');
  cpSync(join(root, 'dist'), join(made, 'dist'), { recursive: true });
  const folder = join(root, 'test/matrix/peers');
  const files = readdirSync(folder)
    .filter((name) => name.endsWith('.c'))
    .map((name) => join(folder, name));
  compile(peer, ...files, '-luring');
  compile(refuse, join(root, 'test/kit/refuse.c'));
  if (hasClients) buildClients();
  await esbuild.build({
    entryPoints: [join(root, 'test/matrix/main.ts')],
    outfile: bundle,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    logLevel: 'warning',
  });
}

function buildClients() {
  mkdirSync(clients);
  makeCertificate(join(clients, 'key.pem'), join(clients, 'certificate.pem'));
  command('go', 'build', '-o', join(clients, 'failing'), join(kernelPeers, 'failing.go'));
  command('javac', '-d', clients, join(kernelPeers, 'Failing.java'));
}

function compile(output, ...files) {
  const flags = ['-O1', '-g', '-std=gnu11', '-Wall', '-Wextra', '-Werror', '-pthread'];
  command('gcc', ...flags, ...files, '-o', output);
}

function command(name, ...words) {
  const { status, error } = spawnSync(name, words, { stdio: 'inherit' });
  if (status !== 0)
    board.fail(
      `A test program could not be compiled (npm run setup -- --test): ${name}: ${error?.message ?? status}`,
    );
}

function runner(backend, out, sizes) {
  const { only, groups, 'first-seed': firstSeed } = values;
  const options = {
    ...{ backend, 'http-trace': httpTrace, peer, refuse, out, only, groups, 'first-seed': firstSeed },
    ...{ clients, 'kernel-peers': kernelPeers },
    ...sizes,
  };
  const words = Object.entries(options).map(([name, value]) => `--${name}=${value}`);
  // What Node has compiled of http-trace, for all its starts.
  return ['env', `NODE_COMPILE_CACHE=${join(made, 'compiled')}`, process.execPath, bundle, ...words];
}

/** All backends in one boot. */
function guest(kernel) {
  const sizes = { slow: 1, seeds: GUEST_SEEDS, restarts: GUEST_RESTARTS };
  const column = (backend) => `${kernel.version} ${backend}`;
  // One program for all backends: an emulated machine takes as long to load it as for many scenarios.
  const smoke = {
    columns: backends.map(column),
    columnOf: ({ backend }) => column(backend),
    command: (out) =>
      runner(backends.join(','), out, { ...sizes, part: `0/${SMOKE_PARTS}`, groups: 'smoke,filtered' }),
  };
  const whole = backends.map((backend) => ({
    columns: [column(backend)],
    command: (out) => runner(backend, out, sizes),
  }));
  return values.smoke
    ? board.runInGuest(kernel, [smoke], SMOKE_TIMEOUT)
    : board.runInGuest(kernel, whole, GUEST_TIMEOUT);
}
