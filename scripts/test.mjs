// `npm test`: installs and builds what is needed, then runs the suites of suites.mjs in lanes side by side, and
// prints one table with their times and one line with the sums. `--all`: all that there is (`npm run test:all`).
// Names of suites choose some: `npm test -- unit kernel`. Each suite's output is in test-output/NAME.log.
import { spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
import { setup } from './setup.mjs';
import { ALONE, allSuites, EMULATED, LANES, output, shortSuites } from './suites.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
/** The newer Node that most tools want. */
const node = join(root, 'node_modules/.bin/node');
/** Installed by setup, as many tests trace it. */
const PYTHON = '/usr/bin/python3';
/**
 * Node's compile cache, for the lanes that start http-trace hundreds of times: saves an eighth of what the start of a
 * trace costs. Recreated by each run, as nothing else would ever clean it up.
 */
const COMPILED = join(root, '.cache/compiled');
/** Suites that debug programs, which are to start as they do for users. */
const WINDOWS = ['vscode', 'e2e', 'debuggers', 'watchdogs'];
/** Lines shown of each failed test's report. */
const FAILURE_LINES = 40;
/** For nice(1), of emulated machines in the short run: they still proceed when other programs use both cores. */
const LOW_PRIORITY = 5;
/** Suites whose windows draw as long as they are open: the sooner they end, the less is drawn. */
const DRAWING = ['webview', 'vscode', 'e2e'];
const HIGH_PRIORITY = -5;
const isRoot = process.geteuid?.() === 0;
/** Lines shown of a log without results. */
const LOG_LINES = 60;

const words = process.argv.slice(2);
const isLong = words.includes('--all');
/**
 * Milliseconds that a suite may take; then it counts as failed, and its results are lost. Allows for other programs
 * that use both cores. Emulated suites have a shorter limit of their own (test/matrix/run.mjs).
 */
const SUITE_TIMEOUT = (isLong ? 150 : 60) * 60_000;
const suites = isLong ? allSuites() : shortSuites();
const wanted = words.filter((word) => word !== '--all');
const unknown = wanted.filter((name) => !suites.some((suite) => suite.name === name));
if (unknown.length > 0) {
  console.error(
    `test: unknown: ${unknown.join(', ')}. Suites: ${suites.map(({ name }) => name).join(', ')}.`,
  );
  process.exit(2);
}
const chosen = wanted.length === 0 ? suites : suites.filter(({ name }) => wanted.includes(name));

const begin = performance.now();
setup({ test: true });
const { makePackage } = await import('./package.mjs');
const { ensureRuntimes } = await import('./runtimes.mjs');
const { endTree } = await import('./processTree.mjs');
const { ensureVSCode } = await import('./vscode.mjs');
mkdirSync(output, { recursive: true });
rmSync(COMPILED, { recursive: true, force: true });
makePackage();
ensureVSCode();
ensureRuntimes();
console.log(`Ready to test after ${secondsSince(begin).toFixed(0)} s.`);

/** The suites that run, as processes. */
const running = new Set();
let ending = false;
for (const [signal, number] of Object.entries({ SIGHUP: 1, SIGINT: 2, SIGTERM: 15 })) {
  process.once(signal, () => {
    ending = true;
    // Their traces and emulated machines would go on without this process.
    void Promise.all([...running].map(endTree)).then(() => process.exit(128 + number));
  });
}
const results = new Map();
const inLane = (lane) => chosen.filter((suite) => suite.lane === lane);
const others = LANES.filter((lane) => lane !== EMULATED).map((lane) => runLane(inLane(lane)));
await Promise.all([...others, runEmulated(others)]);
await runLane(inLane(ALONE));

showFailures();
showSkipped();
showTable();
const sums = ['passed', 'failed', 'skipped'].map((kind) => [kind, sumOf(kind)]);
console.log(sums.map(([kind, sum]) => `${sum} ${kind}`).join(', '));
process.exit(sumOf('failed') === 0 ? 0 : 1);

/**
 * The emulated machines of the long run take more processor time than any other lane. Beside three others they would
 * stall for minutes, and what runs in them would be late: they begin when another lane is done.
 */
async function runEmulated(others) {
  if (isLong) await Promise.race(others);
  await runLane(inLane(EMULATED));
}

async function runLane(lane) {
  for (const suite of lane) {
    // The process exits when running suites have ended.
    if (ending) await new Promise(() => {});
    console.log(`… ${suite.name}`);
    const result = await run(suite);
    results.set(suite.name, result);
    console.log(row(suite, result));
  }
}

/** Runs one suite. One that crashes, hangs or has no counts has failed, whatever it counted. */
async function run({ name, lane, args, file, counts, env = {} }) {
  if (file !== undefined) rmSync(file, { force: true });
  const log = join(output, `${name}.log`);
  const cpuFile = join(output, `${name}.cpu`);
  rmSync(cpuFile, { force: true });
  const start = performance.now();
  const priority = priorityOf(name, lane);
  const command = priority === 0 ? [node] : ['nice', '-n', String(priority), node];
  const compiled = lane === 'user' || WINDOWS.includes(name) ? {} : { NODE_COMPILE_CACHE: COMPILED };
  const status = await statusOf(
    [PYTHON, join(root, 'scripts/measured.py'), cpuFile, ...command, ...args],
    { ...compiled, ...env, HTTP_TRACE_RESULTS: file },
    log,
    SUITE_TIMEOUT,
  );
  const seconds = secondsSince(start);
  const cpu = readCpu(cpuFile);
  const found = counts === null ? null : readCounts(file, counts);
  if (counts === null && status === 0) {
    return { passed: 1, failed: 0, skipped: 0, failures: [], seconds, cpu };
  }
  // Also when all tests passed: then something outside of them went wrong.
  if (found === null || (status !== 0 && found.failed === 0)) {
    const lines = readFileSync(log, 'utf8').trimEnd().split('\n').slice(-LOG_LINES);
    const ended = `${name} ended with ${status}${counts !== null && found === null ? ', without results' : ''}`;
    console.log([`${ended}. Its last output:`, ...lines].join('\n  '));
    const failures = [
      ...(found?.failures ?? []),
      { name: 'the whole suite', detail: `${ended}; see ${log}` },
    ];
    return { passed: found?.passed ?? 0, failed: 1, skipped: found?.skipped ?? 0, failures, seconds, cpu };
  }
  return { ...found, seconds, cpu };
}

/** For nice(1). */
function priorityOf(name, lane) {
  if (lane === EMULATED && !isLong) return LOW_PRIORITY;
  return DRAWING.includes(name) && isRoot ? HIGH_PRIORITY : 0;
}

/** Seconds of processor time, as measured.py wrote them; 0 if the suite was ended. */
function readCpu(file) {
  return existsSync(file) ? Number(readFileSync(file, 'utf8')) : 0;
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
function statusOf([program, ...args], more, log, timeout) {
  return new Promise((resolve) => {
    const env = { ...process.env, PATH: `${join(root, 'node_modules/.bin')}:${process.env.PATH}`, ...more };
    const descriptor = openSync(log, 'w');
    const child = spawn(program, args, { cwd: root, stdio: ['ignore', descriptor, descriptor], env });
    closeSync(descriptor);
    running.add(child);
    const timer = setTimeout(() => {
      void endTree(child).then(() => resolve(`a time-out after ${timeout / 60_000} minutes`));
    }, timeout);
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, signal) => {
      clearTimeout(timer);
      running.delete(child);
      resolve(code ?? signal);
    });
  });
}

