/** `http-trace doctor`: whether this system allows tracing, what is missing, and how to fix it. */
import { startCapture } from '../capture/capture.ts';
import { TraceError } from '../capture/trace.ts';
import { DEFAULT_BODY_LIMIT } from '../engine/limits.ts';
import { jsonLine } from '../escape/jsonLine.ts';
import { visible } from '../escape/terminal.ts';
import { EXIT_FAILED, EXIT_OK } from './exitStatus.ts';
import { HELPER_PATH, NATIVE_PATH } from './liveTrace.ts';
import { StandardOutput } from './output.ts';
import { assess, assessProcess, assessTls, type Check, possible, type Trial } from './systemChecks.ts';
import { readProcess, readSystem, readTlsLibraries, type SystemFacts, sufficient } from './systemFacts.ts';

export async function doctor(format: 'table' | 'json', pid: number | null): Promise<number> {
  const facts = readSystem(NATIVE_PATH, HELPER_PATH);
  const checks = assess(facts, await tryLoading(facts));
  if (pid !== null) {
    const process = assessProcess(pid, readProcess(pid), facts.uid);
    checks.push(process);
    if (process.status === 'ok') checks.push(assessTls(pid, readTlsLibraries(pid, HELPER_PATH)));
  }
  const ok = possible(checks);
  const output = new StandardOutput(process.stdout);
  output.write(format === 'json' ? jsonLine({ possible: ok, checks }) : report(checks, ok));
  await output.end();
  return ok ? EXIT_OK : EXIT_FAILED;
}

/** Loads the programs where that needs no password; null: not tried. */
async function tryLoading(facts: SystemFacts): Promise<Trial | null> {
  if (facts.missingParts.length > 0 || facts.capabilities === null) return null;
  if (!sufficient(facts.capabilities.effective) && facts.sudo !== 'free') return null;
  try {
    const capture = await startCapture({
      nativePath: NATIVE_PATH,
      helperPath: HELPER_PATH,
      bodyLimit: DEFAULT_BODY_LIMIT,
      backend: 'auto',
      // With a latency filter all of the programs are loaded, also what a trace without one does not need.
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

function report(checks: readonly Check[], ok: boolean): string {
  const width = Math.max(...checks.map((check) => check.title.length));
  const lines = checks.flatMap(({ title, status, detail, remedy }) => {
    const line = `${MARKS[status].padEnd(8)} ${title.padEnd(width)}  ${visible(detail)}`;
    return remedy === null ? [line] : [line, `${' '.repeat(9)}-> ${visible(remedy)}`];
  });
  return `${[...lines, '', ok ? 'Tracing is possible here.' : 'Tracing is not possible here.'].join('\n')}\n`;
}
