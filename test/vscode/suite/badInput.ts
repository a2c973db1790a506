/** Unwelcome behaviour of adapters, debuggees and users. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { Setting } from '../../../extension/contributions.ts';
import { freePort } from '../../../scripts/freePort.mjs';
import { callServer, calls } from './callServer.ts';
import { cProgram, NEW_LLDB, OLD_LLDB } from './compiled.ts';
import { continueDebugging, continuing, insight, rows, stopDebugging } from './extension.ts';
import { eventually, pause, test } from './harness.ts';

const fixtures = join(vscode.workspace.workspaceFolders?.[0]?.uri.fsPath ?? '', '../debuggers');
/** What is not there has this long to appear, in milliseconds. */
const ABSENT = 1_000;

const set = (name: string, value: unknown) =>
  vscode.workspace.getConfiguration().update(name, value, vscode.ConfigurationTarget.Global);
const newest = () => Math.max(0, ...rows().map(({ id }) => id));

test('an adapter that reports what is no process of the session', async () => {
  const env = { ...process.env, CALLS_URL: await callServer(), NODE_OPTIONS: '' };
  const stranger = spawn('node', [join(fixtures, 'call.js')], { env, stdio: 'ignore' });
  await set(Setting.startWithDebugging, 'always');
  const older = newest();
  try {
    // This machine's first process is older than any session; of the others there is none.
    for (const systemProcessId of [1, 4_194_000, -1, 0, 1.5, 2 ** 40, '12x', null, {}, [stranger.pid]]) {
      const events = [{ name: 'lie', systemProcessId }];
      assert(
        await vscode.debug.startDebugging(undefined, {
          type: 'lying',
          request: 'launch',
          name: `says ${JSON.stringify(systemProcessId)}`,
          events,
        }),
      );
      await pause(ABSENT / 10);
      assert(
        !insight().sessions.processes().includes(1),
        'the first process of this machine is not debugged',
      );
      await stopDebugging();
    }
    const remote = { name: 'lie', systemProcessId: stranger.pid, isLocalProcess: false };
    await vscode.debug.startDebugging(undefined, {
      type: 'lying',
      request: 'launch',
      name: 'says that it is elsewhere',
      events: [remote],
    });
    await pause(ABSENT);
    assert.deepEqual(insight().sessions.processes(), []);
    assert.deepEqual(
      rows().filter(({ id, side }) => id > older && side === 'client'),
      [],
      'nothing of the stranger is shown',
    );
  } finally {
    stranger.kill('SIGKILL');
    await stopDebugging();
    await set(Setting.startWithDebugging, undefined);
    await eventually(() => insight().trace.status.phase !== 'running', 'the trace has ended');
  }
}, 240_000);

test('what a trace cannot have seen of a launch is said, once', async () => {
  const env = { ...process.env, CALLS_URL: await callServer(), NODE_OPTIONS: '' };
  const begin = () => spawn('node', [join(fixtures, 'call.js')], { env, stdio: 'ignore' });
  const started: ReturnType<typeof begin>[] = [];
  const notes: string[] = [];
  const listening = insight().control.onDidNote((text) => notes.push(text));
  const about = (name: string) => notes.filter((text) => text.includes(`“${name}”`));
  const unnamed = () => notes.filter((text) => /does not report which process it debugs/.test(text));
  const launch = async (name: string, pids: readonly (number | undefined)[]) => {
    const events = pids.map((systemProcessId) => ({ name: 'call.js', systemProcessId }));
    assert(await vscode.debug.startDebugging(undefined, { type: 'lying', request: 'launch', name, events }));
  };
  const isShown = ({ pid }: { readonly pid?: number | undefined }) =>
    eventually(() => rows().some((row) => row.pid === pid && row.path === '/again'), 'its calls');
  await set(Setting.startWithDebugging, 'always');
  try {
    await launch('names nothing', []);
    await eventually(() => insight().trace.status.phase === 'running', 'the trace runs');
    started.push(begin());
    await launch('in time', [started[0]?.pid]);
    await isShown(started[0] ?? {});
    await eventually(() => unnamed().length > 0, 'it is said that nothing was named', 30_000);
    // By now what is not named is given up after two seconds, if every session has named something.
    for (const session of insight().sessions.all)
      if (session.session.name === 'names nothing') await vscode.debug.stopDebugging(session.session);
    started.push(begin());
    await pause(4 * ABSENT);
    assert(!rows().some(({ pid }) => pid === started[1]?.pid), 'it is not one that is debugged');
    await launch('named late', [started[1]?.pid, started[1]?.pid]);
    await isShown(started[1] ?? {});
    await eventually(() => about('named late').length > 0, 'it is said that its start was not seen');
    await pause(2 * ABSENT);
    // On a busy machine it is the same that has been said already: the trace was not ready when it was launched.
    const late =
      /^“named late” was not traced from its start: its first calls may be missing\.$|was not ready/;
    assert.match(about('named late').join(), late);
    assert.equal(about('named late').length, 1, `${notes}`);
    assert.equal(unnamed().length, 1, `${notes}`);
    assert(about('names nothing').includes(unnamed()[0] ?? ''), `${notes}`);
    assert(!about('in time').some((text) => /not followed/.test(text)), `${notes}`);
  } finally {
    listening.dispose();
    for (const child of started) child.kill('SIGKILL');
    await stopDebugging();
    await set(Setting.startWithDebugging, undefined);
    await eventually(() => insight().trace.status.phase !== 'running', 'the trace has ended');
  }
}, 120_000);

