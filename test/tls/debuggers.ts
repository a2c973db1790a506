/** Debuggers of probed programs: they stop at the same places and show the same frames as without probes. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { assert, same } from '../kit/check.ts';
import { newId, parseReports, type SocketReport } from '../kit/peers.ts';
import { Child, PATIENCE_MS } from '../kit/process.ts';
import { type Report, reportOutcome } from '../kit/report.ts';
import { Tracing } from '../kit/tracing.ts';
import type { TlsContext } from './context.ts';
import { PlannedServer } from './counterpart.ts';
import { expectTruth } from './expect.ts';
import { makeStep } from './plan.ts';

export async function runDebuggers(context: TlsContext, only: RegExp, report: Report): Promise<void> {
  const scenarios = {
    'gdb stops inside of SSL_write: same frames as untraced': () => withGdb(context),
    'an inspector pauses Node inside of TLS callbacks': () => withInspector(context),
  };
  for (const [scenario, run] of Object.entries(scenarios)) {
    if (!only.test(scenario)) continue;
    await reportOutcome(report, scenario, run);
  }
}

/** Calls that the program makes on its connection, each with two writes. */
const CALLS = 5;

async function withGdb(context: TlsContext): Promise<string> {
  const program = [join(context.programs, 'openssl'), 'stack', context.certificates, '1.3'];
  // In the system call that SSL_write makes, and when that function returns to its caller.
  const commands = [
    ...['set pagination off', 'set confirm off', 'set debuginfod enabled off', 'set breakpoint pending on'],
    ...['set follow-fork-mode parent', 'set detach-on-fork on'],
    ...['tbreak connect_session', 'run', 'break write', 'commands', 'silent', 'echo STOP\\n', 'backtrace'],
    ...['echo END\\n', 'continue', 'end', 'continue'],
  ];
  const script = join(context.folder, `${newId()}.gdb`);
  writeFileSync(script, `${commands.join('\n')}\n`);
  const command = ['gdb', '-nx', '-batch', '-x', script, '--args', ...program];
  const alone = new Child(command[0] ?? '', command.slice(1));
  alone.write('\n');
  await alone.ended;
  const tracing = Tracing.run(context, command);
  tracing.process.write('\n');
  tracing.process.killAfter(4 * PATIENCE_MS);
  const trace = await tracing.result();
  const [expected, found] = [framesOf(alone.lines), framesOf(tracing.process.lines)];
  assert(
    expected.length >= CALLS,
    `gdb stopped ${expected.length} times without a trace: ${alone.stderr.slice(-300)}`,
  );
  for (const frames of expected) assert(frames.endsWith(CALLERS), `untraced: ${frames}`);
  same('frames', found, expected);
  const said = parseReports<SocketReport>(tracing.process.lines);
  same('calls', said.filter(({ side }) => side === 'client').length, CALLS);
  for (const line of said.filter(({ side }) => side === 'client')) {
    assert(line.local !== null && line.remote !== null, 'no address');
    // All five have one path; their ids distinguish them.
    const own = trace.exchanges.filter(({ request }) =>
      request?.headers.some(([, value]) => value === line.id),
    );
    const truth = {
      ...line,
      local: line.local,
      remote: line.remote,
      version: '1.3' as const,
      alpn: 'http/1.1',
    };
    const expected = { side: 'client', pids: [line.pid], library: 'openssl', late: false } as const;
    expectTruth(own, { ...truth, serverName: 'localhost' }, expected);
  }
  return `${found.length} stops`;
}

const CALLERS = 'innermost_caller middle_caller outermost_caller run_stack library_program peer_main main';

/** Of each stop below SSL_write: names of functions, innermost first. */
function framesOf(lines: readonly string[]): string[] {
  const stops = lines.join('\n').split('STOP\n').slice(1);
  return stops
    .map((text) => (text.split('END')[0] ?? '').match(/^#\d+ .*$/gm) ?? [])
    .map((frames) =>
      frames.map((frame) => /^#\d+\s+(?:0x[0-9a-f]+ in )?(\S+)/.exec(frame)?.[1] ?? '?').join(' '),
    )
    .filter((frames) => /SSL_write/.test(frames));
}

interface Paused {
  readonly callFrames: readonly { readonly functionName: string }[];
}

async function withInspector(context: TlsContext): Promise<string> {
  const server = new PlannedServer(context.certificates, { version: '1.3' });
  try {
    const port = await server.listen();
    const step = makeStep(context.folder, {
      method: 'POST',
      path: `/inspected/${newId()}`,
      framing: 'length',
      body: Buffer.from('the body'),
      answer: { status: 200, size: 30_000, framing: 'length' },
    });
    server.expect([step]);
    const node = context.nodes['24'] ?? 'node';
    const script = join(context.scripts, 'inspected.mjs');
    const command = [
      node,
      '--inspect-brk=127.0.0.1:0',
      script,
      String(port),
      context.certificates,
      step.path,
      step.id,
    ];
    const tracing = Tracing.run(context, command);
    const { process } = tracing;
    const address = (): string | undefined => /ws:\/\/\S+/.exec(process.stderr)?.[0];
    await process.until(() => address() !== undefined, 'address of the inspector');
    const names = await inspect(address() ?? '');
    const trace = await tracing.result();
    for (const frames of names)
      assert(/^innermostCallback middleCallback on(Response|Data|Secure)/.test(frames), frames);
    for (const place of ['onSecure', 'onResponse', 'onData']) {
      assert(
        names.some((frames) => frames.includes(place)),
        `no pause in ${place}: ${names.join('; ')}`,
      );
    }
    const truth = await server.answered(step);
    const expected = { side: 'client', pids: null, library: 'openssl', late: false } as const;
    const own = trace.exchanges.filter(({ url }) => url?.startsWith('https:'));
    expectTruth(own, truth, expected);
    return `${names.length} pauses`;
  } finally {
    server.close();
  }
}

/** Lets a program run that waits for its debugger. @returns the names of the functions of each pause */
function inspect(address: string): Promise<string[]> {
  return new Promise((resolve, reject) => {
    const names: string[] = [];
    const socket = new WebSocket(address);
    let id = 0;
    const send = (method: string): void => socket.send(JSON.stringify({ id: ++id, method }));
    socket.addEventListener('open', () => {
      send('Runtime.enable');
      send('Debugger.enable');
      send('Runtime.runIfWaitingForDebugger');
    });
    socket.addEventListener('message', ({ data }) => {
      const { method, params } = JSON.parse(String(data)) as { method?: string; params?: Paused };
      if (method === 'Runtime.executionContextDestroyed') socket.close();
      if (method !== 'Debugger.paused' || params === undefined) return;
      const frames = params.callFrames.map(({ functionName }) => functionName).join(' ');
      // The first one is at the program's start.
      if (frames.includes('Callback')) names.push(frames);
      send('Debugger.resume');
    });
    socket.addEventListener('close', () => resolve(names));
    socket.addEventListener('error', () => reject(new Error('no inspector')));
  });
}
