// How long a trace takes to start and to end.
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { exists, heldBy, helperOf, stillThere } from '../kit/kernel.ts';
import { median } from './median.mjs';
import { end, folder, httpTrace, output, start } from './processes.mjs';
import { nodeHttp } from './servers.mjs';

const LOOK_MS = 5;

/** Milliseconds, medians: to the first call that is printed, and from the stop until nothing is left in the kernel. */
export async function startAndStop(rounds) {
  const taken = [];
  const server = await nodeHttp();
  for (let round = 0; round < rounds; round++) taken.push(await oneTrace(server));
  await end(server.child);
  return { firstCall: median(taken.map((one) => one.first)), stop: median(taken.map((one) => one.stop)) };
}

async function oneTrace(server) {
  const out = join(mkdtempSync(join(folder, 'moment-')), 'trace');
  const begin = performance.now();
  const args = ['attach', String(server.child.pid), '--format', 'json', '--output', out];
  const trace = start(httpTrace, args);
  let over = false;
  const calls = (async () => {
    while (!over) await output('curl', ['-s', '-o', '/dev/null', server.url]);
  })();
  while (!hasLine(`${out}.partial`)) {
    if (trace.exitCode !== null) throw new Error('http-trace has ended');
    await sleep(LOOK_MS);
  }
  const first = performance.now() - begin;
  over = true;
  await calls;
  const helper = helperOf(trace.pid);
  const held = heldBy(helper);
  const asked = performance.now();
  trace.kill('SIGINT');
  if (trace.exitCode === null) await once(trace, 'exit');
  while (exists(helper)) await sleep(LOOK_MS);
  const left = () => Object.values(stillThere(held)).some((ids) => ids.length > 0);
  while (left()) await sleep(LOOK_MS);
  return { first, stop: performance.now() - asked };
}

function hasLine(file) {
  return existsSync(file) && readFileSync(file).includes(10);
}
