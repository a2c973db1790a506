// `npm run bench`: what tracing costs. `--only ID,…` chooses scenarios (scenarios.mjs), `--quick` measures less,
// `--short` hardly anything (tests the benchmark; its times mean nothing), `--no-peers` leaves other tools out.
// `--publish` also writes docs/benchmarks.md and its chart. Prints a table, writes test-output/bench.json.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { publish } from './document.mjs';
import { measure } from './measure.mjs';
import { startAndStop } from './moments.mjs';
import { installedPeers } from './peers.mjs';
import { fail, httpTrace, output, root } from './processes.mjs';
import { SCENARIOS } from './scenarios.mjs';
import { textTable } from './words.mjs';

const SIZES = {
  full: { rounds: 7, seconds: 3, warm: 1 },
  quick: { rounds: 3, seconds: 1, warm: 1 },
  short: { rounds: 1, seconds: 1, warm: 0 },
};

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    quick: { type: 'boolean', default: false },
    short: { type: 'boolean', default: false },
    'no-peers': { type: 'boolean', default: false },
    publish: { type: 'boolean', default: false },
  },
});
if (process.geteuid?.() !== 0) fail('needs root, as tracing does.');
if (!existsSync(httpTrace)) fail('dist/ is not built: npm run build');

const size = SIZES[values.short ? 'short' : values.quick ? 'quick' : 'full'];
const { here, missing } = values.short || values['no-peers'] ? { here: [], missing: [] } : installedPeers();
const chosen = choose();
const scenarios = [];
for (const scenario of chosen) {
  const result = await measure(scenario, here, size);
  scenarios.push(result);
  console.log(`${textTable(result)}\n`);
}
const moments = values.only === undefined ? await startAndStop(size.rounds) : null;
if (moments !== null) {
  console.log(
    `start to the first call ${moments.firstCall.toFixed(0)} ms, stop ${moments.stop.toFixed(0)} ms`,
  );
}
const engine = values.publish && values.only === undefined ? await engineAlone() : null;
if (missing.length > 0) console.log(`not installed, so not measured: ${missing.join(', ')}`);

const measured = {
  date: new Date().toISOString().slice(0, 10),
  machine: {
    kernel: release(),
    cores: availableParallelism(),
    processor: cpus()[0]?.model ?? null,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    node: process.version,
  },
  settings: size,
  scenarios,
  moments,
  engine,
  missing,
};
mkdirSync(join(root, 'test-output'), { recursive: true });
writeFileSync(join(root, 'test-output/bench.json'), `${JSON.stringify(measured, null, 2)}\n`);
if (values.publish) publish(measured);
process.exit(0);

/** What dissect.mjs measures: the engine without a trace. */
async function engineAlone() {
  console.log(await output(process.execPath, [join(root, 'test/bench/dissect.mjs')]));
  const { results } = JSON.parse(readFileSync(join(root, 'test-output/dissect.json'), 'utf8'));
  return results.map(({ name, unit, perSecond, megabytesHeld }) => ({
    name,
    unit,
    perSecond,
    megabytesHeld,
  }));
}

function choose() {
  if (values.only === undefined) {
    if (!values.short || values.publish) return SCENARIOS;
    return SCENARIOS.flatMap(({ short, ...scenario }) =>
      short === undefined ? [] : [{ ...scenario, ways: short }],
    );
  }
  const ids = values.only.split(',');
  const unknown = ids.filter((id) => !SCENARIOS.some((scenario) => scenario.id === id));
  if (unknown.length > 0) {
    fail(`there is no ${unknown.join(', ')}; there are ${SCENARIOS.map(({ id }) => id).join(', ')}.`);
  }
  return SCENARIOS.filter(({ id }) => ids.includes(id));
}
