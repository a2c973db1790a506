// Starts runners that write results as JSON lines, here and in other kernels, and prints the table of results. Shared by
// the suites that run the same scenarios in several places.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { boot, ensureKernels, KernelError, whyNoKernels } from '../../scripts/kernels.mjs';
import { statusOf, troubleOf } from '../kit/ended.mjs';

/** How often it is looked whether a runner has new results, in milliseconds. */
const LOOK = 2_000;
/** Seconds that a runner has to end when its time is over. */
const GRACE = 10;
/** Of a kernel's log, what is shown when a runner failed. */
const LOG_TAIL = 6_000;

/** Results of a suite by scenario and column; a column is a place and a way in which all of them run. */
export class Board {
  /** @type {{ column: string, scenario: string, outcome: string, detail: string }[]} */
  results = [];
  columns = [];
  #name;
  #skipped = 0;

  constructor(name) {
    this.#name = name;
  }

  fail(message) {
    console.error(`${this.#name}: ${message}`);
    process.exit(1);
  }

  /** The kernels of these versions. If there are none on this machine, that is logged and counted as skipped, not failed. */
  kernels(wanted) {
    const versions = wanted.filter((name) => name !== 'native');
    const reason = whyNoKernels();
    if (versions.length > 0 && reason !== null) {
      console.log(`skipped: ${versions.join(' and ')}: ${reason}`);
      this.#skipped += versions.length;
    }
    if (versions.length === 0 || reason !== null) return [];
    try {
      return ensureKernels().filter(({ version }) => wanted.includes(version));
    } catch (error) {
      if (!(error instanceof KernelError)) throw error;
      this.fail(error.message);
    }
  }

  /**
   * A runner on this kernel.
   * @param {(out: string) => string[]} command writes its results to `out`
   * @param {number} silence milliseconds without a new result after which it is ended: on a busy machine all of them may
   *   take any time
   */
  async runHere(column, command, silence) {
    const folder = mkdtempSync(join(tmpdir(), `http-trace-${this.#name}-`));
    const out = join(folder, 'results.jsonl');
    const begin = performance.now();
    const [file, ...args] = command(out);
    const child = spawn(file, args, { stdio: 'inherit' });
    let late = false;
    let written = 0;
    let since = begin;
    const timer = setInterval(
      () => {
        const { size } = statSync(out, { throwIfNoEntry: false }) ?? { size: 0 };
        if (size !== written) since = performance.now();
        written = size;
        if (performance.now() - since < silence) return;
        late = true;
        child.kill('SIGKILL');
      },
      Math.min(LOOK, silence / 2),
    );
    const status = await new Promise((resolve) =>
      child.once('exit', (code, signal) => resolve(late ? null : statusOf(code, signal))),
    );
    clearInterval(timer);
    const instead = `no result for ${silence / 1000} s`;
    this.#collect([column], () => column, out, { status, limit: silence / 1000, kernel: '', instead });
    console.log(`${column}: ${seconds(begin)}`);
    rmSync(folder, { recursive: true, force: true });
  }

  /**
   * Runners one after the other in one boot of another kernel. One that is killed, or late, does not keep the next from
   * running.
   * @param {{ columns: string[], columnOf?: (result: any) => string, command: (out: string) => string[] }[]} runners
   *   columnOf: of several columns, that of a result
   * @param {number} timeout of each, in milliseconds
   */
  async runInGuest(kernel, runners, timeout) {
    const folder = mkdtempSync(join(tmpdir(), `http-trace-${this.#name}-`));
    const begin = performance.now();
    const limit = timeout / 1000;
    const script = runners
      .map(({ command }, index) => {
        const words = command(`/run/out/${index}.jsonl`).map((word) => `'${word}'`);
        // Each has its own part of the kernel's log.
        return `dmesg -C; timeout -k ${GRACE} ${limit} ${words.join(' ')}
status=$?; dmesg > /run/out/${index}.kernel; echo $status > /run/out/${index}.status`;
      })
      .join('\n');
    let instead;
    let last = '';
    try {
      await boot(kernel, {
        script,
        out: folder,
        timeout: runners.length * (timeout + 2_000 * GRACE),
        onLine: (line) => console.log(`  ${kernel.version}: ${line}`),
      });
    } catch (error) {
      if (!(error instanceof KernelError)) throw error;
      console.error(error.message);
      [instead] = error.message.split('\n');
      last = error.message;
    }
    for (const [index, { columns, columnOf = () => columns[0] }] of runners.entries()) {
      // Empty, if the machine ended as it was written.
      const ended = textOf(join(folder, `${index}.status`)) || null;
      const kernel = textOf(join(folder, `${index}.kernel`)) ?? last;
      const status = ended === null ? null : Number(ended);
      this.#collect(columns, columnOf, join(folder, `${index}.jsonl`), { status, limit, kernel, instead });
    }
    console.log(`${kernel.release}: ${seconds(begin)}`);
    rmSync(folder, { recursive: true, force: true });
  }

  /** Prints the table. @returns the counts of the suite */
  show() {
    const { results, columns } = this;
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
    // The impossible cases were run, too: it was checked that the trace reports them as incomplete.
    const failures = results
      .filter(({ outcome }) => outcome === 'failed')
      .map(({ column, scenario, detail }) => ({ name: `${column}: ${scenario}`, detail }));
    return { passed: passed + impossible, failed, skipped: this.#skipped, failures };
  }

  /** @param ended of the runner, for {@link troubleOf} */
  #collect(columns, columnOf, file, ended) {
    this.columns.push(...columns);
    const lines = (textOf(file) ?? '').split('\n').filter(Boolean);
    const all = lines.map((line) => JSON.parse(line));
    const results = all
      .filter(({ scenario }) => scenario !== undefined)
      .map((one) => ({ column: columnOf(one), ...one }));
    this.results.push(...results);
    const { group = null } = all.findLast((line) => line.group !== undefined) ?? {};
    const trouble = troubleOf({ ...ended, group });
    if (trouble !== null && ended.status !== null && ended.kernel !== '') {
      console.log(`The kernel's log of ${columns.join(' and ')}:\n${ended.kernel.slice(-LOG_TAIL)}`);
    }
    for (const column of columns) {
      const failed = (detail) =>
        this.results.push({ column, scenario: 'the whole run', outcome: 'failed', detail });
      if (trouble !== null) failed(trouble);
      else if (!results.some((result) => result.column === column)) failed('no scenario ran');
    }
  }
}

/** The content of a file, or null. */
function textOf(file) {
  return existsSync(file) ? readFileSync(file, 'utf8') : null;
}

function seconds(begin) {
  return `${((performance.now() - begin) / 1000).toFixed(0)} s`;
}
