// `npm test`: everything that is needed, then every suite, then one table and one line with the sums.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
import { setup } from './setup.mjs';

setup({ test: true });
const { makePackage } = await import('./package.mjs');
const { ensureRuntimes } = await import('./runtimes.mjs');
const { endTree, ensureVSCode } = await import('./vscode.mjs');

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const output = join(root, 'test-output');
/** The newer Node that most tools want. */
const node = join(root, 'node_modules/.bin/node');
/** One suite may take this long, in milliseconds; then it counts as failed. The matrix emulates other kernels. */
const SUITE_TIMEOUT = 45 * 60_000;
/** Of the error of each failed test, at the end. */
const FAILURE_LINES = 12;

const SUITES = [
  { name: 'types', ...tool('typescript/bin/tsc', '-p', '.') },
  { name: 'lint', ...tool('@biomejs/biome/bin/biome', 'check', '.') },
  { name: 'unit', ...vitest('unit') },
  // Some seconds for each target, always from the same seed; `npm run fuzz` goes on.
  { name: 'fuzz', ...own('test/fuzz/run.mjs', '--seconds', '4') },
  { name: 'webview', ...vitest('webview') },
  { name: 'kernel', ...vitest('kernel') },
  { name: 'matrix', ...own('test/matrix/run.mjs') },
  // Other kernels by `npm run test:kernels`.
  { name: 'tls', ...own('test/tls/run.mjs') },
  { name: 'vscode', ...own('test/vscode/run.mjs') },
  { name: 'e2e', ...own('test/e2e/run.mjs') },
];

/** A tool that has one verdict. */
function tool(path, ...args) {
  return { args: [join(root, 'node_modules', path), ...args], counts: null };
}

function vitest(project) {
  const file = resultFile(project);
  return {
    args: [
      join(root, 'node_modules/vitest/vitest.mjs'),
      'run',
      '--project',
      project,
      '--reporter=default',
      '--reporter=json',
      `--outputFile=${file}`,
    ],
    file,
    counts: (json) => ({
      passed: json.numPassedTests,
      failed: json.numFailedTests,
      skipped: json.numPendingTests + json.numTodoTests,
      failures: json.testResults.flatMap(failuresOf),
    }),
  };
}

/** Of one test file; one that could not even be loaded fails as itself. */
function failuresOf({ name, status, message, assertionResults }) {
  const failed = assertionResults
    .filter((result) => result.status === 'failed')
    .map((result) => ({ name: result.fullName, detail: result.failureMessages.join('\n') }));
  return status === 'failed' && failed.length === 0 ? [{ name, detail: message }] : failed;
}

/** A suite of ours: it writes its counts, and `failures` of name and detail, where HTTP_TRACE_RESULTS says. */
function own(path, ...args) {
  const file = resultFile(path.split('/')[1]);
  return { args: [join(root, path), ...args], file, counts: (json) => json };
}

function resultFile(name) {
  return join(output, `results-${name}.json`);
}

mkdirSync(output, { recursive: true });
makePackage();
ensureVSCode();
ensureRuntimes();
const wanted = process.argv.slice(2);
const chosen = wanted.length === 0 ? SUITES : SUITES.filter((suite) => wanted.includes(suite.name));
if (chosen.length < wanted.length) {
  console.error(`test: there are the suites ${SUITES.map((suite) => suite.name).join(', ')}.`);
  process.exit(2);
}
const table = [];
for (const suite of chosen) table.push(await run(suite));
showFailures();

const sum = { passed: 0, failed: 0, skipped: 0 };
console.log(
  `\n${'suite'.padEnd(10)}${['passed', 'failed', 'skipped', 'time'].map((word) => word.padStart(9)).join('')}`,
);
for (const { name, seconds, failures: _, ...counts } of table) {
  for (const key of Object.keys(sum)) sum[key] += counts[key];
  const numbers = [counts.passed, counts.failed, counts.skipped, `${seconds.toFixed(1)} s`];
  console.log(`${name.padEnd(10)}${numbers.map((number) => String(number).padStart(9)).join('')}`);
}
console.log(`${sum.passed} passed, ${sum.failed} failed, ${sum.skipped} skipped`);
process.exit(sum.failed === 0 ? 0 : 1);

/** Runs one suite. One that crashes, hangs or tells no counts has failed, whatever it counted. */
async function run({ name, args, file, counts }) {
  console.log(`\n── ${name} ──`);
  if (file !== undefined) rmSync(file, { force: true });
  const begin = performance.now();
  const status = await statusOf(args, file);
  const seconds = (performance.now() - begin) / 1000;
  const found = counts === null ? null : readCounts(file, counts);
  if (counts === null && status === 0)
    return { name, passed: 1, failed: 0, skipped: 0, failures: [], seconds };
  // Also when all tests passed: then something outside of them went wrong.
  if (found === null || (status !== 0 && found.failed === 0)) {
    const detail = `ended with ${status}${counts !== null && found === null ? ', without results' : ''}; see its own output`;
    console.error(`The suite ${name} ${detail}`);
    const failures = [{ name: 'the whole suite', detail }];
    return { name, passed: found?.passed ?? 0, failed: 1, skipped: found?.skipped ?? 0, failures, seconds };
  }
  return { name, ...found, seconds };
}

/** Once more, after all else was said: whoever reads only the last lines sees what failed, and how it begins. */
function showFailures() {
  for (const { name: suite, failures } of table) {
    for (const { name, detail } of failures) {
      const lines = stripVTControlCharacters(detail).trim().split('\n').slice(0, FAILURE_LINES);
      console.log(`\nFAILED ${suite}: ${name}`);
      for (const line of lines) console.log(`  ${line.slice(0, 300)}`);
    }
  }
}

function readCounts(file, counts) {
  if (!existsSync(file)) return null;
  try {
    const { passed, failed, skipped, failures = [] } = counts(JSON.parse(readFileSync(file, 'utf8')));
    if (![passed, failed, skipped].every(Number.isInteger)) return null;
    return { passed, failed, skipped, failures };
  } catch {
    return null;
  }
}

/** Exit status, signal or reason. */
function statusOf(args, file) {
  return new Promise((resolve) => {
    const env = { ...process.env, PATH: `${join(root, 'node_modules/.bin')}:${process.env.PATH}` };
    if (file !== undefined) env.HTTP_TRACE_RESULTS = file;
    const child = spawn(node, args, { cwd: root, stdio: 'inherit', env });
    const timer = setTimeout(() => {
      void endTree(child).then(() => resolve(`a time-out after ${SUITE_TIMEOUT / 60_000} minutes`));
    }, SUITE_TIMEOUT);
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, signal) => {
      clearTimeout(timer);
      resolve(code ?? signal);
    });
  });
}