test('a debuggee that forks 1,000 children: all of their calls are shown, and the trace ends with it', async () => {
  const older = newest();
  await set(Setting.startWithDebugging, 'always');
  try {
    assert(
      await vscode.debug.startDebugging(undefined, {
        type: 'debugpy',
        request: 'launch',
        name: 'a thousand',
        program: join(fixtures, 'forks.py'),
        python: '/usr/bin/python3',
        console: 'internalConsole',
        subProcess: false,
        env: { CALLS_URL: await callServer() },
      }),
    );
    const callers = () =>
      rows().filter(({ id, side, path }) => id > older && side === 'client' && path?.startsWith('/child-'));
    const made = () => Object.keys(calls).filter((path) => path.startsWith('/child-')).length;
    await eventually(() => made() === 1_000, 'all have called', 120_000);
    await eventually(() => callers().length >= 950, `most calls are shown, not ${callers().length}`);
    // Those before the trace ran, or the debugger named its program, are not.
    console.log(`[suite] of 1,000 children ${callers().length} calls are shown`);
    assert.equal(new Set(callers().map(({ pid }) => pid)).size, callers().length, 'each of another process');
    assert.equal(insight().trace.status.problem, null);
  } finally {
    await stopDebugging();
    await set(Setting.startWithDebugging, undefined);
  }
  await eventually(() => insight().trace.status.phase === 'stopped', 'the trace has ended');
}, 240_000);

const busy: Record<string, () => Record<string, unknown> & { type: string }> = {
  'js-debug': () => ({ type: 'node', program: join(fixtures, 'busy.js') }),
  lldb: () => ({ type: 'lldb-dap', adapter: NEW_LLDB ?? OLD_LLDB, program: cProgram('busy') }),
};

