/** One traced shell runs scenario after scenario; the trace is checked after it has ended. */
import { same } from '../kit/check.ts';
import { childrenOf, helperOf } from '../kit/kernel.ts';
import { newId, parseReports, type SocketReport } from '../kit/peers.ts';
import { type Child, PATIENCE_MS } from '../kit/process.ts';
import type { Report } from '../kit/report.ts';
import { killBelow } from '../kit/stuck.ts';
import { type Trace, Tracing } from '../kit/tracing.ts';
import { expectBalance } from '../kit/truth.ts';
import type { Context } from './context.ts';
import type { Ran, Scenario } from './scenarios.ts';

/** The shell that is traced. */
export interface TracedShell {
  /** Its input takes commands, its output is theirs. */
  readonly process: Child;
  /** Its process id, once it runs: `process` may be http-trace, which started it. */
  pid(): number;
}

export interface Outcome {
  readonly scenario: Scenario;
  readonly ran: Ran | null;
  readonly problem: string | null;
}

/**
 * @param unseen whether bytes may have moved past every hook; else there must be none
 * @param label of the row about the balance
 */
export async function runInShell(
  context: Context,
  list: readonly Scenario[],
  report: Report,
  unseen: boolean,
  label: string,
): Promise<void> {
  if (list.length === 0) return;
  const tracing = Tracing.run(context, ['sh'], ['--ring-size', context.slow ? '32MiB' : '128MiB']);
  const shell = { process: tracing.process, pid: () => shellBelow(tracing.process.pid) };
  let outcomes: readonly Outcome[];
  let trace: Trace;
  try {
    outcomes = await runAll(context, shell, list, tracing.patience);
    tracing.process.write('exit\n');
    tracing.process.endInput();
    // The balance has a row of its own.
    trace = await tracing.result({ whole: false });
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error);
    for (const { name } of list)
      report({ scenario: name, outcome: 'failed', detail: `no trace: ${problem}` });
    return;
  }
  for (const outcome of outcomes) judge(context, outcome, trace, report);
  reportWhole(trace, report, unseen, label);
}

/** A row about the whole trace: its balance, that nothing was dropped and, unless `unseen`, that every byte was seen. */
export function reportWhole(trace: Trace, report: Report, unseen: boolean, label: string): void {
  try {
    expectBalance(trace.summary);
    same('dropped', trace.summary.dropped, 0);
    const unseenBytes = `unseen bytes (${trace.recorded.unseen.join('; ') || 'in no record'})`;
    if (!unseen) same(unseenBytes, trace.summary.bytes?.unseen, 0);
    if (!unseen) same('note', trace.summary.note, null);
    report({ scenario: label, outcome: 'passed', detail: `${trace.summary.produced} records` });
  } catch (error) {
    report({ scenario: label, outcome: 'failed', detail: (error as Error).message });
  }
}

/** @param first milliseconds that the first scenario may take */
export async function runAll(
  context: Context,
  shell: TracedShell,
  list: readonly Scenario[],
  first: number,
): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const scenario of list) {
    const limit = outcomes.length === 0 ? first : PATIENCE_MS;
    outcomes.push(await runOne(context, shell, scenario, limit));
  }
  return outcomes;
}

async function runOne(
  context: Context,
  { process: shell, pid }: TracedShell,
  scenario: Scenario,
  limit: number,
): Promise<Outcome> {
  const id = newId();
  const from = shell.lines.length;
  const errors = shell.stderr.length;
  const mark = `#${id} `;
  try {
    const command = await scenario.command(context, id);
    shell.write(`${command}; echo "${mark}$?"\n`);
    const { meanwhile } = scenario;
    let waiting = meanwhile !== undefined;
    const hasEnded = (): boolean => {
      const lines = shell.lines.slice(from);
      if (waiting && meanwhile?.(context, id, lines)) waiting = false;
      return lines.some((line) => line.startsWith(mark));
    };
    await shell.until(hasEnded, `end of ${scenario.name}`, limit);
    const outside = (await scenario.outside?.()) ?? [];
    const lines = shell.lines.slice(from);
    const status = lines.find((line) => line.startsWith(mark))?.slice(mark.length);
    const all = [...lines.filter((line) => !line.startsWith(mark)), ...outside];
    const ran = { context, id, lines: all, said: parseReports<SocketReport>(all) };
    const said = shell.stderr.slice(errors).trim();
    return { scenario, ran, problem: status === '0' ? null : `it ended with ${status}: ${said}` };
  } catch (error) {
    if (shell.hasEnded) throw error;
    // What hangs would hold up every scenario after it.
    const problem = `${(error as Error).message}; ${killBelow(pid())}`;
    await scenario.outside?.().catch(() => []);
    const hasEnded = (): boolean => shell.lines.slice(from).some((line) => line.startsWith(mark));
    await shell.until(hasEnded, problem, PATIENCE_MS);
    return { scenario, ran: null, problem };
  }
}

/** The traced shell, which http-trace started besides its helper. */
function shellBelow(pid: number): number {
  const helper = helperOf(pid);
  const shell = childrenOf(pid).find((child) => child !== helper);
  if (shell === undefined) throw new Error('http-trace has not started the shell');
  return shell;
}

export function judge(
  context: Context,
  { scenario, ran, problem }: Outcome,
  trace: Trace,
  report: Report,
): void {
  const { name } = scenario;
  if (ran === null || problem !== null) {
    report({ scenario: name, outcome: 'failed', detail: problem ?? 'it did not run' });
    return;
  }
  try {
    const detail = scenario.check(ran, trace) ?? '';
    const reason = scenario.impossible?.(context) ?? null;
    if (reason === null) report({ scenario: name, outcome: 'passed', detail });
    else report({ scenario: name, outcome: 'impossible', detail: `${reason}; ${detail}` });
  } catch (error) {
    report({ scenario: name, outcome: 'failed', detail: (error as Error).message });
  }
}
