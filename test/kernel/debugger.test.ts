/**
 * A program under a debugger and the trace at once. Pauses take 3 s here, so that the tests end soon; a person's
 * pause is longer, but nothing in the trace counts time while a program is stopped.
 */
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, expect, it } from 'vitest';
import { Child } from '../kit/process.ts';
import { variants, WHOLE } from '../kit/tier.mjs';
import { Tracing } from '../kit/tracing.ts';
import { bodyOf } from '../kit/truth.ts';
import { describeTraced, temporaryFolder, tracingIn } from './support/environment.ts';
import {
  buildTalker,
  CALLS,
  expectCalls,
  PAUSE_MS,
  PAUSE_SECONDS,
  PAUSED_CALL,
  SENDS,
  SLACK_MS,
} from './support/talker.ts';

const folder = temporaryFolder();
const context = tracingIn(folder);
const program = join(folder, 'talker');
const staticProgram = join(folder, 'static/talker');

/** A line of its own is before every backtrace, as with lldb, which repeats the command. */
const GDB_STOPS = `
set pagination off
set confirm off
set width 0
set debuginfod enabled off
set breakpoint pending on
break send
commands
silent
echo stopped\\n
backtrace
continue
end
break recv
commands
silent
echo stopped\\n
backtrace
continue
end
break middle_of_response if call == ${PAUSED_CALL}
commands
silent
echo stopped\\n
backtrace
shell sleep ${PAUSE_SECONDS}
continue
end
`;

const gdbScript = join(folder, 'stops.gdb');
writeFileSync(gdbScript, `${GDB_STOPS}run\n`);
const gdbAttachScript = join(folder, 'attached.gdb');
writeFileSync(gdbAttachScript, `${GDB_STOPS}echo attached\\n\ncontinue\n`);
const GDB = ['gdb', '-nx', '-batch'];

const LLDB = [
  'lldb',
  '--no-lldbinit',
  '--batch',
  ...[
    'breakpoint set --name send --auto-continue true --command "thread backtrace"',
    'breakpoint set --name recv --auto-continue true --command "thread backtrace"',
    `breakpoint set --name middle_of_response --condition "call == ${PAUSED_CALL}" --auto-continue true --command "thread backtrace" --command "platform shell --timeout 30 -- sleep ${PAUSE_SECONDS}"`,
    'run',
  ].flatMap((command) => ['-o', command]),
];

interface Backtraces {
  /** Each as its frames' lines. */
  readonly stopped: readonly string[];
  readonly paused: readonly string[];
}

