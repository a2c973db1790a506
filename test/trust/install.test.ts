/** The trusted loader: installed once, used by ordinary users without a password, and removed completely. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, copyFileSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { installTask } from '../../extension/elevation/install.ts';
import { makeCertificate } from '../kernel/support/certificate.mjs';
import { variants } from '../kit/tier.mjs';
import { Machine, machineMissing, OrdinaryUser, type Outcome } from './machine.ts';
import { statusOf, whySkipped } from './rig.ts';

const reason = whySkipped() ?? machineMissing();
if (reason !== null) console.warn(`skipped: the tests of the installation (${reason})`);

const FOLDER = '/usr/local/libexec/http-trace';
const LOADER = `${FOLDER}/loader`;
const PLACES = ['/usr/local', '/usr/share/polkit-1', '/etc/polkit-1'];

describe.skipIf(reason !== null)('the trusted loader', () => {
  let machine: Machine;
  let alice: OrdinaryUser;
  let mallory: OrdinaryUser;
  const paths: string[] = [];
  const server = createServer((request, response) => {
    paths.push(request.url ?? '');
    response.end('ok');
  });

  beforeAll(async () => {
    machine = await Machine.start();
    alice = new OrdinaryUser();
    mallory = new OrdinaryUser();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  afterAll(() => {
    server.close();
    machine?.stop();
    alice?.remove();
    mallory?.remove();
  });
  beforeEach(() => machine.sudoers(''));
  afterEach(async () => {
    await machine.run(null, [
      'rm',
      '-rf',
      '/usr/local/libexec',
      '/usr/share/polkit-1/actions/http-trace.policy',
    ]);
  });

  const url = (path: string): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`;

  async function install(...users: readonly OrdinaryUser[]): Promise<void> {
    for (const user of users) {
      const { code, stderr } = await machine.trace(null, ['install', '--user', user.name]);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    }
  }

  /** Traces a curl of the user, without a password prompt. */
  function traceCall(user: OrdinaryUser, path: string, before: readonly string[] = []): Promise<Outcome> {
    const words = [machine.installed.node, machine.cli, 'run', '--format', 'json', '--'];
    return machine.run(user, [...before, ...words, 'curl', '-s', '-o', '/dev/null', url(path)]);
  }

  async function expectTraced(
    user: OrdinaryUser,
    path: string,
    before: readonly string[] = [],
  ): Promise<void> {
    const { code, stdout, stderr } = await traceCall(user, path, before);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const [exchange] = stdout.split('\n').map((line) => (line === '' ? null : JSON.parse(line)));
    expect(exchange).toMatchObject({ url: url(path), status: 200, process: { name: 'curl' } });
  }

  async function expectRefused(user: OrdinaryUser, why: RegExp): Promise<void> {
    const { code, stderr } = await traceCall(user, '/never');
    expect(stderr).toMatch(why);
    expect(code).toBe(125);
    expect(paths).not.toContain('/never');
  }

  async function doctor(
    user: OrdinaryUser,
    before: readonly string[] = [],
  ): Promise<{
    possible: boolean;
    ways: { id: string; outcome: string }[];
    rights: string;
    code: number | null;
  }> {
    const words = [machine.installed.node, machine.cli, 'doctor', '--format', 'json'];
    const { code, stdout } = await machine.run(user, [...before, ...words]);
    const { possible, ways, checks } = JSON.parse(stdout);
    const rights = checks.find(({ id }: { id: string }) => id === 'rights').detail;
    return { possible, ways, rights, code };
  }

  it('lets an ordinary user without a right of sudo trace their own program, and nobody else', async () => {
    await expectRefused(alice, /rights that you do not have here/);
    expect(await doctor(alice)).toMatchObject({ possible: false, code: 1 });
    await install(alice);
    await expectTraced(alice, '/alice');
    const report = await doctor(alice);
    expect(report).toMatchObject({ possible: true, code: 0 });
    expect(report.ways[0]).toEqual({ id: 'trusted', outcome: 'works', command: LOADER });
    const foreign = await machine.trace(alice, ['attach', String(process.pid)]);
    expect(foreign).toMatchObject({ code: 1, stderr: expect.stringMatching(/belongs to another user/) });

    await expectRefused(mallory, /rights that you do not have here/);
    expect(await doctor(mallory)).toMatchObject({ possible: false, code: 1 });
  });

  it('leaves the helper no right, and the loader no more than it needs', async () => {
    await install(alice);
    const { stdout } = await machine.run(null, ['getcap', LOADER]);
    expect(stdout.trim()).toMatch(/cap_setpcap,cap_sys_ptrace,cap_perfmon,cap_bpf=p$|cap_sys_admin/);
    const script = `curl -s -o /dev/null ${url('/first')}; echo ready; read -r line`;
    const child = machine.spawn(alice, [
      machine.installed.node,
      machine.cli,
      'run',
      '--output',
      'o',
      '--',
      'sh',
      '-c',
      script,
    ]);
    await once(child.stdout!, 'data');
    const processes = readdirSync('/proc').flatMap((pid) => {
      try {
        const command = readFileSync(`/proc/${pid}/cmdline`, 'latin1');
        const isOurs = /^\d+$/.test(pid) && command.includes(`${machine.installed.directory}/helper.js\0`);
        return isOurs ? [{ status: statusOf(Number(pid)), elevated: command.startsWith(LOADER) }] : [];
      } catch {
        return [];
      }
    });
    expect(processes.some(({ elevated }) => !elevated)).toBe(true);
    for (const { status, elevated } of processes) {
      expect(status.get('Uid')).toBe(Array(4).fill(alice.uid).join('\t'));
      expect(status.get('NoNewPrivs')).toBe('1');
      for (const set of ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb']) {
        // The broker, which is still the loader's program: CAP_SYS_PTRACE, and CAP_SYS_ADMIN where there is no uprobe_multi.
        const allowed = elevated && /Prm|Eff/.test(set) ? /^0{8}00(08|28)0000$/ : /^0{16}$/;
        expect([set, status.get(set)]).toEqual([set, expect.stringMatching(allowed)]);
      }
    }
    child.stdin?.end('\n');
    await once(child, 'close');
  });

  it('is enough for TLS', async () => {
    await install(alice);
    const [key, certificate] = ['key.pem', 'certificate.pem'].map((name) =>
      join(machine.installed.directory, name),
    );
    makeCertificate(key ?? '', certificate ?? '');
    const secure = createSecureServer(
      { key: readFileSync(key ?? ''), cert: readFileSync(certificate ?? '') },
      (_request, response) => response.end('ok'),
    );
    secure.listen(0, '127.0.0.1');
    await once(secure, 'listening');
    const address = `https://127.0.0.1:${(secure.address() as AddressInfo).port}/tls`;
    const call = ['run', '--format', 'json', '--', 'curl', '-sk', '-o', '/dev/null', address];
    const { code, stdout, stderr } = await machine.trace(alice, call);
    secure.close();
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(JSON.parse(stdout.split('\n')[0] ?? '')).toMatchObject({
      url: address,
      tls: { library: 'openssl' },
    });
  });

  it('cannot be abused: not by others, not by a copy, not by the environment', async () => {
    await install(alice);
    const rights = async (user: OrdinaryUser, script: string): Promise<Outcome> =>
      machine.run(user, ['sh', '-c', script]);
    expect((await rights(alice, `${LOADER} --check-rights`)).code).toBe(0);
    expect((await rights(mallory, `${LOADER} --check-rights`)).code).toBe(126);
    const linker = '$(readelf -p .interp /bin/true | grep -o "/lib.*")';
    for (const user of [alice, mallory]) {
      // A copy, or the dynamic linker in the loader's place, has no capabilities.
      expect((await rights(user, `cp ${LOADER} copy && chmod 755 copy && ./copy --check-rights`)).code).toBe(
        1,
      );
      expect((await rights(user, `${linker} ${LOADER} --check-rights`)).code).toBe(1);
      expect((await rights(user, `echo x >>${LOADER}`)).code).not.toBe(0);
      expect((await rights(user, `mv ${FOLDER} elsewhere || rm -rf ${LOADER}`)).code).not.toBe(0);
      expect((await rights(user, `${FOLDER}/installer install ${user.uid}`)).stderr).toMatch(/Only root/);
      expect((await rights(user, `${FOLDER}/installer remove`)).stderr).toMatch(/Only root/);
    }
    // The linker's variables are ignored (AT_SECURE); the first line shows what they would do.
    expect((await rights(alice, 'LD_PRELOAD=/nonexistent.so /bin/true')).stderr).toContain(
      'cannot be preloaded',
    );
    const preloaded = await rights(
      alice,
      `LD_PRELOAD=/nonexistent.so LD_DEBUG=libs ${LOADER} --check-rights`,
    );
    expect(preloaded).toEqual({ code: 0, stdout: '', stderr: '' });
    expect((await rights(alice, `setpriv --no-new-privs ${LOADER} --check-rights`)).code).toBe(1);
    // The requester is determined by the real uid.
    const folder = machine.installed.socketDirectory(0);
    const posing = `SUDO_UID=0 PKEXEC_UID=0 ${LOADER} --socket ${folder}/helper --node /bin/true --helper /x`;
    expect((await rights(alice, posing)).stderr).toMatch(/folder does not belong|cannot be opened/);
  });

  it('keeps its permitted users when it is installed for another one, and again', async () => {
    await install(alice, mallory, alice);
    await expectTraced(alice, '/both-alice');
    await expectTraced(mallory, '/both-mallory');
    const { stdout } = await machine.run(null, [
      'python3',
      '-c',
      `import os; print(len(os.getxattr('${LOADER}', 'system.posix_acl_access')))`,
    ]);
    expect(Number(stdout)).toBe(4 + 8 * 6);
  });

  it('of another version is refused with a message, and not executed', async () => {
    await install(alice);
    const marker = join(alice.home, 'executed');
    await machine.run(null, ['sh', '-c', `printf '#!/bin/sh\\ntouch ${marker}\\n' >${LOADER}`]);
    await expectRefused(alice, /belongs to another version of HTTP Trace \(SHA-256 \w{12}…/);
    expect((await doctor(alice)).rights).toMatch(/belongs to another version/);
    expect((await machine.run(null, ['ls', marker])).code).not.toBe(0);
  });

  it.each([
    [
      'its folder',
      `chmod g+w ${FOLDER}`,
      /users other than root can write to \/usr\/local\/libexec\/http-trace\./,
    ],
    ['a folder above', 'chmod o+w /usr/local', /users other than root can write to \/usr\/local\./],
    ['the file', `chown nobody ${LOADER}`, /users other than root can write to .*loader\./],
    ['a link instead', `mv ${LOADER} /usr/local/moved && ln -s /usr/local/moved ${LOADER}`, /is a link/],
  ])('is refused when others could have replaced it (%s)', async (_what, change, why) => {
    await install(alice);
    await machine.run(null, ['sh', '-c', change]);
    await expectRefused(alice, why);
    await machine.run(null, ['sh', '-c', 'chmod 755 /usr/local; rm -f /usr/local/moved']);
  });

  it.each([
    ['removed', () => machine.trace(null, ['uninstall'])],
    ['replaced', () => machine.trace(null, ['install', '--user', alice.name])],
  ])('gives no rights to whoever still holds it open when it is %s', async (_what, change) => {
    await install(alice);
    const script = `
import os, sys
file = os.open("${LOADER}", os.O_PATH)
print("open", flush=True)
sys.stdin.readline()
try:
    os.execve(file, ["loader", "--check-rights"], {})
except OSError as error:
    print(error.strerror)`;
    const holder = machine.spawn(alice, ['/usr/bin/python3', '-c', script]);
    let said = '';
    const opened = new Promise<void>((done) =>
      holder.stdout?.on('data', (text: Buffer) => {
        said += text;
        done();
      }),
    );
    await opened;
    expect(await change()).toMatchObject({ code: 0 });
    holder.stdin?.end('\n');
    await new Promise((done) => holder.once('close', done));
    expect(said).toBe('open\nPermission denied\n');
  });

  it('is removed completely', async () => {
    const before = await machine.listing(...PLACES);
    await install(alice);
    expect(await machine.listing(...PLACES)).not.toBe(before);
    expect(await machine.trace(null, ['uninstall'])).toMatchObject({ code: 0, stderr: '' });
    expect(await machine.listing(...PLACES)).toBe(before);
    await expectRefused(alice, /rights that you do not have here/);
    expect(await machine.trace(null, ['uninstall'])).toMatchObject({ code: 0 });
  });

  describe('its installation', () => {
    const original = (): string => join(machine.nativePath, 'loader');
    afterEach(() => {
      rmSync(original(), { force: true });
      copyFileSync(join(import.meta.dirname, '../../dist/native/loader'), original());
    });

    it.each([
      ['changed', () => appendFileSync(original(), 'x')],
      [
        'swapped for a link to a secret',
        () => {
          rmSync(original());
          symlinkSync('/etc/shadow', original());
        },
      ],
      [
        'swapped for something endless',
        () => {
          rmSync(original());
          symlinkSync('/dev/zero', original());
        },
      ],
    ])('copies nothing that was %s after its hash was shown', async (_what, change) => {
      const before = await machine.listing(...PLACES);
      const { command } = installTask(machine.nativePath, alice.uid);
      change();
      const { code, stdout } = await machine.run(null, command);
      expect(code).not.toBe(0);
      expect(stdout).toContain('loader: FAILED');
      expect(await machine.listing(...PLACES)).toBe(before);
    });

    it('runs the system’s own tools, whatever PATH says', async () => {
      const marker = join(alice.home, 'as-root');
      const tools = ['mkdir', 'rm', 'head', 'sha256sum', 'chmod', 'rmdir'].join(' ');
      const script = `mkdir -p bin && for tool in ${tools}; do printf '#!/bin/sh\\ntouch ${marker}\\n' >bin/$tool; chmod 755 bin/$tool; done`;
      expect((await machine.run(alice, ['sh', '-c', script])).code).toBe(0);
      const { command } = installTask(machine.nativePath, alice.uid);
      const outcome = await machine.run(null, ['env', `PATH=${alice.home}/bin:/usr/bin:/bin`, ...command]);
      expect(outcome).toMatchObject({ code: 0, stderr: '' });
      expect((await machine.run(null, ['ls', marker])).code).not.toBe(0);
    });

    it('is not offered in a folder that others can write to', async () => {
      await machine.run(null, ['chmod', 'g+w', '/usr/local']);
      const { code, stderr } = await machine.trace(null, ['install', '--user', alice.name]);
      await machine.run(null, ['chmod', '755', '/usr/local']);
      expect({ code, stderr }).toMatchObject({
        code: 1,
        stderr: expect.stringMatching(/Users other than root can write/),
      });
    });

    it('refuses a user that does not exist, and root', async () => {
      for (const user of variants(['root', '0', 'nobody-of-this-name', '-1', '1;id'], 0, 3)) {
        expect((await machine.trace(null, ['install', `--user=${user}`])).code).toBe(2);
      }
    });

    it('shows the command when there is no way to ask for a password', async () => {
      const { code, stderr } = await machine.trace(alice, ['install']);
      expect(code).toBe(1);
      expect(stderr).toContain('This has to run as root');
      // The shown command works: as root, from a shell.
      const command = stderr.trim().replace(/^.*?here: /, '');
      expect(await machine.run(null, ['bash', '-c', command])).toMatchObject({ code: 0 });
      await expectTraced(alice, '/by-shown-command');
    });
  });

  it('a rule of sudo for the loader alone works without a terminal, and gives no more', async () => {
    await install(mallory);
    machine.sudoers(`${alice.name} ALL=(root) NOPASSWD: ${LOADER}`);
    await expectTraced(alice, '/by-rule');
    expect((await doctor(alice)).ways.find(({ outcome }) => outcome === 'works')?.id).toBe('trusted-sudo');
    const folder = machine.installed.socketDirectory(0);
    const daemon = spawn(machine.installed.node, [
      '-e',
      `require('net').createServer(() => process.exit(7)).listen('${folder}/helper', () => console.log())`,
    ]);
    await once(daemon.stdout, 'data');
    const evil = join(alice.home, 'evil');
    await machine.run(alice, [
      'sh',
      '-c',
      `printf '#!/bin/sh\\nid >${evil}.out\\n' >${evil}; chmod 755 ${evil}`,
    ]);
    const words = ['--socket', `${folder}/helper`, '--node', evil, '--helper', '/x'];
    const outcome = await machine.run(alice, ['sudo', '-n', LOADER, ...words]);
    expect(outcome).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/cannot be opened|does not belong/),
    });
    expect((await machine.run(null, ['ls', `${evil}.out`])).code).not.toBe(0);
    expect(daemon.exitCode).toBeNull();
    daemon.kill();
  });

  describe('polkit', () => {
    beforeAll(() => machine.startPolkit());

    it('lets users with an active session trace without a password, and no others', {
      timeout: 120_000,
    }, async () => {
      await install(mallory);
      expect((await doctor(alice)).ways).toContainEqual(
        expect.objectContaining({ id: 'trusted-pkexec', outcome: 'refused' }),
      );
      await expectRefused(alice, /rights that you do not have here/);
      const session = await machine.activeSession(alice);
      // Enters the control group as root, then becomes the user.
      const [enter, ...rest] = [session, alice.prefix].flat();
      const words = [enter ?? '', ...rest, machine.installed.node, machine.cli];
      const report = JSON.parse((await machine.run(null, [...words, 'doctor', '--format', 'json'])).stdout);
      expect(report.ways).toContainEqual(expect.objectContaining({ id: 'trusted-pkexec', outcome: 'works' }));
      const call = ['run', '--format', 'json', '--', 'curl', '-s', '-o', '/dev/null', url('/by-polkit')];
      const { code, stdout, stderr } = await machine.run(null, [...words, ...call]);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(JSON.parse(stdout.split('\n')[0] ?? '')).toMatchObject({ url: url('/by-polkit'), status: 200 });
    });

    it('installs by @vscode/sudo-prompt, from a folder of any name', { timeout: 120_000 }, async () => {
      await machine.polkitRule(
        `polkit.addRule(function (action, subject) {
          if (action.id == 'org.freedesktop.policykit.exec' && subject.user == '${alice.name}') return polkit.Result.YES;
        });`,
      );
      const hostile = '$(touch ~/injected)`touch ~/injected`';
      const script = `mkdir -p '${hostile}' && cd '${hostile}' && exec "$@"`;
      const words = [machine.installed.node, machine.cli, 'install', '--dialog'];
      const outcome = await machine.run(alice, ['sh', '-c', script, 'sh', ...words]);
      expect(outcome).toMatchObject({ code: 0, stderr: '' });
      await expectTraced(alice, '/by-dialog');
      expect((await machine.run(null, ['ls', join(alice.home, 'injected')])).code).not.toBe(0);
      const removed = await machine.trace(alice, ['uninstall', '--dialog']);
      expect(removed).toMatchObject({ code: 0, stderr: '' });
      expect((await machine.run(null, ['ls', FOLDER])).code).not.toBe(0);
    });

    it('reports that no dialog could be shown, or that it was refused', async () => {
      await machine.polkitRule('');
      const { code } = await machine.trace(alice, ['install', '--dialog']);
      expect([3, 4]).toContain(code);
      expect((await machine.run(null, ['ls', FOLDER])).code).not.toBe(0);
    });
  });
});
