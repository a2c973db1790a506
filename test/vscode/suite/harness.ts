/** A minimal test runner for the extension host: tests in order, with a time limit, counted. */
import { writeFileSync } from 'node:fs';

/** One test, in milliseconds. Debuggers start slowly on a busy machine. */
const TEST_TIMEOUT = 240_000;
/** Until something is there that has to come, in milliseconds. */
const PATIENCE = 120_000;
/** Between two looks, in milliseconds. */
const POLL = 50;

interface Test {
  readonly name: string;
  readonly body: () => unknown;
  /** Milliseconds. */
  readonly timeout: number;
}

export interface Results {
  passed: number;
  failed: number;
  skipped: number;
  failures: { readonly name: string; readonly detail: string }[];
}

const tests: Test[] = [];

export function test(name: string, body: () => unknown, timeout = TEST_TIMEOUT): void {
  tests.push({ name, body, timeout });
}

/**
 * Runs all tests. Later ones build on the state that earlier ones leave, so the first failure ends the rest, unless
 * they are `independent`. `state` is said with it, and the lines of `report` at the end. With the environment variable
 * HTTP_TRACE_ONLY only the tests whose names match it (a regular expression), and the first.
 */
export async function runTests(
  state: () => unknown,
  {
    independent = false,
    report = () => [],
  }: { readonly independent?: boolean; readonly report?: () => readonly string[] } = {},
): Promise<void> {
  const results: Results = { passed: 0, failed: 0, skipped: 0, failures: [] };
  const only = new RegExp(process.env['HTTP_TRACE_ONLY'] ?? '');
  for (const { name, body, timeout } of tests.filter((one, index) => index === 0 || only.test(one.name))) {
    if (results.failed > 0 && !independent) {
      results.skipped += 1;
      say(`skipped ${name}`);
      continue;
    }
    const begin = performance.now();
    try {
      await within(timeout, body());
      results.passed += 1;
      say(`ok ${name} (${Math.round(performance.now() - begin)} ms)`);
    } catch (error) {
      const detail = `${error instanceof Error ? error.stack : String(error)}\n${JSON.stringify(state())}`;
      results.failed += 1;
      results.failures.push({ name, detail });
      say(`FAILED ${name}\n${detail}`);
    }
  }
  for (const line of report()) say(line);
  const file = process.env['HTTP_TRACE_RESULTS'];
  if (file !== undefined) writeFileSync(file, JSON.stringify(results));
  say(`${results.passed} passed, ${results.failed} failed, ${results.skipped} skipped`);
  // VS Code ends at once when this resolves; the last lines are still on their way.
  await pause(300);
  if (results.failed > 0) throw new Error(`${results.failed} failed`);
}

/** Marked, because the workbench prints much of its own. */
function say(line: string): void {
  console.log(`[suite] ${line}`);
}

async function within<T>(ms: number, work: T | PromiseLike<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no end after ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Looks until there is something; fails with what was seen last. */
export async function eventually<T>(
  look: () => T | null | undefined | false,
  what: string,
  ms = PATIENCE,
): Promise<T> {
  const deadline = Date.now() + ms;
  for (;;) {
    const seen = look();
    if (seen !== null && seen !== undefined && seen !== false) return seen;
    if (Date.now() > deadline) throw new Error(`not within ${ms} ms: ${what}`);
    await pause(POLL);
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
