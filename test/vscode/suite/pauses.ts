/** Pauses of real debuggers, measured by the program itself: a heartbeat that does not beat while it stands. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { Command } from '../../../extension/contributions.ts';
import type { ExchangeRow } from '../../../extension/engine/row.ts';
import { callServer } from './callServer.ts';
import { command, insight, rows, stopDebugging } from './extension.ts';
import { eventually, pause, test } from './harness.ts';

const fixtures = join(vscode.workspace.workspaceFolders?.[0]?.uri.fsPath ?? '', '../debuggers');
/** A person's is longer. */
const PAUSE = 1_500;

type Configuration = Omit<vscode.DebugConfiguration, 'name'> & { type: string; request: string };

const pausing: Record<string, { file: string; configuration: Configuration }> = {
  'js-debug': {
    file: 'pausing.js',
    configuration: { type: 'node', request: 'launch', program: join(fixtures, 'pausing.js') },
  },
  debugpy: {
    file: 'pausing.py',
    configuration: {
      type: 'debugpy',
      request: 'launch',
      program: join(fixtures, 'pausing.py'),
      python: '/usr/bin/python3',
      console: 'internalConsole',
    },
  },
};

/** Where the program says that it stops. */
function lineOf(file: string): number {
  return readFileSync(join(fixtures, file), 'utf8')
    .split('\n')
    .findIndex((text) => text.includes('stops here'));
}

/** Stops there, waits, and goes on. @returns how long, as seen from here. */
async function stopAndGo(file: string, meanwhile: () => void = () => {}): Promise<number> {
  const place = new vscode.Location(
    vscode.Uri.file(join(fixtures, file)),
    new vscode.Position(lineOf(file), 0),
  );
  const breakpoint = new vscode.SourceBreakpoint(place);
  vscode.debug.addBreakpoints([breakpoint]);
  try {
    const { session, threadId } = await eventually(() => {
      const item = vscode.debug.activeStackItem;
      return item instanceof vscode.DebugStackFrame && item;
    }, 'the program stops');
    const begin = performance.now();
    vscode.debug.removeBreakpoints([breakpoint]);
    await pause(PAUSE);
    meanwhile();
    await session.customRequest('continue', { threadId });
    return performance.now() - begin;
  } finally {
    vscode.debug.removeBreakpoints([breakpoint]);
  }
}

/** The program's own word: the longest time without a heartbeat, in the answer to the call that comes next. */
async function gapOf(older: number): Promise<number> {
  const row = await eventually(
    () =>
      rows().find(({ id, path, state }) => id > older && path?.startsWith('/gap?ms=') && state === 'ended'),
    'the program reports its pause',
  );
  return Number(row.path?.split('=')[1]);
}

for (const [name, { file, configuration }] of Object.entries(pausing)) {
  test(`a pause is not the time of the call: ${name}`, async () => {
    try {
      const env = { CALLS_URL: await callServer() };
      assert(
        await vscode.debug.startDebugging(undefined, { name: `pausing ${name}`, env, ...configuration }),
      );
      await command(Command.start);
      await eventually(() => rows().some(({ path }) => path === '/again'), 'its calls');
      const older = Math.max(0, ...rows().map(({ id }) => id));
      let shown: readonly { readonly session: string; readonly to: number | null }[] = [];
      await stopAndGo(file, () => {
        shown = insight().trace.status.pauses;
      });
      assert.equal(shown.at(-1)?.to, null, 'the pause is shown while it lasts');
      const gap = await gapOf(older);
      const isPaused = (row: ExchangeRow) =>
        row.id > older && row.path === '/again' && (row.debug?.pausedMs ?? 0) > PAUSE / 2;
      const row = await eventually(
        () => rows().find((one) => isPaused(one) && one.state === 'ended'),
        'the call',
      );
      const { duration, debug } = row;
      const off = Math.abs((debug?.pausedMs ?? 0) - gap);
      console.log(
        `[suite] ${name}: paused ${debug?.pausedMs} ms, by its heartbeat ${gap} ms, call ${duration} ms`,
      );
      // The heartbeat's own step, and what a busy machine adds: a pause that is missed is wrong by all of it.
      assert(off < 500, `off by ${off} ms`);
      assert.equal(debug?.session, `pausing ${name}`);
      assert.equal(debug?.script, file);
      const json = await insight().trace.details(row.id, false);
      assert.equal(json?.timings.pausedMs, debug?.pausedMs);
      assert.equal(json?.debug?.session, `pausing ${name}`);
      const [span] = insight().trace.status.pauses.filter(({ session }) => session === `pausing ${name}`);
      assert(span?.to !== null && span !== undefined, 'the pause has ended');
      assert(span.pids.includes(row.pid ?? 0));
    } finally {
      await stopDebugging();
      await command(Command.stop);
    }
  });
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
    const caller = { ...pausing['debugpy']?.configuration, program: join(fixtures, 'call.py') };
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
      'two sessions are told apart',
    );
  } finally {
    await stopDebugging();
    await command(Command.stop);
  }
});

/** Where one of them listens, apart from its inspector. */
function portOf(pids: readonly number[]): number | null {
  for (const pid of pids) {
    const told = /--listens=(\d+)/.exec(readFileSync(`/proc/${pid}/comm`, 'utf8'));
    if (told !== null) return Number(told[1]);
  }
  return null;
}
