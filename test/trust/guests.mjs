// The security checklist in the kernels of scripts/kernels.mjs: the backend and the way to attach
// differ there (perf before 6.6). `--on 6.1,6.12` chooses kernels; file names choose tests.
// HTTP_TRACE_RESULTS names a file for the results as JSON.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { boot, ensureKernels, KernelError, whyNoKernels } from '../../scripts/kernels.mjs';
import { vitestCounts } from '../../scripts/suites.mjs';
import { troubleOf } from '../kit/ended.mjs';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
/** Of one kernel, in milliseconds. */
const TIMEOUT = 60 * 60_000;
/** Those that ask the kernel something. Packaging, installation and fuzzing do not depend on it. */
const FILES = ['broker', 'whom', 'loader', 'socket', 'faults'];

const { values, positionals } = parseArgs({
  options: { on: { type: 'string', default: '6.1,6.12' } },
  allowPositionals: true,
});
const files = positionals.length > 0 ? positionals : FILES;
const versions = values.on.split(',');
const counts = { passed: 0, failed: 0, skipped: 0, failures: [] };
const reason = whyNoKernels();
if (reason === null) {
  const kernels = ensureKernels().filter(({ version }) => versions.includes(version));
  await Promise.all(kernels.map(run));
} else {
  console.log(`skipped: ${versions.join(' and ')}: ${reason}`);
  counts.skipped += versions.length;
}
console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
for (const { name, detail } of counts.failures) console.log(`FAILED ${name}\n  ${detail}`);
if (process.env.HTTP_TRACE_RESULTS) writeFileSync(process.env.HTTP_TRACE_RESULTS, JSON.stringify(counts));
process.exit(counts.failed === 0 ? 0 : 1);

async function run(kernel) {
  const out = mkdtempSync(join(tmpdir(), 'http-trace-trust-'));
  const fail = (name, detail) => {
    counts.failed++;
    counts.failures.push({ name: `${kernel.version}: ${name}`, detail });
  };
  const words = [
    ...[process.execPath, join(root, 'node_modules/vitest/vitest.mjs'), 'run', '--project', 'trust'],
    ...files.map((name) => `test/trust/${name}.test.ts`),
    ...['--reporter=verbose', '--reporter=json', '--outputFile=/run/out/trust.json'],
  ];
  const tests = `CI=true HTTP_TRACE_EMULATED=1 ${words.map((word) => `'${word}'`).join(' ')}`;
  try {
    const { status } = await boot(kernel, {
      script: `dmesg -C; cd '${root}' && ${tests}; status=$?; dmesg > /run/out/kernel.log; exit $status`,
      out,
      timeout: TIMEOUT,
      onLine: (line) => console.log(`  ${kernel.version}: ${line}`),
    });
    const isCounted = take(join(out, 'trust.json'), fail);
    // It ends with 1 when a test has failed, which its results say.
    const ended = isCounted && status === 1 ? 0 : status;
    const log = readFileSync(join(out, 'kernel.log'), 'utf8');
    const trouble = troubleOf({ status: ended, group: null, limit: TIMEOUT / 1000, kernel: log });
    if (trouble !== null) fail('the whole run', trouble);
  } catch (error) {
    if (!(error instanceof KernelError)) throw error;
    fail('the whole run', error.message);
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
}

/** @returns whether there are results, which have been added up */
function take(file, fail) {
  if (!existsSync(file)) {
    fail('the whole run', 'it left no results');
    return false;
  }
  const { passed, skipped, failures } = vitestCounts(JSON.parse(readFileSync(file, 'utf8')));
  counts.passed += passed;
  counts.skipped += skipped;
  for (const { name, detail } of failures) fail(name, detail.slice(0, 1_000));
  return true;
}
