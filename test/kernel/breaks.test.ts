/**
 * Break on Calls by the kernel: a thread under a debugger is stopped before its request leaves, and nothing else ever
 * is. The debugger is gdb; lldb is in test/vscode.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { automatonOf } from '../../extension/breaks/automaton.ts';
import { parseCondition } from '../../extension/breaks/parseCondition.ts';
import { type Capture, startCapture } from '../../extension/capture/capture.ts';
import type { BreakState } from '../../helper/protocol.ts';
import { heldBy, stillThere } from '../kit/kernel.ts';
import { Child } from '../kit/process.ts';
import { makeCertificate } from './support/certificate.mjs';
import { describeTraced, PEERS, ROOT, temporaryFolder } from './support/environment.ts';

const folder = temporaryFolder();
const program = join(folder, 'sender');
const LLDB = '/usr/bin/lldb-vscode-14';
const WAYS = ['write', 'send', 'sendto', 'writev', 'sendmsg', 'SSL_write', 'SSL_write_ex'];
/** If the program were not stopped, its request would arrive within this, in milliseconds. */
const STOPPED_MS = 300;

const seen: string[] = [];
const answer: RequestListener = (request, response) => {
  seen.push(request.url ?? '');
  response.end();
};
const [key, certificate] = [join(folder, 'key.pem'), join(folder, 'certificate.pem')];
makeCertificate(key, certificate);
const plain = createServer(answer);
const encrypted = createTlsServer({ key: readFileSync(key), cert: readFileSync(certificate) }, answer);
const portFor = (way: string) => ((way.startsWith('SSL') ? encrypted : plain).address() as AddressInfo).port;

let capture: Capture;

function table(...lines: string[]): string {
  const made = automatonOf(
    lines.map((line) => parseCondition(line).condition ?? expect.fail(line)),
    ['test'],
  );
  return 'table' in made ? made.table.toString('base64') : expect.fail(made.reason);
}

const arm = (pid: number, ...lines: string[]): Promise<BreakState> =>
  capture.setBreak({ pid, action: 'arm', automaton: table(...lines) });

const stateOf = (pid: number): string =>
  /^State:\s(\S)/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1] ?? '';

async function until(what: string, holds: () => boolean): Promise<void> {
  for (let i = 0; !holds(); i++) {
    if (i > 400) expect.fail(`${what}: it did not happen`);
    await sleep(50);
  }
}

async function sender(): Promise<Child> {
  const child = new Child(program, []);
  expect(await child.line()).toBe('ready');
  await capture.attach(child.pid, true);
  return child;
}

/** gdb attached to a running program: prints `stopped` and the stack at each stop, and continues on a line of input. */
async function debugged(child: Pick<Child, 'pid'>): Promise<Child> {
  const script = join(folder, 'stops.gdb');
  const stop = 'continue\necho stopped\\n\nbacktrace\necho end\\n\nshell read line\n';
  writeFileSync(
    script,
    `set pagination off\nset debuginfod enabled off\nhandle SIGSTOP stop nopass\necho attached\\n\n${stop.repeat(30)}detach\n`,
  );
  const gdb = new Child('gdb', ['-q', '-batch', '-p', String(child.pid), '-x', script]);
  while ((await gdb.line()) !== 'attached');
  await until('it runs', () => stateOf(child.pid) === 'S');
  return gdb;
}

async function stackAtStop(gdb: Child): Promise<string> {
  while ((await gdb.line()) !== 'stopped');
  const frames: string[] = [];
  for (let line = await gdb.line(); line !== 'end'; line = await gdb.line()) frames.push(line);
  return frames.join('\n');
}

