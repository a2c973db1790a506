/**
 * A trace that starts with debugging sees the first call of a program, and none of VS Code's other processes.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { Setting } from '../../../extension/contributions.ts';
import { callServer, calls } from './callServer.ts';
import { cProgram, goProgram, NEW_LLDB, OLD_LLDB } from './compiled.ts';
import { goOnFromStart, insight, rows, stopDebugging } from './extension.ts';
import { openExternalTerminals } from './externalTerminal.ts';
import { eventually, pause, test } from './harness.ts';
import { enter, ROUNDS } from './table.ts';

/** One launch, in milliseconds, on a busy machine. */
const LAUNCH_TIMEOUT = 60_000;
/** Of each debugger. */
const LAUNCHES = ROUNDS || 2;

const fixtures = join(vscode.workspace.workspaceFolders?.[0]?.uri.fsPath ?? '', '../debuggers');
const settings = () => vscode.workspace.getConfiguration();
/** @param wish undefined: as it is by default */
async function startWith(wish: 'always' | undefined): Promise<void> {
  const scope = vscode.ConfigurationTarget.Global;
  await settings().update(Setting.startWithDebugging, wish, scope);
}

const node = { type: 'node', request: 'launch', program: join(fixtures, 'call.js') };
const python = {
  type: 'debugpy',
  request: 'launch',
  program: join(fixtures, 'call.py'),
  python: '/usr/bin/python3',
};

type Configuration = Omit<vscode.DebugConfiguration, 'name'> & {
  type: string;
  request: string;
  env?: Record<string, string>;
  /** The program calls by TLS. */
  https?: boolean;
};

/** Those of npm, if the environment variable names the folder that has them; else what does what they do. */
const tools = process.env['HTTP_TRACE_TOOLS'];
const runner = (name: string): string =>
  tools === undefined ? join(fixtures, 'runners', name) : join(tools, 'node_modules/.bin', name);
/** ts-node finds a compiler and its options beside the program, unless it is configured. */
const TS_NODE = {
  TS_NODE_COMPILER: join(tools ?? '', 'node_modules/typescript'),
  TS_NODE_COMPILER_OPTIONS: '{"module":"commonjs"}',
  TS_NODE_SKIP_PROJECT: 'true',
};
const like = (name: string): string => (tools === undefined ? `like ${name}` : name);

const debuggers: Record<string, () => Configuration> = {
  'js-debug': () => ({ ...node }),
  'js-debug, integrated terminal': () => ({ ...node, console: 'integratedTerminal' }),
  'js-debug, external terminal': () => ({ ...node, console: 'externalTerminal' }),
  'js-debug, node-terminal': () => ({
    type: 'node-terminal',
    request: 'launch',
    command: `node ${join(fixtures, 'call.js')}`,
  }),
  'js-debug, child process': () => ({ ...node, program: join(fixtures, 'parent.js') }),
  'js-debug, cluster': () => ({ ...node, program: join(fixtures, 'cluster.js') }),
  'js-debug, worker thread': () => ({ ...node, program: join(fixtures, 'worker.js') }),
  'js-debug, https': () => ({ ...node, https: true }),
  [`js-debug, ${like('nodemon')}`]: () => ({ ...node, runtimeExecutable: runner('nodemon'), restart: true }),
  [`js-debug, ${like('tsx')}`]: () => ({
    ...node,
    runtimeExecutable: runner('tsx'),
    program: join(fixtures, 'call.ts'),
  }),
  [`js-debug, ${like('ts-node')}`]: () => ({
    ...node,
    runtimeExecutable: runner('ts-node'),
    program: join(fixtures, 'call.ts'),
    env: TS_NODE,
  }),
  debugpy: () => ({ ...python, console: 'internalConsole' }),
  'debugpy, https': () => ({ ...python, console: 'internalConsole', https: true }),
  'debugpy, integrated terminal': () => ({ ...python, console: 'integratedTerminal' }),
  'debugpy, external terminal': () => ({ ...python, console: 'externalTerminal' }),
  'debugpy, child process': () => ({
    ...python,
    program: join(fixtures, 'parent.py'),
    console: 'internalConsole',
    subProcess: true,
  }),
  'debugpy, like a reloader': () => ({
    ...python,
    program: join(fixtures, 'reloading.py'),
    console: 'internalConsole',
    subProcess: true,
  }),
  'dlv, https': () => ({ type: 'go', request: 'launch', mode: 'exec', program: goProgram(), https: true }),
  'dlv, exec': () => ({ type: 'go', request: 'launch', mode: 'exec', program: goProgram() }),
  'dlv, debug': () => ({ type: 'go', request: 'launch', mode: 'debug', program: join(fixtures, 'call.go') }),
  'dlv, test': () => ({
    type: 'go',
    request: 'launch',
    mode: 'test',
    program: join(fixtures, 'call_test.go'),
  }),
  'lldb-vscode': () => ({ type: 'lldb-dap', request: 'launch', adapter: OLD_LLDB, program: cProgram() }),
  ...(NEW_LLDB === undefined
    ? {}
    : {
        'lldb-dap': () => ({ type: 'lldb-dap', request: 'launch', adapter: NEW_LLDB, program: cProgram() }),
      }),
  rdbg: () => ({ type: 'rdbg', request: 'attach', program: join(fixtures, 'call.rb') }),
};

test('the extension and the adapters are there', async () => {
  await vscode.extensions.getExtension('http-trace.http-trace')?.activate();
  await vscode.extensions.getExtension('http-trace-tests.debian-adapters')?.activate();
});

