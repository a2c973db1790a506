/**
 * The scenarios with one backend on the kernel that runs here. Results go to a file, one JSON line each, as
 * soon as they are known. Bundled into one file, so that it runs with any Node wherever it is put.
 */
import { appendFileSync, rmSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { runAttach } from './attach.ts';
import { makeContext, type Report } from './context.ts';
import { runOverload } from './overload.ts';
import { endAll } from './process.ts';
import { runRestarts } from './restarts.ts';
import { blindScenarios, scenarios } from './scenarios.ts';
import { runInShell } from './shell.ts';

const { values } = parseArgs({
  options: Object.fromEntries(
    ['backend', 'http-trace', 'peer', 'out', 'slow', 'seeds', 'first-seed', 'restarts', 'only', 'groups'].map(
      (name) => [name, { type: 'string' as const }],
    ),
  ),
});
const options = Object.fromEntries(
  Object.entries(values).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
);
const context = makeContext(options);
const only = new RegExp(options['only'] ?? '');
const groups = (options['groups'] ?? 'shell').split(',');

const report: Report = (result) => {
  const line = `${JSON.stringify({ ...result, backend: context.backend })}\n`;
  if (options['out'] === undefined) process.stdout.write(line);
  else appendFileSync(options['out'], line);
};

try {
  if (groups.includes('shell')) {
    const list = scenarios(context).filter(({ name }) => only.test(name));
    await runInShell(context, list, report, false, 'balance: nothing unseen');
    const blind = blindScenarios(context).filter(({ name }) => only.test(name));
    await runInShell(context, blind, report, true, 'balance with what this backend cannot see');
  }
  if (groups.includes('attach')) await runAttach(context, only, report);
  if (groups.includes('overload')) await runOverload(context, report);
  if (groups.includes('restarts')) await runRestarts(context, report);
} finally {
  await endAll();
  rmSync(context.folder, { recursive: true, force: true });
}
process.exit(0);
