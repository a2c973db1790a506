/** Pauses of real debuggers, measured by the program itself: its heartbeat pauses while it is stopped. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { Command } from '../../../extension/contributions.ts';
import type { ExchangeRow } from '../../../extension/engine/row.ts';
import { callServer } from './callServer.ts';
import { cProgram, goProgram, NEW_LLDB, OLD_LLDB } from './compiled.ts';
import { command, continueDebugging, goOnFromStart, insight, rows, stopDebugging } from './extension.ts';
import { eventually, pause, test } from './harness.ts';
import { enter, ROUNDS } from './table.ts';

const fixtures = join(vscode.workspace.workspaceFolders?.[0]?.uri.fsPath ?? '', '../debuggers');
/** A person's is longer. */
const PAUSE = 1_500;
/** Of a pause: clocks and timers differ a little. */
const NEARLY = 0.9;
/** Of each debugger. */
const PAUSES = ROUNDS || 1;

type Configuration = Omit<vscode.DebugConfiguration, 'name'> & { type: string; request: string };

interface Pausing {
  readonly file: string;
  /** A breakpoint that is removed stays in the program (rdbg 1.4): each pause has a session of its own. */
  readonly keepsBreakpoints?: boolean;
  configuration(): Configuration;
}

const lldb = (adapter: string): Pausing => ({
  file: 'pausing.c',
  configuration: () => ({ type: 'lldb-dap', request: 'launch', adapter, program: cProgram('pausing') }),
});
const python: Configuration = {
  type: 'debugpy',
  request: 'launch',
  program: join(fixtures, 'pausing.py'),
  python: '/usr/bin/python3',
  console: 'internalConsole',
};
const pausing: Record<string, Pausing> = {
  'js-debug': {
    file: 'pausing.js',
    configuration: () => ({ type: 'node', request: 'launch', program: join(fixtures, 'pausing.js') }),
  },
  debugpy: { file: 'pausing.py', configuration: () => python },
  'dlv, exec': {
    file: 'pausing.go',
    configuration: () => ({ type: 'go', request: 'launch', mode: 'exec', program: goProgram('pausing') }),
  },
  'lldb-vscode': lldb(OLD_LLDB),
  ...(NEW_LLDB === undefined ? {} : { 'lldb-dap': lldb(NEW_LLDB) }),
  rdbg: {
    file: 'pausing.rb',
    keepsBreakpoints: true,
    configuration: () => ({ type: 'rdbg', request: 'attach', program: join(fixtures, 'pausing.rb') }),
  },
};

/** lldb wants a list. */
const environment = (type: string, url: string) =>
  type === 'lldb-dap' ? [`CALLS_URL=${url}`] : { CALLS_URL: url };

/** Where the program says that it stops. */
function lineOf(file: string): number {
  return readFileSync(join(fixtures, file), 'utf8')
    .split('\n')
    .findIndex((text) => text.includes('stops here'));
}

/** Stops there, waits, and goes on. @returns how long, as seen from here. */
async function stopAndGo(file: string, meanwhile: () => void = () => {}): Promise<number> {
  const isStopped = () => vscode.debug.activeStackItem instanceof vscode.DebugStackFrame;
  await eventually(() => !isStopped(), 'what it was stopped at before is no longer shown');
  const place = new vscode.Location(
    vscode.Uri.file(join(fixtures, file)),
    new vscode.Position(lineOf(file), 0),
  );
  const breakpoint = new vscode.SourceBreakpoint(place);
  vscode.debug.addBreakpoints([breakpoint]);
  try {
    await eventually(isStopped, 'the program stops');
    const begin = performance.now();
    vscode.debug.removeBreakpoints([breakpoint]);
    await pause(PAUSE);
    meanwhile();
    await continueDebugging();
    return performance.now() - begin;
  } finally {
    vscode.debug.removeBreakpoints([breakpoint]);
  }
}

/**
 * The program's own word: the time without a heartbeat, in the call that comes next. On a busy machine it also has shorter
 * gaps, in which it only waited for a processor.
 */
async function gapOf(older: number): Promise<number> {
  const gaps = () =>
    rows()
      .filter(({ id, path, state }) => id > older && path?.startsWith('/gap?ms=') && state === 'ended')
      .map(({ path }) => Number(path?.split('=')[1]));
  return eventually(() => gaps().find((ms) => ms > PAUSE * NEARLY), 'the program reports its pause');
}