/** Repeats the failures at the end: the last lines then show what failed, and how. */
function showFailures() {
  for (const { name: suite } of chosen) {
    const { failures } = results.get(suite);
    const log = failures.length === 0 ? [] : logOf(suite);
    for (const { name, detail } of failures) {
      const report = reportIn(log, name) ?? stripVTControlCharacters(detail).trim().split('\n');
      const lines = report.slice(0, FAILURE_LINES);
      console.log(`\nFAILED ${suite}: ${name}`);
      for (const line of lines) console.log(`  ${line.slice(0, 300)}`);
    }
  }
}

function logOf(suite) {
  return stripVTControlCharacters(readFileSync(join(output, `${suite}.log`), 'utf8')).split('\n');
}

/** Vitest's report of a failure in the log: its JSON has neither the diff nor the cause. null: not in the log. */
function reportIn(log, name) {
  const start = log.findIndex(
    (line) => / FAIL /.test(line) && line.trim().replaceAll(' > ', ' ').endsWith(` ${name}`),
  );
  if (start === -1) return null;
  const length = log.slice(start + 1).findIndex((line) => / FAIL |^⎯{5}/.test(line.trimStart()));
  const lines = log.slice(start + 1, length === -1 ? undefined : start + 1 + length);
  return lines.filter((line) => line.trim() !== '' && !/^ *(?:\d+)?\|/.test(line) && !/^ +❯ /.test(line));
}

/** What a suite could not test because something is missing, with how to get it: test/kit/corpora.mjs prints such lines. */
function showSkipped() {
  const lines = chosen.flatMap(({ name }) => readFileSync(join(output, `${name}.log`), 'utf8').split('\n'));
  const reasons = new Set(
    lines.filter((line) => /: SKIPPED, missing\. /.test(line)).map((line) => line.trim()),
  );
  if (reasons.size > 0) console.log(['', ...reasons].join('\n'));
}

function showTable() {
  const heads = ['passed', 'failed', 'skipped', 'time', 'budget', 'CPU']
    .map((word) => word.padStart(9))
    .join('');
  console.log(`\n${'suite'.padEnd(10)}${heads}`);
  for (const suite of chosen) console.log(row(suite, results.get(suite.name)));
  const total = chosen.reduce((sum, { name }) => sum + results.get(name).seconds, 0);
  const cpu = chosen.reduce((sum, { name }) => sum + results.get(name).cpu, 0);
  console.log(
    `${secondsSince(begin).toFixed(0)} s in all, for ${total.toFixed(0)} s of suites and ${cpu.toFixed(0)} s of processor time.`,
  );
}

function row({ name, budget }, { passed, failed, skipped, seconds, cpu }) {
  const late = seconds > budget ? '  over its budget' : '';
  const cells = [passed, failed, skipped, `${seconds.toFixed(1)} s`, `${budget} s`, `${cpu.toFixed(0)} s`];
  return `${name.padEnd(10)}${cells.map((cell) => String(cell).padStart(9)).join('')}${late}`;
}

function sumOf(kind) {
  return [...results.values()].reduce((sum, result) => sum + result[kind], 0);
}

function secondsSince(start) {
  return (performance.now() - start) / 1000;
}
