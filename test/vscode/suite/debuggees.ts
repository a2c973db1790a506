/** The processes that sessions of real debuggers debug are found, and their calls are traced. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { Command } from '../../../extension/contributions.ts';
import { freePort } from '../../../scripts/freePort.mjs';
import { callServer } from './callServer.ts';
import { cProgram, goProgram, NEW_LLDB, OLD_LLDB } from './compiled.ts';
import { command, goOnFromStart, insight, rows, stopDebugging } from './extension.ts';
import { eventually, test } from './harness.ts';

const fixtures = join(vscode.workspace.workspaceFolders?.[0]?.uri.fsPath ?? '', '../debuggers');

interface Configuration {
  readonly type: string;
  readonly request: 'launch' | 'attach';
  readonly [name: string]: unknown;
}

async function start(name: string, configuration: Configuration): Promise<boolean> {
  const own: vscode.DebugConfiguration = { name, env: { CALLS_URL: await callServer() }, ...configuration };
  const talk: string[] = [];
  const note = (from: string, what: object): void => {
    talk.push(`${Math.round(performance.now())} ${from} ${JSON.stringify(what).slice(0, 300)}`);
  };
  const factory = vscode.debug.registerDebugAdapterTrackerFactory(own.type, {
    createDebugAdapterTracker: ({ id }) => ({
      onWillReceiveMessage: (message: object) => note(`to ${id}`, message),
      onDidSendMessage: (message: object) => note(`from ${id}`, message),
      onError: ({ message }) => note(`error of ${id}`, { message }),
      onExit: (code, signal) => note(`exit of ${id}`, { code, signal }),
    }),
  });
  try {
    // Tests get no dialog: where a user would see the error, this rejects.
    const started = await vscode.debug.startDebugging(undefined, own);
    // Without an error it does not say why.
    if (!started) console.log(`[suite] ${name} is not started:\n${talk.slice(-40).join('\n')}`);
    return started;
  } catch (error) {
    console.log(`[suite] ${name}: ${(error as Error).message}`);
    return false;
  } finally {
    factory.dispose();
  }
}

/** Stops everything, and waits until no trace runs. */
async function stopAll(): Promise<void> {
  await stopDebugging();
  await command(Command.stop);
  await eventually(() => insight().trace.status.phase !== 'running', 'the trace has stopped');
  for (const terminal of vscode.window.terminals) terminal.dispose();
}

/** `again` calls are rows of a process of the session, whose program this is. */
async function expectTraced(program: RegExp, older: number): Promise<void> {
  const row = await eventually(
    () => rows().find(({ id, path, side }) => id > older && path === '/again' && side === 'client'),
    'a call of the debuggee',
  );
  assert.match(commandOf(row.pid ?? 0), program);
}

function commandOf(pid: number): string {
  return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').join(' ');
}

const newest = () => Math.max(0, ...rows().map(({ id }) => id));

/** A session of one debugger: started, traced by Start, its calls are seen. */
async function expectStart(name: string, program: RegExp, configuration: Configuration): Promise<void> {
  const older = newest();
  try {
    assert(await start(name, configuration), `${name} starts`);
    await command(Command.start);
    if (configuration.type === 'rdbg') await goOnFromStart();
    await expectTraced(program, older);
  } finally {
    await stopAll();
  }
}

const node: Configuration = { type: 'node', request: 'launch', program: join(fixtures, 'call.js') };
const python: Configuration = {
  type: 'debugpy',
  request: 'launch',
  program: join(fixtures, 'call.py'),
  python: '/usr/bin/python3',
};

test('the extension and the adapters are there', async () => {
  await vscode.extensions.getExtension('http-trace.http-trace')?.activate();
  await vscode.extensions.getExtension('http-trace-tests.debian-adapters')?.activate();
});

test('debugpy', () => expectStart('python', /call\.py/, { ...python, console: 'internalConsole' }));

test('js-debug in a terminal: the processes of its rc files are not debuggees', async () => {
  await expectStart('node terminal', /call\.js/, { ...node, console: 'integratedTerminal' });
});

test('debugpy in a terminal', async () => {
  await expectStart('python terminal', /call\.py/, { ...python, console: 'integratedTerminal' });
});

test('both sessions of a compound are traced', async () => {
  const settings = vscode.workspace.getConfiguration();
  await settings.update('httpTrace.startWithDebugging', 'always', vscode.ConfigurationTarget.Global);
  const older = newest();
  try {
    await Promise.all([start('one', node), start('two', python)]);
    await eventually(() => {
      const callers = rows().filter(
        (row) => row.id > older && row.path === '/again' && row.side === 'client',
      );
      return new Set(callers.map(({ pid }) => pid)).size === 2;
    }, 'calls of both');
  } finally {
    await settings.update('httpTrace.startWithDebugging', undefined, vscode.ConfigurationTarget.Global);
    await stopAll();
  }
});

test('a launch that fails leaves no session behind', async () => {
  await start('no such file', { ...python, program: '/nonexistent/no.py', console: 'nonsense' });
  await eventually(() => insight().sessions.all.length === 0, 'no session is known');
  await start('no such process', { type: 'go', request: 'attach', mode: 'local', processId: 4_194_000 });
  await eventually(() => insight().sessions.all.length === 0, 'no session is known');
});

test('dlv, which does not report the process', () => {
  const program = goProgram();
  return expectStart('go', /go-call/, { type: 'go', request: 'launch', mode: 'exec', program });
});

test('lldb-vscode', async () => {
  const env = [`CALLS_URL=${await callServer()}`];
  const program = cProgram();
  const adapter = OLD_LLDB;
  await expectStart('lldb', /c-call/, { type: 'lldb-dap', request: 'launch', adapter, program, env });
});

test('lldb-dap: the process after a restart within the session', async () => {
  if (NEW_LLDB === undefined) {
    console.log('[suite] skipped: there is no lldb-dap (LLDB_DAP names one)');
    return;
  }
  const program = cProgram();
  try {
    await start('restart', {
      type: 'lldb-dap',
      request: 'launch',
      adapter: NEW_LLDB,
      program,
      env: [`CALLS_URL=${await callServer()}`],
    });
    await command(Command.start);
    const [before] = await eventually(() => {
      const pids = insight().sessions.processes();
      return pids.length > 0 && pids;
    }, 'the first process');
    await expectTraced(/c-call/, newest());
    await command('workbench.action.debug.restart');
    await eventually(
      () => rows().some(({ pid, path }) => path === '/again' && pid !== before && existsSync(`/proc/${pid}`)),
      'calls of the second process',
    );
  } finally {
    await stopAll();
  }
});

test('rdbg', () =>
  expectStart('ruby', /call\.rb/, { type: 'rdbg', request: 'attach', program: join(fixtures, 'call.rb') }));

test('Node, attached by its port', async () => {
  const port = await freePort();
  const child = spawn('node', [`--inspect=127.0.0.1:${port}`, join(fixtures, 'call.js')], {
    env: { ...process.env, CALLS_URL: await callServer(), NODE_OPTIONS: '' },
    stdio: 'ignore',
  });
  try {
    // js-debug 1.117 does not always get through to `localhost`, its default.
    await expectStart('attach', /call\.js/, { type: 'node', request: 'attach', port, address: '127.0.0.1' });
  } finally {
    child.kill('SIGKILL');
  }
});
