/** Tracing as an ordinary user by sudo, and running http-trace itself by sudo. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { terminalCommand } from '../../extension/commands/terminalCommand.ts';
import { variants } from '../kit/tier.mjs';
import { Machine, machineMissing, OrdinaryUser, type Outcome } from './machine.ts';
import { statusOf, whySkipped } from './rig.ts';

const reason = whySkipped() ?? machineMissing();
if (reason !== null) console.warn(`skipped: the tests of sudo (${reason})`);

describe.skipIf(reason !== null)('an ordinary user', () => {
  let machine: Machine;
  let user: OrdinaryUser;
  const paths: string[] = [];
  const server = createServer((request, response) => {
    paths.push(request.url ?? '');
    response.end('ok');
  });

  beforeAll(async () => {
    machine = await Machine.start();
    user = new OrdinaryUser();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  afterAll(() => {
    server.close();
    machine?.stop();
    user?.remove();
  });
  afterEach(() => {
    paths.length = 0;
  });

  const url = (path: string): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`;
  const curl = (path: string): string[] => ['curl', '-s', '-o', '/dev/null', url(path)];

  function expectTraced({ code, stdout, stderr }: Outcome, path: string): void {
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const [exchange, summary] = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(exchange).toMatchObject({
      url: url(path),
      status: 200,
      side: 'client',
      process: { name: 'curl' },
    });
    expect(summary.summary).toMatchObject({ exchanges: 1, dropped: 0 });
  }

  it('with sudo without a password traces at once', async () => {
    machine.sudoers(`${user.name} ALL=(root) NOPASSWD: ALL`);
    expectTraced(
      await machine.trace(user, ['run', '--format', 'json', '--', ...curl('/by-sudo')]),
      '/by-sudo',
    );
  });

  it('traces only their own processes', async () => {
    machine.sudoers(`${user.name} ALL=(root) NOPASSWD: ALL`);
    const { code, stderr } = await machine.trace(user, ['attach', String(process.pid)]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/belongs to another user/);
  });

  it('with a sudo rule for the loader alone traces at once', async () => {
    machine.sudoers(`${user.name} ALL=(root) NOPASSWD: ${machine.installed.loader}`);
    expectTraced(await machine.trace(user, ['run', '--format', 'json', '--', ...curl('/rule')]), '/rule');
  });

  it('without a terminal to ask for the password, a message says what to do, and the command is not run', async () => {
    machine.sudoers(`${user.name} ALL=(root) ALL`);
    const { code, stderr } = await machine.trace(user, ['run', '--', ...curl('/never')]);
    expect(code).toBe(125);
    expect(stderr).toMatch(/In a terminal, http-trace asks for the password of sudo/);
    expect(paths).not.toContain('/never');
  });

  describe('on a terminal', () => {
    /** Runs a line of a shell's on a terminal of its own, and types the password when it is asked for. */
    /** @param onScreen gets what has been shown so far, each time that something is. */
    async function type(
      line: string,
      password: string,
      onScreen: (screen: string) => void = () => {},
    ): Promise<{ code: number | null; screen: string }> {
      const terminal = machine.spawn(user, [
        'script',
        '--quiet',
        '--return',
        '--flush',
        '--command',
        line,
        '/dev/null',
      ]);
      let screen = '';
      let typed = false;
      terminal.stdout?.on('data', (piece: Buffer) => {
        screen += piece;
        if (/password for/.test(screen) && !typed) {
          typed = true;
          terminal.stdin?.write(`${password}\n`);
        }
        onScreen(screen);
      });
      const [code] = (await once(terminal, 'close')) as [number | null];
      return { code, screen };
    }

    it('what Copy Command puts on the clipboard works, and runs no Node as root', async () => {
      machine.sudoers(`${user.name} ALL=(root) ALL`);
      const script = `while ! [ -e ${user.home}/go ]; do sleep 0.1; done; ${curl('/copied').join(' ')}; sleep 0.5`;
      const target = machine.spawn(user, ['sh', '-c', script]);
      const pid = await targetOf(script);
      const elevated = watchNode();
      const command = terminalCommand(machine.installed.node, extensionPath(), [pid]);
      expect(command).not.toMatch(/\bsudo\b/);
      const { code, screen } = await type(`${command} --verbose`, user.password, (shown) => {
        if (shown.includes('Ctrl+C stops')) writeFileSync(join(user.home, 'go'), '');
      });
      target.kill();
      expect(screen).toContain(`sudo -- ${machine.installed.loader}`);
      expect(screen).toMatch(/only processes you own/);
      expect(screen).toMatch(new RegExp(`GET\\s+200.*${url('/copied')}`));
      expect(code).toBe(0);
      expect(elevated()).toEqual([]);
    });

    it('after a wrong password there is no trace, and it is not asked for again', async () => {
      machine.sudoers(`Defaults passwd_tries=1\n${user.name} ALL=(root) ALL`);
      const command = `${machine.installed.node} ${machine.cli} run -- ${curl('/never').join(' ')}`;
      const { code, screen } = await type(command, 'wrong');
      expect(code).toBe(125);
      expect(screen.match(/HTTP Trace runs/g)).toHaveLength(1);
      expect(paths).not.toContain('/never');
    });

    /** As VS Code's extension: with dist/ below it. */
    function extensionPath(): string {
      return join(machine.installed.directory, 'extension');
    }

    beforeAll(async () => {
      await machine.run(null, ['mkdir', extensionPath()]);
      await machine.run(null, ['ln', '-s', machine.installed.directory, join(extensionPath(), 'dist')]);
    });
  });

  /** Resolves when the stream has brought these words. @throws Error when it ends without them */
  async function said(stream: Readable | null, words: string): Promise<void> {
    let text = '';
    for await (const piece of stream?.iterator({ destroyOnReturn: false }) ?? []) {
      text += piece;
      if (text.includes(words)) return;
    }
    throw new Error(`ended without saying ${words}: ${text}`);
  }

  /** The process whose command line holds this. */
  async function targetOf(script: string): Promise<number> {
    for (;;) {
      const found = processes().find(({ command }) => command.startsWith(`sh\0-c\0${script}`));
      if (found !== undefined) return found.pid;
      await new Promise((later) => setTimeout(later, 50));
    }
  }

  /** Looks until it is called for Nodes of the machine that run as root; their command lines. */
  function watchNode(): () => string[] {
    const seen = new Set<string>();
    const look = setInterval(() => {
      for (const { pid } of processes()) {
        try {
          // In this order: a child that is about to execute sudo has Node's command line until it does.
          const uids = statusOf(pid).get('Uid')?.split('\t') ?? [];
          const command = readFileSync(`/proc/${pid}/cmdline`, 'latin1');
          const isOurs =
            command.startsWith(machine.installed.node) && command.includes(machine.installed.directory);
          if (isOurs && uids.includes('0')) seen.add(command.replaceAll('\0', ' '));
        } catch {} // Ended meanwhile.
      }
    }, 20);
    return () => {
      clearInterval(look);
      return [...seen];
    };
  }

  function processes(): { pid: number; command: string }[] {
    return readdirSync('/proc').flatMap((pid) => {
      try {
        return /^\d+$/.test(pid)
          ? [{ pid: Number(pid), command: readFileSync(`/proc/${pid}/cmdline`, 'latin1') }]
          : [];
      } catch {
        return [];
      }
    });
  }

  describe('sudo http-trace', () => {
    const shells = (): [string, string[]][] => [
      ['sudo', ['sudo', '-n']],
      ['sudo -i', ['sudo', '-n', '-i']],
      ['sudo -s', ['sudo', '-n', '-s', '--']],
      ['sudo within sudo', ['sudo', '-n', 'sudo', '-n']],
      ['su within sudo', ['sudo', '-n', 'su', 'root', '-c', '"$0" "$@"', '--']],
    ];

    beforeAll(() => machine.sudoers(`${user.name} ALL=(root) NOPASSWD: ALL\nroot ALL=(ALL) ALL`));

    it.each(variants(shells(), 3, 3))(
      '%s: run traces its command, which runs as root',
      async (_what, words) => {
        const script = `id -u >&2; ${curl('/as-root').join(' ')}`;
        const args = [
          machine.installed.node,
          machine.cli,
          'run',
          '--format',
          'json',
          '--',
          'sh',
          '-c',
          script,
        ];
        const outcome = await machine.run(user, [...words, ...args]);
        expect(outcome.stderr).toBe('0\n');
        expectTraced({ ...outcome, stderr: '' }, '/as-root');
      },
    );

    it('without the variables of sudo (a shell of root’s by su): so too', async () => {
      const args = [
        'env',
        '-u',
        'SUDO_UID',
        machine.installed.node,
        machine.cli,
        'run',
        '--format',
        'json',
        '--',
      ];
      expectTraced(await machine.run(user, ['sudo', '-n', ...args, ...curl('/su')]), '/su');
    });

    it('attach to one’s own process: everything but the loader is the user’s', async () => {
      const script = `read -r line; ${curl('/own').join(' ')}; sleep 0.5`;
      const target = machine.spawn(user, ['sh', '-c', script]);
      const pid = await targetOf(script);
      const output = join(user.home, 'own.jsonl');
      const words = [
        machine.installed.node,
        machine.cli,
        'attach',
        String(pid),
        '--format',
        'json',
        '--verbose',
      ];
      const tracer = machine.spawn(user, ['sudo', '-n', ...words, '--output', output]);
      await said(tracer.stderr, 'tracing ');
      const nodes = processes().filter(
        ({ command }) =>
          command.startsWith(machine.installed.node) && command.includes(machine.installed.directory),
      );
      // http-trace itself and the helper.
      expect(nodes.length).toBe(2);
      for (const { pid: node } of nodes) {
        const status = statusOf(node);
        expect(status.get('Uid')).toBe(Array(4).fill(user.uid).join('\t'));
        expect(status.get('Gid')).toBe(Array(4).fill(user.uid).join('\t'));
        expect(status.get('CapPrm')).toBe('0000000000000000');
      }
      target.stdin?.end('\n');
      const [code] = await once(tracer, 'close');
      expect(code).toBe(0);
      expect(statSync(output)).toMatchObject({ uid: user.uid, mode: 0o100600 });
      expect(JSON.parse(readFileSync(output, 'utf8').split('\n')[0] ?? '')).toMatchObject({
        url: url('/own'),
      });
    });

    it('attach to a process of another user works for root', async () => {
      const target = spawn('sh', ['-c', `read -r line; ${curl('/roots').join(' ')}; sleep 0.5`]);
      const words = [machine.installed.node, machine.cli, 'attach', String(target.pid), '--verbose'];
      const tracer = machine.spawn(user, ['sudo', '-n', ...words]);
      let screen = '';
      tracer.stdout?.on('data', (piece: Buffer) => {
        screen += piece;
      });
      await said(tracer.stderr, 'tracing ');
      target.stdin.end('\n');
      await once(tracer, 'close');
      expect(screen).toContain(url('/roots'));
    });
  });
});
