/** `run`: children, exec, exit statuses, signals. */

import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { childrenOf, exists } from '../kit/kernel.ts';
import { PYTHON } from '../kit/peers.ts';
import { Child } from '../kit/process.ts';
import { variants } from '../kit/tier.mjs';
import { parseOutput, Tracing } from '../kit/tracing.ts';
import { expectReported, findExchange } from '../kit/truth.ts';
import { describeTraced, HTTP_TRACE, temporaryFolder, tracingIn } from './support/environment.ts';
import { plan, Server, seenByClient } from './support/peers.ts';

const folder = temporaryFolder();
const context = tracingIn(folder);
/** A file that is not a program. */
const plain = join(folder, 'plain');
writeFileSync(plain, 'true\n', { mode: 0o644 });

function curl(port: number, one: { path: string; id: string }, ...more: string[]): string[] {
  return ['curl', '-sS', ...more, '-H', `X-Trace-Id: ${one.id}`, `http://127.0.0.1:${port}${one.path}`];
}

/** Looks without a pause: what is waited for is there for a moment only. null: the parent has ended without it. */
async function childOf(parent: number, name: string): Promise<number | null> {
  for (const end = performance.now() + 20_000; performance.now() < end; await setImmediate()) {
    for (const pid of childrenOf(parent)) if (nameOf(pid) === name) return pid;
    if (!exists(parent)) return null;
  }
  throw new Error(`there is no ${name}`);
}

/** As a signal to the process group, which reaches both. Once more, if a busy machine lets the command run before the signal. */
async function signalledAtGate(
  signal: NodeJS.Signals,
): Promise<{ child: Child; own: string; stderr: string }> {
  for (let attempt = 0; attempt < 5; attempt++) {
    const own = mkdtempSync(join(folder, 'waiting-'));
    const mark = join(own, 'ran');
    const files = ['--output', join(own, 'out'), '--record', join(own, 'recording')];
    const child = new Child(HTTP_TRACE, ['run', ...files, '--', 'touch', mark]);
    const gate = await childOf(child.pid, 'gate');
    const isThere = gate !== null && nameOf(gate) === 'gate';
    const signalled = Date.now();
    if (isThere) process.kill(gate, signal);
    const { stderr } = await child.ended;
    const ran = existsSync(mark);
    if (ran && (!isThere || statSync(mark).mtimeMs < signalled)) continue;
    expect(ran).toBe(false);
    expect(existsSync(`/proc/${gate}`)).toBe(false);
    return { child, own, stderr };
  }
  throw new Error('the command ran before the signal, each time');
}

function nameOf(pid: number): string | null {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
  } catch {
    return null; // It has ended meanwhile.
  }
}

function quote(words: readonly string[]): string {
  return words.map((word) => `'${word}'`).join(' ');
}