/** Without what differs between two runs of the same program: addresses and the numbers of threads. */
function backtraces(output: string): Backtraces {
  const all = output
    .split(/^(?:stopped|\(lldb\) +thread backtrace)$/m)
    .slice(1)
    .map((text) => {
      const frames = text.split('\n').filter((line) => /^#\d+ |^[ *]+frame #\d+: /.test(line));
      return frames
        .map((line) =>
          line
            .replace('*', ' ')
            .replace(/0x[0-9a-f]+/g, '0x…')
            .trim(),
        )
        .join('\n');
    });
  const isPause = (frames: string): boolean => topOf(frames).includes('middle_of_response');
  return { stopped: all.filter((frames) => !isPause(frames)), paused: all.filter(isPause) };
}

function topOf(frames: string): string {
  return frames.split('\n')[0] ?? '';
}

/** The debugger stopped everywhere, and each backtrace goes down to where the thread began. */
function expectStops({ stopped, paused }: Backtraces): void {
  expect(stopped.filter((frames) => /\b(__libc_|__)?send\b/.test(topOf(frames)))).toHaveLength(SENDS);
  expect(stopped.filter((frames) => /\b(__libc_|__)?recv\b/.test(topOf(frames)))).toHaveLength(SENDS);
  for (const frames of stopped) expect(frames).toMatch(/\bmain\b/);
  expect(paused).toHaveLength(1);
  expect(paused[0]).toMatch(/middle_of_response[\s\S]*call_once[\s\S]*main/);
}

describeTraced('a program under a native debugger', () => {
  beforeAll(() => {
    buildTalker(program, false);
    mkdirSync(dirname(staticProgram));
    if (WHOLE) buildTalker(staticProgram, true);
  });

  // lldb in the short run: adapter.test.ts.
  it.each(
    variants<[string, string[]]>([
      ['gdb', [...GDB, '-x', gdbScript, program]],
      ['lldb', [...LLDB, staticProgram]],
    ]),
  )('%s stops in send, recv and a response: same frames, every call', async (_, command) => {
    const [name = '', ...args] = command;
    const alone = await new Child(name, args).ended;
    const expected = backtraces(alone.stdout);
    expectStops(expected);
    const traced = await Tracing.run(context, command).result();
    expect(backtraces(traced.ended.stdout)).toEqual(expected);
    expect(traced.ended.stdout).toMatch(/exited normally|exited with status = 0/);
    expectCalls(traced.exchanges);
    expect(traced.summary).toMatchObject({ dropped: 0, note: null });
  });

  it('gdb attaches to a program that is traced already', async () => {
    const talker = new Child(program, ['wait']);
    const tracing = await Tracing.attach(context, [talker.pid]);
    const gdb = new Child('gdb', [...GDB.slice(1), '-p', String(talker.pid), '-x', gdbAttachScript]);
    while ((await gdb.line()) !== 'attached');
    talker.endInput('\n');
    const [{ stdout }, { code }] = await Promise.all([gdb.ended, talker.ended]);
    expect(code).toBe(0);
    expectStops(backtraces(stdout));
    const traced = await tracing.result();
    expectCalls(traced.exchanges);
    expect(traced.summary).toMatchObject({ dropped: 0, note: null });
  });

  it('gdb detaches in the middle, and the trace goes on', async () => {
    const script = join(folder, 'detach.gdb');
    writeFileSync(
      script,
      'set debuginfod enabled off\nbreak middle_of_response\necho attached\\n\ncontinue\ndetach\n',
    );
    const talker = new Child(program, ['wait']);
    const tracing = await Tracing.attach(context, [talker.pid]);
    const gdb = new Child('gdb', [...GDB.slice(1), '-p', String(talker.pid), '-x', script]);
    while ((await gdb.line()) !== 'attached');
    talker.endInput('\n');
    const [, { code }] = await Promise.all([gdb.ended, talker.ended]);
    expect(code).toBe(0);
    const { exchanges } = await tracing.result();
    expect(exchanges.map(({ completeness }) => completeness)).toEqual(
      Array.from({ length: 2 * CALLS }, () => ['complete']),
    );
  });
});

const NODE_SOURCE = `
const http = require('node:http');
function sent(request) {
  return request.path; // stop 1
}
function received(length) {
  return length; // stop 2
}
const request = http.get(process.argv[2], (response) => {
  let length = 0;
  response.on('data', (piece) => { length += piece.length; received(length); });
  response.on('end', () => console.log('length', length));
});
request.on('finish', () => sent(request));
`;

/** On the first line, by --inspect-brk; and at the two that are marked. */
const STOPS = 3;

/** The stack at each stop of the debugger: only the program's own functions. */
interface Inspected {
  readonly stacks: readonly (readonly string[])[];
  readonly path: string;
}

interface Paused {
  readonly callFrames: readonly { readonly functionName: string; readonly url: string }[];
}

/** A client of the debugger: stops between request and response and in the response, waits, and continues. */
async function inspect(child: Child): Promise<Inspected> {
  await child.untilStderr('Debugger listening on ');
  const address = /ws:\/\/(\S+?)(\/\S+)/.exec(child.stderr);
  if (address?.[1] === undefined || address[2] === undefined) throw new Error(child.stderr);
  const list = await fetch(`http://${address[1]}/json/list`, { signal: AbortSignal.timeout(60_000) });
  expect(await list.json()).toHaveLength(1);
  const socket = new WebSocket(`ws://${address[1]}${address[2]}`);
  const stops: Paused[] = [];
  let arrived: () => void = () => {};
  socket.addEventListener('message', ({ data }) => {
    const message: { method?: string; params: Paused } = JSON.parse(String(data));
    if (message.method !== 'Debugger.paused') return;
    stops.push(message.params);
    // The response's second part may come as a piece of its own.
    if (stops.length > STOPS) send('Debugger.resume');
    arrived();
  });
  await new Promise<void>((resolve, reject) => {
    socket.addEventListener('open', () => resolve());
    socket.addEventListener('error', () => reject(new Error('no connection to the inspector')));
  });
  let id = 0;
  const send = (method: string, params: object = {}): void =>
    socket.send(JSON.stringify({ id: ++id, method, params }));
  const stop = async (count: number): Promise<void> => {
    const limit = Date.now() + 20_000;
    while (stops.length < count) {
      if (Date.now() > limit) throw new Error(`stopped only ${stops.length} times`);
      await Promise.race([
        sleep(200),
        new Promise<void>((resolve) => {
          arrived = resolve;
        }),
      ]);
    }
  };
  send('Runtime.enable');
  send('Debugger.enable');
  for (const [index, line] of NODE_SOURCE.split('\n').entries()) {
    if (line.includes('// stop')) {
      send('Debugger.setBreakpointByUrl', { lineNumber: index, urlRegex: '.*/inspected\\.cjs' });
    }
  }
  send('Runtime.runIfWaitingForDebugger');
  await stop(1); // before its first line, by --inspect-brk
  send('Debugger.resume');
  await stop(2);
  await sleep(PAUSE_MS);
  send('Debugger.resume');
  await stop(STOPS);
  send('Debugger.resume');
  expect(await child.line()).toBe('length 31');
  socket.close();
  const stacks = stops
    .slice(1, STOPS)
    .map(({ callFrames }) => callFrames.map(({ functionName }) => functionName));
  return { stacks, path: address[2] };
}

describeTraced('a program under Node’s inspector', () => {
  it('stops between request and response: same stack, one exchange, separate from the debugger’s own connection', async () => {
    const script = join(folder, 'inspected.cjs');
    writeFileSync(script, NODE_SOURCE);
    const parts = ['the first part, ', 'the second part'];
    const server = createServer(async (_, response) => {
      response.write(parts[0]);
      await sleep(100);
      response.end(parts[1]);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    try {
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/inspected`;
      const command = [process.execPath, '--inspect-brk=127.0.0.1:0', script, url];
      const [node = '', ...args] = command;
      const alone = new Child(node, args);
      const expected = await inspect(alone);
      expect((await alone.ended).code).toBe(0);
      expect(expected.stacks.map(([top]) => top)).toEqual(['sent', 'received']);

      const tracing = Tracing.run(context, command);
      const seen = await inspect(tracing.process);
      expect(seen.stacks).toEqual(expected.stacks);
      const { exchanges, summary } = await tracing.result();
      expect(summary).toMatchObject({ dropped: 0, note: null });

      const [own, ...others] = exchanges.filter(({ side }) => side === 'client');
      expect(others).toEqual([]);
      expect(own).toMatchObject({ url, status: 200, completeness: ['complete'], violations: [] });
      expect(bodyOf(own?.response ?? null).toString()).toBe(parts.join(''));
      expect(own?.durationMs).toBeGreaterThanOrEqual(PAUSE_MS - SLACK_MS);

      const debuggers = exchanges.filter(({ side }) => side === 'server');
      expect(debuggers.map(({ url: of, status }) => [new URL(of ?? '').pathname, status])).toEqual([
        ['/json/list', 200],
        [seen.path, 101],
      ]);
      const [list, upgrade] = debuggers;
      expect(list).toMatchObject({ completeness: ['complete'], violations: [] });
      // The WebSocket's messages are not read as HTTP, and nothing is missing before them.
      expect(upgrade).toMatchObject({ method: 'GET', violations: [], response: { body: null } });
      expect(upgrade?.completeness).toEqual(['complete']);
      expect(new Set(exchanges.map(({ connection }) => connection.id)).size).toBe(3);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });
});
