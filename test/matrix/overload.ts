/**
 * Random overload: the smallest ring, random bursts, a helper that is stopped meanwhile. What is lost
 * must be counted to the byte, what is delivered must be right or reported as incomplete, and the program must not
 * be affected.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { same } from '../kit/check.ts';
import { helperOf } from '../kit/kernel.ts';
import { newId, parseReports, type SocketReport } from '../kit/peers.ts';
import { PATIENCE_MS } from '../kit/process.ts';
import type { Report } from '../kit/report.ts';
import { Tracing } from '../kit/tracing.ts';
import type { Context } from './context.ts';
import { expectNoneWrong } from './noneWrong.ts';

const THREADS = 4;
/** Exchanges while the helper is stopped. The first time they are more than the ring holds: one takes up 9 KB in it, on average. */
const FIRST_WHILE_STOPPED = 40;
const WHILE_STOPPED = 10;

/** xorshift32: the same sequence for the same seed. */
function generator(seed: number): () => number {
  let state = (seed * 2_654_435_761) >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state / 2 ** 32;
  };
}

function completedIn(progress: string): number {
  try {
    return Number(readFileSync(progress).readBigUInt64LE());
  } catch {
    return 0;
  }
}

export async function runOverload(context: Context, report: Report): Promise<void> {
  if (context.seeds === 0) return;
  const failures: string[] = [];
  const seeds: number[] = [];
  let [dropped, delivered, labelled] = [0, 0, 0];
  for (let i = 0; i < context.seeds; i++) {
    const seed = context.firstSeed + i;
    seeds.push(seed);
    try {
      const one = await overload(context, seed);
      dropped += one.dropped;
      delivered += one.delivered;
      labelled += one.labelled;
    } catch (error) {
      failures.push(`seed ${seed}: ${(error as Error).message}`);
    }
  }
  const range = `seeds ${seeds[0]} to ${seeds.at(-1)}`;
  const detail = `${range}: ${dropped} records lost, ${delivered} exchanges right, ${labelled} said to have gaps`;
  if (failures.length === 0 && dropped === 0) failures.push('nothing was lost: no overload');
  report({
    scenario: 'overload: random bursts, a stopped helper, a ring of 64 KiB',
    outcome: failures.length === 0 ? 'passed' : 'failed',
    detail:
      failures.length === 0 ? detail : `${failures.length} of ${range}: ${failures.slice(0, 5).join('; ')}`,
  });
}

async function overload(
  context: Context,
  seed: number,
): Promise<{ dropped: number; delivered: number; labelled: number }> {
  const random = generator(seed);
  const id = newId();
  const progress = join(context.folder, `progress-${id}`);
  const exchanges = context.slow ? 40 : 60 + Math.floor(random() * 140);
  const tracing = Tracing.run(
    context,
    [
      context.peer,
      'burst',
      `id=${id}`,
      'scenario=x',
      `seed=${seed}`,
      `progress=${progress}`,
      `threads=${THREADS}`,
      `exchanges=${exchanges}`,
    ],
    ['--ring-size', '64KiB'],
  );
  // An emulated machine might be through before the helper is stopped.
  await tracing.process.until(() => tracing.process.lines.length > 0, 'start', tracing.patience);
  const helper = helperOf(tracing.process.pid);
  const total = THREADS * exchanges;
  for (let pause = 0; pause < 3 && !tracing.process.hasEnded; pause++) {
    if (pause > 0) await sleep(random() * 20);
    if (completedIn(progress) >= total) break;
    process.kill(helper, 'SIGSTOP');
    if (pause === 0) tracing.process.write('\n');
    try {
      const more = pause === 0 ? FIRST_WHILE_STOPPED : WHILE_STOPPED;
      await expectProgress(progress, more, total, PATIENCE_MS);
      await sleep(random() * 100);
    } finally {
      process.kill(helper, 'SIGCONT');
    }
  }
  const trace = await tracing.result();
  same('exit status', await tracing.process.status, 0);
  const said = parseReports<SocketReport>(tracing.process.lines);
  same('exchanges of the peers', said.length, 2 * total);
  same('bytes that the engine misses', trace.recorded.stats.lostBytes, trace.summary.bytes?.dropped);
  same('bytes unseen', trace.summary.bytes?.unseen, 0);
  return { dropped: trace.summary.dropped ?? 0, ...expectNoneWrong(trace, said) };
}

/** The program goes on while the helper is stopped. */
async function expectProgress(
  progress: string,
  more: number,
  total: number,
  patience: number,
): Promise<void> {
  const before = completedIn(progress);
  for (const begin = Date.now(); Date.now() - begin < patience; ) {
    await sleep(5);
    const now = completedIn(progress);
    if (now >= total || now >= before + more) return;
  }
  throw new Error(`the program stands still with the helper, at ${before} of ${total} exchanges`);
}
