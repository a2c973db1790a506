/** What debugged programs print, and their exceptions, as marks on the time line. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { Command, Setting } from '../../../extension/contributions.ts';
import type { StoryMark } from '../../../extension/engine/traceStatus.ts';
import { callServer } from './callServer.ts';
import { goProgram } from './compiled.ts';
import { command, insight, rows, stopDebugging } from './extension.ts';
import { eventually, test } from './harness.ts';

const fixtures = join(vscode.workspace.workspaceFolders?.[0]?.uri.fsPath ?? '', '../debuggers');
const TIMEOUT = 120_000;

interface Teller {
  readonly file: string;
  /** What its debugger reports: dlv 1.20 does not pass on what a program prints. */
  readonly prints: boolean;
  /** Outputs have their lines. */
  readonly placed: boolean;
  /** It stops at the error that nobody catches; else the error is printed. */
  readonly stops: boolean;
  configuration(): { type: string; [name: string]: unknown };
}

const tellers: Record<string, Teller> = {
  'js-debug': {
    file: 'telling.js',
    prints: true,
    placed: true,
    stops: false,
    configuration: () => ({ type: 'node', program: join(fixtures, 'telling.js') }),
  },
  debugpy: {
    file: 'telling.py',
    prints: true,
    placed: false,
    stops: true,
    configuration: () => ({
      type: 'debugpy',
      program: join(fixtures, 'telling.py'),
      python: '/usr/bin/python3',
      console: 'internalConsole',
    }),
  },
  dlv: {
    file: 'telling.go',
    prints: false,
    placed: false,
    stops: true,
    configuration: () => ({ type: 'go', mode: 'exec', program: goProgram('telling') }),
  },
};

const set = (name: string, value: unknown) =>
  vscode.workspace.getConfiguration().update(name, value, vscode.ConfigurationTarget.Global);

function lineOf(file: string, comment: string): number {
  const lines = readFileSync(join(fixtures, file), 'utf8').split('\n');
  return 1 + lines.findIndex((text) => text.endsWith(comment));
}

/** Waits for a mark of the session. */
async function expectMark(session: string, kind: StoryMark['kind'], text: RegExp): Promise<StoryMark> {
  const own = () => insight().story.all.filter((mark) => mark.session === session);
  try {
    return await eventually(() => own().find((mark) => mark.kind === kind && text.test(mark.text)), 'a mark');
  } catch (error) {
    throw new Error(`${(error as Error).message} ${kind} ${text}; there are ${JSON.stringify(own())}`);
  }
}

async function expectOpened({ id }: StoryMark, file: string, line: number): Promise<void> {
  await command('workbench.action.closeAllEditors');
  await command(Command.openMoment, id);
  const editor = await eventually(
    () =>
      vscode.window.activeTextEditor?.document.uri.path.endsWith(`/${file}`) &&
      vscode.window.activeTextEditor,
    `${file} is shown`,
  );
  assert.equal(editor.selection.active.line + 1, line);
}

for (const [name, { file, prints, placed, stops, configuration }] of Object.entries(tellers)) {
  test(
    `the story: ${name}`,
    async () => {
      const session = `telling ${name}`;
      const older = Math.max(0, ...rows().map(({ id }) => id));
      await set(Setting.startWithDebugging, 'always');
      try {
        const env = { CALLS_URL: await callServer() };
        const own = { name: session, request: 'launch', env, ...configuration() };
        assert(await vscode.debug.startDebugging(undefined, own));
        const place = (comment: string) => `${file}:${lineOf(file, comment)}`;
        const ending = await expectMark(session, stops ? 'exception' : 'error', /out of stock/);
        if (stops || placed) {
          const isPlaced = () =>
            insight().story.all.find(({ id, place }) => id === ending.id && place !== null);
          const mark = await eventually(isPlaced, 'the place of the error');
          assert.equal(mark.place, place('ends here'));
          await expectOpened(mark, file, lineOf(file, 'ends here'));
        }
        if (prints) {
          const output = await expectMark(session, 'output', /paid 42/);
          assert(!output.text.includes('hunter2'), 'secrets are masked');
          assert.equal(output.place, placed ? place('prints here') : null);
          if (placed) await expectOpened(output, file, lineOf(file, 'prints here'));
          // Without a place it is in the Debug Console.
          else await command(Command.openMoment, output.id);
          await expectMark(session, 'error', /the stock is low/);
          assert(output.at <= ending.at, 'in their order');
        }
        const call = rows().find(({ id, path, side }) => id > older && path === '/told' && side === 'client');
        if (call !== undefined) assert(ending.at > call.start, 'on the same time line as the calls');
        else console.log(`[suite] ${name}: its call was made before the trace was ready`);
      } finally {
        await stopDebugging();
        await set(Setting.startWithDebugging, undefined);
        await eventually(() => insight().trace.status.phase !== 'running', 'the trace has ended');
      }
    },
    TIMEOUT,
  );
}

test(
  'the story: js-debug, where uncaught exceptions stop',
  async () => {
    const session = 'telling and stopping';
    await set(Setting.startWithDebugging, 'always');
    const children: vscode.DebugSession[] = [];
    const started = vscode.debug.onDidStartDebugSession((one) => {
      if (one.parentSession !== undefined) children.push(one);
    });
    try {
      const env = { CALLS_URL: await callServer(), ENDS_AFTER: '8000' };
      const own = {
        type: 'node',
        request: 'launch',
        name: session,
        program: join(fixtures, 'telling.js'),
        env,
      };
      assert(await vscode.debug.startDebugging(undefined, own));
      // As the check box in the view Breakpoints does; while it starts, VS Code itself sets them.
      await eventually(
        () =>
          insight().trace.status.phase === 'running' &&
          insight().sessions.all.some(
            ({ session, processes }) => children.includes(session) && processes.size > 0,
          ),
        'it runs, and is traced',
      );
      for (const child of children)
        await child.customRequest('setExceptionBreakpoints', { filters: ['uncaught'] });
      // js-debug says what it is only when asked (exceptionInfo).
      const { id } = await expectMark(session, 'exception', /out of stock/);
      const isPlaced = () => insight().story.all.find((mark) => mark.id === id && mark.place !== null);
      const mark = await eventually(isPlaced, 'its place');
      assert.equal(mark.place, `telling.js:${lineOf('telling.js', 'ends here')}`);
    } finally {
      started.dispose();
      await stopDebugging();
      await set(Setting.startWithDebugging, undefined);
      await eventually(() => insight().trace.status.phase !== 'running', 'the trace has ended');
    }
  },
  TIMEOUT,
);

test('a mark that is no longer kept, and one of another window, go nowhere', async () => {
  await command('workbench.action.closeAllEditors');
  await command(Command.openMoment, 1e9);
  assert.equal(vscode.window.activeTextEditor, undefined);
});