for (const [name, configuration] of Object.entries(busy))
  test(`a break that holds for everything, in a program that calls as fast as it can: ${name}`, async () => {
    const { breaks, callBreaks, trace } = insight();
    const own = configuration();
    await set(Setting.hooks, 'always');
    // With lldb it is the kernel that stops the program, and that needs a trace.
    const traced = own.type === 'lldb-dap';
    if (traced) await set(Setting.startWithDebugging, 'always');
    breaks.add('path:*');
    const made = () => calls['/busy'] ?? 0;
    let stops = 0;
    const counting = callBreaks.onDidHit(() => {
      stops++;
    });
    const stopsAgain = async () => {
      const [hit] = await eventually(
        () => callBreaks.currentHits.length > 0 && callBreaks.currentHits,
        'it stops again',
        60_000,
      );
      return hit;
    };
    try {
      const url = await callServer();
      // lldb wants a list.
      const env = traced ? [`CALLS_URL=${url}`] : { CALLS_URL: url };
      const launch = { request: 'launch', name: `busy ${name}`, env, ...own };
      assert(await vscode.debug.startDebugging(undefined, launch as never));
      // The kernel learns of a process when its adapter reports it: calls may have been made before.
      let hit = await stopsAgain();
      const before = made();
      for (const end = performance.now() + 5_000; performance.now() < end; ) {
        await eventually(
          () => vscode.debug.activeStackItem instanceof vscode.DebugStackFrame,
          'the place is shown',
        );
        await continueDebugging();
        await eventually(() => callBreaks.currentHits[0] !== hit, 'it goes on');
        hit = await stopsAgain();
      }
      const [{ hits } = { hits: 0 }] = breaks.all;
      console.log(`[suite] ${name}: ${stops} stops, ${hits} hits, ${made() - before} calls`);
      assert.equal(hits, stops, 'each stop is a hit, and nothing else is counted as a hit');
      // Each call stops once before it is made.
      assert(made() - before <= hits, 'no call passes');
      const [one] = breaks.all;
      breaks.change(one?.id ?? 0, { enabled: false });
      const sent = made();
      // It may have stopped, or be about to, before the break was taken back.
      const goOnIfStopped = continuing();
      await eventually(() => {
        goOnIfStopped();
        return made() > sent + 1_000;
      }, 'it calls freely');
      // Without a trace of its own the status is that of the one before, whose helper another test may have killed.
      if (traced) assert.equal(trace.status.problem, null);
    } finally {
      counting.dispose();
      breaks.remove();
      await stopDebugging();
      await set(Setting.hooks, undefined);
      await set(Setting.startWithDebugging, undefined);
      await eventually(() => trace.status.phase !== 'running', 'the trace has ended');
    }
  }, 240_000);

/** Runtimes that are not Node.js, as far as they are there: HTTP_TRACE_TOOLS names a folder of npm's packages. */
const tools = join(process.env['HTTP_TRACE_TOOLS'] ?? '/nonexistent', 'node_modules');
const others: Record<string, (port: number) => object> = {
  Deno: (port) => ({
    runtimeExecutable: join(tools, 'deno/deno'),
    runtimeArgs: ['run', '--allow-all', `--inspect-wait=127.0.0.1:${port}`],
    attachSimplePort: port,
  }),
  // Its inspector speaks another protocol: js-debug starts it, and debugs nothing.
  Bun: () => ({ runtimeExecutable: join(tools, 'bun/bin/bun.exe') }),
};

for (const [name, started] of Object.entries(others))
  test(`${name} under js-debug calls as it would: no hook stays in it, and no break holds it`, async () => {
    const { breaks, callBreaks } = insight();
    const port = await freePort();
    const configuration = started(port) as { runtimeExecutable: string };
    if (!existsSync(configuration.runtimeExecutable)) {
      console.log(`[suite] skipped: there is no ${configuration.runtimeExecutable}`);
      return;
    }
    await set(Setting.hooks, 'always');
    await set(Setting.startWithDebugging, 'always');
    breaks.add('path:=/again');
    const made = () => calls['/again'] ?? 0;
    const before = made();
    try {
      const program = join(fixtures, 'call.ts');
      const env = { CALLS_URL: await callServer() };
      const own = { type: 'node', request: 'launch', name, program, env, ...configuration };
      assert(await vscode.debug.startDebugging(undefined, own));
      await eventually(() => made() > before + 5, 'it calls freely', 60_000);
      assert.deepEqual(callBreaks.currentHits, []);
      console.log(`[suite] ${name}: ${JSON.stringify(callBreaks.failures)}`);
      if (name === 'Deno')
        await eventually(() => /Deno/.test(callBreaks.failures[0]?.reason ?? ''), 'the list says why');
      assert(
        rows().every(({ debug }) => debug?.session !== name || debug.source === null),
        'no line is known',
      );
    } finally {
      breaks.remove();
      await stopDebugging();
      await set(Setting.hooks, undefined);
      await set(Setting.startWithDebugging, undefined);
      await eventually(() => insight().trace.status.phase !== 'running', 'the trace has ended');
    }
  }, 120_000);
