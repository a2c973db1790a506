/**
 * A machine to install on, and ordinary users, both created and removed by the test. The machine is this one in a
 * mount namespace with separate folders where the installation, sudo and polkit keep their files, so that no real
 * file is touched; the users are real ones.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, copyFileSync, existsSync, mkdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { Installed } from './rig.ts';

export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Made with a home folder and a password, and in no group but its own. */
export class OrdinaryUser {
  readonly name = `http-trace-${randomBytes(4).toString('hex')}`;
  readonly password = randomBytes(12).toString('hex');
  readonly home: string;
  readonly uid: number;

  constructor() {
    must('useradd', ['--create-home', '--user-group', '--shell', '/bin/bash', this.name]);
    must('chpasswd', [], `${this.name}:${this.password}\n`);
    this.uid = Number(must('id', ['-u', this.name]));
    this.home = must('getent', ['passwd', this.name]).split(':')[5] ?? '';
  }

  /** Words before a command that make it run as this user. */
  get prefix(): string[] {
    const { name, home } = this;
    const environment = [
      `HOME=${home}`,
      `USER=${name}`,
      `LOGNAME=${name}`,
      'PATH=/usr/sbin:/usr/bin:/sbin:/bin',
    ];
    return [
      'setpriv',
      '--reuid',
      name,
      '--regid',
      name,
      '--init-groups',
      'env',
      '-i',
      '-C',
      home,
      ...environment,
    ];
  }

  remove(): void {
    spawnSync('userdel', ['--remove', '--force', this.name]);
  }
}

/** Makes the namespace, prints `ready`, and keeps it alive. */
const SETUP = `
set -e
mount -t tmpfs -o mode=755 none /usr/local
mkdir /run/http-trace-actions.$$
cp /usr/share/polkit-1/actions/org.freedesktop.policykit.policy /run/http-trace-actions.$$/
mount -t tmpfs -o mode=755 none /usr/share/polkit-1/actions
cp /run/http-trace-actions.$$/* /usr/share/polkit-1/actions/
rm -r /run/http-trace-actions.$$
mkdir -p /run/dbus /run/systemd
mount -t tmpfs -o mode=755 none /run/dbus
mount -t tmpfs -o mode=755 none /run/systemd
mkdir /run/systemd/sessions /run/systemd/users /run/systemd/seats
mount -t tmpfs -o mode=755 none /etc/polkit-1
mkdir /etc/polkit-1/rules.d
mount --bind "$1" /etc/sudoers
echo ready
exec sleep infinity
`;

const dist = resolve(import.meta.dirname, '../../dist');

export class Machine {
  /** The product, where a user's extensions would be, but readable for all. */
  readonly installed = new Installed();
  readonly cli = join(this.installed.directory, 'http-trace');
  readonly nativePath = join(this.installed.directory, 'native');
  readonly #sudoers = join(this.installed.directory, 'sudoers');
  readonly #daemons: ChildProcess[] = [];
  #polkitd: ChildProcess | null = null;
  readonly #cgroups: string[] = [];
  #space: ChildProcess | null = null;

  static async start(): Promise<Machine> {
    const machine = new Machine();
    for (const name of ['http-trace', 'native/gate', 'native/installer']) {
      copyFileSync(join(dist, name), join(machine.installed.directory, name));
      chmodSync(join(machine.installed.directory, name), 0o755);
    }
    machine.sudoers('');
    const space = spawn(
      'unshare',
      ['--mount', '--propagation', 'private', 'sh', '-c', SETUP, 'sh', machine.#sudoers],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    machine.#space = space;
    const [said] = (await Promise.race([once(space.stdout, 'data'), once(space, 'exit')])) as [unknown];
    if (String(said) !== 'ready\n') throw new Error('the machine could not be set up');
    return machine;
  }

  /** Sets the content of /etc/sudoers there. */
  sudoers(lines: string): void {
    // The same inode: it is mounted.
    writeFileSync(
      this.#sudoers,
      `Defaults secure_path="/usr/sbin:/usr/bin:/sbin:/bin"\nDefaults !use_pty\n${lines}\n`,
    );
    chmodSync(this.#sudoers, 0o440);
  }

  /** Words before a command that is to run on the machine, as root. */
  get prefix(): string[] {
    return ['nsenter', `--mount=/proc/${this.#space?.pid}/ns/mnt`, '--'];
  }

  /** As root, or as the user. */
  async run(user: OrdinaryUser | null, command: readonly string[], input = ''): Promise<Outcome> {
    return ended(this.spawn(user, command), input);
  }

  spawn(user: OrdinaryUser | null, command: readonly string[]): ChildProcess {
    const clean = ['env', '-u', 'SUDO_UID', '-u', 'SUDO_GID', '-u', 'PKEXEC_UID'];
    const [program = '', ...args] = [...this.prefix, ...(user?.prefix ?? clean), ...command];
    return spawn(program, args, { stdio: 'pipe', cwd: '/' });
  }

  /** `http-trace ARGS…`. */
  trace(user: OrdinaryUser | null, args: readonly string[]): Promise<Outcome> {
    return this.run(user, [this.installed.node, this.cli, ...args]);
  }

  /** The system bus and polkitd, as Debian has them. */
  async startPolkit(): Promise<void> {
    this.#startDaemon(['dbus-daemon', '--system', '--nofork', '--nopidfile']);
    await this.#untilOnBus('org.freedesktop.DBus', true);
    await this.#startPolkitd();
  }

  #startDaemon(command: readonly string[]): ChildProcess {
    const daemon = spawn('nsenter', [...this.prefix.slice(1), ...command], { stdio: 'ignore' });
    this.#daemons.push(daemon);
    return daemon;
  }

  async #startPolkitd(): Promise<void> {
    this.#polkitd = this.#startDaemon([POLKITD.find(existsSync) ?? '', '--no-debug']);
    await this.#untilOnBus(POLKIT_NAME, true);
  }

  /** @throws when the name does not appear on the system bus, or disappear from it, within a minute */
  async #untilOnBus(name: string, present: boolean): Promise<void> {
    const ask = ['dbus-send', '--system', '--print-reply=literal', '--dest=org.freedesktop.DBus', '/'];
    const command = [...ask, 'org.freedesktop.DBus.NameHasOwner', `string:${name}`];
    for (const end = performance.now() + 60_000; performance.now() < end; ) {
      const { code, stdout } = await this.run(null, command);
      if (code === 0 && stdout.trim() === `boolean ${present}`) return;
      await new Promise((later) => setTimeout(later, 50));
    }
    throw new Error(`${name} is ${present ? 'not' : 'still'} on the system bus`);
  }

