/** Programs that end at once, and programs that start before their session and outlive it. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { Command, Setting } from '../../../extension/contributions.ts';
import { callServer, calls } from './callServer.ts';
import { cProgram, goProgram, NEW_LLDB, OLD_LLDB } from './compiled.ts';
import { command, insight, rows, stopDebugging } from './extension.ts';
import { eventually, test } from './harness.ts';

const fixtures = join(vscode.workspace.workspaceFolders?.[0]?.uri.fsPath ?? '', '../debuggers');
const TIMEOUT = 120_000;
const LLDB = NEW_LLDB ?? OLD_LLDB;

const startWith = (value: 'always' | undefined) =>
  vscode.workspace
    .getConfiguration()
    .update(Setting.startWithDebugging, value, vscode.ConfigurationTarget.Global);
const newest = () => Math.max(0, ...rows().map(({ id }) => id));

const short: Record<string, (url: string) => Omit<vscode.DebugConfiguration, 'name' | 'request'>> = {
  'js-debug': (url) => ({ type: 'node', program: join(fixtures, 'once.js'), env: { CALLS_URL: url } }),
  debugpy: (url) => ({
    type: 'debugpy',
    program: join(fixtures, 'once.py'),
    python: '/usr/bin/python3',
    console: 'internalConsole',
    env: { CALLS_URL: url },
  }),
  lldb: (url) => ({
    type: 'lldb-dap',
    adapter: LLDB,
    program: '/usr/bin/curl',
    args: ['-s', '-o', '/dev/null', `${url}/once`],
  }),
};

for (const [name, configuration] of Object.entries(short)) {
  test(
    `a program that ends at once: its call is shown, and the trace ends with it: ${name}`,
    async () => {
      const older = newest();
      const notes: string[] = [];
      const listening = insight().control.onDidNote((text) => notes.push(text));
      const session = `once ${name}`;
      const before = calls['/once'] ?? 0;
      await startWith('always');
      try {
        const own = { name: session, request: 'launch', ...configuration(await callServer()) };
        // It may be over before the editor says that it has started.
        await vscode.debug.startDebugging(undefined, own as never);
        await eventually(() => (calls['/once'] ?? 0) > before, 'it has called');
        await eventually(() => insight().sessions.all.length === 0, 'its session has ended');
        await eventually(() => insight().trace.status.phase === 'stopped', 'the trace has ended');
        const shown = rows().filter(
          ({ id, side, path }) => id > older && side === 'client' && path === '/once',
        );
        const late = notes.some((text) => /first calls may be missing/.test(text));
        assert.deepEqual(
          notes.filter((text) => !/was not ready/.test(text)),
          shown.length > 0 ? [] : notes,
          'nothing is said that is not so',
        );
        if (shown.length === 0 && late)
          console.log(`[suite] ${name}: it was said that the call may be missing`);
        else
          assert.deepEqual(
            shown.map(({ state }) => state),
            ['ended'],
            `${notes}`,
          );
      } finally {
        listening.dispose();
        await stopDebugging();
        await startWith(undefined);
      }
    },
    TIMEOUT,
  );
}

const long: Record<
  string,
  {
    readonly program: () => string;
    attach(pid: number | undefined): Record<string, unknown> & { type: string };
  }
> = {
  dlv: { program: goProgram, attach: (pid) => ({ type: 'go', mode: 'local', processId: pid }) },
  lldb: { program: cProgram, attach: (pid) => ({ type: 'lldb-dap', adapter: LLDB, pid }) },
};

for (const [name, { program, attach }] of Object.entries(long)) {
  test(
    `attached by its process id and disconnected, a program goes on; the trace is of that time: ${name}`,
    async () => {
      const older = newest();
      const env = { ...process.env, CALLS_URL: await callServer() };
      const child = spawn(program(), { env, stdio: 'ignore' });
      const own = () =>
        rows().filter(({ id, pid, side }) => id > older && pid === child.pid && side === 'client');
      try {
        const session = { name: `attached ${name}`, request: 'attach', ...attach(child.pid) };
        assert(await vscode.debug.startDebugging(undefined, session));
        await command(Command.start);
        await eventually(
          () =>
            insight()
              .sessions.processes()
              .includes(child.pid ?? 0),
          'its process is known',
        );
        await eventually(() => own().length > 3, 'its calls are shown');
        assert.equal(own().at(-1)?.debug?.session, session.name);
        await command('workbench.action.debug.disconnect');
        await eventually(() => insight().sessions.all.length === 0, 'the session has ended');
        await eventually(() => insight().trace.status.phase === 'stopped', 'the trace has ended');
        const [made, shown] = [calls['/again'] ?? 0, own().length];
        await eventually(() => (calls['/again'] ?? 0) > made + 3, 'it goes on');
        assert(existsSync(`/proc/${child.pid}`));
        assert.equal(own().length, shown, 'what it calls then is not shown');
      } finally {
        child.kill('SIGKILL');
        await stopDebugging();
        await command(Command.stop);
      }
    },
    TIMEOUT,
  );
}
