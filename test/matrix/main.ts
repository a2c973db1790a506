/**
 * The scenarios with one backend on the kernel that runs here. Results go to a file, one JSON line each, as
 * soon as they are known. Bundled into one file, so that it runs with any Node wherever it is put.
 */
import { appendFileSync, rmSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { shuffled } from '../kit/pairwise.ts';
import { endAll } from '../kit/process.ts';
import type { Report } from '../kit/report.ts';
import { runAttach } from './attach.ts';
import { makeContext } from './context.ts';
import { runOverload } from './overload.ts';
import { runPressure, thousands } from './pressure.ts';
import { runRefused } from './refused.ts';
import { runRestarts } from './restarts.ts';
import { blindScenarios, type Scenario, scenarios } from './scenarios.ts';
import { runInShell } from './shell.ts';

const { values } = parseArgs({
  options: Object.fromEntries(
    [
      'backend',
      'http-trace',
      'peer',
      'refuse',
      'out',
      'slow',
      'seeds',
      'first-seed',
      'restarts',
      'only',
      'groups',
      'part',
    ].map((name) => [name, { type: 'string' as const }]),
  ),
});
const options = Object.fromEntries(
  Object.entries(values).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
);
const context = makeContext(options);
const only = new RegExp(options['only'] ?? '');
const groups = (options['groups'] ?? 'shell').split(',');
/** `K/N`: the Kth of N parts of the scenarios, from 0 up. */
const [part = 0, parts = 1] = (options['part'] ?? '0/1').split('/').map(Number);

/** Neighbours in the list are similar, so it is shuffled before it is cut, always with the same seed. */
function chosen(list: readonly Scenario[]): Scenario[] {
  const mine = new Set(shuffled(list.length, 1).filter((_, place) => place % parts === part));
  return list.filter(({ name }, index) => mine.has(index) && only.test(name));
}

const report: Report = (result) => {
  const line = `${JSON.stringify({ ...result, backend: context.backend })}\n`;
  if (options['out'] === undefined) process.stdout.write(line);
  else appendFileSync(options['out'], line);
};

/** Logs the time of each step, to show where a run's time goes. */
async function group(name: string, run: () => Promise<void>): Promise<void> {
  if (!groups.includes(name)) return;
  const begin = performance.now();
  await run();
  console.log(`${context.backend}: ${name}: ${((performance.now() - begin) / 1000).toFixed(0)} s`);
}

try {
  await group('shell', async () => {
    const list = chosen([...scenarios(context), thousands]);
    await runInShell(context, list, report, false, 'balance: nothing unseen');
    const blind = chosen(blindScenarios(context));
    await runInShell(context, blind, report, true, 'balance with what this backend cannot see');
  });
  await group('attach', () => runAttach(context, only, report));
  await group('pressure', () => runPressure(context, only, report));
  await group('refused', () => runRefused(context, only, report));
  await group('overload', () => runOverload(context, report));
  await group('restarts', () => runRestarts(context, report));
} finally {
  await endAll();
  rmSync(context.folder, { recursive: true, force: true });
}
process.exit(0);
