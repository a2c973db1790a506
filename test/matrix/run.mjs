// The kernel matrix: every scenario natively with the tracepoint backend, and in each kernel of
// scripts/kernels.mjs with every backend. Ends with a table scenario × kernel × backend.
// `--only REGEX` chooses scenarios, `--on native,6.1,6.12` kernels, `--backends fentry,…` backends,
// `--seeds N --first-seed N --restarts N` sizes. HTTP_TRACE_RESULTS names a file for the results as JSON.
import { spawn, spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import * as esbuild from 'esbuild';
import { boot, ensureKernels, KernelError } from '../../scripts/kernels.mjs';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
mkdirSync(join(root, '.cache/test'), { recursive: true });
/** What is tested, of this moment: a build or another run meanwhile does not change it. */
const made = mkdtempSync(join(root, '.cache/test/matrix-'));
process.once('exit', () => rmSync(made, { recursive: true, force: true }));
const peer = join(made, 'peer');
const bundle = join(made, 'matrix.mjs');
const httpTrace = join(made, 'dist/http-trace');

/** Every backend's turn, in milliseconds. */
const NATIVE_TIMEOUT = 10 * 60_000;
const GUEST_TIMEOUT = 20 * 60_000;
/** Overloads and restarts where the machine is emulated. */
const GUEST_SEEDS = 1;
const GUEST_RESTARTS = 5;

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    on: { type: 'string', default: 'native,6.1,6.12' },
    backends: { type: 'string', default: 'fentry,kprobe,tracepoint' },
    groups: { type: 'string', default: 'shell,attach,pressure,overload,restarts' },
    seeds: { type: 'string', default: '100' },
    'first-seed': { type: 'string', default: '1' },
    restarts: { type: 'string', default: '200' },
  },
});
const wanted = values.on.split(',');
const backends = values.backends.split(',');

if (process.getuid() !== 0) fail('The kernel matrix needs root.');
await build();
/** @type {{ column: string, scenario: string, outcome: string, detail: string }[]} */
const results = [];
const columns = [];
if (wanted.includes('native')) await native();
// Emulation takes one processor, mostly: two at a time take hardly longer than one.
const kernels = ensure().filter(({ version }) => wanted.includes(version));
while (kernels.length > 0) await Promise.all(kernels.splice(0, 2).map(guest));
const counts = show();
if (process.env.HTTP_TRACE_RESULTS) {
  writeFileSync(process.env.HTTP_TRACE_RESULTS, JSON.stringify({ ...counts, results }, null, 1));
}
process.exit(counts.failed === 0 ? 0 : 1);

function fail(message) {
  console.error(`matrix: ${message}`);
  process.exit(1);
}

/** The kernels, or none where they are not wanted. */
function ensure() {
  if (wanted.every((name) => name === 'native')) return [];
  try {
    return ensureKernels();
  } catch (error) {
    if (!(error instanceof KernelError)) throw error;
    fail(error.message);
  }
}

