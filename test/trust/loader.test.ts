/** The security checklist of the loader and the helper, on the real thing. */

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Callers } from '../../extension/capture/callers.ts';
import { RecordType } from '../../extension/engine/record.ts';
import { readRecords } from '../../extension/engine/recordReader.ts';
import { encodeFrame, encodeJson } from '../../helper/frames.ts';
import { FrameType } from '../../helper/protocol.ts';
import { bpfObjects, openFiles } from '../kit/kernel.ts';
import { variants } from '../kit/tier.mjs';
import { compile } from './attack.ts';
import {
  Installed,
  NOBODY,
  programsGone,
  programsOf,
  Requester,
  runLoader,
  statusOf,
  whySkipped,
} from './rig.ts';

const reason = whySkipped();
if (reason !== null) console.warn(`skipped: the loader's tests ${reason}`);

/** Another ordinary user, which every Debian and Ubuntu has. */
const DAEMON = 1;

/**
 * Starts a process that gets this id: the kernel gives the one after ns_last_pid, unless another process of the machine is
 * faster. null: another process has it by now.
 */
async function withProcessId(pid: number, start: () => ChildProcess): Promise<ChildProcess | null> {
  for (let tries = 0; tries < 500 && !existsSync(`/proc/${pid}`); tries++) {
    writeFileSync('/proc/sys/kernel/ns_last_pid', String(pid - 1));
    const started = start();
    if (started.pid === pid) return started;
    started.kill('SIGKILL');
    await new Promise((done) => started.once('exit', done));
  }
  return null;
}

