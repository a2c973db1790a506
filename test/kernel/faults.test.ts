/** Processes that die during a trace: captured data is kept, and nothing stays in the kernel. */

import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { exists, heldBy, helperOf, stillThere } from '../kit/kernel.ts';
import { Child } from '../kit/process.ts';
import { variants } from '../kit/tier.mjs';
import { parseOutput, Tracing } from '../kit/tracing.ts';
import { expectReported, findExchange } from '../kit/truth.ts';
import { describeTraced, HTTP_TRACE, temporaryFolder, tracingIn } from './support/environment.ts';
import { type Plan, plan, Server } from './support/peers.ts';

const folder = temporaryFolder();
const context = tracingIn(folder);
const NOTHING = { programs: [], maps: [], links: [] };

async function get(server: Server, one: Plan): Promise<void> {
  const url = `http://127.0.0.1:${server.port}${one.path}`;
  await new Child('curl', ['-sS', '-H', `X-Trace-Id: ${one.id}`, url]).ended;
}

/** On a machine that has much else to do; how soon it is otherwise is not checked. */
const PATIENCE_MS = 120_000;

async function eventually(check: () => unknown): Promise<void> {
  const limit = Date.now() + PATIENCE_MS;
  for (;;) {
    try {
      check();
      return;
    } catch (error) {
      if (Date.now() > limit) throw error;
      await sleep(50);
    }
  }
}

describeTraced('faults', () => {
  it('after an orderly end nothing is left in the kernel', async () => {
    const server = await Server.node();
    const tracing = await Tracing.attach(context, [server.pid]);
    const helper = helperOf(tracing.process.pid);
    const held = heldBy(helper);
    expect(held.programs.length + held.links.length).toBeGreaterThan(0);
    expect(held.maps.length).toBeGreaterThan(0);
    await tracing.stop();
    await eventually(() => {
      expect(exists(helper)).toBe(false);
      expect(stillThere(held)).toEqual(NOTHING);
    });
    await server.end();
  });

  it('the helper killed: captured data is kept, the fault is reported, the kernel is clean', async () => {
    const server = await Server.node();
    const tracing = await Tracing.attach(context, [server.pid]);
    const one = plan('GET', 'echo');
    await get(server, one);
    const said = await server.said();
    await eventually(() => expect(tracing.written).toContain(one.id));
    const helper = helperOf(tracing.process.pid);
    const held = heldBy(helper);
    process.kill(helper, 'SIGKILL');
    const traced = await tracing.result({ whole: false });
    expect(traced.ended.code).toBe(1);
    expect(traced.ended.stderr).toMatch(/helper/i);
    expectReported(findExchange(traced.exchanges, one.id, 'server'), said);
    expect(traced.summary).toMatchObject({ produced: null, dropped: null, bytes: null });
    expect(traced.summary.note).toMatch(/helper/i);
    await eventually(() => expect(stillThere(held)).toEqual(NOTHING));
    // And the traced program has not noticed.
    const next = plan('GET', 'echo');
    await get(server, next);
    expect((await server.said()).id).toBe(next.id);
    await server.end();
  });

  it('the helper killed during run: the command goes on, its status counts', async () => {
    const tracing = Tracing.run(context, ['sh', '-c', 'echo ready; read -r line; exit 7']);
    await tracing.process.line();
    process.kill(helperOf(tracing.process.pid), 'SIGKILL');
    await tracing.process.untilStderr('keeps running');
    tracing.process.endInput('go on\n');
    const traced = await tracing.result({ whole: false });
    expect(traced.ended.code).toBe(7);
  });

  it('http-trace itself killed: the helper ends and the kernel is clean', async () => {
    const server = await Server.node();
    const tracing = await Tracing.attach(context, [server.pid]);
    const one = plan('GET', 'echo');
    await get(server, one);
    const helper = helperOf(tracing.process.pid);
    const held = heldBy(helper);
    await eventually(() => expect(tracing.written).toContain(one.id));
    tracing.process.kill('SIGKILL');
    await tracing.process.ended;
    await eventually(() => {
      expect(exists(helper)).toBe(false);
      expect(stillThere(held)).toEqual(NOTHING);
    });
    // What it had recorded until then can be shown. The file gets its final name only when it is complete.
    const replayed = spawnSync(HTTP_TRACE, ['replay', `${tracing.recording}.partial`, '--format', 'json'], {
      encoding: 'utf8',
    });
    expect(existsSync(tracing.recording)).toBe(false);
    expect(replayed.status).toBe(1);
    expect(replayed.stderr).toMatch(/is truncated: it ends after \d+ complete frames/);
    findExchange(parseOutput(replayed.stdout).exchanges, one.id, 'server');
    await server.end();
  });

  it('the helper stopped for a while: the program goes on, and nothing is lost', async () => {
    const server = await Server.node();
    const tracing = await Tracing.attach(context, [server.pid]);
    const helper = helperOf(tracing.process.pid);
    const plans = [plan('GET', 'echo'), plan('GET', 'gzip'), plan('POST', 'chunked')];
    process.kill(helper, 'SIGSTOP');
    try {
      for (const one of plans) {
        await get(server, one);
        expect((await server.said()).id).toBe(one.id);
      }
    } finally {
      process.kill(helper, 'SIGCONT');
    }
    const traced = await tracing.stop();
    for (const one of plans) findExchange(traced.exchanges, one.id, 'server');
    expect(traced.summary.dropped).toBe(0);
    await server.end();
  });
});

