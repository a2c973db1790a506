/** The loader connects only to the requester's socket, and with the requester's rights. The paths are hostile. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { FrameType } from '../../helper/protocol.ts';
import { WHOLE } from '../kit/tier.mjs';
import { Installed, NOBODY, Requester, runLoader, whySkipped } from './rig.ts';

const reason = whySkipped();
/** How often the loader is started while its paths are swapped; each that finds its way loads the programs. */
const RACES = WHOLE ? 60 : 25;
const RACE_TIME_MS = 20_000;
/** How long both outcomes are waited for. */
const RACE_PATIENCE_MS = 90_000;
const LISTEN = `require('node:net').createServer((socket) => socket.destroy())
  .listen(process.argv[1], () => console.log('listening'));`;

describe.skipIf(reason !== null)(reason === null ? 'the socket' : `the socket (${reason})`, () => {
  const asNobody = { SUDO_UID: String(NOBODY) };
  let installed: Installed;
  let folder = '';
  /** A daemon of root's, in a folder that only root may enter. */
  let secret: Server;
  let secretPath = '';
  let visits = 0;
  const children: ChildProcess[] = [];

  beforeAll(async () => {
    installed = new Installed();
    secretPath = join(installed.socketDirectory(0), 'daemon');
    secret = await listen(secretPath);
  });
  afterAll(() => {
    secret.close();
    installed.remove();
  });
  beforeEach(() => {
    folder = installed.socketDirectory(NOBODY);
    visits = 0;
  });
  afterEach(() => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
  });

  async function listen(path: string): Promise<Server> {
    const server = createServer((socket) => {
      visits++;
      socket.destroy();
    });
    server.listen(path);
    await once(server, 'listening');
    return server;
  }

  async function expectRefused(
    path: string,
    why: RegExp,
    environment: Record<string, string> = asNobody,
  ): Promise<void> {
    const { status, stderr } = await runLoader(installed, path, environment).result;
    expect(stderr).toMatch(why);
    expect(status).not.toBe(0);
    expect(visits).toBe(0);
  }

  it('is not looked for behind a link: a socket of root is never connected to', async () => {
    symlinkSync(secretPath, join(folder, 'helper'));
    await expectRefused(join(folder, 'helper'), /not a socket of the requester/);
  });

  it('is not looked for behind a link to a folder, with however many slashes', async () => {
    const link = join(installed.directory, 'linked');
    symlinkSync(folder, link);
    const requester = await Requester.listen(installed, folder, NOBODY);
    children.push(requester.process);
    for (const slashes of ['/', '//', '///']) {
      await expectRefused(`${link}${slashes}helper`, /folder cannot be opened/);
    }
    rmSync(link);
  });

  it.each([
    ['a file', (path: string) => writeFileSync(path, '')],
    ['a folder', (path: string) => mkdirSync(path)],
    ['a pipe', (path: string) => spawnSync('mkfifo', [path])],
    ['a device', (path: string) => spawnSync('mknod', [path, 'c', '1', '3'])],
  ])('is not %s that already exists under its name', async (_what, make) => {
    const path = join(folder, 'helper');
    make(path);
    chownSync(path, NOBODY, NOBODY);
    await expectRefused(path, /not a socket of the requester/);
  });

  it('is the requester’s: one that root put into the requester’s folder is not connected to', async () => {
    const path = join(folder, 'helper');
    const server = await listen(path);
    await expectRefused(path, /not a socket of the requester/);
    server.close();
  });

  it.each(['.', '..', ''])('has a name, which %j is not', async (name) => {
    await expectRefused(`${folder}/${name}`, /names no file/);
  });

  it('is connected to with the requester’s rights, not with root’s', async () => {
    const path = join(folder, 'helper');
    const server = await listen(path);
    chownSync(path, NOBODY, NOBODY);
    chmodSync(path, 0o000);
    await expectRefused(path, /does not answer: Permission denied/);
    server.close();
  });

  it.each([
    ['the socket', 'helper', (target: string) => target],
    ['its folder', 'inner/helper', (target: string) => join(target, '..')],
  ])(
    'swapped for a link while the loader starts (%s) leads nowhere else',
    { timeout: 120_000 },
    async (_what, name, linked) => {
      const [first = ''] = name.split('/');
      const swap = `
        const fs = require('node:fs');
        const [good, link, place] = process.argv.slice(1);
        for (;;) {
          fs.renameSync(good, place); fs.renameSync(place, good);
          fs.renameSync(link, place); fs.renameSync(place, link);
        }`;
      const real = join(folder, `${first}.real`);
      if (name.includes('/')) {
        mkdirSync(real, { mode: 0o700 });
        chownSync(real, NOBODY, NOBODY);
      }
      const own = name.includes('/') ? join(real, 'daemon') : real;
      const listener = spawn(installed.node, ['-e', LISTEN, own], {
        uid: NOBODY,
        gid: NOBODY,
        stdio: 'pipe',
      });
      children.push(listener);
      await once(listener.stdout, 'data');
      symlinkSync(linked(secretPath), join(folder, `${first}.link`));
      const attacker = spawn(
        installed.node,
        ['-e', swap, real, join(folder, `${first}.link`), join(folder, first)],
        { uid: NOBODY, gid: NOBODY, stdio: 'ignore' },
      );
      children.push(attacker);
      const outcomes: string[] = [];
      // In a folder the name is that of root's daemon: what a follower of the link would find there.
      const path = name.includes('/') ? join(folder, first, 'daemon') : join(folder, name);
      const refused = (): boolean =>
        outcomes.some((words) => /cannot be opened|not a socket|not belong/.test(words));
      const connected = (): boolean => outcomes.some((words) => !/socket/.test(words));
      const begin = Date.now();
      const more = (): boolean => {
        const passed = Date.now() - begin;
        if (outcomes.length < RACES && passed < RACE_TIME_MS) return true;
        // On a busy machine it takes longer until each side has won.
        return !(refused() && connected()) && passed < RACE_PATIENCE_MS;
      };
      while (more()) {
        const run = spawnSync(
          installed.loader,
          ['--socket', path, '--node', '/bin/false', '--helper', '/x', '--backend', 'tracepoint'],
          { env: asNobody, encoding: 'utf8', timeout: 60_000 },
        );
        outcomes.push(run.stderr);
      }
      expect(attacker.exitCode).toBeNull();
      // The race took place: sometimes the link was there, sometimes the real folder.
      expect([refused(), connected()]).toEqual([true, true]);
      expect(visits).toBe(0);
    },
  );
});

