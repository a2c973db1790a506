/** Break on Calls by real debuggers: the program stops in its own code, and the server has not seen the call yet. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { Setting } from '../../../extension/contributions.ts';
import { separateCallServer } from './callServer.ts';
import { cProgram, goProgram, NEW_LLDB, OLD_LLDB } from './compiled.ts';
import { continueDebugging, continuing, insight, stopDebugging } from './extension.ts';
import { eventually, pause, test } from './harness.ts';
import { enter, ROUNDS } from './table.ts';

const fixtures = join(vscode.workspace.workspaceFolders?.[0]?.uri.fsPath ?? '', '../debuggers');
/** Of each debugger. */
const STOPS = ROUNDS || 5;
/** One debugger, in milliseconds, on a busy machine. */
const TIMEOUT = 150_000;
/** If the program were not stopped, its call would arrive within this, in milliseconds. */
const STOPPED_MS = 300;

type Configuration = Omit<vscode.DebugConfiguration, 'name'> & { type: string; request: string };

interface Debugger {
  /** Of the program. */
  readonly file: string;
  /** Breaks are the kernel's, and need a trace. */
  readonly traced?: boolean;
  configuration(): Configuration;
}

const lldb = (adapter: string): Debugger => ({
  file: 'call.c',
  traced: true,
  configuration: () => ({ type: 'lldb-dap', request: 'launch', adapter, program: cProgram() }),
});

const debuggers: Record<string, Debugger> = {
  'js-debug': {
    file: 'call.js',
    configuration: () => ({ type: 'node', request: 'launch', program: join(fixtures, 'call.js') }),
  },
  debugpy: {
    file: 'call.py',
    configuration: () => ({
      type: 'debugpy',
      request: 'launch',
      program: join(fixtures, 'call.py'),
      python: '/usr/bin/python3',
      console: 'internalConsole',
    }),
  },
  'dlv, exec': {
    file: 'call.go',
    configuration: () => ({ type: 'go', request: 'launch', mode: 'exec', program: goProgram() }),
  },
  'lldb-vscode': lldb(OLD_LLDB),
  ...(NEW_LLDB === undefined ? {} : { 'lldb-dap': lldb(NEW_LLDB) }),
};

let server: Awaited<ReturnType<typeof separateCallServer>> | null = null;
const seen = () => server?.made() ?? 0;
const hooks = (value: 'always' | 'never' | undefined) =>
  vscode.workspace.getConfiguration().update(Setting.hooks, value, vscode.ConfigurationTarget.Global);

async function start(name: string, configuration: Configuration): Promise<void> {
  server ??= await separateCallServer();
  const { url } = server;
  // lldb wants a list.
  const env = configuration.type === 'lldb-dap' ? [`CALLS_URL=${url}`] : { CALLS_URL: url };
  assert(await vscode.debug.startDebugging(undefined, { name, env, ...configuration }), `${name} starts`);
}

/** Waits until the program is stopped at a break. */
async function stopped(): Promise<{ frame: vscode.DebugStackFrame; host: string; path: string }> {
  try {
    const hit = await eventually(() => insight().callBreaks.currentHits[0], 'the program stops');
    const frame = await eventually(() => {
      const item = vscode.debug.activeStackItem;
      return item instanceof vscode.DebugStackFrame && item;
    }, 'a frame is selected');
    return { frame, ...hit };
  } catch (error) {
    throw new Error(`${(error as Error).message}; ${JSON.stringify(insight().callBreaks.failures)}`);
  }
}

async function goOn(): Promise<void> {
  const [before] = insight().callBreaks.currentHits;
  await continueDebugging();
  // It may stop again at once.
  await eventually(() => insight().callBreaks.currentHits[0] !== before, 'it goes on');
}

/** File and line that VS Code shows. */
async function expectShown(file: string): Promise<void> {
  await eventually(
    () => vscode.window.activeTextEditor?.document.uri.path.endsWith(`/${file}`),
    `${file} is shown, not ${vscode.window.activeTextEditor?.document.uri}`,
  );
}

test('the extension and the adapters are there', async () => {
  await vscode.extensions.getExtension('http-trace.http-trace')?.activate();
  await vscode.extensions.getExtension('http-trace-tests.debian-adapters')?.activate();
});

const startWith = (value: 'always' | undefined) =>
  vscode.workspace
    .getConfiguration()
    .update(Setting.startWithDebugging, value, vscode.ConfigurationTarget.Global);

for (const [name, { file, traced = false, configuration }] of Object.entries(debuggers)) {
  test(
    `a break on calls: ${name}`,
    async () => {
      const { breaks } = insight();
      await hooks('always');
      if (traced) await startWith('always');
      breaks.add('path:=/again');
      breaks.add('path:=/first');
      try {
        const before = seen();
        await start(`breaks ${name}`, configuration());
        const first = await stopped();
        await pause(STOPPED_MS);
        // The kernel learns of a process when its adapter reports it: the first call may have ended by then.
        let sent = seen();
        if (!traced || first.path === '/first') {
          assert.equal(first.path, '/first', 'the first call of all');
          assert.equal(seen(), before, 'nothing has been sent yet');
          await expectShown(file);
          await goOn();
          sent = before + 1;
        }
        for (let stop = 1; stop <= STOPS; stop++) {
          const { path } = await stopped();
          assert.equal(path, '/again');
          await pause(STOPPED_MS);
          // Node may send what came before only later.
          assert(seen() <= sent + stop - 1, 'nothing but what came before has been sent');
          await expectShown(file);
          await goOn();
        }
        const hits = breaks.all.map(({ hits: count }) => count);
        assert(hits[0] !== undefined && hits[0] >= STOPS, `${hits}`);
        if (!traced) assert.equal(hits[1], 1);
        enter(name, 'break', `${STOPS} of ${STOPS}, of first calls ${hits[1]} of 1`);
        await expectChanges();
        assert.equal(insight().callBreaks.currentHits.length, 0);
      } finally {
        breaks.remove();
        await stopDebugging();
        await hooks(undefined);
        await startWith(undefined);
      }
    },
    TIMEOUT,
  );
}