/** Peer and bundle, and a copy of the product. */
async function build() {
  if (!existsSync(join(root, 'dist/http-trace'))) fail('dist/ is not built: npm run build.');
  cpSync(join(root, 'dist'), join(made, 'dist'), { recursive: true });
  const folder = join(root, 'test/matrix/peers');
  const files = readdirSync(folder)
    .filter((name) => name.endsWith('.c'))
    .map((name) => join(folder, name));
  const flags = ['-O1', '-g', '-std=gnu11', '-Wall', '-Wextra', '-Werror', '-pthread'];
  const { status, error } = spawnSync('gcc', [...flags, ...files, '-o', peer, '-luring'], {
    stdio: 'inherit',
  });
  if (status !== 0) fail(`The peer could not be compiled (gcc, liburing-dev). ${error?.message ?? ''}`);
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

function runner(backend, out, sizes) {
  const options = { backend, 'http-trace': httpTrace, peer, out, only: values.only, ...sizes };
  return [process.execPath, bundle, ...Object.entries(options).map(([name, value]) => `--${name}=${value}`)];
}

async function native() {
  const folder = mkdtempSync(join(tmpdir(), 'http-trace-matrix-'));
  const out = join(folder, 'tracepoint.jsonl');
  const begin = performance.now();
  const [command, ...args] = runner('tracepoint', out, {
    groups: values.groups,
    seeds: values.seeds,
    'first-seed': values['first-seed'],
    restarts: values.restarts,
  });
  const child = spawn(command, args, { stdio: 'inherit' });
  const timer = setTimeout(() => child.kill('SIGKILL'), NATIVE_TIMEOUT);
  const ended = await new Promise((resolve) => child.once('exit', (code, signal) => resolve(code ?? signal)));
  clearTimeout(timer);
  collect('native tracepoint', out, ended === 0 ? null : `the runner ended with ${ended}`);
  console.log(`native tracepoint: ${seconds(begin)}`);
  rmSync(folder, { recursive: true, force: true });
}

/** All backends in one boot. */
async function guest(kernel) {
  const folder = mkdtempSync(join(tmpdir(), 'http-trace-matrix-'));
  const begin = performance.now();
  const script = backends
    .map((backend) => {
      const command = runner(backend, `/run/out/${backend}.jsonl`, {
        slow: 1,
        groups: values.groups,
        seeds: GUEST_SEEDS,
        'first-seed': values['first-seed'],
        restarts: GUEST_RESTARTS,
      });
      const words = command.map((word) => `'${word}'`).join(' ');
      return `timeout -s KILL ${GUEST_TIMEOUT / 1000} ${words}; echo "$?" > /run/out/${backend}.status`;
    })
    .join('\n');
  let trouble = null;
  try {
    await boot(kernel, {
      script,
      out: folder,
      timeout: backends.length * (GUEST_TIMEOUT + 10_000),
      onLine: (line) => console.log(`  ${kernel.version}: ${line}`),
    });
  } catch (error) {
    if (!(error instanceof KernelError)) throw error;
    trouble = error.message;
    console.error(trouble);
  }
  for (const backend of backends) {
    const status = join(folder, `${backend}.status`);
    const ended = existsSync(status) ? readFileSync(status, 'utf8').trim() : null;
    const why = ended === null ? (trouble ?? 'it did not run') : `the runner ended with ${ended}`;
    collect(`${kernel.version} ${backend}`, join(folder, `${backend}.jsonl`), ended === '0' ? null : why);
  }
  console.log(`${kernel.release}: ${seconds(begin)}`);
  rmSync(folder, { recursive: true, force: true });
}

function seconds(begin) {
  return `${((performance.now() - begin) / 1000).toFixed(0)} s`;
}

function collect(column, file, trouble) {
  columns.push(column);
  const lines = existsSync(file) ? readFileSync(file, 'utf8').split('\n').filter(Boolean) : [];
  for (const line of lines) results.push({ column, ...JSON.parse(line) });
  if (trouble !== null) {
    results.push({ column, scenario: 'the whole run', outcome: 'failed', detail: trouble.split('\n')[0] });
  } else if (lines.length === 0) {
    results.push({ column, scenario: 'the whole run', outcome: 'failed', detail: 'no scenario ran' });
  }
}

function show() {
  const rows = [...new Set(results.map(({ scenario }) => scenario))];
  const width = Math.max(...rows.map((row) => row.length)) + 2;
  const find = (scenario, column) => results.find((r) => r.scenario === scenario && r.column === column);
  console.log(`\n${''.padEnd(width)}${columns.map((column) => column.padStart(19)).join('')}`);
  for (const row of rows) {
    const cells = columns.map((column) => (find(row, column)?.outcome ?? '–').padStart(19));
    console.log(`${row.padEnd(width)}${cells.join('')}`);
  }
  console.log('');
  for (const { column, scenario, outcome, detail } of results) {
    if (outcome === 'failed') console.log(`FAILED      ${column}: ${scenario}: ${detail}`);
    if (outcome === 'impossible') console.log(`impossible  ${column}: ${scenario}: ${detail}`);
  }
  for (const { column, scenario, outcome, detail } of results) {
    if (outcome === 'passed' && detail !== '') console.log(`passed      ${column}: ${scenario}: ${detail}`);
  }
  const count = (outcome) => results.filter((result) => result.outcome === outcome).length;
  const [passed, failed, impossible] = ['passed', 'failed', 'impossible'].map(count);
  console.log(`\n${passed} passed, ${failed} failed, ${impossible} impossible`);
  // What is impossible has been run too: that it is told as it is was checked.
  const failures = results
    .filter(({ outcome }) => outcome === 'failed')
    .map(({ column, scenario, detail }) => ({ name: `${column}: ${scenario}`, detail }));
  return { passed: passed + impossible, failed, skipped: 0, failures };
}