describeTraced('recordings of real traces', () => {
  it('cut anywhere: shows what is before the cut, a clear message, status 1', async () => {
    const server = await Server.node();
    const tracing = await Tracing.attach(context, [server.pid]);
    const plans = [plan('GET', 'echo'), plan('GET', 'gzip'), plan('GET', 'chunked')];
    for (const one of plans) await get(server, one);
    const traced = await tracing.stop();
    await server.end();
    const whole = readFileSync(traced.recording);
    const file = join(folder, 'cut.recording');
    const all = [0, 5, 16, 17, Math.floor(whole.length / 2), whole.length - 20, whole.length - 1];
    for (const length of variants(all, 3, 4)) {
      writeFileSync(file, whole);
      truncateSync(file, length);
      const result = spawnSync(HTTP_TRACE, ['replay', file, '--format', 'json'], { encoding: 'utf8' });
      expect(result.status, `cut at ${length}`).toBe(1);
      expect(result.stderr).toMatch(/is truncated: it ends after \d+ complete frames\.\n$/);
      const { exchanges, summary } = parseOutput(result.stdout);
      expect(summary.note).toContain('is truncated');
      if (length === whole.length - 1) expect(exchanges).toEqual(traced.exchanges);
    }
  });

  it('as root wrote it, another user can show it', async () => {
    const server = await Server.node();
    const one = plan('GET', 'echo');
    const tracing = Tracing.run(context, [
      'curl',
      '-sS',
      '-H',
      `X-Trace-Id: ${one.id}`,
      `http://127.0.0.1:${server.port}${one.path}`,
    ]);
    const traced = await tracing.result();
    await server.end();
    // The file is root's own; an unprivileged process gets it as its standard input.
    const result = spawnSync(
      'setpriv',
      [
        '--reuid=65534',
        '--regid=65534',
        '--clear-groups',
        '--no-new-privs',
        HTTP_TRACE,
        'replay',
        '-',
        '--format',
        'json',
      ],
      { encoding: 'utf8', input: readFileSync(traced.recording) },
    );
    expect(result.stderr).toBe('');
    expect(result.status).toBe(0);
    expect(parseOutput(result.stdout).text).toBe(traced.text);
  });
});

describeTraced('doctor', () => {
  it('as root, loads the programs and says that tracing is possible', async () => {
    const { stdout, code } = await new Child(HTTP_TRACE, [
      'doctor',
      '--format',
      'json',
      '--pid',
      String(process.pid),
    ]).ended;
    const report = JSON.parse(stdout);
    expect(report.checks).toContainEqual(expect.objectContaining({ id: 'trial', status: 'ok' }));
    expect(report.checks).toContainEqual(expect.objectContaining({ id: 'process', status: 'ok' }));
    // Node holds OpenSSL, in itself or beside itself.
    const decrypted = expect.stringMatching(/^OpenSSL [\d.]+ can be decrypted/);
    expect(report.checks).toContainEqual(
      expect.objectContaining({ id: 'tls', status: 'ok', detail: decrypted }),
    );
    expect(report.possible).toBe(true);
    expect(code).toBe(0);
  });

  it('for people', async () => {
    const { stdout, code } = await new Child(HTTP_TRACE, ['doctor']).ended;
    expect(code).toBe(0);
    expect(stdout).toMatch(/^ok +Platform +linux/);
    expect(stdout).toMatch(/\nTracing is possible here\.\n$/);
  });
});