describe.skipIf(reason !== null)(reason === null ? 'who asks' : `who asks (${reason})`, () => {
  let installed: Installed;
  beforeAll(() => {
    installed = new Installed();
  });
  afterAll(() => installed.remove());

  async function refusal(environment: Record<string, string>, owner: number): Promise<string> {
    const path = join(installed.socketDirectory(owner), 'helper');
    const { status, stderr } = await runLoader(installed, path, environment).result;
    expect(status).not.toBe(0);
    return stderr;
  }

  it.each<[string, Record<string, string>]>([
    ['text', { SUDO_UID: 'root' }],
    ['a negative number', { SUDO_UID: '-1' }],
    ['nothing', { SUDO_UID: '' }],
    ['a number beyond the last', { PKEXEC_UID: '4294967295' }],
    ['a user that does not exist', { SUDO_UID: '3999999999' }],
    ['a name that does not exist', { DOAS_USER: 'nobody-of-this-name' }],
    ['two users', { SUDO_UID: String(NOBODY), PKEXEC_UID: '1' }],
  ])('is not %s', async (_what, environment) => {
    expect(await refusal(environment, 0)).toMatch(/out of its range|does not exist|names two users/);
  });

  it.each<[string, Record<string, string>]>([
    ['sudo', { SUDO_UID: String(NOBODY) }],
    ['pkexec', { PKEXEC_UID: String(NOBODY) }],
    ['doas', { DOAS_USER: 'nobody' }],
    ['sudo within a shell of root’s', { SUDO_UID: String(NOBODY), PKEXEC_UID: '0' }],
  ])('a user who came by %s is not taken for root', async (_what, environment) => {
    expect(await refusal(environment, 0)).toContain('does not belong to the requester alone');
  });

  it('is not whom the environment names, when that is not root’s environment', async () => {
    // As with file capabilities: the real uid is the user's.
    const path = join(installed.socketDirectory(0), 'helper');
    const run = spawnSync(
      installed.loader,
      ['--socket', path, '--node', installed.node, '--helper', installed.helper],
      { env: { SUDO_UID: '0', PKEXEC_UID: '0' }, uid: NOBODY, gid: NOBODY, encoding: 'utf8' },
    );
    expect(run.status).toBe(1);
    expect(run.stderr).toMatch(/does not belong to the requester alone/);
  });

  it.each(['SUDO_UID', 'PKEXEC_UID'])(
    'is whom %s names, when root is asked to act for a user',
    async (name) => {
      const folder = installed.socketDirectory(NOBODY);
      const requester = await Requester.listen(installed, folder, NOBODY);
      runLoader(installed, requester.socket, { [name]: String(NOBODY) });
      const hello = await requester.frame((frame) => frame.type === FrameType.Hello);
      expect(hello.json?.['owner']).toBe(NOBODY);
      requester.process.kill();
      await requester.ended;
    },
  );
});