describeTraced('the processes of a command', () => {
  it('a short-lived curl, its only request', async () => {
    const server = await Server.node();
    const one = plan('POST', 'echo');
    const traced = await Tracing.run(context, curl(server.port, one, '-d', 'a=1&b=2')).result();
    const [said] = await server.end();
    expect(said).toBeDefined();
    const exchange = findExchange(traced.exchanges, one.id, 'client');
    expect(traced.exchanges).toHaveLength(1);
    if (said !== undefined) expectReported(exchange, seenByClient(said, exchange));
    expect(exchange.process?.name).toBe('curl');
    expect(JSON.parse(traced.ended.stdout)).toMatchObject({ answer: said?.answer, echo: 'a=1&b=2' });
  });

  it('children of a shell, a child of a child, and exec', async () => {
    const server = await Server.node();
    const plans = [plan('GET', 'echo'), plan('GET', 'gzip'), plan('GET', 'chunked'), plan('GET', 'echo')];
    const [a, b, c, d] = plans.map((one) => quote(curl(server.port, one)));
    const script = `${a}; ( ${b}; true ); sh -c "sh -c \\"${c}; true\\"; true"; exec ${d}`;
    const tracing = Tracing.run(context, ['sh', '-c', script]);
    const traced = await tracing.result();
    const served = await server.end();
    expect(traced.exchanges).toHaveLength(plans.length);
    const processes = plans.map(({ id }) => {
      const exchange = findExchange(traced.exchanges, id, 'client');
      const said = served.find((line) => line.id === id);
      if (said === undefined) throw new Error('not served');
      expectReported(exchange, seenByClient(said, exchange));
      expect(exchange.process?.name).toBe('curl');
      return exchange.process?.pid;
    });
    expect(new Set(processes).size).toBe(plans.length);
  });

  it('only the command itself with --no-children', async () => {
    const server = await Server.node();
    const [child, own] = [plan('GET', 'echo'), plan('GET', 'echo')];
    const script = `${quote(curl(server.port, child))}; exec ${quote(curl(server.port, own))}`;
    const traced = await Tracing.run(context, ['sh', '-c', script], ['--no-children']).result();
    findExchange(traced.exchanges, own.id, 'client');
    expect(traced.exchanges).toHaveLength(1);
    expect(await server.end()).toHaveLength(2);
  });

  it('a fork of Python that shares its memory, and a thread', async () => {
    const server = await Server.node();
    const [forked, threaded] = [plan('GET', 'echo'), plan('GET', 'echo')];
    const script = `
import os, sys, threading, urllib.request
def get(path, id):
    urllib.request.urlopen(urllib.request.Request('http://127.0.0.1:${server.port}' + path, headers={'X-Trace-Id': id})).read()
pid = os.fork()
if pid == 0:
    get('${forked.path}', '${forked.id}')
    os._exit(0)
os.waitpid(pid, 0)
thread = threading.Thread(target=get, args=('${threaded.path}', '${threaded.id}'))
thread.start(); thread.join()
print(pid, os.getpid())
`;
    const traced = await Tracing.run(context, [PYTHON, '-c', script]).result();
    const [child, parent] = traced.ended.stdout.split(' ').map(Number);
    expect(findExchange(traced.exchanges, forked.id, 'client').process?.pid).toBe(child);
    expect(findExchange(traced.exchanges, threaded.id, 'client').process?.pid).toBe(parent);
    await server.end();
  });

  it('reports that processes of the command still run', async () => {
    const script = 'sleep 60 >/dev/null 2>&1 & echo $!';
    const traced = await Tracing.run(context, ['sh', '-c', script]).result();
    process.kill(Number(traced.ended.stdout), 'SIGKILL');
    expect(traced.summary.note).toBe('When the command ended, 1 child process was still running.');
  });

  it('another process is not seen', async () => {
    const server = await Server.node();
    const tracing = Tracing.run(context, ['sh', '-c', 'echo ready; read -r line']);
    await tracing.process.line();
    const other = new Child('curl', ['-sS', `http://127.0.0.1:${server.port}/echo`]);
    expect((await other.ended).code).toBe(0);
    tracing.process.endInput('go on\n');
    const traced = await tracing.result();
    expect(traced.exchanges).toEqual([]);
    // "ready" and "go on" are its own bytes: its standard streams are sockets here.
    expect(traced.summary).toMatchObject({ connections: 0, bytes: { seen: 0, other: 12 } });
    await server.end();
  });
});