for (const [name, configuration] of Object.entries(debuggers)) {
  test(
    `the first call: ${name}`,
    async () => {
      const { https = false, env: ownEnv, ...own } = configuration();
      const url = await callServer(https ? 'https' : 'http');
      let closeTerminals: (() => void) | null = null;
      let launched = 0;
      let seen = 0;
      const begin = performance.now();
      /** Launches of which it was said that their first calls may be missing: the trace was not ready in time. */
      let warnings = 0;
      /** What was said although the first call was seen; that the trace was not ready is no more than a warning. */
      const wrong: string[] = [];
      const notes = insight().control.onDidNote((text) => {
        warnings++;
        if (!/was not ready/.test(text)) wrong.push(text);
      });
      await startWith('always');
      try {
        for (let launch = 0; launch < LAUNCHES; launch++) {
          const newest = Math.max(0, ...rows().map(({ id }) => id));
          const before = calls['/first'] ?? 0;
          const warningsBefore = warnings;
          const variables = { CALLS_URL: url, NODE_TLS_REJECT_UNAUTHORIZED: '0', ...ownEnv };
          // lldb wants a list.
          const env = own.type === 'lldb-dap' ? [`CALLS_URL=${url}`] : variables;
          launched++;
          if (own['console'] === 'externalTerminal') closeTerminals = await openExternalTerminals();
          const started = vscode.debug.startDebugging(undefined, { name, env, ...own });
          if (closeTerminals === null) assert(await started);
          // Only when the terminal is closed does VS Code report to the adapter that a program was started in it;
          // js-debug waits for that.
          else void started.then(undefined, () => {});
          if (own.type === 'rdbg') await goOnFromStart();
          // Another process of the extension host: it calls, too, and is not debugged.
          spawn('curl', ['-sk', `${url}/not-debugged`], { stdio: 'ignore' });
          await eventually(() => (calls['/first'] ?? 0) > before, 'the program has called', LAUNCH_TIMEOUT);
          try {
            await eventually(
              () =>
                rows().some(({ id, path, side }) => id > newest && path === '/first' && side === 'client'),
              'the first call is shown',
            );
            seen++;
            assert.deepEqual(wrong, [], 'nothing is said that is not so');
          } catch (error) {
            if (error instanceof assert.AssertionError) throw error;
            const why = warnings > warningsBefore ? 'and it was said that it may be' : 'and nothing was said';
            console.log(`[suite] ${name}: the first call is missing, ${why}`);
            if (warnings === warningsBefore) throw error;
            wrong.length = 0;
          }
          closeTerminals?.();
          closeTerminals = null;
          await stopDebugging();
          await eventually(() => insight().trace.status.phase === 'stopped', 'the trace has ended');
          const others = rows().filter(({ path, side }) => path === '/not-debugged' && side !== null);
          assert.deepEqual(others, [], 'only debuggees are shown');
          const known = new Set(['/first', '/again', '/not-debugged']);
          const strange = rows().filter(({ id, path }) => id > newest && path !== null && !known.has(path));
          assert.deepEqual(
            strange.map(({ pid, path }) => `${path} of ${pid}`),
            [],
            'no call of a debugger',
          );
          for (const terminal of vscode.window.terminals) terminal.dispose();
          await pause(200);
        }
      } finally {
        notes.dispose();
        closeTerminals?.();
        await stopDebugging();
        await startWith(undefined);
        const late = warnings === 0 ? '' : `, ${warnings} went on before the trace was ready`;
        enter(name, 'first call', `${seen} of ${launched}${late}`);
        const seconds = ((performance.now() - begin) / 1_000 / launched).toFixed(1);
        console.log(`[suite] ${name}: ${seen} of ${launched}${late}; ${seconds} s each`);
      }
    },
    2 * LAUNCHES * LAUNCH_TIMEOUT,
  );
}

test(
  'the first calls of both sessions of a compound that a task prepares',
  async () => {
    const url = await callServer();
    const provider = vscode.tasks.registerTaskProvider('prepare', {
      provideTasks: () => [
        new vscode.Task(
          { type: 'prepare' },
          vscode.TaskScope.Workspace,
          'call',
          'prepare',
          new vscode.ShellExecution(`curl -s ${url}/prepared`),
          [],
        ),
      ],
      resolveTask: () => undefined,
    });
    const [folder] = vscode.workspace.workspaceFolders ?? [];
    const callsUrl = vscode.commands.registerCommand('httpTraceTests.callsUrl', () => url);
    await startWith('always');
    const name = 'compound with a task';
    let seen = 0;
    try {
      for (let round = 0; round < LAUNCHES; round++) {
        const newest = Math.max(0, ...rows().map(({ id }) => id));
        assert(await vscode.debug.startDebugging(folder, 'Callers, after a task'));
        const sessions = () =>
          rows()
            .filter(({ id, path, side }) => id > newest && path === '/first' && side === 'client')
            .map(({ debug }) => debug?.session);
        const expected = ['Caller in Node.js', 'Caller in Python'];
        // A process may be known for a debuggee before its session has named it.
        await eventually(
          () => expected.every((session) => sessions().includes(session)),
          'both first calls are shown',
          LAUNCH_TIMEOUT,
        );
        assert.equal(sessions().length, expected.length);
        seen++;
        await stopDebugging();
        await eventually(() => insight().trace.status.phase === 'stopped', 'the trace has ended');
        assert(calls['/prepared'] === round + 1, 'the task has called');
        assert(!rows().some(({ path, side }) => path === '/prepared' && side !== null), 'it is no debuggee');
      }
    } finally {
      provider.dispose();
      callsUrl.dispose();
      await stopDebugging();
      await startWith(undefined);
      for (const terminal of vscode.window.terminals) terminal.dispose();
      enter(name, 'first call', `${seen} of ${LAUNCHES}`);
    }
  },
  LAUNCHES * LAUNCH_TIMEOUT,
);