/** Stops once in the middle of a call. @returns by how much the pause is off, in milliseconds. */
async function expectPause(name: string, file: string): Promise<number> {
  const older = Math.max(0, ...rows().map(({ id }) => id));
  let shown: readonly { readonly session: string; readonly to: number | null }[] = [];
  await stopAndGo(file, () => {
    shown = insight().trace.status.pauses;
  });
  assert.equal(shown.at(-1)?.to, null, 'the pause is shown while it lasts');
  const gap = await gapOf(older);
  const isPaused = (row: ExchangeRow) =>
    row.path === '/again' && row.side === 'client' && (row.debug?.pausedMs ?? 0) > PAUSE / 2;
  const row = await eventually(
    () => rows().find((one) => isPaused(one) && one.state === 'ended' && one.id >= older),
    'the call',
  );
  const { duration, debug } = row;
  const paused = debug?.pausedMs ?? 0;
  const off = Math.abs(paused - gap);
  const figures = `paused ${paused} ms, by its heartbeat ${gap} ms, call ${duration} ms`;
  console.log(`[suite] ${name}: ${figures}`);
  // On a busy machine the program stops long before the debugger's client hears of it. But it was stopped as long as this test waited.
  assert(paused > PAUSE * NEARLY && paused < gap * 1.5, figures);
  assert.equal(debug?.session, `pausing ${name}`);
  const json = await insight().trace.details(row.id, false);
  assert.equal(json?.timings.pausedMs, debug?.pausedMs);
  assert.equal(json?.debug?.session, `pausing ${name}`);
  const span = insight().trace.status.pauses.findLast(
    ({ session, to }) => session === `pausing ${name}` && to !== null,
  );
  assert(span !== undefined, 'the pause has ended');
  assert(span.pids.includes(row.pid ?? 0));
  return off;
}

for (const [name, { file, keepsBreakpoints = false, configuration }] of Object.entries(pausing)) {
  test(
    `a pause is not the time of the call: ${name}`,
    async () => {
      const offs: number[] = [];
      const stop = async () => {
        await stopDebugging();
        await command(Command.stop);
      };
      try {
        while (offs.length < PAUSES) {
          const own = configuration();
          const env = environment(own.type, await callServer());
          assert(
            await vscode.debug.startDebugging(undefined, { name: `pausing ${name}`, env, ...own } as never),
          );
          const older = Math.max(0, ...rows().map(({ id }) => id));
          await command(Command.start);
          if (own.type === 'rdbg') await goOnFromStart();
          await eventually(() => rows().some(({ id, path }) => id > older && path === '/again'), 'its calls');
          do offs.push(await expectPause(name, file));
          while (!keepsBreakpoints && offs.length < PAUSES);
          await stop();
        }
      } finally {
        enter(
          name,
          'pause',
          `${offs.length} of ${PAUSES}, off by ${Math.round(Math.max(0, ...offs))} ms at most`,
        );
        await stop();
      }
    },
    (PAUSES + 1) * 60_000,
  );
}

test('a call that waits for another session that is paused says so', async () => {
  try {
    const configuration = { type: 'node', request: 'launch', program: join(fixtures, 'answering.js') };
    assert(await vscode.debug.startDebugging(undefined, { name: 'the answering one', ...configuration }));
    const port = await eventually(() => {
      const pids = insight().sessions.processes();
      return pids.length > 0 && portOf(pids);
    }, 'its port');
    const env = { CALLS_URL: `http://127.0.0.1:${port}` };
    const caller = { ...python, program: join(fixtures, 'call.py') };
    assert(
      await vscode.debug.startDebugging(undefined, { name: 'the calling one', env, ...caller } as never),
    );
    await command(Command.start);
    await eventually(
      () => rows().some(({ path, side }) => path === '/again' && side === 'server'),
      'both ends',
    );
    const older = Math.max(0, ...rows().map(({ id }) => id));
    await stopAndGo('answering.js');
    const row = await eventually(
      () =>
        rows().find(({ id, side, debug }) => id > older && side === 'client' && debug?.pausedPeer != null),
      'the caller knows',
    );
    assert.equal(row.debug?.pausedPeer?.session, 'the answering one');
    assert((row.debug?.pausedPeer?.ms ?? 0) > PAUSE / 2);
    assert.equal(row.debug?.pausedMs, 0, 'the caller itself was not paused');
    const sessions = new Set(rows().map(({ debug }) => debug?.session));
    assert(
      sessions.has('the answering one') && sessions.has('the calling one'),
      'two sessions are distinguished',
    );
  } finally {
    await stopDebugging();
    await command(Command.stop);
  }
});

/** Where one of them listens, apart from its inspector. */
function portOf(pids: readonly number[]): number | null {
  for (const pid of pids) {
    const listens = /--listens=(\d+)/.exec(readFileSync(`/proc/${pid}/comm`, 'utf8'));
    if (listens !== null) return Number(listens[1]);
  }
  return null;
}