describeTraced('the exit status of run is the command’s', () => {
  it.each<[command: string[], code: number, stderr: string]>([
    ...variants<[string[], number, string]>(
      [
        [['true'], 0, ''],
        [['sh', '-c', 'exit 3'], 3, ''],
      ],
      1,
    ),
    [['sh', '-c', 'kill -KILL $$'], 137, ''],
    [['/no/such/command'], 127, 'http-trace: /no/such/command: command not found\n'],
    ...variants<[string[], number, string]>([
      [[plain], 126, `http-trace: ${plain}: Permission denied\n`],
      [['/'], 126, 'http-trace: /: Permission denied\n'],
    ]),
  ])('%j', async (command, code, stderr) => {
    const traced = await Tracing.run(context, command).result();
    expect(traced.ended).toMatchObject({ code, signal: null, stdout: '', stderr });
    expect(traced.exchanges).toEqual([]);
  });

  it('and its standard streams are its own', async () => {
    const tracing = Tracing.run(context, ['sh', '-c', 'cat; echo oops >&2']);
    tracing.process.endInput('from outside');
    expect((await tracing.result()).ended).toMatchObject({ stdout: 'from outside', stderr: 'oops\n' });
  });

  it.each([
    ...variants([
      ['SIGTERM', 'trap "echo TERM; exit 5" TERM', 5],
      ['SIGINT', 'trap "echo INT; exit 6" INT', 6],
    ] as const),
    ['SIGHUP', 'true', 129] as const,
  ])('%s is passed on', async (signal, trap, code) => {
    const tracing = Tracing.run(context, ['sh', '-c', `${trap}; echo ready; while :; do sleep 0.05; done`]);
    await tracing.process.line();
    tracing.process.kill(signal);
    expect((await tracing.result()).ended.code).toBe(code);
  });

  it.each(variants(['SIGTERM', 'SIGINT', 'SIGHUP'] as const))(
    '%s while the trace starts ends it, and leaves no file',
    async (signal) => {
      const own = mkdtempSync(join(folder, 'starting-'));
      const files = ['--output', join(own, 'out'), '--record', join(own, 'recording')];
      const child = Child.of([HTTP_TRACE, 'run', ...files, '--', 'sh', '-c', 'echo started; exec cat']);
      while (readdirSync(own).length < 2) await sleep(1);
      child.kill(signal);
      const status = await child.status;
      // On a slow machine there may be a command meanwhile: then the signal is the command's.
      const passedOn = 128 + constants.signals[signal];
      expect(child.lines.length === 0 ? [signal, passedOn] : [passedOn]).toContain(status);
      expect(readdirSync(own).sort()).toEqual(status === signal ? [] : ['out', 'recording']);
    },
  );

  it.each(variants(['SIGTERM', 'SIGINT', 'SIGHUP'] as const, 1))(
    '%s to what waits for its trace says that nothing was started, and leaves nothing behind',
    async (signal) => {
      const { child, own, stderr } = await signalledAtGate(signal);
      expect(await child.status).toBe(signal);
      expect(stderr).toBe(
        `http-trace: Ended by ${signal} before the trace had started; the command was not run.\n`,
      );
      expect(readdirSync(own)).toEqual([]);
    },
  );

  // timeout(1), CI runners and service managers signal the whole process group.
  it.each(variants(['SIGTERM', 'SIGHUP', 'SIGUSR1', 'SIGUSR2'] as const, 2))(
    '%s to the process group leaves the trace to its end',
    async (signal) => {
      const server = await Server.node();
      const [before, after] = [plan('GET', 'echo'), plan('GET', 'echo')];
      const get = (one: typeof before): string => quote(curl(server.port, one, '-o', '/dev/null'));
      const script = `trap 'got=1' ${signal.slice(3)}; ${get(before)}; echo ready; while [ -z "$got" ]; do sleep 0.05; done; ${get(after)}; exit 7`;
      const inGroup = { ...context, program: ['setsid', ...context.program] };
      const tracing = Tracing.run(inGroup, ['sh', '-c', script]);
      await tracing.process.line();
      process.kill(-tracing.process.pid, signal);
      const traced = await tracing.result();
      await server.end();
      expect(traced.ended.code).toBe(7);
      for (const { id } of [before, after]) findExchange(traced.exchanges, id, 'client');
      expect(traced.summary).toMatchObject({ exchanges: 2, dropped: 0, note: null });
    },
  );

  it('Ctrl+C in a terminal reaches the command once', async () => {
    // script runs it by $SHELL, and a shell that stayed in between would die of the Ctrl+C itself.
    const command = `exec '${HTTP_TRACE}' run --output /dev/null -- sh -c "$SCRIPT"`;
    const script =
      "n=0; trap 'n=$((n+1))' INT; echo ready; sleep 15; sleep 0.5; echo interrupted $n; exit 11";
    const child = new Child('script', ['-qefc', command, '/dev/null'], {
      env: { ...process.env, SCRIPT: script },
    });
    while ((await child.line()).trim() !== 'ready');
    child.write('\x03');
    const { stdout, code } = await child.ended;
    expect(stdout).toMatch(/interrupted 1\r?\n/);
    expect(code).toBe(11);
  });

  it('also when the trace ends before by --duration', async () => {
    const script = 'echo ready; read -r line; exit 4';
    const tracing = Tracing.run(context, ['sh', '-c', script], ['--duration', '200ms']);
    await tracing.process.line();
    while (!tracing.written.includes('summary')) await sleep(50);
    tracing.process.endInput('go on\n');
    expect((await tracing.result()).ended.code).toBe(4);
  });
});

