/** Only processes with the requester's present credentials are traced, whatever the map of targets contains. */
import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, chownSync, constants, copyFileSync, mkdirSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Callers } from '../../extension/capture/callers.ts';
import { RecordType } from '../../extension/engine/record.ts';
import { readRecords } from '../../extension/engine/recordReader.ts';
import { encodeFrame, encodeJson } from '../../helper/frames.ts';
import { FrameType } from '../../helper/protocol.ts';
import { WHOLE } from '../kit/tier.mjs';
import { Attacker, compile } from './attack.ts';
import { Installed, NOBODY, Requester, runLoader, whySkipped } from './rig.ts';

const reason = whySkipped();
if (reason !== null) console.warn(`skipped: the tests of whom ${reason}`);

const RACES = WHOLE ? 1_000 : 250;
const CONTROLS = 40;

describe.skipIf(reason !== null)('whom', () => {
  let installed: Installed;
  let attacker: Attacker;
  let server: Server;
  let base: string;
  const paths: string[] = [];

  beforeAll(async () => {
    installed = new Installed();
    attacker = new Attacker(installed);
    server = createServer((incoming, response) => {
      paths.push(incoming.url ?? '');
      response.end('ok');
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => {
    attacker.close();
    server.close();
    installed.remove();
  });

  /** A copy of a program, with more rights than the user who executes it. */
  function privileged(program: string, name: string, give: (path: string) => void): string {
    const folder = join(installed.directory, name);
    mkdirSync(folder, { mode: 0o755 });
    const path = join(folder, 'program');
    copyFileSync(program, path);
    chmodSync(path, 0o755);
    give(path);
    return path;
  }

  it('setgid and file-capability children are not traced', async () => {
    const setgid = privileged('/usr/bin/curl', 'setgid', (path) => {
      chownSync(path, 0, 42); // shadow
      chmodSync(path, 0o2755);
    });
    const capable = privileged('/usr/bin/curl', 'capable', (path) => {
      expect(spawnSync('setcap', ['cap_net_raw+ep', path]).status).toBe(0);
    });
    const requester = await Requester.listen(installed, installed.socketDirectory(NOBODY), NOBODY);
    const loader = runLoader(installed, requester.socket, { SUDO_UID: String(NOBODY) });
    await requester.frame(({ type }) => type === FrameType.Hello);
    const calls = [
      `curl -s ${base}/before`,
      `${setgid} -s ${base}/with-group`,
      `${capable} -s ${base}/with-capability`,
      `curl -s ${base}/between`,
      `exec ${setgid} -s ${base}/by-exec`,
    ];
    const target = spawn('sh', ['-c', `read _; ${calls.join('; ')}`], {
      ...{ uid: NOBODY, gid: NOBODY, stdio: ['pipe', 'ignore', 'ignore'] },
    });
    requester.write(encodeJson(FrameType.Attach, { request: 1, pid: target.pid, children: true }));
    const answer = await requester.frame((frame) => frame.json?.['request'] === 1);
    expect(answer.json).toMatchObject({ error: null });
    target.stdin?.end('\n');
    await new Promise((done) => target.once('exit', done));
    requester.write(encodeFrame(FrameType.Stop, new Uint8Array(0)));
    await requester.frame((frame) => frame.json?.['final'] === true);
    await loader.result;
    expect(paths).toEqual(['/before', '/with-group', '/with-capability', '/between', '/by-exec']);
    expect(requestsIn(requester)).toEqual(['/before', '/between']);
  });

  it('what a seed starts is traced, but not with more rights, and never the seed itself', async () => {
    const setgid = privileged('/usr/bin/curl', 'setgid-of-seed', (path) => {
      chownSync(path, 0, 42); // shadow
      chmodSync(path, 0o2755);
    });
    const requester = await Requester.listen(installed, installed.socketDirectory(NOBODY), NOBODY);
    const loader = runLoader(installed, requester.socket, { SUDO_UID: String(NOBODY) });
    await requester.frame(({ type }) => type === FrameType.Hello);
    const port = new URL(base).port;
    const own = `exec 3<>/dev/tcp/127.0.0.1/${port}; printf 'GET /of-the-seed HTTP/1.0\\r\\n\\r\\n' >&3; read _ <&3`;
    const calls = [
      own,
      `curl -s ${base}/of-its-child`,
      `${setgid} -s ${base}/of-a-setgid-child`,
      `bash -c 'curl -s ${base}/of-its-grandchild; true'`,
    ];
    const seed = spawn('bash', ['-c', `read _; ${calls.join('; ')}; true`], {
      ...{ uid: NOBODY, gid: NOBODY, stdio: ['pipe', 'ignore', 'ignore'] },
    });
    const foreign = spawn('sleep', ['60'], { stdio: 'ignore' });
    requester.write(
      encodeJson(FrameType.Attach, { request: 1, pid: foreign.pid, children: true, seed: true }),
    );
    const refused = await requester.frame((frame) => frame.json?.['request'] === 1);
    expect(refused.json).toMatchObject({ error: 'not-owner' });
    foreign.kill();
    for (const [request, error] of [
      [2, null],
      [3, 'known'],
    ] as const) {
      requester.write(encodeJson(FrameType.Attach, { request, pid: seed.pid, children: true, seed: true }));
      const answer = await requester.frame((frame) => frame.json?.['request'] === request);
      expect(answer.json).toMatchObject({ error, seed: true });
    }
    const before = paths.length;
    seed.stdin?.end('\n');
    await new Promise((done) => seed.once('exit', done));
    requester.write(encodeFrame(FrameType.Stop, new Uint8Array(0)));
    await requester.frame((frame) => frame.json?.['final'] === true);
    await loader.result;
    expect(paths.slice(before)).toEqual([
      '/of-the-seed',
      '/of-its-child',
      '/of-a-setgid-child',
      '/of-its-grandchild',
    ]);
    expect(requestsIn(requester)).toEqual(['/of-its-child', '/of-its-grandchild']);
  });

  it('another user’s process id in the map has no effect', async () => {
    const call = (path: string): string[] => ['-c', `read _; exec curl -s ${base}${path}`];
    const own = spawn('sh', call('/of-my-own'), { uid: NOBODY, gid: NOBODY });
    const foreign = spawn('sh', call('/of-root'));
    const groups = ['--reuid', String(NOBODY), '--clear-groups', '--rgid', String(NOBODY), '--egid', '42'];
    const grouped = spawn('setpriv', [...groups, 'bash', '-p', ...call('/of-a-group')]);
    const ended = [own, foreign, grouped].map((child) => new Promise((done) => child.once('exit', done)));
    const targets = [own, foreign, grouped].map(({ pid }) => `target ${pid}`);
    const looks = ['/of-my-own', '/of-root', '/of-a-group'].map((path) => `sees ${path}`);
    const fifo = join(installed.directory, 'all-have-called');
    expect(spawnSync('mkfifo', ['-m', '666', fifo]).status).toBe(0);
    // It looks when all have made their calls: "race" waits for the end of the file.
    const said = await attacker.run(
      ['close', 'take', ...targets, 'sees ready', `race ${fifo}`, ...looks],
      'auto',
      async (line) => {
        if (!line.startsWith('sees') || !own.stdin?.writable) return;
        for (const { stdin } of [own, foreign, grouped]) stdin?.end('\n');
        await Promise.all(ended);
        await endFifo(fifo);
      },
    );
    expect(paths).toEqual(expect.arrayContaining(['/of-my-own', '/of-root', '/of-a-group']));
    expect(said.slice(1)).toEqual(['sees: no', 'race: 0', 'sees: yes', 'sees: no', 'sees: no']);
  });

  interface Other {
    /** Says that it is ready, waits for a line, and then asks for the path. */
    readonly command: (path: string) => readonly [program: string, ...args: string[]];
    readonly refused: RegExp;
  }

  /** All user ids are the requester's, all group ids are equal, there is no capability: and yet it is not traced. */
  const OTHERS: Record<string, () => Other> = {
    'a daemon that root started, and that became the user': () => ({
      command: (path) => [
        installed.node,
        '-e',
        `process.setgroups([]); process.setgid(${NOBODY}); process.setuid(${NOBODY});
         console.log('ready');
         process.stdin.once('data', () => fetch('${base}${path}').then(() => process.exit()));`,
      ],
      refused: /cannot be inspected: .* only root can trace it/,
    }),
    'a program file that its user cannot read': () => {
      const unreadable = privileged('/bin/bash', 'unreadable', (path) => chmodSync(path, 0o711));
      const [host, port] = new URL(base).host.split(':');
      return {
        command: (path) => [
          ...AS_NOBODY,
          // setpriv itself still has the capabilities to read it.
          ...['sh', '-c', 'exec "$@"', 'sh', unreadable],
          '-c',
          `echo ready; read _; exec 3<>/dev/tcp/${host}/${port}; printf 'GET ${path} HTTP/1.0\\r\\n\\r\\n' >&3; read _ <&3`,
        ],
        refused: /cannot be inspected/,
      };
    },
    'a group of a setgid program, in all its group ids': () => ({
      command: (path) => [...inGroup(42), 'sh', '-c', `echo ready; read _; exec curl -s ${base}${path}`],
      refused: /runs with a group that is not yours/,
    }),
  };
  const AS_NOBODY = ['setpriv', '--reuid', `${NOBODY}`, '--regid', `${NOBODY}`, '--clear-groups'] as const;
  const inGroup = (gid: number): [string, ...string[]] => [
    ...(['setpriv', '--reuid', `${NOBODY}`, '--regid', `${gid}`, '--clear-groups'] as const),
  ];

  async function start([program, ...args]: readonly [string, ...string[]]) {
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    const ended = new Promise((done) => child.once('close', done));
    await new Promise((ready) => child.stdout.once('data', ready));
    return { child, ended };
  }

  it.each(Object.keys(OTHERS))('not traced: %s', async (name) => {
    const { command, refused } = OTHERS[name]?.() ?? expect.fail();
    const unique = `/other-${Object.keys(OTHERS).indexOf(name)}`;
    // The helper says why.
    const first = await start(command(unique));
    const requester = await Requester.listen(installed, installed.socketDirectory(NOBODY), NOBODY);
    const loader = runLoader(installed, requester.socket, { SUDO_UID: String(NOBODY) });
    await requester.frame(({ type }) => type === FrameType.Hello);
    requester.write(encodeJson(FrameType.Attach, { request: 1, pid: first.child.pid, children: true }));
    const answer = await requester.frame((frame) => frame.json?.['request'] === 1);
    expect(answer.json).toMatchObject({ error: 'not-owner', message: expect.stringMatching(refused) });
    requester.process.kill();
    await loader.result;
    first.child.stdin.end('\n');
    await first.ended;
    // And the kernel's programs go by themselves, whatever the map contains.
    const other = await start(command(`${unique}-in-map`));
    const own = await start([
      ...AS_NOBODY,
      ...['sh', '-c', `echo ready; read _; exec curl -s ${base}${unique}-own`],
    ]);
    const targets = [own, other].map(({ child }) => `target ${child.pid}`);
    const looks = [`sees ${unique}-own`, `sees ${unique}-in-map`];
    const fifo = join(installed.directory, unique);
    expect(spawnSync('mkfifo', ['-m', '666', fifo]).status).toBe(0);
    // It looks when both have made their calls: "race" waits for the end of the file.
    const said = await attacker.run(
      ['close', 'take', ...targets, 'sees ready', `race ${fifo}`, ...looks],
      'auto',
      async (line) => {
        if (!line.startsWith('sees') || !own.child.stdin.writable) return;
        for (const { child } of [own, other]) child.stdin.end('\n');
        await Promise.all([own.ended, other.ended]);
        await endFifo(fifo);
      },
    );
    expect(paths).toEqual(expect.arrayContaining([unique, `${unique}-in-map`, `${unique}-own`]));
    expect(said.slice(1)).toEqual(['sees: no', 'race: 0', 'sees: yes', 'sees: no']);
  });

  it('traced: a process with another group of the user’s, as sg and newgrp start it', async () => {
    const requester = await Requester.listen(installed, installed.socketDirectory(NOBODY), NOBODY, [41, 42]);
    const loader = runLoader(installed, requester.socket, { SUDO_UID: String(NOBODY), SUDO_GID: '40' });
    await requester.frame(({ type }) => type === FrameType.Hello);
    for (const [index, gid] of [40, 41, 42, 43].entries()) {
      const script = `echo ready; read _; exec curl -s ${base}/group-${gid}`;
      const { child: target, ended } = await start([...inGroup(gid), 'sh', '-c', script]);
      requester.write(encodeJson(FrameType.Attach, { request: index, pid: target.pid, children: true }));
      const answer = await requester.frame((frame) => frame.json?.['request'] === index);
      expect(answer.json).toMatchObject({ error: gid === 43 ? 'not-owner' : null });
      target.stdin.end('\n');
      await ended;
    }
    requester.write(encodeFrame(FrameType.Stop, new Uint8Array(0)));
    await requester.frame((frame) => frame.json?.['final'] === true);
    await loader.result;
    expect(requestsIn(requester)).toEqual(['/group-40', '/group-41', '/group-42']);
  });

  it(`${RACES} attaches racing with the exec of a setuid program capture nothing`, async () => {
    const racer = join(installed.directory, 'racer');
    compile('test/trust/racer.c', racer);
    const setuid = privileged(racer, 'setuid-racer', (path) => chmodSync(path, 0o4755));
    const plain = privileged(racer, 'plain-racer', () => {});
    const fifo = join(installed.directory, 'names');
    expect(spawnSync('mkfifo', ['-m', '666', fifo]).status).toBe(0);
    const port = new URL(base).port;
    const before = paths.length;
    const run = async (program: string, count: number): Promise<number | null> => {
      const child = spawn(racer, [fifo, program, port, String(count)], { uid: NOBODY, gid: NOBODY });
      return await new Promise((done) => child.once('exit', done));
    };
    let again = false;
    let ended: Promise<(number | null)[]> = Promise.resolve([]);
    const said = await attacker.run(
      [
        'close',
        'take',
        `race ${fifo}`,
        'wait 500',
        'sees /as-another',
        `race ${fifo}`,
        'wait 500',
        'sees /as-owner',
      ],
      'auto',
      (line) => {
        if (line.startsWith('take')) ended = run(setuid, RACES).then((code) => [code]);
        if (line.startsWith('sees') && !again) {
          again = true;
          ended = ended.then(async (codes) => [...codes, await run(plain, CONTROLS)]);
        }
      },
    );
    expect(await ended).toEqual([0, 0]);
    const made = paths.slice(before);
    expect(made.filter((path) => path === '/as-another').length).toBeGreaterThanOrEqual(RACES);
    expect(said.slice(1)).toEqual([`race: ${RACES}`, 'sees: no', `race: ${CONTROLS}`, 'sees: yes']);
  });
});

/**
 * Lets the attacker's "race" read the end of the FIFO. A blocking open would keep a thread of this process for good if
 * the attacker has failed before it opened the FIFO.
 */
async function endFifo(fifo: string): Promise<void> {
  for (const until = Date.now() + 60_000; ; await sleep(10)) {
    try {
      await (await open(fifo, constants.O_WRONLY | constants.O_NONBLOCK)).close();
      return;
    } catch (error) {
      // Nobody reads yet.
      if ((error as NodeJS.ErrnoException).code !== 'ENXIO' || Date.now() > until) throw error;
    }
  }
}

/** The paths of what was captured. */
function requestsIn(requester: Requester): string[] {
  const seen = requester.frames
    .filter(({ type }) => type === FrameType.Records)
    .flatMap(({ payload }) => [...readRecords(new Callers().name(payload))])
    .flatMap((record) =>
      record.type === RecordType.Data ? [Buffer.from(record.bytes).toString('latin1')] : [],
    )
    .join('');
  return [...seen.matchAll(/GET (\S+)/g)].map(([, path = '']) => path);
}
