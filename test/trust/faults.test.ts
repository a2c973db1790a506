/** Processes that die during a trace: within a second nothing is left in the kernel, and no process of the trace. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodeFrame, encodeJson } from '../../helper/frames.ts';
import { FrameType } from '../../helper/protocol.ts';
import { childrenOf, exists, type Held, heldIfRunning, NOTHING_HELD, stillThere } from '../kit/kernel.ts';
import { WHOLE } from '../kit/tier.mjs';
import { Installed, type LoaderRun, NOBODY, Requester, runLoader, whySkipped } from './rig.ts';

const reason = whySkipped();
if (reason !== null) console.warn(`skipped: the tests of faults ${reason}`);

/** On a quiet machine; an emulated one needs a minute for what normally takes a second. */
const QUIET_LIMIT_MS = process.env['HTTP_TRACE_EMULATED'] === undefined ? 1_000 : 60_000;
const ROUNDS = WHOLE ? 100 : 4;
const MOMENTS_MS = 1_500;

/** Time in which tasks waited for a processor does not count, up to this. */
const MOST_WAITING_MS = 60_000;

/** Milliseconds since boot in which a task waited for a processor. */
function waitedMs(): number {
  try {
    const [, total = '0'] = /^some .* total=(\d+)$/m.exec(readFileSync('/proc/pressure/cpu', 'utf8')) ?? [];
    return Number(total) / 1_000;
  } catch {
    return performance.now(); // This kernel does not measure it: all time may be such time.
  }
}

interface Running {
  readonly requester: Requester;
  readonly loader: LoaderRun;
  /** Of the loader, which becomes the helper. */
  readonly helper: number;
}