  /** A rule of polkit's, in its JavaScript. */
  async polkitRule(text: string): Promise<void> {
    await this.run(null, ['sh', '-c', 'cat >/etc/polkit-1/rules.d/50-test.rules'], text);
    // It would read them again by itself, but nothing shows when it has.
    this.#polkitd?.kill('SIGKILL');
    await this.#untilOnBus(POLKIT_NAME, false);
    await this.#startPolkitd();
  }

  /**
   * A session of the user's at this machine, as logind would record it: a control group, and files that say that
   * it is active. @returns words before a command that is to run in it
   */
  async activeSession(user: OrdinaryUser): Promise<string[]> {
    const root = ['/sys/fs/cgroup/unified', '/sys/fs/cgroup'].find((path) =>
      existsSync(join(path, 'cgroup.procs')),
    );
    if (root === undefined) throw new Error('there is no unified hierarchy of control groups');
    const group = join(root, 'user.slice', `user-${user.uid}.slice`, 'session-7.scope');
    mkdirSync(group, { recursive: true });
    this.#cgroups.push(group, dirname(group), dirname(dirname(group)));
    const session = `UID=${user.uid}\nUSER=${user.name}\nACTIVE=1\nSTATE=active\nREMOTE=0\nTYPE=x11\nCLASS=user\nSEAT=seat0\nLEADER=1\n`;
    const owner = `NAME=${user.name}\nSTATE=active\nSESSIONS=7\nACTIVE_SESSIONS=7\nONLINE_SESSIONS=7\nSEATS=seat0\nACTIVE_SEATS=seat0\n`;
    const seat = `IS_SEAT0=1\nCAN_GRAPHICAL=1\nACTIVE=7\nACTIVE_UID=${user.uid}\nSESSIONS=7\n`;
    for (const [path, text] of [
      ['sessions/7', session],
      [`users/${user.uid}`, owner],
      ['seats/seat0', seat],
    ] as const) {
      await this.run(null, ['sh', '-c', `cat >/run/systemd/${path}`], text);
    }
    return ['sh', '-c', `echo 0 >${group}/cgroup.procs && exec "$@"`, 'sh'];
  }

  /** Every file below these folders of the machine, with what matters of it. */
  async listing(...folders: readonly string[]): Promise<string> {
    const { stdout } = await this.run(null, ['find', ...folders, '-printf', '%p %M %u %g %s\n']);
    return stdout.split('\n').sort().join('\n');
  }

  stop(): void {
    for (const daemon of this.#daemons) daemon.kill('SIGKILL');
    this.#space?.kill('SIGKILL');
    for (const group of this.#cgroups) {
      try {
        rmdirSync(group);
      } catch {} // Others' groups may be below it.
    }
    this.installed.remove();
  }
}

async function ended(child: ChildProcess, input: string): Promise<Outcome> {
  let stdout = '';
  let stderr = '';
  child.stdout?.on('data', (piece: Buffer) => {
    stdout += piece;
  });
  child.stderr?.on('data', (piece: Buffer) => {
    stderr += piece;
  });
  child.stdin?.on('error', () => {}); // It may end without reading.
  child.stdin?.end(input);
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stdout, stderr };
}

function must(program: string, args: readonly string[], input = ''): string {
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8', input });
  if (status !== 0) throw new Error(`${program} ended with ${status}: ${stderr}`);
  return stdout.trim();
}

const POLKIT_NAME = 'org.freedesktop.PolicyKit1';
/** Of Debian 12, and of older ones. */
const POLKITD = ['/usr/lib/polkit-1/polkitd', '/usr/lib/policykit-1/polkitd'];

/** Why these tests cannot run; null when they can. */
export function machineMissing(): string | null {
  const needed = [
    ['/usr/bin/sudo'],
    ['/usr/bin/pkexec'],
    ['/usr/bin/dbus-daemon'],
    ['/usr/bin/dbus-send'],
    POLKITD,
  ];
  const missing = needed.filter((paths) => !paths.some(existsSync));
  return missing.length === 0 ? null : `needs ${missing.map(([path]) => path).join(', ')}`;
}
