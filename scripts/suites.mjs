// The suites of `npm test` and `npm run test:all`: what each runs, in which lane, and how long it should take.
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
export const output = join(root, 'test-output');

/**
 * Lanes run in parallel, one suite after the other in each; then those that measure something, with the machine to
 * themselves. Each of the first three takes about as long, so that no processor waits for the last one. `emulated` runs
 * other kernels: in the short run at a low priority, with the time that the others leave; in the long run, where it is
 * the longest, it starts when another lane is done.
 */
export const EMULATED = 'emulated';
export const LANES = ['user', 'root', 'tls', EMULATED];
export const ALONE = 'alone';

/**
 * @typedef {object} Suite
 * @property {string} name
 * @property {'user' | 'root' | 'tls' | 'emulated' | 'alone'} lane
 * @property {number} budget seconds on two cores beside the other lanes, 12 minutes in total; exceeding it is reported,
 *   but is not a failure
 * @property {string[]} args of Node
 * @property {Record<string, string>} [env]
 * @property {string} [file] where it writes its counts
 * @property {((json: any) => Counts) | null} counts what the file says; null: the suite has one verdict, its exit status
 *
 * @typedef {{ passed: number, failed: number, skipped: number, failures?: { name: string, detail: string }[] }} Counts
 */

/**
 * What every change has to pass. The large tables are sampled with a fixed seed, so that each peer, role, version,
 * moment and backend occurs; always the same.
 * @returns {Suite[]}
 */
export function shortSuites() {
  return [
    { ...tool('types', 'typescript/bin/tsc', '-p', '.'), lane: 'user', budget: 15 },
    { ...tool('lint', '@biomejs/biome/bin/biome', 'check', '.'), lane: 'user', budget: 15 },
    { ...vitest('unit', 'memory'), lane: 'user', budget: 280 },
    { ...own('vscode', 'test/vscode/run.mjs'), lane: 'user', budget: 100 },
    // Some seconds for each target, always from the same seed; `npm run fuzz` goes on.
    { ...own('fuzz', 'test/fuzz/run.mjs', '--seconds', '1'), lane: 'user', budget: 20 },
    { ...vitest('kernel'), lane: 'root', budget: 200 },
    { ...vitest('trust'), lane: 'root', budget: 70 },
    {
      ...own('matrix', 'test/matrix/run.mjs', '--on', 'native', '--seeds', '4', '--restarts', '8'),
      lane: 'root',
      budget: 45,
    },
    { ...own('tls', 'test/tls/run.mjs', '--short'), lane: 'tls', budget: 140 },
    { ...vitest('webview'), lane: 'tls', budget: 200 },
    { ...own('e2e', 'test/e2e/run.mjs'), lane: 'tls', budget: 220 },
    { ...vitest('bursts'), lane: ALONE, budget: 30 },
    { ...own('guest', 'test/matrix/run.mjs', '--on', '6.1', '--smoke'), lane: 'emulated', budget: 450 },
  ];
}

/**
 * All that there is: every row of every table, natively and in other kernels, with the tests that test/kit/tier.mjs
 * leaves out of the short run. For releases, and before something is called done.
 * @returns {Suite[]}
 */
export function allSuites() {
  const long = [
    { ...vitest('webview'), lane: 'user', budget: 300 },
    { ...own('fuzz', 'test/fuzz/run.mjs', '--seconds', '8'), lane: 'user', budget: 90 },
    { ...vitest('kernel'), lane: 'root', budget: 300 },
    { ...vitest('trust'), lane: 'root', budget: 300 },
    { ...own('matrix', 'test/matrix/run.mjs', '--on', 'native'), lane: 'root', budget: 150 },
    { ...own('tls', 'test/tls/run.mjs'), lane: 'tls', budget: 900 },
    { ...vitest('bursts'), lane: ALONE, budget: 120 },
  ];
  const more = [
    // Checks that it works and its records balance; figures beside other suites mean nothing.
    { ...script('bench', 'test/bench/bench.mjs', '--short'), lane: 'root', budget: 25 },
    { ...vitest('speed'), lane: ALONE, budget: 30 },
    { ...own('debuggers', 'test/vscode/run.mjs', 'debuggers'), lane: 'user', budget: 300 },
    { ...own('watchdogs', 'test/vscode/watchdogs.mjs'), lane: 'user', budget: 120 },
    { ...own('guest-matrix', 'test/matrix/run.mjs', '--on', '6.1,6.12'), lane: 'emulated', budget: 1200 },
    {
      ...own('guest-clients', 'test/matrix/run.mjs', '--on', '6.1', '--groups', 'clients'),
      lane: 'emulated',
      budget: 900,
    },
    { ...own('guest-tls', 'test/tls/run.mjs', '--on', '6.1,6.12'), lane: 'emulated', budget: 1200 },
    { ...own('sanitized', 'test/trust/sanitized.mjs'), lane: 'root', budget: 180 },
    { ...own('guest-trust', 'test/trust/guests.mjs'), lane: 'emulated', budget: 900 },
  ];
  const rest = shortSuites().filter(({ name }) => name !== 'guest');
  const suites = [...rest.map((suite) => long.find(({ name }) => name === suite.name) ?? suite), ...more];
  return suites.map((suite) => ({ ...suite, env: { HTTP_TRACE_TESTS: 'all' } }));
}

function tool(name, path, ...args) {
  return script(name, join('node_modules', path), ...args);
}

/** A program of ours with one verdict. */
function script(name, path, ...args) {
  return { name, args: [join(root, path), ...args], counts: null };
}

/** Named after its first project of vitest.config.mts. */
function vitest(name, ...others) {
  const file = resultFile(name);
  const projects = [name, ...others].flatMap((project) => ['--project', project]);
  const args = ['run', ...projects, '--reporter=default', '--reporter=json', `--outputFile=${file}`];
  return {
    name,
    args: [join(root, 'node_modules/vitest/vitest.mjs'), ...args],
    file,
    counts: vitestCounts,
  };
}

/**
 * What vitest's JSON reporter wrote.
 * @returns {Counts}
 */
export function vitestCounts(json) {
  return {
    passed: json.numPassedTests,
    failed: json.numFailedTests,
    skipped: json.numPendingTests + json.numTodoTests,
    failures: json.testResults.flatMap(failuresOf),
  };
}

/** Of one test file; one that could not be loaded is itself a failure. */
function failuresOf({ name, status, message, assertionResults }) {
  const failed = assertionResults
    .filter((result) => result.status === 'failed')
    .map((result) => ({ name: result.fullName, detail: result.failureMessages.join('\n') }));
  return status === 'failed' && failed.length === 0 ? [{ name, detail: message }] : failed;
}

/** A suite of ours: it writes its counts, and `failures` of name and detail, to the file in HTTP_TRACE_RESULTS. */
function own(name, path, ...args) {
  return { name, args: [join(root, path), ...args], file: resultFile(name), counts: (json) => json };
}

function resultFile(name) {
  return join(output, `results-${name}.json`);
}