describeTraced('break on calls in a native program', () => {
  beforeAll(async () => {
    const { status, stderr } = spawnSync(
      'gcc',
      ['-g', '-O0', '-Wall', '-Werror', '-o', program, join(PEERS, 'sender.c'), '-lssl'],
      { encoding: 'utf8' },
    );
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    await Promise.all(
      [plain, encrypted].map((server) => new Promise<void>((done) => server.listen(0, '127.0.0.1', done))),
    );
    capture = await startCapture({
      nativePath: join(ROOT, 'dist/native'),
      helperPath: join(ROOT, 'dist/helper.js'),
      bodyLimit: 0,
      backend: 'auto',
    });
  });

  afterAll(async () => {
    await capture.stop();
    plain.close();
    encrypted.close();
  });

  it('each way to send: it stops in its own code, nothing has been sent, and it goes on', async () => {
    const child = await sender();
    const gdb = await debugged(child);
    for (const way of WAYS) {
      expect(await arm(child.pid, 'method:POST path:/orders host:shop')).toMatchObject({ reason: null });
      const before = seen.length;
      // What the condition does not hold for passes.
      child.process.stdin?.write(`${way} ${portFor(way)} /other\n`);
      expect(await child.line()).toBe('HTTP/1.1 200');
      child.process.stdin?.write(`${way} ${portFor(way)} /orders/7\n`);
      const stack = await stackAtStop(gdb);
      expect(stack).toMatch(/call_once[\s\S]*main/);
      await sleep(STOPPED_MS);
      expect({ way, seen: seen.slice(before) }).toEqual({ way, seen: ['/other'] });
      const { hit } = await capture.setBreak({ pid: child.pid, action: 'read', automaton: null });
      expect(hit).toMatchObject({ thread: child.pid, encrypted: way.startsWith('SSL') });
      expect(Buffer.from(hit?.head ?? '', 'base64').toString()).toMatch(
        /^POST \/orders\/7 HTTP\/1\.1\r\nHost: shop/,
      );
      gdb.process.stdin?.write('\n');
      expect(await child.line()).toBe('HTTP/1.1 200');
      expect(seen.slice(before)).toEqual(['/other', '/orders/7']);
      // One shot.
      child.process.stdin?.write(`${way} ${portFor(way)} /orders/8\n`);
      expect(await child.line()).toBe('HTTP/1.1 200');
    }
    gdb.kill('SIGKILL');
    child.kill('SIGKILL');
  });

  it('without a debugger nothing is stopped, nor after a release', async () => {
    const child = await sender();
    expect(await arm(child.pid, 'path:*')).toMatchObject({ reason: null });
    for (const way of WAYS) {
      child.process.stdin?.write(`${way} ${portFor(way)} /alone\n`);
      expect(await child.line()).toBe('HTTP/1.1 200');
    }
    const gdb = await debugged(child);
    await capture.setBreak({ pid: child.pid, action: 'release', automaton: null });
    for (const way of WAYS) {
      child.process.stdin?.write(`${way} ${portFor(way)} /released\n`);
      expect(await child.line()).toBe('HTTP/1.1 200');
    }
    gdb.kill('SIGKILL');
    child.kill('SIGKILL');
  });

  it('a shell with job control does not see the stop: it is the debugger’s', async () => {
    const script = `set -m; ${program} & echo "pid $!"; trap jobs USR1; while kill -0 $!; do wait %1; sleep 0.1; done`;
    const shell = new Child('bash', ['-c', script]);
    const first = [await shell.line(), await shell.line()];
    const pid = Number(first.find((line) => line.startsWith('pid '))?.slice(4));
    const jobs = async (): Promise<string> => {
      process.kill(shell.pid, 'SIGUSR1');
      return shell.line();
    };
    await capture.attach(pid, true);
    const gdb = await debugged({ pid });
    await arm(pid, 'path:*');
    shell.process.stdin?.write(`write ${portFor('write')} /job\n`);
    await stackAtStop(gdb);
    expect(stateOf(pid)).toBe('t');
    expect(await jobs()).toMatch(/Running/);
    gdb.process.stdin?.write('\n');
    expect(await shell.line()).toBe('HTTP/1.1 200');
    gdb.kill('SIGKILL');
    // A stop by the shell alone is seen.
    await until('it runs', () => stateOf(pid) === 'S');
    process.kill(pid, 'SIGSTOP');
    await until('it is stopped', () => stateOf(pid) === 'T');
    // The shell learns of it a moment later.
    let said = await jobs();
    for (const end = Date.now() + 20_000; said.includes('Running') && Date.now() < end; ) said = await jobs();
    expect(said).toMatch(/Stopped/);
    process.kill(pid, 'SIGKILL');
    shell.kill('SIGKILL');
  });

  it('another program under a debugger is not stopped, traced or not', async () => {
    const [child, traced] = [await sender(), await sender()];
    const untraced = new Child(program, []);
    expect(await untraced.line()).toBe('ready');
    await arm(child.pid, 'path:*');
    for (const other of [traced, untraced]) {
      const gdb = await debugged(other);
      for (const way of WAYS) {
        other.process.stdin?.write(`${way} ${portFor(way)} /other\n`);
        expect(await other.line()).toBe('HTTP/1.1 200');
      }
      gdb.kill('SIGKILL');
    }
    // Not a target: armed all the same, it is left alone.
    const gdb = await debugged(untraced);
    await arm(untraced.pid, 'path:*');
    untraced.process.stdin?.write(`write ${portFor('write')} /armed\n`);
    expect(await untraced.line()).toBe('HTTP/1.1 200');
    gdb.kill('SIGKILL');
    for (const one of [child, traced, untraced]) one.kill('SIGKILL');
  });

  it.skipIf(!existsSync(LLDB))(
    'the debug adapter’s client is killed while the program is stopped: it goes on',
    async () => {
      const child = await sender();
      const client = new Child(process.execPath, [join(PEERS, 'dapClient.mjs'), LLDB, String(child.pid)]);
      expect(await client.line()).toBe('running');
      await until('it runs', () => stateOf(child.pid) === 'S');
      await arm(child.pid, 'path:*');
      const before = seen.length;
      child.process.stdin?.write(`SSL_write ${portFor('SSL_write')} /adapter\n`);
      expect(await client.line()).toMatch(/^stopped .*"reason":"exception"/);
      const { hit } = await capture.setBreak({ pid: child.pid, action: 'read', automaton: null });
      expect(hit).toMatchObject({ thread: child.pid, encrypted: true });
      await sleep(STOPPED_MS);
      expect(seen.slice(before)).toEqual([]);
      client.kill('SIGKILL');
      expect(await child.line()).toBe('HTTP/1.1 200');
      expect(seen.slice(before)).toEqual(['/adapter']);
      child.kill('SIGKILL');
    },
  );

  it('the helper is killed while the program is stopped: it goes on, and is not stopped again', async () => {
    const own = await startCapture({
      nativePath: join(ROOT, 'dist/native'),
      helperPath: join(ROOT, 'dist/helper.js'),
      bodyLimit: 0,
      backend: 'auto',
    });
    const child = new Child(program, []);
    expect(await child.line()).toBe('ready');
    await own.attach(child.pid, true);
    const gdb = await debugged(child);
    await own.setBreak({ pid: child.pid, action: 'arm', automaton: table('path:*') });
    child.process.stdin?.write(`write ${portFor('write')} /killed\n`);
    await stackAtStop(gdb);
    const held = heldBy(own.hello.helperPid);
    process.kill(own.hello.helperPid, 'SIGKILL');
    await own.ended;
    gdb.process.stdin?.write('\n');
    expect(await child.line()).toBe('HTTP/1.1 200');
    child.process.stdin?.write(`write ${portFor('write')} /free\n`);
    expect(await child.line()).toBe('HTTP/1.1 200');
    await until('nothing is left in the kernel', () => {
      const left = stillThere(held);
      return left.programs.length === 0 && left.maps.length === 0;
    });
    gdb.kill('SIGKILL');
    child.kill('SIGKILL');
  });
});
