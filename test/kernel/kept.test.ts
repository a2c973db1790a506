/** A helper that is kept between two traces: what it sees, and what it leaves attached. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, it, onTestFinished } from 'vitest';
import type { KeptHelper } from '../../extension/capture/keptHelper.ts';
import type { ExchangeJson } from '../../extension/engine/exchangeJson.ts';
import { CaptureTrace } from '../kit/capture.ts';
import { childrenOf, exists, heldBy, stillThere } from '../kit/kernel.ts';
import { makeCertificate } from './support/certificate.mjs';
import { describeTraced, HTTP_TRACE, PEERS, ROOT, temporaryFolder } from './support/environment.ts';

const KEEP_MS = 60_000;
const context = { dist: join(ROOT, 'dist'), backend: null, tls: 'auto' } as const;
const folder = temporaryFolder();

/** A program that makes a call when it is asked to, and resolves when it has. */
async function caller(): Promise<{ pid: number; call: (kind: string, path: string) => Promise<void> }> {
  const [key, certificate] = [join(folder, 'key.pem'), join(folder, 'certificate.pem')];
  makeCertificate(key, certificate);
  const child = spawn('python3', [join(PEERS, 'calls_on_demand.py'), key, certificate], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const lines = createInterface(child.stdout);
  await once(lines, 'line');
  return {
    pid: child.pid ?? 0,
    call: async (kind, path) => {
      const answer = once(lines, 'line');
      child.stdin.write(`${kind} ${path}\n`);
      expect(await answer).toEqual(['200']);
    },
  };
}

/** Side, path and status of each, sorted. */
function seen(exchanges: readonly ExchangeJson[]): string[] {
  return exchanges
    .map(({ side, url, status }) => `${side} ${new URL(url ?? 'none:').pathname} ${status}`)
    .sort();
}

function bothSides(paths: readonly string[]): string[] {
  return ['client', 'server'].flatMap((side) => paths.map((path) => `${side} ${path} 200`)).sort();
}

describeTraced('a kept helper', () => {
  let kept: KeptHelper | null = null;
  afterEach(() => kept?.end());

  it('serves one trace after the other; of the time between nothing is seen', async () => {
    const program = await caller();
    const first = await CaptureTrace.start(context);
    await first.attach(program.pid);
    for (const kind of ['http', 'https', 'new']) await program.call(kind, `/first/${kind}`);
    kept = await first.stop(KEEP_MS);
    expect(kept).not.toBeNull();
    expect(seen(first.exchanges())).toEqual(bothSides(['/first/http', '/first/https', '/first/new']));

    for (const kind of ['http', 'https', 'new']) await program.call(kind, `/between/${kind}`);

    for (const name of ['second', 'third']) {
      const trace = await CaptureTrace.start(context, kept);
      expect(trace.helper).toBe(first.helper);
      const started = Date.now();
      await trace.attach(program.pid);
      for (const kind of ['http', 'https', 'new']) await program.call(kind, `/${name}/${kind}/1`);
      for (const kind of ['http', 'https', 'new']) await program.call(kind, `/${name}/${kind}/2`);
      kept = await trace.stop(KEEP_MS);
      const all = trace.exchanges();
      expect(all.filter(({ url }) => url !== null && !url.includes(`/${name}/`))).toEqual([]);
      // The server's threads wait since before the trace: what such a call to SSL_read returns is not seen, in any trace.
      const exchanges = all.filter(
        ({ url, side }) => side === 'client' || (url !== null && !url.includes('/https/')),
      );
      const paths = ['http', 'https', 'new'].flatMap((kind) => [`/${name}/${kind}/1`, `/${name}/${kind}/2`]);
      const missed = paths.filter((path) => path.includes('/https/')).map((path) => `server ${path} 200`);
      expect(seen(exchanges)).toEqual(bothSides(paths).filter((row) => !missed.includes(row)));
      for (const { url, side, startedAt, completeness } of exchanges) {
        expect(Date.parse(startedAt), `${side} ${url}`).toBeGreaterThanOrEqual(started - 100);
        expect(completeness, `${side} ${url}`).toEqual(['complete']);
      }
      const { counters } = trace.final ?? {};
      expect(counters?.droppedBytes).toBe(0);
      // Six calls at both ends, of some hundred bytes each: not those of the traces before.
      expect(counters?.seenBytes).toBeGreaterThan(2_000);
      expect(counters?.seenBytes).toBeLessThan(14_000);
    }
  });

  it('has nothing attached while it is kept, and nothing in the kernel when its time is over', async () => {
    const program = await caller();
    const trace = await CaptureTrace.start(context);
    await trace.attach(program.pid);
    await program.call('https', '/call');
    const processes = [trace.helper, ...childrenOf(trace.helper)];
    expect(processes).toHaveLength(2);
    const links = processes.flatMap((pid) => heldBy(pid).links);
    expect(links.length).toBeGreaterThan(10);
    kept = await trace.stop(20_000);
    // Probes go in a thread of their own.
    const before = { programs: [], maps: [], links };
    while (stillThere(before).links.length > 0) await sleep(50);
    const held = processes.map(heldBy);
    expect(held.flatMap((one) => one.links)).toEqual([]);
    const all = {
      programs: held.flatMap((one) => one.programs),
      maps: held.flatMap((one) => one.maps),
      links: [],
    };
    expect(all.programs.length).toBeGreaterThan(5);
    const { stdout } = spawnSync(HTTP_TRACE, ['doctor'], { encoding: 'utf8' });
    // On a busy machine its time may be over by then.
    if (exists(trace.helper))
      expect(stdout).toContain(`process ${trace.helper} is kept for the next trace, with nothing attached`);
    const over = new Promise<void>((resolve) => kept?.onEnd(resolve));
    await over;
    while (processes.some(exists)) await sleep(50);
    while (Object.values(stillThere(all)).some((ids) => ids.length > 0)) await sleep(50);
    expect(kept?.take('')).toBeNull();
  });

  it('ends, and another one is started, where the trace wants something else', async () => {
    const trace = await CaptureTrace.start(context);
    kept = await trace.stop(KEEP_MS);
    const other = await CaptureTrace.start(context, kept, 0);
    expect(other.helper).not.toBe(trace.helper);
    while (exists(trace.helper)) await sleep(20);
    await other.stop();
  });

  it('that has died is replaced by another one', async () => {
    const trace = await CaptureTrace.start(context);
    kept = await trace.stop(KEEP_MS);
    const over = new Promise<void>((resolve) => kept?.onEnd(resolve));
    process.kill(trace.helper, 'SIGKILL');
    await over;
    const after = await CaptureTrace.start(context, kept);
    expect(after.helper).not.toBe(trace.helper);
    await after.stop();
  });
});
