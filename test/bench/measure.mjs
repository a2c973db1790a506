// Measures one scenario: each round runs every way once and untraced twice, so that a busy machine affects all alike. A
// way's ratio is to the mean of its round's two untraced runs; the difference between those two is the noise.
import { spawnSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { countingPrograms, processMs, programsMs } from './cpu.mjs';
import { median } from './median.mjs';
import { end, start } from './processes.mjs';
import { EXTENSION, UNTRACED } from './ways.mjs';

/** Until what was left of warming up has been read. */
const CATCH_UP_MS = 1_000;

/**
 * @param size rounds, seconds of each, and seconds before each in which a trace warms up: JavaScript that has just been
 *   started is compiled meanwhile, which no trace of minutes would notice.
 */
export async function measure(scenario, peers, { rounds, seconds, warm }) {
  const server = await scenario.server();
  // A bystander's trace has a process that does nothing.
  const idle = scenario.bystander ? start('sleep', ['1000000']) : null;
  const pids = idle === null ? server.pids : [idle.pid];
  const setting = {
    scenario,
    server,
    pids,
    seconds,
    warm: warm > 0 ? Math.max(warm, scenario.warm ?? 0) : 0,
  };
  await scenario.client(server.url, seconds); // Warms up: the first round is slower for everybody.
  const ways = [UNTRACED, ...scenario.ways, UNTRACED, ...(scenario.peers ? peers : [])];
  const taken = ways.map(() => []);
  for (let round = 0; round < rounds; round++) {
    // A different order each time, so that a drift of the machine favours none.
    for (let n = 0; n < ways.length; n++) {
      const way = (n + round) % ways.length;
      taken[way].push(await once(setting, ways[way]));
    }
  }
  const second = ways.lastIndexOf(UNTRACED);
  const base = taken[0].map(({ client }, round) => (client.rate + taken[second][round].client.rate) / 2);
  const results = [];
  for (const [index, way] of ways.entries()) {
    if (index === second) continue;
    const all = index === 0 ? [...taken[0], ...taken[second]] : taken[index];
    results.push({ way: way.name, ...summary(all, index === 0 ? null : base) });
  }
  const noise =
    median(taken[0].map(({ client }, round) => Math.abs(client.rate - base[round]) / base[round])) * 2;
  results.find(({ way }) => way === EXTENSION.name).kernelUs = await kernel(setting);
  await end(server.child);
  if (idle !== null) await end(idle);
  const { id, name, unit } = scenario;
  return { id, name, unit, noise, results };
}

/** One round of one way. */
async function once({ scenario, server, pids, seconds, warm }, way) {
  const trace = await way.start(pids, server);
  if (warm > 0) {
    await scenario.client(trace.url ?? server.url, warm);
    await sleep(CATCH_UP_MS);
  }
  const before = { ...trace.parts(), server: serverMs(server) };
  const client = await scenario.client(trace.url ?? server.url, seconds);
  const after = { ...trace.parts(), server: serverMs(server) };
  // What is left to read belongs to these calls as well; it may take as long as it likes.
  const recorded = await trace.stop();
  const cpu = {};
  for (const [part, ms] of Object.entries(after)) cpu[part] = ((ms - before[part]) * 1000) / client.calls;
  return { client, cpu, recorded };
}

const serverMs = ({ pids }) => pids.reduce((sum, pid) => sum + processMs(pid), 0);

/** Microseconds a call of the kernel's programs, in a round of its own: to count them costs time. */
function kernel({ scenario, server, pids, seconds }) {
  if (spawnSync('which', ['bpftool']).status !== 0) return null;
  return countingPrograms(async () => {
    const trace = await EXTENSION.start(pids);
    const before = await programsMs(trace.programs);
    const { calls } = await scenario.client(server.url, seconds);
    const ms = (await programsMs(trace.programs)) - before;
    await trace.stop();
    return (ms * 1000) / calls;
  });
}

/** Medians over the rounds. */
function summary(rounds, base) {
  const of = (get) => {
    const values = rounds.map(get).filter((value) => value !== null && value !== undefined);
    return values.length === 0 ? null : median(values);
  };
  const parts = Object.keys(rounds[0].cpu);
  const ratios = base === null ? [] : rounds.map(({ client }, round) => client.rate / base[round]);
  return {
    rate: of(({ client }) => client.rate),
    ratio: base === null ? 1 : median(ratios),
    ratios,
    p50: of(({ client }) => client.p50),
    p99: of(({ client }) => client.p99),
    cpuUs: Object.fromEntries(parts.map((part) => [part, of(({ cpu }) => cpu[part])])),
    records: of(({ recorded }) => recorded.produced),
    lost: of(({ recorded: { produced, dropped } }) => (produced > 0 ? dropped / produced : null)),
    copiedBytes: of(({ recorded }) => recorded.copiedBytes),
    omittedBytes: of(({ recorded }) => recorded.omittedBytes),
    memory: {
      helper: of(({ recorded }) => recorded.memory?.helper),
      helperOwn: of(({ recorded }) => recorded.memory?.helperOwn),
      engine: of(({ recorded }) => recorded.memory?.engine),
    },
    rounds: rounds.map(({ client }) => client.rate),
  };
}