describeTraced('what run writes', () => {
  it('starts nothing when the output cannot be written', async () => {
    const mark = join(folder, 'started');
    for (const option of ['--output', '--record']) {
      const child = new Child(HTTP_TRACE, ['run', option, '/no/such/folder/x', '--', 'touch', mark]);
      const ended = await child.ended;
      expect(ended).toMatchObject({ code: 2, stdout: '' });
      expect(ended.stderr).toBe(
        'http-trace: "/no/such/folder/x" cannot be written: the file or its folder does not exist.\n',
      );
      expect(existsSync(mark)).toBe(false);
    }
  });

  it('goes on quietly when nobody reads standard output any more', async () => {
    const server = await Server.node();
    const mark = join(folder, 'finished');
    const get = quote(curl(server.port, plan('GET', 'echo'), '-o', '/dev/null'));
    const script = `for i in 1 2 3 4 5 6 7 8; do ${get}; done; touch ${mark}; exit 9`;
    const line = `'${HTTP_TRACE}' run --format json -- sh -c "$SCRIPT"; echo "status $?" >&2`;
    const child = new Child('bash', ['-c', `{ ${line}; } | head -n 1`], {
      env: { ...process.env, SCRIPT: script },
    });
    const ended = await child.ended;
    expect(ended.stdout.trim().split('\n')).toHaveLength(1);
    expect(ended.stderr).toBe('status 9\n');
    expect(existsSync(mark)).toBe(true);
    await server.end();
  });

  it('a full disk is reported, and the command goes on', async () => {
    const server = await Server.node();
    const get = quote(curl(server.port, plan('GET', 'echo')));
    const child = new Child(HTTP_TRACE, [
      'run',
      '--output',
      '/dev/full',
      '--format',
      'json',
      '--',
      'sh',
      '-c',
      `${get}; sleep 0.3; exit 8`,
    ]);
    const ended = await child.ended;
    expect(ended.code).toBe(8);
    expect(ended.stderr).toContain('"/dev/full" cannot be written: the disk is full.');
    await server.end();
  });

  it('a full disk for the recording is reported, leaves no partial file, and the output goes on', async () => {
    const server = await Server.node();
    const calls = Array.from({ length: 15 }, () => plan('GET', 'echo'));
    const body = `-d ${'x'.repeat(4_000)}`;
    const command = calls
      .map((one) => `${quote(curl(server.port, one, '-o', '/dev/null'))} ${body}`)
      .join('; ');
    const disk = mkdtempSync(join(folder, 'disk-'));
    const output = join(folder, 'beside.jsonl');
    const script = `
      mount -t tmpfs -o size=32k,mode=700 none "$DISK" || exit 99
      "$TRACE" run --format json --output "$OUTPUT" --record "$DISK/trace" -- sh -c "$COMMAND; exit 7"
      echo "status $? files $(ls -A "$DISK")"`;
    const child = new Child('unshare', ['-m', 'bash', '-c', script], {
      env: { ...process.env, DISK: disk, OUTPUT: output, TRACE: HTTP_TRACE, COMMAND: command },
    });
    const ended = await child.ended;
    expect(ended.stdout).toBe('status 7 files \n');
    expect(ended.stderr).toBe(
      `http-trace: The recording ${JSON.stringify(join(disk, 'trace'))} cannot be written: the disk is full.\n`,
    );
    const { exchanges, summary } = parseOutput(readFileSync(output, 'utf8'));
    for (const one of calls) findExchange(exchanges, one.id, 'client');
    expect(summary.note).toContain('cannot be written: the disk is full');
    await server.end();
  });

  it('a table for people', async () => {
    const server = await Server.node();
    const one = plan('GET', 'echo');
    const child = new Child(HTTP_TRACE, ['run', '--', ...curl(server.port, one, '-o', '/dev/null')]);
    const { stdout, code } = await child.ended;
    expect(code).toBe(0);
    const [header, line, empty, summary] = stdout.split('\n');
    expect(header?.trim().split(/\s+/).slice(0, 3)).toEqual(['START', 'METHOD', 'STATUS']);
    expect(line).toMatch(
      new RegExp(`GET +200 .* client curl:\\d+ +http://127.0.0.1:${server.port}${one.path}$`),
    );
    expect([empty, summary]).toEqual([
      '',
      expect.stringMatching(
        /^1 exchange on 1 connection; \d+ records = \d+ delivered \+ 0 dropped \(tracepoint\)$/,
      ),
    ]);
    await server.end();
  });

  it('masks secrets by default', async () => {
    const server = await Server.node();
    const secret = randomBytes(12).toString('hex');
    for (const [options, shown] of [
      [[], false],
      [['--show-secrets'], true],
    ] as const) {
      const one = plan('GET', 'echo', { query: `?token=${secret}` });
      const tracing = Tracing.run(
        context,
        curl(server.port, one, '-H', `Authorization: Bearer ${secret}`),
        options,
      );
      await tracing.process.ended;
      expect(tracing.written.includes(secret)).toBe(shown);
      expect(tracing.written).toContain(one.id);
      // The recording keeps what was sent; showing it masks again.
      expect(readFileSync(tracing.recording, 'latin1')).toContain(secret);
      expect(tracing.replay([]).text).not.toContain(secret);
    }
    await server.end();
  });

  it('leaves out calls that were faster than --min-latency', async () => {
    const server = await Server.node();
    const [fast, slow] = [plan('GET', 'echo'), plan('GET', 'slow', { query: '?ms=2500' })];
    const script = [fast, slow].map((one) => quote(curl(server.port, one))).join('; ');
    const output = join(folder, 'slow.jsonl');
    writeFileSync(output, 'older content', { mode: 0o644 });
    const child = new Child(HTTP_TRACE, [
      'run',
      '--format',
      'json',
      '--output',
      output,
      '--min-latency',
      '2s',
      '--',
      'sh',
      '-c',
      script,
    ]);
    await child.ended;
    const { exchanges, summary } = parseOutput(readFileSync(output, 'utf8'));
    expect(exchanges.map((exchange) => exchange.url?.includes(slow.id))).toEqual([true]);
    // The kernel leaves it out, so that it does not even cross the ring.
    expect(summary.exchanges).toBe(1);
    expect(statSync(output).mode & 0o777).toBe(0o600);
    await server.end();
  });
});
