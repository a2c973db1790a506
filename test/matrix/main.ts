/**
 * The scenarios with one backend, or several in turn (`--backend fentry,kprobe`), on the running kernel. Results go to
 * a file, one JSON line each, as soon as they are known. Bundled into one file, so that it runs with any Node wherever
 * it is put.
 */
import { rmSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { ResultFile } from '../kit/groups.ts';
import { shuffled } from '../kit/pairwise.ts';
import { endAll } from '../kit/process.ts';
import type { Report } from '../kit/report.ts';
import { type Part, runAttach } from './attach.ts';
import { runClients } from './clients.ts';
import { type Context, makeContext } from './context.ts';
import { runKept } from './kept.ts';
import { runOverload } from './overload.ts';
import { runPressure, thousands } from './pressure.ts';
import { runRefused } from './refused.ts';
import { runRestarts } from './restarts.ts';
import { blindScenarios, type Scenario, scenarios } from './scenarios.ts';
import { runInShell } from './shell.ts';
import { runFiltered, runSmoke } from './smoke.ts';

const { values } = parseArgs({
  options: Object.fromEntries(
    [
      'backend',
      'http-trace',
      'peer',
      'refuse',
      'clients',
      'kernel-peers',
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
const only = new RegExp(options['only'] ?? '');
const groups = (options['groups'] ?? 'shell').split(',');
/** `K/N`: the Kth of N parts of the scenarios, from 0 up; of several backends each has the next part. */
const [firstPart = 0, parts = 1] = (options['part'] ?? '0/1').split('/').map(Number);

/** In every part: a call that fails. */
const FAILED_CALL = 'connection refused';

/** Neighbours in the list are similar, so it is shuffled before it is cut, always with the same seed. */
function chosen(list: readonly Scenario[], part: number): Scenario[] {
  const mine = new Set(shuffled(list.length, 1).filter((_, place) => place % parts === part));
  return list.filter(({ name }, index) => mine.has(index) && only.test(name));
}

/** @param backend which of this process's */
async function run(context: Context, part: number, backend: Part): Promise<void> {
  const report: Report = (result) => results.write({ ...result, backend: context.backend });
  const group = async (name: string, body: () => Promise<void>): Promise<void> => {
    if (groups.includes(name)) await results.group(`${context.backend}: ${name}`, body);
  };
  const all = [...scenarios(context), thousands];
  const list = chosen(all, part);
  const failed = all.filter((one) => one.name === FAILED_CALL && only.test(one.name) && !list.includes(one));
  const blind = chosen(blindScenarios(context), part);
  await group('smoke', () => runSmoke(context, [...failed, ...list], only, report, backend));
  // In the smoke test by one backend, as each start of a trace takes an emulated machine long: by kprobe, where the kernel has
  // fewer programs to check than with fentry. This machine's own backend is tested in test/kernel.
  if (backend.first === backend.parts >> 1) await group('filtered', () => runFiltered(context, only, report));
  await group('kept', () => runKept(context, only, report));
  await group('shell', () => runInShell(context, list, report, false, 'balance: nothing unseen'));
  for (const name of ['smoke', 'shell']) {
    await group(name, () =>
      runInShell(context, blind, report, true, 'balance with what this backend cannot see'),
    );
  }
  await group('attach', () => runAttach(context, only, report));
  await group('pressure', () => runPressure(context, only, report));
  await group('refused', () => runRefused(context, only, report));
  await group('clients', () =>
    runClients(context, only, options['clients'] ?? '', options['kernel-peers'] ?? '', report),
  );
  await group('overload', () => runOverload(context, report));
  await group('restarts', () => runRestarts(context, report));
}

const results = new ResultFile(options['out']);
const contexts = (options['backend'] ?? '').split(',').map((backend) => makeContext({ ...options, backend }));
try {
  for (const [index, context] of contexts.entries())
    await run(context, (firstPart + index) % parts, { first: index, parts: contexts.length });
} finally {
  await endAll();
  for (const { folder } of contexts) rmSync(folder, { recursive: true, force: true });
}
// An exit would drop what the reader of this pipe has not taken yet.
process.stdout.write('', () => process.exit(0));
