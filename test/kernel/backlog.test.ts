/** A burst that is faster than its reader: rows stay right, omitted bytes are counted, nothing is lost silently. */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { ExchangeJson } from '../../extension/engine/exchangeJson.ts';
import { DEFAULT_BODY_LIMIT } from '../../extension/engine/limits.ts';
import { helperOf } from '../kit/kernel.ts';
import { Child } from '../kit/process.ts';
import { variants, WHOLE } from '../kit/tier.mjs';
import { type Trace, Tracing } from '../kit/tracing.ts';
import { describeTraced, PEERS, temporaryFolder, tracingIn } from './support/environment.ts';

const context = tracingIn(temporaryFolder());
const [CALLS, BACKLOG, RING] = WHOLE ? [2_000, '48MiB', '64MiB'] : [500, '16MiB', '32MiB'];
/** Milliseconds for which a process is stopped, and then continued. */
const STOPPED_MS = 20;

/** Stops a process half of the time until that is ended. */
function stopHalfOfTheTime(pid: number): () => void {
  let stopped = false;
  const timer = setInterval(() => {
    stopped = !stopped;
    process.kill(pid, stopped ? 'SIGSTOP' : 'SIGCONT');
  }, STOPPED_MS);
  return () => {
    clearInterval(timer);
    process.kill(pid, 'SIGCONT');
  };
}

/** Makes the calls. */
async function burst(program: Child): Promise<void> {
  program.write('\n');
  await program.untilStdout(`${CALLS} calls`, 150_000);
}

function programOf(size: number): Child {
  return new Child('node', [join(PEERS, 'burst.mjs'), String(CALLS), String(size)]);
}

/** Every call has its two rows, right in everything but their bodies. */
function expectRows(trace: Trace, size: number): void {
  const paths = (side: string): string[] => trace.exchanges.filter((one) => one.side === side).map(pathOf);
  const expected = Array.from({ length: CALLS }, (_, i) => `/call/${i}`).sort();
  for (const side of ['client', 'server']) expect(paths(side).sort()).toEqual(expected);
  for (const one of trace.exchanges) {
    expect(one).toMatchObject({ method: 'GET', status: 200 });
    expect(one.response?.headers).toContainEqual(['X-Call', pathOf(one)]);
    expect(one.response?.bodySize).toBe(size);
  }
}

function pathOf({ url }: ExchangeJson): string {
  return new URL(url ?? '').pathname;
}

describeTraced('a burst', () => {
  it.each(variants(['helper', 'reader']))(
    'is seen whole while the %s is stopped half of the time',
    async (who) => {
      const size = 4_096;
      const program = programOf(size);
      const tracing = await Tracing.attach(context, [program.pid]);
      const pid = tracing.process.pid;
      const goOn = stopHalfOfTheTime(who === 'helper' ? helperOf(pid) : pid);
      await burst(program).finally(goOn);
      const trace = await tracing.stop();
      program.endInput();
      expect(trace.summary).toMatchObject({ dropped: 0, note: null });
      expectRows(trace, size);
      for (const { response } of trace.exchanges) expect(response?.bodyCaptured).toBe(size);
    },
  );

  it('loses bodies first when the backlog is full, and says so', async () => {
    const size = 40_000;
    const program = programOf(size);
    const tracing = await Tracing.attach(context, [program.pid], ['--backlog', BACKLOG, '--ring-size', RING]);
    process.kill(tracing.process.pid, 'SIGSTOP');
    await burst(program).finally(() => process.kill(tracing.process.pid, 'SIGCONT'));
    const trace = await tracing.stop();
    program.endInput();
    const { summary } = trace;
    expect(summary).toMatchObject({ dropped: 0, bytes: { dropped: 0 } });
    expect(summary.bytes?.shed).toBeGreaterThan(10_000_000);
    expect(summary.behindMs).toBeGreaterThan(0);
    expect(summary.note).toMatch(
      /^Not captured, as there was too much data at once: \d+ MiB of bodies; use a larger --backlog\.$/,
    );
    expectRows(trace, size);
    const cut = trace.exchanges.filter(({ response }) => (response?.bodyCaptured ?? 0) < size);
    expect(cut.length).toBeGreaterThan(CALLS / 4);
    expect(cut.length).toBeLessThan(2 * CALLS);
    for (const { response } of cut) expect(response?.bodyNote).toContain('too much data at once');
    expect(size).toBeLessThan(DEFAULT_BODY_LIMIT);
  });

  it('that is not waited for at the end is dropped, counted exactly', async () => {
    const program = programOf(20_000);
    const tracing = await Tracing.attach(context, [program.pid]);
    const reader = tracing.process.pid;
    process.kill(reader, 'SIGSTOP');
    await burst(program);
    // Both wait for it, and are taken before it reads anything more.
    process.kill(reader, 'SIGINT');
    process.kill(reader, 'SIGTERM');
    process.kill(reader, 'SIGCONT');
    const trace = await tracing.result();
    program.endInput();
    const { produced, delivered, dropped, note } = trace.summary;
    expect(dropped).toBeGreaterThan(CALLS);
    expect(delivered + (dropped ?? 0)).toBe(produced);
    expect(note).toMatch(
      /^[\d,]+ records \([\d.]+ MiB of data\) were left when the stop was cut short; they were dropped\.$/,
    );
    expect(trace.ended.code).toBe(0);
  });
});
