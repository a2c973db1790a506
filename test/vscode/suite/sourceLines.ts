/** The lines of debugged programs that made calls, as hooks in real debuggers report them. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync } from 'node:fs';
import { createServer as http2Server } from 'node:http2';
import { createServer as httpsServer } from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { Command, Setting } from '../../../extension/contributions.ts';
import { freePort } from '../../../scripts/freePort.mjs';
import { callServer, calls, selfSigned } from './callServer.ts';
import { cProgram, goProgram, NEW_LLDB, OLD_LLDB } from './compiled.ts';
import { command, insight, rows, stopDebugging } from './extension.ts';
import { eventually, pause, test } from './harness.ts';
import { enter } from './table.ts';

const workspace = vscode.workspace.workspaceFolders?.[0]?.uri.fsPath ?? '';
const fixtures = join(workspace, '../debuggers');
const made = mkdtempSync(join(tmpdir(), 'http-trace-lines-'));

type Configuration = Omit<vscode.DebugConfiguration, 'name'> & { type: string; request: string };

async function setting(name: string, value: unknown): Promise<void> {
  await vscode.workspace.getConfiguration().update(name, value, vscode.ConfigurationTarget.Global);
}

async function withSettings(wish: 'always' | 'never', body: () => Promise<void>): Promise<void> {
  await setting(Setting.startWithDebugging, 'always');
  await setting(Setting.hooks, wish);
  try {
    await body();
  } finally {
    await stopDebugging();
    await eventually(() => insight().trace.status.phase !== 'running', 'the trace has stopped');
    for (const name of [Setting.startWithDebugging, Setting.hooks]) await setting(name, undefined);
  }
}

/** Each line of a fixture that makes a call ends with a comment: what it asks for. */
function callingLines(file: string): Map<string, number> {
  const lines = new Map<string, number>();
  readFileSync(join(fixtures, file), 'utf8')
    .split('\n')
    .forEach((text, index) => {
      const [, name] = /(?:\/\/|#) ([\w-]+)$/.exec(text) ?? [];
      if (name !== undefined) lines.set(`/${name}`, index + 1);
    });
  return lines;
}

/** All lines of a program, on a busy machine, in milliseconds. */
const LINES_TIMEOUT = 60_000;
/** One test, in milliseconds, on a busy machine. */
const TIMEOUT = 150_000;

const servers: Server[] = [];

async function listening(server: Server): Promise<number> {
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

async function urls(): Promise<Record<string, string>> {
  const tls = httpsServer(selfSigned(), (_, answer) => answer.end('ok'));
  const h2 = http2Server((_, answer) => answer.end('ok'));
  return {
    CALLS_URL: await callServer(),
    TLS_URL: `https://127.0.0.1:${await listening(tls)}`,
    H2_URL: `http://127.0.0.1:${await listening(h2)}`,
  };
}

/** Waits for these calls, and compares their lines. */
async function expectLines(
  name: string,
  older: number,
  file: string,
  expected: ReadonlyMap<string, number>,
): Promise<void> {
  const rowOf = (path: string) =>
    rows().find((row) => row.id > older && row.side === 'client' && row.path === path);
  const placeOf = (path: string): string => {
    const row = rowOf(path);
    const source = row?.debug?.source;
    return row === undefined
      ? `none of ${calls[path] ?? 0} calls`
      : source == null
        ? 'no line'
        : `${source.path}:${source.line}`;
  };
  const wrong = () =>
    [...expected]
      .filter(([path, line]) => placeOf(path) !== `${join(fixtures, file)}:${line}`)
      .map(([path, line]) => `${path}: ${placeOf(path)}, not line ${line}`);
  await eventually(() => wrong().length === 0, 'all lines', LINES_TIMEOUT).catch(() => {});
  enter(name, 'source line', `${expected.size - wrong().length} of ${expected.size}`);
  assert.deepEqual(wrong(), []);
}

const newest = () => Math.max(0, ...rows().map(({ id }) => id));

function compiled(): string {
  const esbuild = join(workspace, '../../../node_modules/.bin/esbuild');
  const program = join(made, 'lines.mjs');
  const run = spawnSync(esbuild, [
    join(fixtures, 'lines.ts'),
    `--outfile=${program}`,
    '--sourcemap',
    '--format=esm',
    '--banner:js=// The lines of what runs are others.\n\n',
  ]);
  assert.equal(run.status, 0, String(run.stderr));
  return program;
}

const node = (): Configuration => ({
  type: 'node',
  request: 'launch',
  program: compiled(),
  outFiles: [join(made, '*.mjs')],
  resolveSourceMapLocations: null,
});
const python: Configuration = {
  type: 'debugpy',
  request: 'launch',
  program: join(fixtures, 'lines.py'),
  python: '/usr/bin/python3',
  console: 'internalConsole',
};

async function launch(name: string, configuration: Configuration): Promise<void> {
  const env = await urls();
  assert(await vscode.debug.startDebugging(undefined, { name, env, ...configuration }));
}

test(
  'the lines of a TypeScript program under js-debug',
  () =>
    withSettings('always', async () => {
      const older = newest();
      await launch('typescript lines', node());
      await expectLines('js-debug', older, 'lines.ts', callingLines('lines.ts'));
      const row = rows().find(({ id, debug }) => id > older && debug?.source != null);
      const json = await insight().trace.details(row?.id ?? 0, false);
      assert.deepEqual(json?.debug?.source?.line, row?.debug?.source?.line);
      assert((json?.debug?.source?.stack.length ?? 0) > 0, 'the stack is in the details');
    }),
  TIMEOUT,
);

test(
  'the lines of a Python program under debugpy',
  () =>
    withSettings('always', async () => {
      const older = newest();
      const expected = callingLines('lines.py');
      for (const name of ['requests', 'aiohttp'])
        if (spawnSync('/usr/bin/python3', ['-c', `import ${name}`]).status !== 0) {
          console.log(`[suite] skipped: Python has no ${name}`);
          expected.delete(`/${name}`);
        }
      await launch('python lines', python);
      await expectLines('debugpy', older, 'lines.py', expected);
    }),
  TIMEOUT,
);

/** Where call.js, call.py and call.go make both of their calls. */
function callLine(file: string): Map<string, number> {
  const text = readFileSync(join(fixtures, file), 'utf8').split('\n');
  const line =
    1 + text.findIndex((one) => /^\s+(?:get\(|connection\.request|.*http\.Get|write\(sock)/.test(one));
  return new Map([
    ['/first', line],
    ['/again', line],
  ]);
}

const families: Record<string, readonly [file: string, () => Configuration]> = {
  'js-debug, child process': ['call.js', () => nodeProgram('parent.js')],
  'js-debug, cluster': ['call.js', () => nodeProgram('cluster.js')],
  'js-debug, worker thread': ['call.js', () => nodeProgram('worker.js')],
  'debugpy, child process': [
    'call.py',
    () => ({ ...python, program: join(fixtures, 'parent.py'), subProcess: true }),
  ],
};

function nodeProgram(file: string): Configuration {
  return { type: 'node', request: 'launch', program: join(fixtures, file) };
}

for (const [name, [file, configuration]] of Object.entries(families))
  test(
    `source lines: ${name}`,
    () =>
      withSettings('always', async () => {
        const older = newest();
        await launch(name, configuration());
        await expectLines(name, older, file, callLine(file));
      }),
    TIMEOUT,
  );

test(
  'source lines: js-debug, attach',
  () =>
    withSettings('always', async () => {
      const older = newest();
      const env = { ...process.env, CALLS_URL: await callServer(), NODE_OPTIONS: '' };
      const port = await freePort();
      const args = [`--inspect=127.0.0.1:${port}`, join(fixtures, 'call.js')];
      const child = spawn('node', args, { env, stdio: 'ignore' });
      try {
        const name = 'js-debug, attach';
        await launch(name, { type: 'node', request: 'attach', port, address: '127.0.0.1' });
        const expected = callLine('call.js');
        // It was made before.
        expected.delete('/first');
        await expectLines(name, older, 'call.js', expected);
      } finally {
        child.kill('SIGKILL');
      }
    }),
  TIMEOUT,
);

test(
  'source lines: dlv, and a click opens the line',
  () =>
    withSettings('never', async () => {
      const older = newest();
      const expected = callLine('call.go');
      await launch('go lines', { type: 'go', request: 'launch', mode: 'exec', program: goProgram() });
      await expectLines('dlv, exec', older, 'call.go', expected);
      const row = rows().find(({ id, debug }) => id > older && debug?.source != null);
      await command(Command.openSource, row?.id);
      const shown = await eventually(
        () =>
          vscode.window.activeTextEditor?.document.uri.path.endsWith('/call.go') &&
          vscode.window.activeTextEditor,
        'call.go is shown',
      );
      assert.equal(shown.selection.active.line + 1, expected.get('/first'));
    }),
  TIMEOUT,
);

for (const [name, adapter] of [
  ['lldb-vscode', OLD_LLDB],
  ['lldb-dap', NEW_LLDB],
] as const) {
  if (adapter === undefined) continue;
  test(
    `source lines: ${name}`,
    () =>
      withSettings('never', async () => {
        const older = newest();
        const { CALLS_URL: url } = await urls();
        // lldb wants a list.
        const env = [`CALLS_URL=${url}`];
        const program = cProgram();
        await launch(`${name} lines`, { type: 'lldb-dap', request: 'launch', adapter, program, env });
        await expectLines(name, older, 'call.c', callLine('call.c'));
      }),
    TIMEOUT,
  );
}

test(
  'no lines, and no hook, without the consent of the user',
  () =>
    withSettings('never', async () => {
      const older = newest();
      await launch('no lines', node());
      await eventually(() => rows().some(({ id, path }) => id > older && path === '/later'), 'its calls');
      const session = await eventually(
        () =>
          insight().sessions.all.find(({ session: { parentSession } }) => parentSession !== undefined)
            ?.session,
        'its session',
      );
      const expression = "String(process[Symbol.for('http-trace.source')])";
      const { result } = await session.customRequest('evaluate', { expression, context: 'repl' });
      assert.match(result, /undefined/);
      assert(rows().every(({ id, debug }) => id <= older || debug?.source == null));
      // The user agrees while it runs, and takes it back.
      await setting(Setting.hooks, 'always');
      await eventually(() => rows().some(({ id, debug }) => id > older && debug?.source != null), 'a line');
      await setting(Setting.hooks, 'never');
      const isGone = async () =>
        /undefined/.test((await session.customRequest('evaluate', { expression, context: 'repl' })).result);
      for (let looks = 0; looks < 100 && !(await isGone()); looks++) await pause(100);
      assert(await isGone(), 'the hook is gone');
    }),
  TIMEOUT,
);