describe.skipIf(reason !== null)('faults', () => {
  let installed: Installed;
  const started: Requester[] = [];

  beforeAll(() => {
    installed = new Installed();
  });
  afterAll(() => {
    for (const requester of started) requester.process.kill('SIGKILL');
    installed.remove();
  });

  async function start(extra: readonly string[] = [], helper?: string): Promise<Running> {
    const requester = await Requester.listen(installed, installed.socketDirectory(NOBODY), NOBODY);
    started.push(requester);
    const files = helper === undefined ? installed : Object.assign(Object.create(installed), { helper });
    const loader = runLoader(files, requester.socket, { SUDO_UID: String(NOBODY) }, extra);
    return { requester, loader, helper: loader.process.pid ?? 0 };
  }

  /** Until the system's libraries have their probes. */
  async function attached({ requester }: Running): Promise<void> {
    await requester.frame(({ type }) => type === FrameType.TlsFile);
    await new Promise((soon) => setTimeout(soon, 300));
  }

  function everything(pids: readonly number[]): Held {
    const held = pids.map(heldIfRunning);
    return {
      programs: [...new Set(held.flatMap(({ programs }) => programs))],
      maps: [...new Set(held.flatMap(({ maps }) => maps))],
      links: [...new Set(held.flatMap(({ links }) => links))],
    };
  }

  /** Kills one, and measures the time until all are gone with everything that they held. */
  async function killed(victim: number, pids: readonly number[]): Promise<void> {
    const held = everything(pids);
    const since = performance.now();
    process.kill(victim, 'SIGKILL');
    await gone(pids, held, since);
  }

  async function gone(pids: readonly number[], held: Held, since: number, what = ''): Promise<void> {
    const waitedBefore = waitedMs();
    const spent = (): number => performance.now() - since;
    let left: unknown;
    do {
      const processes = pids.filter(exists);
      left = { processes, ...(processes.length > 0 ? NOTHING_HELD : stillThere(held)) };
      if (JSON.stringify(left) === JSON.stringify({ processes: [], ...NOTHING_HELD })) return;
      await new Promise((soon) => setTimeout(soon, 10));
    } while (spent() < QUIET_LIMIT_MS + Math.min(waitedMs() - waitedBefore, MOST_WAITING_MS));
    expect(left, `${what} after ${Math.round(spent())} ms`).toEqual({ processes: [], ...NOTHING_HELD });
  }

  it.each(['client', 'helper'])('%s killed: all is gone within a second', async (who) => {
    const running = await start();
    await attached(running);
    const pids = [running.helper, ...childrenOf(running.helper)];
    expect(pids).toHaveLength(2);
    expect(everything(pids).links.length).toBeGreaterThan(10);
    await killed(who === 'client' ? (running.requester.process.pid ?? 0) : running.helper, pids);
  });

  it('helper killed while its broker is stopped: all is gone within a second', async () => {
    const running = await start();
    await attached(running);
    const [broker = 0] = childrenOf(running.helper);
    process.kill(broker, 'SIGSTOP');
    await killed(running.helper, [running.helper, broker]);
  });

  it('broker killed: its probes are gone within a second, TLS is reported as not decrypted, the trace goes on', async () => {
    const running = await start();
    await attached(running);
    const { requester, helper } = running;
    const own = Number(requester.process.pid);
    requester.write(encodeJson(FrameType.Attach, { request: 1, pid: own, children: false }));
    // Node, with TLS inside or as a library.
    const tls = (found: boolean) => (frame: { type: FrameType; json: Record<string, unknown> | null }) =>
      frame.type === FrameType.Tls &&
      ((frame.json?.['libraries'] ?? []) as { attached: boolean }[]).some(
        (library) => library.attached === found,
      );
    await requester.frame(tls(true));
    const [broker = 0] = childrenOf(helper);
    const { links } = everything([broker]);
    const since = performance.now();
    process.kill(broker, 'SIGKILL');
    await gone([broker], { programs: [], maps: [], links }, since);
    const reported = await requester.frame(tls(false));
    expect(JSON.stringify(reported.json)).toContain('has ended; start the trace again');
    expect(exists(helper)).toBe(true);
    const pids = [helper];
    const held = everything(pids);
    requester.write(encodeFrame(FrameType.Stop, new Uint8Array(0)));
    await requester.frame((frame) => frame.json?.['final'] === true);
    await gone(pids, held, performance.now());
    expect((await running.loader.result).status).toBe(0);
  });

  it('client killed while the helper’s JavaScript is busy: it ends all the same', async () => {
    const script = join(installed.directory, 'busy.js');
    const addon = JSON.stringify(join(installed.directory, 'native/addon.node'));
    writeFileSync(
      script,
      `const module_ = { exports: {} };
       process.dlopen(module_, ${addon});
       const { harden, takeTrace, watch } = module_.exports;
       harden();
       takeTrace(4);
       watch(3, 4, () => {});
       require('node:fs').writeSync(2, 'busy');
       for (;;);`,
    );
    const running = await start([], script);
    await new Promise<void>((done) => running.loader.process.stderr?.once('data', () => done()));
    await killed(running.requester.process.pid ?? 0, [running.helper, ...childrenOf(running.helper)]);
  });

  it(`${ROUNDS} rounds of kill -9 at random moments`, async () => {
    for (let round = 0; round < ROUNDS; round++) {
      const running = await start(['--tls-attach', 'auto']);
      const moment = Math.random() * MOMENTS_MS;
      await new Promise((later) => setTimeout(later, moment));
      const pids = [running.helper, ...childrenOf(running.helper)];
      const client = running.requester.process.pid ?? 0;
      const victims = [client, ...pids];
      const victim = victims[Math.floor(Math.random() * victims.length)] ?? client;
      const held = everything(pids);
      process.kill(victim, 'SIGKILL');
      // The trace goes on without its broker: until its client ends.
      if (victim === pids[1]) process.kill(client, 'SIGKILL');
      const name = ['client', 'loader or helper', 'broker'][victims.indexOf(victim)];
      const what = `round ${round}, ${name} killed after ${Math.round(moment)} ms:`;
      await gone(pids, held, performance.now(), what);
    }
  });

  it('the helper writes no file: the kernel refuses it', async () => {
    const script = join(installed.directory, 'writes.js');
    const addon = JSON.stringify(join(installed.directory, 'native/addon.node'));
    const folder = installed.socketDirectory(NOBODY);
    writeFileSync(
      script,
      `const module_ = { exports: {} };
       process.dlopen(module_, ${addon});
       module_.exports.harden();
       const fs = require('node:fs');
       const tries = {
         write: () => fs.writeFileSync(${JSON.stringify(join(folder, 'file'))}, 'x'),
         unlink: () => fs.unlinkSync(${JSON.stringify(join(folder, 'helper'))}),
         mkdir: () => fs.mkdirSync(${JSON.stringify(join(folder, 'more'))}),
         kill: () => process.kill(process.ppid, 0),
         exec: () => { throw require('node:child_process').spawnSync('/bin/true').error ?? new Error('ran'); },
       };
       const said = Object.entries(tries).map(([name, attempt]) => {
         try { attempt(); return name + ' done'; } catch (error) { return name + ' ' + error.code; }
       });
       const server = require('node:net').createServer();
       server.on('error', (error) => { fs.writeSync(2, [...said, 'listen ' + error.code].join(';')); process.exit(0); });
       server.listen(0, () => { fs.writeSync(2, [...said, 'listen done'].join(';')); process.exit(0); });`,
    );
    const running = await start([], script);
    const { stderr } = await running.loader.result;
    expect(stderr).toBe('write EPERM;unlink EPERM;mkdir EPERM;kill EPERM;exec EPERM;listen EPERM');
    expect(readdirSync(folder)).toEqual([]);
  });
});
