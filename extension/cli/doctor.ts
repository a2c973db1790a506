/** `http-trace doctor`: whether this system allows tracing, what is missing, and how to fix it. */
import { startCapture } from '../capture/capture.ts';
import { TraceError } from '../capture/trace.ts';
import { commandLine } from '../elevation/install.ts';
import { DEFAULT_BODY_LIMIT } from '../engine/limits.ts';
import { jsonLine } from '../escape/jsonLine.ts';
import { visible } from '../escape/terminal.ts';
import { HELPER_PATH, NATIVE_PATH } from './bundlePaths.ts';
import { EXIT_FAILED, EXIT_OK } from './exitStatus.ts';
import { StandardOutput } from './output.ts';
import {
  assess,
  assessProcess,
  assessTls,
  bestWay,
  type Check,
  possible,
  type Trial,
} from './systemChecks.ts';
import { readProcess, readSystem, readTlsLibraries, type SystemFacts } from './systemFacts.ts';

export async function doctor(format: 'table' | 'json', pid: number | null): Promise<number> {
  const facts = await readSystem(NATIVE_PATH, HELPER_PATH);
  const checks = assess(facts, await tryLoading(facts));
  if (pid !== null) {
    const process = assessProcess(pid, readProcess(pid), facts.uid);
    checks.push(process);
    if (process.status === 'ok') checks.push(assessTls(pid, readTlsLibraries(pid, HELPER_PATH)));
  }
  const ok = possible(checks);
  const output = new StandardOutput(process.stdout);
  output.write(format === 'json' ? json(facts, checks) : report(facts, checks));
  await output.end();
  return ok ? EXIT_OK : EXIT_FAILED;
}

/** Loads the programs where that needs no password; null: not tried. */
async function tryLoading(facts: SystemFacts): Promise<Trial | null> {
  if (facts.missingParts.length > 0 || bestWay(facts)?.outcome !== 'works') return null;
  if (assess(facts, null).some(({ id, status }) => id === 'rights' && status !== 'ok')) return null;
  try {
    const capture = await startCapture({
      nativePath: NATIVE_PATH,
      helperPath: HELPER_PATH,
      bodyLimit: DEFAULT_BODY_LIMIT,
      backend: 'auto',
      // A latency filter makes the loader load all programs, including those that are otherwise not needed.
      minLatencyMs: 1,
    });
    await capture.stop();
    return capture.hello;
  } catch (error) {
    if (error instanceof TraceError) return error.message;
    throw error;
  }
}

const MARKS: Readonly<Record<Check['status'], string>> = { ok: 'ok', missing: 'MISSING', unknown: 'unknown' };

/** Also prints each way to get the rights: its command, and what was found out about it. */
function json(facts: SystemFacts, checks: readonly Check[]): string {
  const ways = facts.ways.all.map(({ id, outcome, command }) => ({
    id,
    outcome,
    command: commandLine(command),
  }));
  const ok = possible(checks);
  return jsonLine({ possible: ok, asks: ok && bestWay(facts)?.outcome === 'asks', ways, checks });
}

function verdict(facts: SystemFacts, checks: readonly Check[]): string {
  const asks = bestWay(facts)?.outcome === 'asks';
  if (possible(checks)) {
    return asks ? 'Tracing is possible here, once a password has been given.' : 'Tracing is possible here.';
  }
  const onlyRights = checks.every(({ id, status }) => status !== 'missing' || id === 'rights');
  return asks && onlyRights
    ? 'Tracing is possible here only if a password is accepted that this user may not have.'
    : 'Tracing is not possible here.';
}

function report(facts: SystemFacts, checks: readonly Check[]): string {
  const width = Math.max(...checks.map((check) => check.title.length));
  const lines = checks.flatMap(({ title, status, detail, remedy }) => {
    const line = `${MARKS[status].padEnd(8)} ${title.padEnd(width)}  ${visible(detail)}`;
    return remedy === null ? [line] : [line, `${' '.repeat(9)}-> ${visible(remedy)}`];
  });
  return `${[...lines, '', verdict(facts, checks)].join('\n')}\n`;
}