describe.skipIf(reason !== null)('loader', () => {
  let installed: Installed;
  beforeAll(() => {
    installed = new Installed();
  });
  afterAll(() => installed.remove());

  it.each([
    ['no arguments', []],
    ['an empty argument', ['']],
    ['an unknown option', ['--shell', '/bin/sh']],
    ['an option without a value', ['--socket']],
    ['a relative path', ['--socket', 'helper', '--node', '/n', '--helper', '/h']],
    ['an option given twice', ['--node', '/n', '--node', '/n', '--socket', '/s', '--helper', '/h']],
    [
      'a ring size that is not a power of two',
      ['--socket', '/s', '--node', '/n', '--helper', '/h', '--ring-size', '100000'],
    ],
    ['a negative ring', ['--socket', '/s', '--node', '/n', '--helper', '/h', '--ring-size', '-4096']],
    ['an unknown backend', ['--socket', '/s', '--node', '/n', '--helper', '/h', '--backend', 'magic']],
    ['a socket path beyond every limit', ['--socket', `/${'x'.repeat(100_000)}`]],
  ])('refuses %s', (_what, args) => {
    const run = spawnSync(installed.loader, args, { encoding: 'utf8', timeout: 60_000 });
    expect(run.status).toBe(2);
    expect(run.stderr).toMatch(/^http-trace loader: .+\n$/);
  });

  it.each([
    ['belongs to somebody else', () => join(installed.socketDirectory(0), 'helper')],
    ['can be entered by others', () => join(installed.socketDirectory(NOBODY, 0o755), 'helper')],
    [
      'is a link',
      () => {
        const link = join(installed.directory, `link-${Math.random()}`);
        symlinkSync(installed.socketDirectory(NOBODY), link);
        return join(link, 'helper');
      },
    ],
    ['does not exist', () => '/run/http-trace-no-such-folder/helper'],
    ['holds no listening socket', () => join(installed.socketDirectory(NOBODY), 'helper')],
  ])('refuses a socket whose folder %s', async (_what, path) => {
    const { status, stderr } = await runLoader(installed, path(), { SUDO_UID: String(NOBODY) }).result;
    expect(status).toBe(1);
    expect(stderr).toMatch(/socket/);
  });

  it('refuses a peer of another user than the requester', async () => {
    const directory = installed.socketDirectory(NOBODY);
    const requester = await Requester.listen(installed, directory, 0);
    // The listening process counts, not the owner of the file.
    chownSync(requester.socket, NOBODY, NOBODY);
    const { status, stderr } = await runLoader(installed, requester.socket, { SUDO_UID: String(NOBODY) })
      .result;
    expect(status).toBe(1);
    expect(stderr).toContain('belongs to somebody else');
    await requester.ended;
  });

  it('becomes a helper without any right, whatever the environment says', async () => {
    const directory = installed.socketDirectory(NOBODY);
    const requester = await Requester.listen(installed, directory, NOBODY);
    const loader = runLoader(installed, requester.socket, {
      SUDO_UID: String(NOBODY),
      NODE_OPTIONS: '--require=/nonexistent/evil.js',
      NODE_PATH: '/nonexistent',
      NODE_REPL_EXTERNAL_MODULE: '/nonexistent/evil.js',
      IFS: 'x',
      TMPDIR: '/nonexistent',
    });
    const hello = await requester.frame((frame) => frame.type === FrameType.Hello);
    const pid = hello.json?.['helperPid'] as number;
    expect(hello.json?.['owner']).toBe(NOBODY);
    expect(pid).toBe(loader.process.pid);

    const status = statusOf(pid);
    expect(status.get('Uid')).toBe(Array(4).fill(NOBODY).join('\t'));
    expect(status.get('Gid')).toBe(Array(4).fill(NOBODY).join('\t'));
    expect(status.get('Groups')?.trim()).toBe('');
    for (const set of ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb']) {
      expect([set, status.get(set)]).toEqual([set, '0000000000000000']);
    }
    expect(status.get('NoNewPrivs')).toBe('1');
    expect(readFileSync(`/proc/${pid}/limits`, 'utf8')).toMatch(/Max core file size\s+0\s+0/);
    expect(readFileSync(`/proc/${pid}/environ`, 'utf8')).toBe(
      'ELECTRON_RUN_AS_NODE=1\0PATH=/usr/bin:/bin\0UV_THREADPOOL_SIZE=32\0',
    );
    expect(readlinkSync(`/proc/${pid}/cwd`)).toBe('/');

    const descriptors = openFiles(pid);
    const kinds = descriptors.map((target) => target.replace(/\[\d+\]|:.*$/g, ''));
    // 0-2 standard, 3 the client's socket, 4 the broker's; what the broker handed over, and what Node makes for itself
    // and the TLS libraries that it reads. No program.
    expect(kinds.slice(3, 5)).toEqual(['socket', 'socket']);
    expect(kinds.slice(5)).not.toContain('socket');
    expect(descriptors.filter((target) => target === 'anon_inode:bpf-map')).toHaveLength(10);
    expect(descriptors.filter((target) => target === 'anon_inode:bpf-prog')).toEqual([]);
    const rest = descriptors.slice(5).map((target) => target.replace(/:\[\d+\]$/, ''));
    const harmless =
      /^(?:anon_inode:(?:bpf-map|bpf_link|\[(?:eventpoll|eventfd|pidfd)\])|pipe|\/dev\/null|\/.*\.so[\d.]*)$/;
    for (const kind of rest) expect(kind).toMatch(harmless);

    const programs = programsOf(pid);
    expect(programs.length).toBeGreaterThan(5);
    const maps = bpfObjects('map');
    const constants = maps.filter((map) => map.name?.endsWith('.rodata') && map.name.startsWith('trace_h'));
    expect(constants.length).toBeGreaterThan(0);
    expect(constants.every((map) => map.frozen === 1)).toBe(true);

    requester.write(encodeFrame(FrameType.Stop, new Uint8Array(0)));
    await requester.frame((frame) => frame.type === FrameType.Status && frame.json?.['final'] === true);
    expect((await loader.result).status).toBe(0);
    await programsGone(programs);
  });

  it('with a part refused, loads no more often than needed', async () => {
    const refuse = join(installed.directory, 'refuse');
    compile('test/kit/refuse.c', refuse);
    const requester = await Requester.listen(installed, installed.socketDirectory(NOBODY), NOBODY);
    const paths = ['--socket', requester.socket, '--node', installed.node, '--helper', installed.helper];
    const refusals = 'log,load:trace_http_tls';
    const child = spawn(refuse, [refusals, installed.loader, ...paths, '--backend', 'tracepoint'], {
      env: { SUDO_UID: String(NOBODY) },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let said = '';
    child.stderr.on('data', (piece: Buffer) => {
      said += piece;
    });
    const hello = await requester.frame(({ type }) => type === FrameType.Hello);
    expect(JSON.stringify(hello.json)).toContain('the kernel does not load its programs');
    requester.process.kill('SIGKILL');
    await new Promise((done) => child.once('close', done));
    // It is loaded without optional parts, with each of the two that are accepted on its own, and with both. Attempts with
    // those for TLS fail before they reach it.
    expect(said.split('loads trace_http_fork\n').length - 1, said).toBe(4);
  });

  describe('with a requester who is not root', () => {
    const started: Requester[] = [];
    let request = 0;

    async function start(uid = NOBODY): Promise<{ requester: Requester; pid: number; programs: string[] }> {
      const requester = await Requester.listen(installed, installed.socketDirectory(uid), uid);
      started.push(requester);
      runLoader(installed, requester.socket, { SUDO_UID: String(uid) });
      const hello = await requester.frame((frame) => frame.type === FrameType.Hello);
      const pid = hello.json?.['helperPid'] as number;
      return { requester, pid, programs: programsOf(pid) };
    }

    async function attach(requester: Requester, pid: unknown): Promise<Record<string, unknown>> {
      const number = ++request;
      requester.write(encodeJson(FrameType.Attach, { request: number, pid, children: true }));
      const answer = await requester.frame(
        (frame) => frame.type === FrameType.Process && frame.json?.['request'] === number,
      );
      return answer.json ?? {};
    }

    /** Ends the trace. @returns all bytes that it copied */
    async function copiedBy(requester: Requester): Promise<string> {
      requester.write(encodeFrame(FrameType.Stop, new Uint8Array(0)));
      await requester.frame((frame) => frame.json?.['final'] === true);
      return requester.frames
        .filter((frame) => frame.type === FrameType.Records)
        .flatMap((frame) => [...readRecords(new Callers().name(frame.payload))])
        .flatMap((record) =>
          record.type === RecordType.Data ? [Buffer.from(record.bytes).toString('latin1')] : [],
        )
        .join('');
    }

    async function serve(): Promise<{ base: string; paths: string[]; close(): void }> {
      const paths: string[] = [];
      const server = createServer((incoming, response) => {
        paths.push(incoming.url ?? '');
        response.end('ok');
      });
      await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
      const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      return { base, paths, close: () => server.close() };
    }

    /** A shell of the user's that waits for a line first. */
    function waiting(script: string): ChildProcess {
      return spawn('sh', ['-c', `read _; ${script}`], {
        ...{ uid: NOBODY, gid: NOBODY },
        stdio: ['pipe', 'ignore', 'ignore'],
      });
    }

    async function finish(target: ChildProcess): Promise<void> {
      target.stdin?.end('\n');
      if (target.exitCode === null) await new Promise((done) => target.once('exit', done));
    }

    afterAll(() => {
      for (const requester of started) requester.process.kill();
    });

    it('two windows, two users, one target: its user sees it in both, the other user in none', async () => {
      const [first, second] = [await start(), await start()];
      const other = await start(DAEMON);
      const server = await serve();
      const target = waiting(`curl -s ${server.base}/seen-twice`);
      expect(await attach(first.requester, target.pid)).toMatchObject({ error: null });
      expect(await attach(second.requester, target.pid)).toMatchObject({ error: null });
      expect(await attach(other.requester, target.pid)).toMatchObject({ error: 'not-owner' });
      await finish(target);
      expect(server.paths).toEqual(['/seen-twice']);
      for (const { requester } of [first, second])
        expect((await copiedBy(requester)).split('GET /seen-twice')).toHaveLength(2);
      expect(await copiedBy(other.requester)).toBe('');
      server.close();
    });

    it('a process id that is reused by another process of the user is not a target any more', async () => {
      const { requester } = await start();
      const server = await serve();
      let again: ChildProcess | null = null;
      for (let targets = 0; again === null && targets < 10; targets++) {
        const target = waiting('true');
        const pid = target.pid ?? 0;
        expect(await attach(requester, pid)).toMatchObject({ error: null });
        await finish(target);
        again = await withProcessId(pid, () => waiting(`curl -s ${server.base}/not-the-target`));
      }
      if (again === null) throw new Error('no process got the id of one that had ended');
      await finish(again);
      expect(server.paths).toEqual(['/not-the-target']);
      expect(await copiedBy(requester)).toBe('');
      server.close();
    });

    it('attaches to that user’s processes only', async () => {
      const { requester } = await start();
      const own = spawn('sleep', ['60'], { uid: NOBODY, gid: NOBODY });
      const foreign = spawn('sleep', ['60']);
      try {
        expect(await attach(requester, own.pid)).toMatchObject({ error: null, name: 'sleep' });
        expect(await attach(requester, foreign.pid)).toMatchObject({ error: 'not-owner' });
        expect(await attach(requester, 1)).toMatchObject({ error: 'not-owner' });
        expect(await attach(requester, 2 ** 22 + 5)).toMatchObject({ error: 'not-found' });
        expect(await attach(requester, 0)).toMatchObject({ error: 'not-found' });
        const own_ = own.pid ?? 0;
        own.kill('SIGKILL');
        await new Promise((done) => own.once('exit', done));
        expect(await attach(requester, own_)).toMatchObject({ error: 'not-found' });
      } finally {
        own.kill();
        foreign.kill();
      }
    });

    it('takes frames one byte at a time', async () => {
      const { requester } = await start();
      const own = spawn('sleep', ['60'], { uid: NOBODY, gid: NOBODY });
      const number = ++request;
      for (const byte of encodeJson(FrameType.Attach, { request: number, pid: own.pid, children: false })) {
        requester.write(Uint8Array.of(byte));
        await new Promise((soon) => setImmediate(soon));
      }
      const answer = await requester.frame((frame) => frame.json?.['request'] === number);
      expect(answer.json).toMatchObject({ error: null });
      own.kill();
    });

    const malformed: readonly (readonly [string, Buffer])[] = [
      ['random bytes', Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n')],
      ['a length of 4 GiB', Buffer.from([0xff, 0xff, 0xff, 0xff, 1, FrameType.Attach])],
      [
        'a negative process id',
        Buffer.from(encodeJson(FrameType.Attach, { request: 1, pid: -1, children: true })),
      ],
      [
        'a process id that is text',
        Buffer.from(encodeJson(FrameType.Attach, { request: 1, pid: '1', children: true })),
      ],
      ['a frame that only helpers send', Buffer.from(encodeFrame(FrameType.Records, new Uint8Array(8)))],
    ];

    it.each(variants(malformed, 1, 3))(
      'ends, and leaves nothing in the kernel, after %s',
      async (_what, bytes) => {
        const { requester, programs } = await start();
        requester.write(bytes);
        const fault = await requester.frame((frame) => frame.type === FrameType.Fault);
        expect(fault.json?.['code']).toBe('client');
        await requester.ended;
        await programsGone(programs);
      },
    );

    it('leaves nothing in the kernel when the client is killed, or the helper', async () => {
      const first = await start();
      first.requester.process.kill('SIGKILL');
      await programsGone(first.programs);
      const second = await start();
      process.kill(second.pid, 'SIGKILL');
      await second.requester.ended;
      await programsGone(second.programs);
    });

    it('stops seeing a target that becomes another user by a setuid exec', async () => {
      const { requester } = await start();
      const server = await serve();
      const folder = join(installed.directory, 'setuid');
      mkdirSync(folder, { mode: 0o755 });
      copyFileSync('/usr/bin/curl', join(folder, 'curl'));
      chmodSync(join(folder, 'curl'), 0o4755);
      // Makes a call as itself, then becomes the setuid program.
      const target = waiting(`curl -s ${server.base}/before; exec ${folder}/curl -s ${server.base}/as-root`);
      expect(await attach(requester, target.pid)).toMatchObject({ error: null });
      await finish(target);
      expect(server.paths).toEqual(['/before', '/as-root']);
      const copied = await copiedBy(requester);
      expect(copied).toContain('GET /before');
      expect(copied).not.toContain('as-root');
      server.close();
    });
  });
});