/** Breaks are edited, removed, added and switched off while the program is stopped and while it runs. */
async function expectChanges(): Promise<void> {
  const { breaks } = insight();
  const [again, first] = breaks.all;
  assert(again !== undefined && first !== undefined);
  breaks.remove(first.id);
  await stopped();
  breaks.change(again.id, { text: 'path:=/other' });
  await pause(STOPPED_MS);
  await goOn();
  await expectFree('edited while it was stopped');
  breaks.change(again.id, { text: again.text });
  await stopped();
  breaks.remove();
  await pause(STOPPED_MS);
  await goOn();
  await expectFree('removed while it was stopped');
  breaks.add(again.text);
  await stopped();
  // All are switched off while the program is stopped, or already runs.
  for (const { id } of breaks.all) breaks.change(id, { enabled: false });
  const sent = seen();
  const goOnIfStopped = continuing();
  await eventually(() => {
    goOnIfStopped();
    return seen() > sent + 3;
  }, 'it calls as if nothing had been');
}

async function expectFree(why: string): Promise<void> {
  const sent = seen();
  await eventually(() => seen() > sent + 3, `it calls freely: ${why}`);
  assert.deepEqual(insight().callBreaks.currentHits, []);
}

test('a break is not set where hooks are not allowed, without a trace or by a debugger without a strategy; it is said', async () => {
  const { breaks, callBreaks } = insight();
  await hooks('never');
  breaks.add('path:*');
  try {
    await start('no hooks', debuggers['js-debug']?.configuration() as Configuration);
    const sent = seen();
    await eventually(() => seen() > sent + 2, 'it calls');
    await eventually(() => callBreaks.failures.length > 0, 'it is said');
    assert.match(callBreaks.failures[0]?.reason ?? '', /httpTrace\.hooks/);
    await stopDebugging();
    await start('no trace', debuggers['lldb-vscode']?.configuration() as Configuration);
    await eventually(() => callBreaks.failures.length > 0, 'it is said');
    assert.match(callBreaks.failures[0]?.reason ?? '', /need a running trace/);
    await stopDebugging();
    await start('no strategy', { type: 'rdbg', request: 'launch', program: join(fixtures, 'call.rb') });
    await eventually(() => callBreaks.failures.length > 0, 'it is said');
    assert.match(callBreaks.failures[0]?.reason ?? '', /rdbg/);
  } finally {
    breaks.remove();
    await stopDebugging();
    await hooks(undefined);
  }
});

/** Ids of the helpers that this extension host has started. */
function helpers(): number[] {
  return readdirSync('/proc').flatMap((entry) => {
    try {
      const isHelper = readFileSync(`/proc/${entry}/cmdline`, 'latin1').includes('/helper.js');
      const parent = /^PPid:\t(\d+)$/m.exec(readFileSync(`/proc/${entry}/status`, 'latin1'))?.[1];
      return isHelper && Number(parent) === process.pid ? [Number(entry)] : [];
    } catch {
      return [];
    }
  });
}

for (const [name, { traced = false, configuration }] of Object.entries(debuggers)) {
  test(
    `the helper is killed while a program is stopped at its break: ${name}`,
    async () => {
      const { breaks, callBreaks, trace } = insight();
      await startWith('always');
      await hooks('always');
      breaks.add('path:=/again');
      try {
        await start('helper killed', configuration());
        const { frame } = await stopped();
        await eventually(() => trace.status.phase === 'running', 'it is traced');
        // lldb 14 answers one request after the other: it must have shown the stop first.
        await frame.session.customRequest('threads');
        const [helper, ...others] = helpers();
        assert(helper !== undefined && others.length === 0, 'there is one helper');
        const before = seen();
        const begin = performance.now();
        process.kill(helper, 'SIGKILL');
        await eventually(() => trace.status.phase === 'failed', 'the trace has failed');
        const failedAfter = Math.round(performance.now() - begin);
        if (!traced) {
          // The helper is not involved: the debugger holds the program, until the user continues it.
          await pause(STOPPED_MS);
          assert.equal(callBreaks.currentHits.length, 1, 'it is stopped');
          breaks.remove();
          await goOn();
        }
        await eventually(() => seen() > before, 'what it was about to send is sent');
        const after = Math.round(performance.now() - begin);
        console.log(
          `[suite] ${name}: it went on after ${after} ms, the trace had failed after ${failedAfter}`,
        );
        await eventually(() => seen() > before + 3, 'it is not stopped again');
        assert.deepEqual(callBreaks.currentHits, []);
        if (traced) assert.match(callBreaks.failures[0]?.reason ?? '', /need a running trace/);
      } finally {
        breaks.remove();
        await stopDebugging();
        await startWith(undefined);
        await hooks(undefined);
      }
    },
    TIMEOUT,
  );
}
